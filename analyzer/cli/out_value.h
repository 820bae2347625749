/*
 * out_value.h - one value of a document and its three spellings. For out*.c only.
 *
 * The functions append to a str and return 0 or -ENOMEM.
 */
#ifndef ALLOCAUDIT_OUT_VALUE_H
#define ALLOCAUDIT_OUT_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/str.h"

enum out_kind {
    OUT_KIND_NULL,
    OUT_KIND_TEXT,
    OUT_KIND_ASIDE,
    OUT_KIND_BOOL,
    OUT_KIND_NUMBER,
    OUT_KIND_COUNT,
    OUT_KIND_BYTES,
    OUT_KIND_NS,
    OUT_KIND_MOMENT,
    OUT_KIND_REAL,
    OUT_KIND_PERCENT,
};

struct out_value {
    enum out_kind kind;
    int64_t number;    /* BOOL .. MOMENT */
    double real;       /* REAL, PERCENT */
    unsigned decimals; /* REAL in tables */
    const char *text;  /* TEXT, ASIDE */
    bool is_change;    /* tables: '+' before what is above 0 */
};

/* Whether its column is right-aligned. */
bool out_value_is_numeric(const struct out_value *value);

/* For people: scaled, with its unit, control characters visible. */
int out_value_append_table(const struct out_value *value, struct str *text);

/* Raw, as JSON. */
int out_value_append_json(const struct out_value *value, struct str *text);

/* Raw, as a field of CSV; null is the empty field. */
int out_value_append_csv(const struct out_value *value, struct str *text);

#endif
