/*
 * amount.h - what people write for a limit: "250000", "64MiB + 5%", "= 12", "3MiB +- 64KiB".
 *
 * N or "<= N" is an upper limit, "= N" exactly that. "+ T" makes an upper limit larger by T, and
 * "+- T" gives both sides room; T is an amount or a percentage of N. Bytes may have a unit.
 */
#ifndef ALLOCAUDIT_AMOUNT_H
#define ALLOCAUDIT_AMOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/err.h"

struct amount_range {
    uint64_t at_least; /* inclusive */
    uint64_t at_most;
};

/* Returns 0 and *out_range, or -EINVAL or -ERANGE: err says what is wrong with the text. */
int amount_parse(const char *text, bool is_bytes, struct amount_range *out_range, struct err *err);

/* value and its tolerance alone ("1%", "64KiB"): what `tolerance` of `value` comes to. */
int amount_tolerance(const char *text, uint64_t value, bool is_bytes, uint64_t *out_tolerance,
                     struct err *err);

#endif
