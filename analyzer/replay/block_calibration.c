#include "block_calibration.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int block_calibration_read(const char *answer, struct block_costs *out_costs)
{
    uint32_t place = 1;
    *out_costs = (struct block_costs){.is_measured = false};
    for (const char *line = answer; *line != '\0';) {
        unsigned long long size_bytes;
        double usable_bytes;
        double growth_bytes;
        const char *end = strchr(line, '\n');
        if (end == NULL ||
            sscanf(line, "block %llu %lf %lf", &size_bytes, &usable_bytes, &growth_bytes) != 3 ||
            size_bytes > BLOCK_COST_SIZE_MAX || block_cost_place(size_bytes) < place) {
            return -EBADMSG;
        }
        for (; place <= block_cost_place(size_bytes); place++) {
            out_costs->usable_bytes[place] = (float)usable_bytes;
            out_costs->growth_bytes[place] = (float)growth_bytes;
        }
        line = end + 1;
    }
    out_costs->is_measured = place == BLOCK_COST_PLACES;
    return out_costs->is_measured ? 0 : -EBADMSG;
}

void block_calibration_measure(const char *program, const struct replay_candidate *candidate,
                               struct block_costs *out_costs)
{
    char size_max[24];
    (void)snprintf(size_max, sizeof(size_max), "%d", BLOCK_COST_SIZE_MAX);
    const char *const words[] = {"allocaudit-replay", "blocks", size_max, NULL};
    struct str answer = {0};
    struct err ignored;
    *out_costs = (struct block_costs){.is_measured = false};
    if (replay_candidate_run(candidate, program, words, &answer, &ignored) == 0) {
        (void)block_calibration_read(str_text(&answer), out_costs);
    }
    str_fini(&answer);
}
