/*
 * What the allocator said of itself (run --introspect): a part of the section `fragmentation`.
 */
#include "report.h"

#include <stdlib.h>
#include <string.h>

#include "../base/vec.h"
#include "../db/query_memory.h"

/* One figure over time. */
struct told_figure {
    char name[64];
    uint64_t largest;
    uint64_t last;
};

struct told_figures {
    struct out *out; /* JSON: rows are printed as they come */
    struct told_figure *figures;
    size_t count;
    size_t capacity;
};

static int take_row(void *context, const struct allocator_row *row)
{
    struct told_figures *told = context;
    if (out_is_json(told->out)) {
        out_begin_row(told->out);
        out_ns(told->out, "at_ns", NULL, (int64_t)row->at_ns);
        out_text(told->out, "name", NULL, row->name);
        out_number(told->out, "value", NULL, (int64_t)row->value);
        out_end_row(told->out);
        return 0;
    }
    size_t i = 0;
    while (i < told->count && strncmp(told->figures[i].name, row->name, 63) != 0) {
        i++;
    }
    if (i == told->count) {
        int result = vec_reserve((void **)&told->figures, &told->capacity, told->count + 1,
                                 sizeof(*told->figures));
        if (result < 0) {
            return result;
        }
        told->figures[told->count] = (struct told_figure){.largest = 0};
        (void)snprintf(told->figures[told->count++].name, 64, "%s", row->name);
    }
    struct told_figure *figure = &told->figures[i];
    figure->largest = row->value > figure->largest ? row->value : figure->largest;
    figure->last = row->value;
    return 0;
}

static bool ends_with(const char *text, const char *ending)
{
    size_t length = strlen(text);
    return length >= strlen(ending) && strcmp(text + length - strlen(ending), ending) == 0;
}

static void print_value(struct out *out, const char *key, const char *label, const char *name,
                        uint64_t value)
{
    if (ends_with(name, "_bytes")) {
        out_bytes(out, key, label, (int64_t)value);
    } else if (ends_with(name, "_ns")) {
        out_ns(out, key, label, (int64_t)value);
    } else {
        out_count(out, key, label, (int64_t)value);
    }
}

static void print_figures(struct out *out, const struct told_figures *told)
{
    if (told->count == 0) {
        return;
    }
    out_begin_table(out, "fragmentation_allocator", "What the allocator said of itself");
    for (size_t i = 0; i < told->count; i++) {
        const struct told_figure *figure = &told->figures[i];
        out_begin_row(out);
        out_text(out, "name", "", figure->name);
        print_value(out, "largest", "most", figure->name, figure->largest);
        print_value(out, "last", "last", figure->name, figure->last);
        out_end_row(out);
    }
    out_end_table(out);
}

int report_print_allocator(struct report *report, uint32_t process_id, struct err *err)
{
    struct told_figures told = {.out = report->out};
    bool is_json = out_is_json(report->out);
    if (is_json) {
        out_begin_list(report->out, "allocator_samples");
    }
    int result = query_allocator_samples(report->trace->db, process_id, take_row, &told, err);
    if (is_json) {
        out_end_list(report->out);
    } else if (result == 0) {
        print_figures(report->out, &told);
    }
    free(told.figures);
    return result;
}
