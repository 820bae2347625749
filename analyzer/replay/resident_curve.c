#include "resident_curve.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/vec.h"

static int read_line(const char *line, struct resident_curve *curve)
{
    struct resident_reading reading;
    if (sscanf(line, "rss_ready_bytes %" SCNu64, &curve->ready_bytes) == 1 ||
        sscanf(line, "reading %" SCNu64 " %" SCNu64, &reading.at_ns, &reading.bytes) != 2) {
        return 0;
    }
    int result = vec_reserve((void **)&curve->readings, &curve->capacity, curve->count + 1,
                             sizeof(*curve->readings));
    if (result == 0) {
        curve->readings[curve->count++] = reading;
    }
    return result;
}

int resident_curve_read(const char *answer, struct resident_curve *out_curve, struct err *err)
{
    struct resident_curve curve = {0};
    int result = 0;
    for (const char *line = answer; *line != '\0' && result == 0; line += line[0] == '\n') {
        result = read_line(line, &curve);
        line += strcspn(line, "\n");
    }
    if (result < 0) {
        err_set_errno(err, -result, "cannot replay");
    } else if (curve.count == 0) {
        result = err_set(err, EBADMSG, "gave no readings");
    }
    if (result < 0) {
        resident_curve_fini(&curve);
        return result;
    }
    *out_curve = curve;
    return 0;
}

uint64_t resident_curve_most(const struct resident_curve *curve, size_t *cursor, uint64_t from_ns,
                             uint64_t to_ns)
{
    while (*cursor + 1 < curve->count && curve->readings[*cursor + 1].at_ns <= from_ns) {
        (*cursor)++;
    }
    uint64_t most_bytes = curve->readings[*cursor].bytes;
    for (size_t i = *cursor + 1; i < curve->count && curve->readings[i].at_ns < to_ns; i++) {
        uint64_t bytes = curve->readings[i].bytes;
        most_bytes = bytes > most_bytes ? bytes : most_bytes;
    }
    return most_bytes > curve->ready_bytes ? most_bytes - curve->ready_bytes : 0;
}

void resident_curve_fini(struct resident_curve *curve)
{
    free(curve->readings);
    *curve = (struct resident_curve){0};
}
