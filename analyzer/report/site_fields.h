/*
 * site_fields.h - the figures of a site, as columns of the tables of sites and as keys in JSON.
 */
#ifndef ALLOCAUDIT_SITE_FIELDS_H
#define ALLOCAUDIT_SITE_FIELDS_H

#include "report.h"

enum site_field {
    FIELD_NONE, /* ends a list */
    FIELD_MARGIN,
    FIELD_SHARE,
    FIELD_MEAN_SIZE,
    FIELD_MEAN_TIME,
    FIELD_MEAN_LIFETIME,
    FIELD_TEMPORARY,
    FIELD_TEMPORARY_SHARE,
    FIELD_FIRST_COLUMN, /* from here on: column_fields[field - FIELD_FIRST_COLUMN] */
    FIELD_ALLOCATION_COUNT = FIELD_FIRST_COLUMN,
    FIELD_ALLOCATED_BYTES,
    FIELD_USABLE_BYTES,
    FIELD_FREE_COUNT,
    FIELD_FAILED_COUNT,
    FIELD_SIZE_MIN,
    FIELD_SIZE_MAX,
    FIELD_LIVE_COUNT_MAX,
    FIELD_LIVE_BYTES_MAX,
    FIELD_PEAK_COUNT,
    FIELD_PEAK_BYTES,
    FIELD_LEAKED_COUNT,
    FIELD_LEAKED_BYTES,
    FIELD_TIME,
    FIELD_TIMED_COUNT,
    FIELD_LIFETIME_SUM,
    FIELD_LIFETIME_MAX,
    FIELD_REMOTE_FREE_COUNT,
    FIELD_REALLOC_COUNT,
    FIELD_REALLOC_MOVED_COUNT,
    FIELD_REALLOC_MOVED_BYTES,
    FIELD_REALLOC_CHAIN_MAX,
    FIELD_LARGE_COUNT,
    FIELD_LARGE_BYTES,
    FIELD_FIRST_STDERR,
    FIELD_COUNT_STDERR = FIELD_FIRST_STDERR,
    FIELD_BYTES_STDERR,
    FIELD_LEAKED_COUNT_STDERR,
    FIELD_LEAKED_BYTES_STDERR,
    FIELD_COUNT
};

/* A site with what is printed of it. */
struct shown_site {
    struct site_row row;
    enum site_key sort;
    uint64_t temporary_count;
    uint64_t sort_value;
    uint64_t sort_total;
};

/* One cell, if the recording can tell it. A figure that is not shown stands in JSON only. */
void site_field_print(struct report *report, enum site_field field, const struct shown_site *site,
                      bool is_shown);

/* The figure of a field from FIELD_FIRST_COLUMN on. */
uint64_t site_field_value(enum site_field field, const struct site_row *row);

#endif
