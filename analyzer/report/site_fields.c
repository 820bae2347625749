#include "site_fields.h"

#include <math.h>
#include <stddef.h>

enum field_unit {
    UNIT_COUNT,
    UNIT_BYTES,
    UNIT_NS
};

struct column_field {
    const char *key; /* as the column of `site` is called */
    const char *label;
    enum field_unit unit;
    bool needs_whole_run;
    size_t offset; /* in struct site_row */
};

#define COLUMN(name, label, unit, needs_whole_run)                                                 \
    {                                                                                              \
#        name, label, unit, needs_whole_run, offsetof(struct site_row, name)                       \
    }

static const struct column_field column_fields[] = {
    COLUMN(allocation_count, "allocations", UNIT_COUNT, false),
    COLUMN(allocated_bytes, "allocated", UNIT_BYTES, false),
    COLUMN(usable_bytes, "usable", UNIT_BYTES, false),
    COLUMN(free_count, "frees", UNIT_COUNT, false),
    COLUMN(failed_count, "failed", UNIT_COUNT, true),
    COLUMN(size_min_bytes, "smallest", UNIT_BYTES, false),
    COLUMN(size_max_bytes, "largest", UNIT_BYTES, false),
    COLUMN(live_count_max, "most live blocks", UNIT_COUNT, true),
    COLUMN(live_bytes_max, "most live", UNIT_BYTES, true),
    COLUMN(peak_count, "blocks at peak", UNIT_COUNT, true),
    COLUMN(peak_bytes, "at peak", UNIT_BYTES, true),
    COLUMN(leaked_count, "leaked blocks", UNIT_COUNT, false),
    COLUMN(leaked_bytes, "leaked", UNIT_BYTES, false),
    COLUMN(time_ns, "time", UNIT_NS, true),
    COLUMN(timed_count, "timed calls", UNIT_COUNT, true),
    COLUMN(lifetime_sum_ns, "lifetime sum", UNIT_NS, false),
    COLUMN(lifetime_max_ns, "longest life", UNIT_NS, false),
    COLUMN(remote_free_count, "remote frees", UNIT_COUNT, false),
    COLUMN(realloc_count, "reallocs", UNIT_COUNT, false),
    COLUMN(realloc_moved_count, "moved", UNIT_COUNT, true),
    COLUMN(realloc_moved_bytes, "copied", UNIT_BYTES, true),
    COLUMN(realloc_chain_max, "longest chain", UNIT_COUNT, true),
    COLUMN(large_short_lived_count, "large, short-lived", UNIT_COUNT, false),
    COLUMN(large_short_lived_bytes, "their bytes", UNIT_BYTES, false),
    COLUMN(allocation_count_stderr, NULL, UNIT_COUNT, true),
    COLUMN(allocated_bytes_stderr, NULL, UNIT_BYTES, true),
    COLUMN(leaked_count_stderr, NULL, UNIT_COUNT, true),
    COLUMN(leaked_bytes_stderr, NULL, UNIT_BYTES, true),
};

static uint64_t read_column(const struct column_field *field, const struct site_row *row)
{
    return *(const uint64_t *)((const char *)row + field->offset);
}

uint64_t site_field_value(enum site_field field, const struct site_row *row)
{
    return read_column(&column_fields[field - FIELD_FIRST_COLUMN], row);
}

static void print_column(struct out *out, const struct column_field *field,
                         const struct site_row *row, const char *label)
{
    int64_t value = (int64_t)read_column(field, row);
    switch (field->unit) {
    case UNIT_COUNT:
        out_count(out, field->key, label, value);
        break;
    case UNIT_BYTES:
        out_bytes(out, field->key, label, value);
        break;
    case UNIT_NS:
        out_ns(out, field->key, label, value);
        break;
    }
}

static void print_mean(struct out *out, enum site_field field, const struct site_row *row,
                       bool is_shown)
{
    uint64_t count = field == FIELD_MEAN_LIFETIME ? row->free_count : row->allocation_count;
    uint64_t divisor = count > 0 ? count : 1;
    switch (field) {
    case FIELD_MEAN_SIZE:
        out_bytes(out, "mean_size_bytes", is_shown ? "mean" : NULL,
                  (int64_t)(row->allocated_bytes / divisor));
        break;
    case FIELD_MEAN_TIME:
        out_ns(out, "mean_time_ns", is_shown ? "per call" : NULL,
               (int64_t)(row->time_ns / divisor));
        break;
    default:
        out_ns(out, "mean_lifetime_ns", is_shown ? "mean life" : NULL,
               (int64_t)(row->lifetime_sum_ns / divisor));
        break;
    }
}

/* Half the width of the 95 % interval of what the table is sorted by. */
static void print_margin(struct out *out, const struct shown_site *site)
{
    static const char label[] = "± 95 %";
    switch (site->sort) {
    case SITE_KEY_COUNT:
        out_count(out, "allocation_count_margin", label,
                  llround(REPORT_MARGIN_ERRORS * (double)site->row.allocation_count_stderr));
        break;
    case SITE_KEY_BYTES:
        out_bytes(out, "allocated_bytes_margin", label,
                  llround(REPORT_MARGIN_ERRORS * (double)site->row.allocated_bytes_stderr));
        break;
    case SITE_KEY_LEAKED:
        out_bytes(out, "leaked_bytes_margin", label,
                  llround(REPORT_MARGIN_ERRORS * (double)site->row.leaked_bytes_stderr));
        break;
    case SITE_KEY_LEAKED_COUNT:
        out_count(out, "leaked_count_margin", label,
                  llround(REPORT_MARGIN_ERRORS * (double)site->row.leaked_count_stderr));
        break;
    default:
        break;
    }
}

/* What was recorded says nothing of what was not: the extremes, and what hangs on other calls. */
static bool is_known_of_sample(enum site_field field)
{
    switch (field) {
    case FIELD_SIZE_MIN:
    case FIELD_SIZE_MAX:
    case FIELD_LIVE_COUNT_MAX:
    case FIELD_LIVE_BYTES_MAX:
    case FIELD_LIFETIME_MAX:
    case FIELD_TIMED_COUNT:
    case FIELD_REALLOC_COUNT:
    case FIELD_REALLOC_MOVED_COUNT:
    case FIELD_REALLOC_MOVED_BYTES:
    case FIELD_REALLOC_CHAIN_MAX:
        return false;
    default:
        return true;
    }
}

/* Another profiler's file tells of sizes and stacks, not of calls. */
static bool is_known_of_import(enum site_field field)
{
    switch (field) {
    case FIELD_MEAN_TIME:
    case FIELD_MEAN_LIFETIME:
    case FIELD_TEMPORARY:
    case FIELD_TEMPORARY_SHARE:
    case FIELD_USABLE_BYTES:
    case FIELD_FAILED_COUNT:
    case FIELD_TIME:
    case FIELD_TIMED_COUNT:
    case FIELD_LIFETIME_SUM:
    case FIELD_LIFETIME_MAX:
    case FIELD_REMOTE_FREE_COUNT:
    case FIELD_REALLOC_COUNT:
    case FIELD_REALLOC_MOVED_COUNT:
    case FIELD_REALLOC_MOVED_BYTES:
    case FIELD_REALLOC_CHAIN_MAX:
    case FIELD_LARGE_COUNT:
    case FIELD_LARGE_BYTES:
        return false;
    default:
        return true;
    }
}

static bool is_known(const struct report *report, enum site_field field)
{
    if (report->selection->is_import && !is_known_of_import(field)) {
        return false;
    }
    if (!report->selection->is_sample) {
        return field != FIELD_MARGIN && field < FIELD_FIRST_STDERR;
    }
    return is_known_of_sample(field);
}

/* What a Go program has live at the end is no leak. */
static const char *label_of(const struct report *report, enum site_field field,
                            const struct column_field *column)
{
    bool is_live =
        report_is_go(report) && (field == FIELD_LEAKED_BYTES || field == FIELD_LEAKED_COUNT);
    return !is_live ? column->label : field == FIELD_LEAKED_BYTES ? "live" : "live blocks";
}

void site_field_print(struct report *report, enum site_field field, const struct shown_site *site,
                      bool is_shown)
{
    struct out *out = report->out;
    bool is_part = report->selection->is_part_of_run;
    if (!is_known(report, field)) {
        return;
    }
    if (field >= FIELD_FIRST_COLUMN) {
        const struct column_field *column = &column_fields[field - FIELD_FIRST_COLUMN];
        if (!is_part || !column->needs_whole_run) {
            print_column(out, column, &site->row,
                         is_shown ? label_of(report, field, column) : NULL);
        }
        return;
    }
    switch (field) {
    case FIELD_SHARE:
        out_percent(out, "share_pct", is_shown ? "share" : NULL, (double)site->sort_value,
                    (double)site->sort_total);
        break;
    case FIELD_MARGIN:
        print_margin(out, site);
        break;
    case FIELD_TEMPORARY:
        if (sites_has_key(report->sites, SITE_KEY_TEMPORARY)) {
            out_count(out, "temporary_count", is_shown ? "temporary" : NULL,
                      (int64_t)site->temporary_count);
        }
        break;
    case FIELD_TEMPORARY_SHARE:
        if (sites_has_key(report->sites, SITE_KEY_TEMPORARY)) {
            out_percent(out, "temporary_pct", is_shown ? "of its own" : NULL,
                        (double)site->temporary_count, (double)site->row.allocation_count);
        }
        break;
    case FIELD_MEAN_TIME:
        if (!is_part) {
            print_mean(out, field, &site->row, is_shown);
        }
        break;
    default:
        print_mean(out, field, &site->row, is_shown);
        break;
    }
}
