/*
 * Tables of sites. All have the same rows and differ in the key that sorts and in the columns that
 * people see; JSON carries every figure of a site in each of them.
 */
#include "report.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

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

/* A table: by which key, and what people see of it, in this order. */
struct site_view {
    const char *key;
    const char *title;
    enum site_key sort;
    enum site_field fields[8];
};

static const struct site_view views[] = {
    {"sites_by_count",
     "Hot sites by number of allocations",
     SITE_KEY_COUNT,
     {FIELD_ALLOCATION_COUNT, FIELD_MARGIN, FIELD_SHARE, FIELD_ALLOCATED_BYTES, FIELD_MEAN_SIZE,
      FIELD_TEMPORARY}},
    {"sites_by_bytes",
     "Hot sites by bytes allocated",
     SITE_KEY_BYTES,
     {FIELD_ALLOCATED_BYTES, FIELD_MARGIN, FIELD_SHARE, FIELD_ALLOCATION_COUNT, FIELD_MEAN_SIZE,
      FIELD_TEMPORARY}},
    {"sites_by_peak",
     "Hot sites by bytes live at the peak",
     SITE_KEY_PEAK,
     {FIELD_PEAK_BYTES, FIELD_SHARE, FIELD_PEAK_COUNT, FIELD_ALLOCATION_COUNT}},
    {"sites_by_time",
     "Hot sites by time in the allocator (estimated from timed calls)",
     SITE_KEY_TIME,
     {FIELD_TIME, FIELD_SHARE, FIELD_MEAN_TIME, FIELD_ALLOCATION_COUNT}},
    {"leaks",
     "Leaks: blocks never freed, by bytes",
     SITE_KEY_LEAKED,
     {FIELD_LEAKED_BYTES, FIELD_MARGIN, FIELD_SHARE, FIELD_LEAKED_COUNT, FIELD_ALLOCATION_COUNT}},
    {"leaks",
     "Leaks: blocks never freed, by number",
     SITE_KEY_LEAKED_COUNT,
     {FIELD_LEAKED_COUNT, FIELD_MARGIN, FIELD_SHARE, FIELD_LEAKED_BYTES, FIELD_ALLOCATION_COUNT}},
    {"temporary",
     "Temporary allocations",
     SITE_KEY_TEMPORARY,
     {FIELD_TEMPORARY, FIELD_SHARE, FIELD_TEMPORARY_SHARE, FIELD_MEAN_SIZE}},
    {"large",
     "Large blocks (64 KiB or more) freed within 10 ms",
     SITE_KEY_LARGE,
     {FIELD_LARGE_BYTES, FIELD_SHARE, FIELD_LARGE_COUNT, FIELD_ALLOCATION_COUNT}},
    {"realloc",
     "Blocks that grew by realloc",
     SITE_KEY_REALLOC,
     {FIELD_REALLOC_COUNT, FIELD_SHARE, FIELD_REALLOC_CHAIN_MAX, FIELD_REALLOC_MOVED_COUNT,
      FIELD_REALLOC_MOVED_BYTES}},
    {"realloc",
     "Blocks that grew by realloc, by bytes copied",
     SITE_KEY_MOVED,
     {FIELD_REALLOC_MOVED_BYTES, FIELD_SHARE, FIELD_REALLOC_MOVED_COUNT, FIELD_REALLOC_COUNT,
      FIELD_REALLOC_CHAIN_MAX}},
    {"sites_by_live",
     "Sites by most bytes live at one moment",
     SITE_KEY_LIVE,
     {FIELD_LIVE_BYTES_MAX, FIELD_LIVE_COUNT_MAX, FIELD_ALLOCATION_COUNT}},
    {"sites_by_failed",
     "Sites by failed allocations",
     SITE_KEY_FAILED,
     {FIELD_FAILED_COUNT, FIELD_SHARE, FIELD_ALLOCATION_COUNT}},
};

static const struct site_view *find_view(enum site_key sort)
{
    const struct site_view *view = views;
    while (view->sort != sort) {
        view++;
    }
    return view;
}

/* A site with what is printed of it. */
struct shown_site {
    struct site_row row;
    enum site_key sort;
    uint64_t temporary_count;
    uint64_t sort_value;
    uint64_t sort_total;
};

static void print_column(struct out *out, const struct column_field *field,
                         const struct site_row *row, const char *label)
{
    int64_t value = (int64_t) * (const uint64_t *)((const char *)row + field->offset);
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

static bool is_known(const struct report *report, enum site_field field)
{
    if (!report->selection->is_sample) {
        return field != FIELD_MARGIN && field < FIELD_FIRST_STDERR;
    }
    return is_known_of_sample(field);
}

static void print_field(struct report *report, enum site_field field, const struct shown_site *site,
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
            print_column(out, column, &site->row, is_shown ? column->label : NULL);
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

/* "parser.c:120", or the module's name where there is no line. */
static void print_place(struct out *out, const struct stack_frame *frame, bool is_row)
{
    char place[256] = "";
    if (frame != NULL && frame->file != NULL && frame->line > 0) {
        (void)snprintf(place, sizeof(place), "%s:%u", report_base_name(frame->file), frame->line);
    } else if (frame != NULL && frame->module != NULL) {
        (void)snprintf(place, sizeof(place), "%s", report_base_name(frame->module));
    }
    out_aside(out, "place", is_row ? "where" : "", place);
}

static void print_frame_keys(struct out *out, const struct stack_frame *frame)
{
    out_text(out, "file", NULL, frame != NULL ? frame->file : NULL);
    if (frame != NULL && frame->line > 0) {
        out_number(out, "line", NULL, frame->line);
    } else {
        out_null(out, "line", NULL);
    }
    out_text(out, "module", NULL, frame != NULL ? frame->module : NULL);
}

void report_print_shown_frame(struct out *out, const struct stack_frame *frame, const char *label)
{
    print_place(out, frame, label[0] != '\0');
    out_text(out, "function", label, frame != NULL ? frame->function : "(no stack)");
    print_frame_keys(out, frame);
}

void report_print_frames(struct out *out, const struct call_stack *stack)
{
    out_begin_list(out, "stack");
    for (size_t i = 0; i < stack->count; i++) {
        const struct stack_frame *frame = stack->frames[i];
        out_begin_row(out);
        print_place(out, frame, false);
        print_frame_keys(out, frame);
        out_bool(out, "is_inlined", NULL, frame->is_inlined);
        out_text(out, "function", "", frame->function);
        out_end_row(out);
    }
    out_end_list(out);
}

static bool is_listed(const struct site_view *view, enum site_field field)
{
    for (size_t i = 0; i < sizeof(view->fields) / sizeof(view->fields[0]); i++) {
        if (view->fields[i] == field) {
            return true;
        }
    }
    return false;
}

static int print_row(struct report *report, const struct site_view *view,
                     const struct shown_site *site, struct err *err)
{
    struct call_stack stack = {0};
    int result = stacks_expand(report->stacks, site->row.stack_id, &stack, err);
    if (result < 0) {
        return result;
    }
    const struct stack_frame *shown = call_stack_shown(&stack);
    struct out *out = report->out;
    out_begin_row(out);
    out_number(out, "stack_id", "stack", site->row.stack_id);
    for (size_t i = 0; view->fields[i] != FIELD_NONE; i++) {
        print_field(report, view->fields[i], site, true);
    }
    print_place(out, shown, true);
    out_text(out, "function", "function", shown != NULL ? shown->function : "(no stack)");
    if (out_is_json(out)) {
        for (unsigned field = FIELD_NONE + 1; field < FIELD_COUNT; field++) {
            if (!is_listed(view, (enum site_field)field)) {
                print_field(report, (enum site_field)field, site, false);
            }
        }
        out_text(out, "kind", NULL, site->row.kind);
        print_frame_keys(out, shown);
        out_bool(out, "is_cut", NULL, stack.is_cut);
        report_print_frames(out, &stack);
    }
    out_end_row(out);
    call_stack_fini(&stack);
    return 0;
}

static int print_view(struct report *report, const struct site_view *view, const char *key,
                      const char *title, size_t limit, struct err *err)
{
    if (!sites_has_key(report->sites, view->sort)) {
        return 0; /* a part of the run cannot tell: the notes say so */
    }
    size_t *places = NULL;
    int count = sites_top(report->sites, view->sort, limit, &places, err);
    if (count < 0) {
        return count;
    }
    int result = 0;
    if (count > 0 || !report->is_overview) {
        out_begin_table(report->out, key, title);
        for (int i = 0; i < count && result == 0 && !out_has_failed(report->out); i++) {
            struct shown_site site = {
                .sort = view->sort,
                .temporary_count = sites_value(report->sites, places[i], SITE_KEY_TEMPORARY),
                .sort_value = sites_value(report->sites, places[i], view->sort),
                .sort_total = sites_total(report->sites, view->sort),
            };
            result = sites_read(report->sites, places[i], &site.row, err);
            if (result == 0) {
                result = print_row(report, view, &site, err);
            }
        }
        out_end_table(report->out);
    }
    free(places);
    return result;
}

int report_print_sites(struct report *report, struct err *err)
{
    if (report->settings->stack_id != OPTION_NOT_GIVEN) {
        return report_print_stack(report, (uint32_t)report->settings->stack_id, err);
    }
    static const enum site_key overview_keys[] = {SITE_KEY_COUNT, SITE_KEY_BYTES, SITE_KEY_PEAK,
                                                  SITE_KEY_TIME};
    bool is_sorted = report->settings->sort != REPORT_UNSORTED;
    if (!report->is_overview || is_sorted) {
        enum site_key key = is_sorted ? (enum site_key)report->settings->sort : SITE_KEY_COUNT;
        const struct site_view *view = find_view(key);
        return print_view(report, view, "sites", view->title, report_top(report, 20), err);
    }
    int result = 0;
    for (size_t i = 0; i < sizeof(overview_keys) / sizeof(overview_keys[0]) && result == 0; i++) {
        const struct site_view *view = find_view(overview_keys[i]);
        result = print_view(report, view, view->key, view->title, report_top(report, 5), err);
    }
    return result;
}

int report_print_leaks(struct report *report, struct err *err)
{
    bool is_by_count = !report->is_overview && report->settings->sort == SITE_KEY_LEAKED_COUNT;
    const struct site_view *view = find_view(is_by_count ? SITE_KEY_LEAKED_COUNT : SITE_KEY_LEAKED);
    return print_view(report, view, view->key, view->title, report_top(report, 5), err);
}

int report_print_temporary(struct report *report, struct err *err)
{
    char title[128];
    uint64_t within = report->settings->within;
    if (within == 1) {
        (void)snprintf(title, sizeof(title),
                       "Temporary: freed by their thread before its next allocation");
    } else {
        (void)snprintf(title, sizeof(title),
                       "Temporary: freed by their thread before it allocated %u times more",
                       (unsigned)within);
    }
    const struct site_view *view = find_view(SITE_KEY_TEMPORARY);
    return print_view(report, view, view->key, title, report_top(report, 3), err);
}

int report_print_large(struct report *report, struct err *err)
{
    const struct site_view *view = find_view(SITE_KEY_LARGE);
    return print_view(report, view, view->key, view->title, report_top(report, 3), err);
}

int report_print_realloc(struct report *report, struct err *err)
{
    bool is_by_bytes = !report->is_overview && report->settings->sort == SITE_KEY_MOVED;
    const struct site_view *view = find_view(is_by_bytes ? SITE_KEY_MOVED : SITE_KEY_REALLOC);
    return print_view(report, view, view->key, view->title, report_top(report, 3), err);
}

/* A stack's own figures; for one in the middle of the tree there are none. */
static void print_stack_figures(struct report *report, const struct site_row *row)
{
    struct out *out = report->out;
    const struct shown_site site = {.row = *row};
    out_text(out, "kind", "first call", row->kind);
    for (unsigned field = FIELD_FIRST_COLUMN; field < FIELD_COUNT; field++) {
        bool is_shown = *(const uint64_t *)((const char *)row +
                                            column_fields[field - FIELD_FIRST_COLUMN].offset) > 0;
        print_field(report, (enum site_field)field, &site, is_shown);
    }
    if (row->allocation_count > 0) {
        print_field(report, FIELD_MEAN_SIZE, &site, true);
    }
    if (row->free_count > 0) {
        print_field(report, FIELD_MEAN_LIFETIME, &site, true);
    }
}

int report_print_stack(struct report *report, uint32_t stack_id, struct err *err)
{
    struct call_stack stack = {0};
    int result = stacks_expand(report->stacks, stack_id, &stack, err);
    if (result < 0) {
        return result;
    }
    struct site_row row = {.stack_id = stack_id};
    for (size_t place = 0; place < sites_count(report->sites) && result == 0; place++) {
        if (sites_stack_id(report->sites, place) == stack_id) {
            result = sites_read(report->sites, place, &row, err);
        }
    }
    if (result < 0) {
        call_stack_fini(&stack);
        return result;
    }
    char title[64];
    (void)snprintf(title, sizeof(title), "Stack %u, from the allocation outward", stack_id);
    out_begin_section(report->out, "site", title);
    out_number(report->out, "stack_id", NULL, stack_id);
    if (row.kind[0] != '\0') {
        print_stack_figures(report, &row);
    }
    out_bool(report->out, "is_cut", NULL, stack.is_cut);
    report_print_frames(report->out, &stack);
    out_end_section(report->out);
    if (stack.is_cut) {
        out_note(report->out, "callers beyond the depth limit of %u frames were left out",
                 report->trace->run.depth_limit);
    }
    if (row.kind[0] == '\0') {
        out_note(report->out,
                 "nothing was allocated with exactly this stack; 'allocaudit report tree "
                 "--stack %u%s' shows what is beneath it",
                 stack_id, report_file_words(report));
    }
    call_stack_fini(&stack);
    return 0;
}
