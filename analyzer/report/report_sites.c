/*
 * Tables of sites. All have the same rows and differ in the key that sorts and in the columns that
 * people see; JSON carries every figure of a site in each of them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "site_fields.h"

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

static bool is_listed(const struct site_view *view, enum site_field field)
{
    for (size_t i = 0; i < sizeof(view->fields) / sizeof(view->fields[0]); i++) {
        if (view->fields[i] == field) {
            return true;
        }
    }
    return false;
}

/* Kinds of leaks stand in four columns, which a narrow terminal has room for without these. */
static bool has_room(const struct report *report, const struct site_view *view,
                     enum site_field field)
{
    bool is_of_leaks = view->sort == SITE_KEY_LEAKED || view->sort == SITE_KEY_LEAKED_COUNT;
    if (!is_of_leaks || report->leaks.known_process_count == 0 || field == view->fields[0]) {
        return true;
    }
    unsigned least_columns = field == FIELD_ALLOCATION_COUNT ? 112 : field == FIELD_SHARE ? 96 : 88;
    return report_label_from(report, least_columns, "") != NULL;
}

/* The blocks by kind: bytes or numbers, as the table is sorted; JSON has both. */
static void print_kinds(struct report *report, const struct shown_site *site)
{
    static const struct {
        enum leak_kind kind;
        const char *count_key;
        const char *bytes_key;
        const char *label;
    } columns[] = {
        {LEAK_DEFINITE, "definite_count", "definite_bytes", "definite"},
        {LEAK_INDIRECT, "indirect_count", "indirect_bytes", "indirect"},
        {LEAK_POSSIBLE, "possible_count", "possible_bytes", "possible"},
        {LEAK_REACHABLE, "reachable_count", "reachable_bytes", "reachable"},
    };
    const struct site_leak *leak = site_leaks_find(&report->leaks, site->row.stack_id);
    bool is_by_count = site->sort == SITE_KEY_LEAKED_COUNT;
    bool is_by_bytes = site->sort == SITE_KEY_LEAKED;
    if (report->leaks.known_process_count == 0 || report->selection->is_part_of_run) {
        return;
    }
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        unsigned kinds = LEAK_BIT(columns[i].kind);
        out_bytes(report->out, columns[i].bytes_key, is_by_bytes ? columns[i].label : NULL,
                  (int64_t)site_leak_bytes(leak, kinds));
        out_count(report->out, columns[i].count_key, is_by_count ? columns[i].label : NULL,
                  (int64_t)site_leak_count(leak, kinds));
    }
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
        site_field_print(report, view->fields[i], site, has_room(report, view, view->fields[i]));
    }
    print_kinds(report, site);
    report_print_shown_frame(out, shown, "function");
    if (out_is_json(out)) {
        for (unsigned field = FIELD_NONE + 1; field < FIELD_COUNT; field++) {
            if (!is_listed(view, (enum site_field)field)) {
                site_field_print(report, (enum site_field)field, site, false);
            }
        }
        out_text(out, "kind", NULL, site->row.kind);
        out_bool(out, "is_cut", NULL, stack.is_cut);
        if (!report->is_page) {
            report_print_frames(out, &stack);
        }
    }
    out_end_row(out);
    call_stack_fini(&stack);
    return 0;
}

struct leak_place {
    uint64_t lost; /* in blocks that nothing in use leads to */
    size_t rank;   /* by all that leaked */
    size_t place;
};

static int compare_leaks(const void *left, const void *right)
{
    const struct leak_place *a = left;
    const struct leak_place *b = right;
    return a->lost != b->lost ? (a->lost < b->lost ? 1 : -1)
                              : (a->rank > b->rank) - (a->rank < b->rank);
}

/* The places of a table. Where kinds are known, leaks that are lost come first. */
static int find_places(struct report *report, enum site_key sort, size_t limit, size_t **out_places,
                       struct err *err)
{
    bool is_by_bytes = sort == SITE_KEY_LEAKED;
    if (report->leaks.count == 0 || (!is_by_bytes && sort != SITE_KEY_LEAKED_COUNT)) {
        return sites_top(report->sites, sort, limit, out_places, err);
    }
    int count = sites_top(report->sites, sort, sites_count(report->sites), out_places, err);
    struct leak_place *sorted = count < 0 ? NULL : calloc((size_t)count + 1, sizeof(*sorted));
    if (count >= 0 && sorted == NULL) {
        free(*out_places);
        return err_set_errno(err, ENOMEM, "cannot report");
    }
    for (int i = 0; i < count; i++) {
        size_t place = (*out_places)[i];
        const struct site_leak *leak =
            site_leaks_find(&report->leaks, sites_stack_id(report->sites, place));
        uint64_t lost =
            is_by_bytes ? site_leak_bytes(leak, LEAK_LOST) : site_leak_count(leak, LEAK_LOST);
        sorted[i] = (struct leak_place){lost, (size_t)i, place};
    }
    if (count > 0) {
        qsort(sorted, (size_t)count, sizeof(*sorted), compare_leaks);
    }
    for (int i = 0; i < count; i++) {
        (*out_places)[i] = sorted[i].place;
    }
    free(sorted);
    return (size_t)count > limit && count > 0 ? (int)limit : count;
}

static int print_view(struct report *report, const struct site_view *view, const char *key,
                      const char *title, size_t limit, struct err *err)
{
    if (!sites_has_key(report->sites, view->sort)) {
        return 0; /* a part of the run cannot tell: the notes say so */
    }
    size_t *places = NULL;
    int count = find_places(report, view->sort, limit, &places, err);
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
    bool has_kinds = report->leaks.count > 0 && !report->selection->is_part_of_run;
    /* Go frees what nobody refers to: what is live at the end is no leak. */
    bool is_go = report_is_go(report);
    const char *title = is_go && is_by_count ? "Live at the end, by number of blocks"
                        : is_go              ? "Live at the end, by bytes"
                        : !has_kinds         ? view->title
                        : is_by_count ? "Leaks: blocks never freed, by number; lost ones first"
                                      : "Leaks: blocks never freed, by bytes; lost ones first";
    return print_view(report, view, view->key, title, report_top(report, 5), err);
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
