#include "churn.h"

#include <errno.h>
#include <stdlib.h>

static int compare_numbers(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static uint64_t sort_for_median(uint64_t *numbers, size_t count)
{
    qsort(numbers, count, sizeof(*numbers), compare_numbers);
    return numbers[(count - 1) / 2];
}

/* Both sorted: walks along them. One that ends when another begins is there with it. */
static uint64_t count_at_once(const uint64_t *starts, const uint64_t *ends, size_t count)
{
    uint64_t most = 0;
    size_t ended = 0;
    for (size_t i = 0; i < count; i++) {
        while (ends[ended] < starts[i]) {
            ended++;
        }
        uint64_t now = i + 1 - ended;
        most = now > most ? now : most;
    }
    return most;
}

static void work_out(struct churn *churn, uint64_t *columns[4], size_t count)
{
    uint64_t *starts = columns[0];
    uint64_t *ends = columns[1];
    churn->life_p50_ns = sort_for_median(columns[2], count);
    churn->life_max_ns = columns[2][count - 1];
    churn->allocation_p50_count = sort_for_median(columns[3], count);
    churn->allocation_max_count = columns[3][count - 1];
    (void)sort_for_median(starts, count);
    (void)sort_for_median(ends, count);
    churn->duration_ns = ends[count - 1] - starts[0];
    churn->at_once_max = count_at_once(starts, ends, count);
}

int churn_find(const struct trace *trace, uint32_t process_id, struct churn *out_churn,
               struct err *err)
{
    struct churn churn = {0};
    uint64_t *numbers = calloc(4 * (trace->thread_count + 1), sizeof(*numbers));
    uint64_t *columns[4];
    if (numbers == NULL) {
        return err_set_errno(err, ENOMEM, "cannot count threads");
    }
    for (size_t i = 0; i < 4; i++) {
        columns[i] = numbers + i * (trace->thread_count + 1);
    }
    size_t count = 0;
    for (size_t i = 0; i < trace->thread_count; i++) {
        const struct thread_row *thread = &trace->threads[i];
        if (thread->process_id != process_id) {
            continue;
        }
        columns[0][count] = thread->started_ns;
        columns[1][count] = thread->ended_ns;
        columns[2][count] = thread->ended_ns - thread->started_ns;
        columns[3][count] = thread->allocation_count;
        churn.idle_count += thread->allocation_count < CHURN_FEW;
        count++;
    }
    churn.thread_count = count;
    if (count > 0) {
        work_out(&churn, columns, count);
    }
    free(numbers);
    *out_churn = churn;
    return 0;
}
