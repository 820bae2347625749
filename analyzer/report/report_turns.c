/*
 * Frames of a recording without marks: the turns of a loop, as far as they can be guessed.
 */
#include "report.h"

#include <stdio.h>
#include <string.h>

#include "../analyses/turns.h"
#include "../base/str.h"

enum {
    PAGE_ALLOCATIONS_MOST = 10000000, /* are read twice for it */
};

static const struct {
    const char *key;
    const char *label;
} evenness_words[] = {
    [TURNS_ARE_EVEN] = {"even", "are alike"},
    [TURNS_ARE_UNEVEN] = {"uneven", "differ: some turns take two or three times as long"},
    [TURNS_ARE_WILD] = {"wild", "differ much: it may well be some other loop"},
};

/* The function that the place lies in: of the inlined ones the outermost. */
static const struct stack_frame *function_of(const struct call_stack *stack)
{
    size_t i = 0;
    while (i + 1 < stack->count && stack->frames[i]->is_inlined) {
        i++;
    }
    return stack->count > 0 ? stack->frames[i] : NULL;
}

/* What a step calls if that is a function of another module, which the loader has bound: only such
 * calls can be made marks. */
static const char *symbol_of(const struct report *report, const struct call_stack *caller,
                             const struct call_stack *callee)
{
    const struct stack_frame *from = function_of(caller);
    const struct stack_frame *to = function_of(callee);
    const struct process_row *process = report_process(report);
    bool is_other = from != NULL && to != NULL && from->module != NULL && to->module != NULL &&
                    strcmp(from->module, to->module) != 0;
    if (!is_other || strchr(to->function, '+') != NULL || strchr(to->function, '(') != NULL ||
        strncmp(str_base_name(to->module), "libc.so", 7) == 0 ||
        strcmp(to->module, process->executable) == 0) {
        return NULL;
    }
    return to->function;
}

/* Runs `use` with the stacks of a step: where it is called, and what. */
static int with_stacks(struct report *report, const struct turn_step *step, void *context,
                       void (*use)(struct report *report, const struct turn_step *step,
                                   const struct call_stack *caller, const struct call_stack *callee,
                                   void *context),
                       struct err *err)
{
    struct call_stack caller = {0};
    struct call_stack callee = {0};
    int result = stacks_expand(report->stacks, step->stack_id, &caller, err);
    if (result == 0 && step->callee_id != 0) {
        result = stacks_expand(report->stacks, step->callee_id, &callee, err);
    }
    if (result == 0) {
        use(report, step, &caller, &callee, context);
    }
    call_stack_fini(&caller);
    call_stack_fini(&callee);
    return result;
}

static void print_step(struct report *report, const struct turn_step *step,
                       const struct call_stack *caller, const struct call_stack *callee,
                       void *context)
{
    const struct turns *turns = context;
    struct out *out = report->out;
    const struct stack_frame *called = function_of(callee);
    const char *symbol = symbol_of(report, caller, callee);
    out_begin_row(out);
    out_number(out, "stack_id", "stack", step->stack_id);
    out_percent(out, "turns_pct", "in turns", (double)step->turn_count,
                (double)(turns->turn_count - 1));
    out_count(out, "allocation_count", "allocations", (int64_t)step->allocation_count);
    out_text(out, "calls", "calls", called != NULL ? called->function : "(allocates itself)");
    if (symbol != NULL) {
        out_text(out, "frame_symbol", NULL, symbol);
    } else {
        out_null(out, "frame_symbol", NULL);
    }
    report_print_shown_frame(out, caller->count > 0 ? caller->frames[0] : NULL, "from");
    out_end_row(out);
}

static void print_figures(struct out *out, const struct turns *turns)
{
    char text[160];
    char low[32];
    char high[32];
    out_number(out, "thread_id", NULL, turns->thread_id);
    out_count(out, "turn_count", "turns, estimated", (int64_t)turns->turn_count);
    out_ns(out, "duration_p50_ns", "  take", (int64_t)turns->duration_ns.p50);
    out_ns(out, "duration_p10_ns", "  a tenth less than", (int64_t)turns->duration_ns.p10);
    out_ns(out, "duration_p90_ns", "  a tenth more than", (int64_t)turns->duration_ns.p90);
    out_count(out, "allocation_count_p50", "  allocate", (int64_t)turns->allocations.p50);
    out_count(out, "allocation_count_p10", NULL, (int64_t)turns->allocations.p10);
    out_count(out, "allocation_count_p90", NULL, (int64_t)turns->allocations.p90);
    (void)snprintf(text, sizeof(text), "%s to %s",
                   out_format_count((int64_t)turns->allocations.p10, low),
                   out_format_count((int64_t)turns->allocations.p90, high));
    out_text(out, NULL, "  most of them", text);
    out_percent(out, "covered_pct", "of the thread's allocations", (double)turns->allocation_count,
                (double)turns->thread_allocation_count);
    out_text(out, "evenness", NULL, evenness_words[turns->evenness].key);
    out_text(out, NULL, "  their lengths", evenness_words[turns->evenness].label);
}

/* The loop, and what makes its turns exact. */
struct advice {
    char where[192];
    char symbol[192]; /* "": none of the steps has one */
};

static void take_advice(struct report *report, const struct turn_step *step,
                        const struct call_stack *caller, const struct call_stack *callee,
                        void *context)
{
    struct advice *advice = context;
    const struct stack_frame *frame = function_of(caller);
    const char *symbol = symbol_of(report, caller, callee);
    (void)step;
    if (advice->where[0] == '\0' && frame != NULL) {
        const char *file = frame->file != NULL ? frame->file : frame->module;
        (void)snprintf(advice->where, sizeof(advice->where), "%s (%s", frame->function,
                       file != NULL ? str_base_name(file) : "?");
        size_t used = strlen(advice->where);
        (void)snprintf(advice->where + used, sizeof(advice->where) - used,
                       frame->line > 0 ? ":%u)" : ")", frame->line);
    }
    if (advice->symbol[0] == '\0' && symbol != NULL) {
        (void)snprintf(advice->symbol, sizeof(advice->symbol), "%s", symbol);
    }
}

static int find_advice(struct report *report, const struct turns *turns, struct advice *advice,
                       struct err *err)
{
    int result = 0;
    *advice = (struct advice){.where = ""};
    for (size_t i = 0; i < turns->step_count && result == 0; i++) {
        bool is_in_each =
            (double)turns->steps[i].turn_count >= 0.99 * (double)(turns->turn_count - 1);
        if (is_in_each) {
            result = with_stacks(report, &turns->steps[i], advice, take_advice, err);
        }
    }
    return result;
}

static int print_found(struct report *report, struct turns *turns, struct err *err)
{
    struct out *out = report->out;
    struct advice advice;
    int result = find_advice(report, turns, &advice, err);
    if (result < 0) {
        return result;
    }
    out_begin_section(out, "detected", "Looks like turns of a loop (a guess: there are no marks)");
    print_figures(out, turns);
    out_text(out, "loop", "  the loop is in", advice.where);
    if (out_is_json(out)) {
        out_begin_list(out, "steps");
    } else {
        out_end_section(out);
        out_begin_table(out, "steps", "Where its turns allocate; the first begins each of them");
    }
    for (size_t i = 0; i < turns->step_count && result == 0; i++) {
        result = with_stacks(report, &turns->steps[i], turns, print_step, err);
    }
    if (out_is_json(out)) {
        out_end_list(out);
        out_end_section(out);
        return result;
    }
    out_end_table(out);
    out_prose(out,
              "  it may be a loop within the one that is meant, or one of which not every turn "
              "allocates in the same places");
    if (advice.symbol[0] != '\0') {
        out_prose(out, "  to be exact: record with run --frame-symbol %s", advice.symbol);
    } else {
        out_prose(out, "  to be exact: call allocaudit_frame() at the end of each turn in %s",
                  advice.where);
    }
    return result;
}

int report_print_detected_frames(struct report *report, struct err *err)
{
    struct turns turns;
    const struct process_row *process = report_process(report);
    if (process == NULL || process->allocation_count == 0) {
        return 0;
    }
    if (report->is_page && process->allocation_count > PAGE_ALLOCATIONS_MOST) {
        out_note(report->out,
                 "frames: there are no marks, and for a page too many allocations to look for a "
                 "loop in them; 'allocaudit report frames' does");
        return 0;
    }
    int result = turns_find(report->trace, process->id, &turns, err);
    if (result < 0) {
        return result;
    }
    if (turns.thread_id != 0) {
        return print_found(report, &turns, err);
    }
    if (!out_is_json(report->out)) {
        out_prose(report->out, "  and no loop shows in what is allocated");
    }
    return 0;
}
