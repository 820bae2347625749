/*
 * Call stacks: the frame that a row shows, all frames beneath it, and one stack whole.
 */
#include <stdio.h>

#include "../base/str.h"
#include "../db/query_run.h"
#include "site_fields.h"

/* "parser.c:120", or the module's name where there is no line. */
static void print_place(struct out *out, const struct stack_frame *frame, bool is_row)
{
    char place[256] = "";
    if (frame != NULL && frame->file != NULL && frame->line > 0) {
        (void)snprintf(place, sizeof(place), "%s:%u", str_base_name(frame->file), frame->line);
    } else if (frame != NULL && frame->module != NULL) {
        (void)snprintf(place, sizeof(place), "%s", str_base_name(frame->module));
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

int report_begin_site_row(struct report *report, uint32_t stack_id, struct call_stack *out_stack,
                          struct err *err)
{
    *out_stack = (struct call_stack){0};
    int result = stacks_expand(report->stacks, stack_id, out_stack, err);
    if (result < 0) {
        call_stack_fini(out_stack);
        return result;
    }
    out_begin_row(report->out);
    out_number(report->out, "stack_id", "stack", stack_id);
    return 0;
}

static void end_site_row(struct report *report, struct call_stack *stack, bool is_whole)
{
    report_print_shown_frame(report->out, call_stack_shown(stack), "function");
    if (is_whole && out_is_json(report->out)) {
        report_print_frames(report->out, stack);
    }
    out_end_row(report->out);
    call_stack_fini(stack);
}

void report_end_site_row(struct report *report, struct call_stack *stack)
{
    end_site_row(report, stack, false);
}

void report_end_whole_site_row(struct report *report, struct call_stack *stack)
{
    end_site_row(report, stack, true);
}

void report_print_number(struct out *out, const char *key, uint64_t value)
{
    if (value == QUERY_NULL) {
        out_null(out, key, NULL);
    } else {
        out_number(out, key, NULL, (int64_t)value);
    }
}

int report_print_place(struct report *report, const char *key, const char *label, uint64_t stack_id,
                       const char *unknown, struct err *err)
{
    struct call_stack stack = {0};
    struct str place = {0};
    int result =
        stack_id == QUERY_NULL ? 0 : stacks_expand(report->stacks, (uint32_t)stack_id, &stack, err);
    if (result < 0) {
        return result;
    }
    const struct stack_frame *frame = stack.count > 0 ? call_stack_shown(&stack) : NULL;
    if (frame == NULL) {
        result = str_append(&place, unknown);
    } else if (frame->file != NULL && frame->line > 0) {
        result = str_printf(&place, "%s (%s:%u)", frame->function, str_base_name(frame->file),
                            frame->line);
    } else {
        result = str_append(&place, frame->function);
    }
    if (result == 0) {
        out_text(report->out, key, label, str_text(&place));
    }
    str_fini(&place);
    call_stack_fini(&stack);
    return result;
}

/* A stack's own figures; for one in the middle of the tree there are none. */
static void print_stack_figures(struct report *report, const struct site_row *row)
{
    struct out *out = report->out;
    const struct shown_site site = {.row = *row};
    out_text(out, "kind", "first call", row->kind);
    for (unsigned field = FIELD_FIRST_COLUMN; field < FIELD_COUNT; field++) {
        bool is_shown = site_field_value((enum site_field)field, row) > 0;
        site_field_print(report, (enum site_field)field, &site, is_shown);
    }
    if (row->allocation_count > 0) {
        site_field_print(report, FIELD_MEAN_SIZE, &site, true);
    }
    if (row->free_count > 0) {
        site_field_print(report, FIELD_MEAN_LIFETIME, &site, true);
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
