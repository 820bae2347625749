/*
 * Pins: which sites hold pages that nobody else needs, and what keeps glibc's heap from shrinking.
 */
#include "../base/str.h"
#include "report.h"

#include <stdio.h>
#include <string.h>

#include "../analyses/heap_pages.h"

enum {
    WORTH_BYTES = 1 << 20, /* less is not worth an arena */
    WORTH_PART = 20,       /* of the resident heap */
    NAME_BYTES = 256,
};

static double seconds_of(const struct heap_pages *pages)
{
    const struct process_row *process = trace_process(pages->trace, pages->process_id);
    double ns = (double)pages->sums.now_ns - (double)process->started_ns;
    return ns > 0 ? ns / 1e9 : 0;
}

static int64_t on_average(double byte_seconds, double seconds)
{
    return seconds > 0 ? (int64_t)(byte_seconds / seconds) : 0;
}

static void print_state(struct out *out, const char *key, const struct pin_state *state,
                        bool is_repacked)
{
    out_begin_object(out, key);
    out_bytes(out, "page_bytes", NULL, (int64_t)state->page_bytes);
    out_bytes(out, "huge_page_bytes", NULL, (int64_t)state->huge_page_bytes);
    out_bytes(out, "live_bytes", NULL, (int64_t)state->live_bytes);
    out_count(out, "live_count", NULL, (int64_t)state->live_count);
    if (is_repacked) {
        out_bytes(out, "freed_bytes", NULL, (int64_t)state->freed_bytes);
        out_bytes(out, "own_bytes", NULL, (int64_t)state->own_bytes);
    }
    out_end_object(out);
}

static int64_t excess_of(const struct pin_state *state)
{
    return (int64_t)state->freed_bytes - (int64_t)state->live_bytes;
}

/* The moment at which more is held beyond the blocks. */
static const struct pin_state *worse_of(const struct pin_row *pin)
{
    return excess_of(&pin->at_end) > excess_of(&pin->at_peak) ? &pin->at_end : &pin->at_peak;
}

static int print_pin(struct report *report, const struct pin_row *pin, bool is_repacked,
                     double seconds, struct err *err)
{
    struct out *out = report->out;
    struct call_stack stack;
    int result = report_begin_site_row(report, pin->stack_id, &stack, err);
    if (result < 0) {
        return result;
    }
    out_bytes(out, "pinned_average_bytes", "pinned mean",
              on_average(pin->pinned_byte_seconds, seconds));
    out_bytes(out, "peak_page_bytes", "at peak", (int64_t)pin->at_peak.page_bytes);
    out_bytes(out, "peak_live_bytes", report_label_from(report, 108, "of blocks"),
              (int64_t)pin->at_peak.live_bytes);
    out_bytes(out, "end_page_bytes", "at end", (int64_t)pin->at_end.page_bytes);
    out_bytes(out, "end_live_bytes", report_label_from(report, 108, "of blocks"),
              (int64_t)pin->at_end.live_bytes);
    out_bytes(out, "huge_page_average_bytes", report_label_from(report, 92, "2 MiB pages"),
              on_average(pin->huge_page_byte_seconds, seconds));
    if (is_repacked) {
        int64_t saving_bytes = (int64_t)pin_saving(worse_of(pin));
        out_bytes(out, "own_arena_saves_bytes", "arena saves", saving_bytes > 0 ? saving_bytes : 0);
    } else {
        out_null(out, "own_arena_saves_bytes", "arena saves");
    }
    if (out_is_json(out)) {
        out_real(out, "pinned_byte_seconds", NULL, pin->pinned_byte_seconds, 0);
        out_real(out, "page_byte_seconds", NULL, pin->page_byte_seconds, 0);
        out_real(out, "huge_page_byte_seconds", NULL, pin->huge_page_byte_seconds, 0);
        print_state(out, "at_peak", &pin->at_peak, is_repacked);
        print_state(out, "at_end", &pin->at_end, is_repacked);
    }
    report_end_whole_site_row(report, &stack);
    return 0;
}

static bool is_of_libc(const struct stack_frame *frame)
{
    const char *name = frame->module != NULL ? str_base_name(frame->module) : "";
    return strncmp(name, "libc.so", 7) == 0 || strncmp(name, "ld-linux", 8) == 0;
}

/* "fopen, called by open_file (stack 8)": the function shown, and the first beyond the C library.
 */
static const char *name_of(struct report *report, uint32_t stack_id, char out_name[NAME_BYTES])
{
    struct call_stack stack = {0};
    struct err err;
    const struct stack_frame *shown = NULL;
    size_t caller = 0;
    if (stacks_expand(report->stacks, stack_id, &stack, &err) == 0) {
        shown = call_stack_shown(&stack);
        for (caller = stack.shown_index; caller < stack.count; caller++) {
            if (!is_of_libc(stack.frames[caller])) {
                break;
            }
        }
    }
    bool has_caller = caller < stack.count && stack.frames[caller] != shown;
    (void)snprintf(out_name, NAME_BYTES, "%s%s%s (stack %u)",
                   shown != NULL ? shown->function : "[unknown]", has_caller ? ", called by " : "",
                   has_caller ? stack.frames[caller]->function : "", stack_id);
    call_stack_fini(&stack);
    return out_name;
}

static bool is_worth_it(const struct heap_pages *pages, int64_t bytes)
{
    double resident_bytes = pages->fullest != NULL ? pages->fullest->waterfall.resident_bytes
                                                   : pages->peak_model.resident_bytes;
    return bytes >= WORTH_BYTES && (double)bytes >= resident_bytes / WORTH_PART;
}

/* Of the first pin that holds much beyond its blocks: whether an arena of its own would help. */
static void advise_arena(struct report *report, const struct heap_pages *pages)
{
    char name[NAME_BYTES];
    char held[32];
    char live[32];
    char own[32];
    for (size_t i = 0; i < pages->repacked_count; i++) {
        const struct pin_row *pin = &pages->pins[i];
        const struct pin_state *state = worse_of(pin);
        if (!is_worth_it(pages, excess_of(state))) {
            continue;
        }
        name_of(report, pin->stack_id, name);
        out_format_bytes((int64_t)state->freed_bytes, held);
        out_format_bytes((int64_t)state->live_bytes, live);
        out_format_bytes((int64_t)state->own_bytes, own);
        const char *when = state == &pin->at_end ? "end" : "peak";
        if (is_worth_it(pages, (int64_t)pin_saving(state))) {
            out_prose(report->out,
                      "%s holds %s of pages alone for %s of blocks at the %s. In an arena or pool "
                      "of its own they would take %s.",
                      name, held, live, when, own);
        } else {
            out_prose(report->out,
                      "%s holds %s of pages alone for %s of blocks at the %s. An arena of its own "
                      "would not help (%s): its own freed blocks left the holes. What helps is to "
                      "move blocks together, or to free what was made together.",
                      name, held, live, when, own);
        }
        return;
    }
    out_prose(report->out, "No site holds enough beyond its own blocks to be worth an arena.");
}

static void explain_pinned(struct report *report, const struct heap_pages *pages)
{
    const struct heap_top *top = &pages->worst_top;
    char name[NAME_BYTES];
    char pinned[32];
    char heap[32];
    char size[32];
    char below[32];
    char at[32];
    char lasted[32];
    out_format_bytes((int64_t)top->pinned_bytes, pinned);
    out_format_bytes((int64_t)top->resident_bytes, heap);
    out_format_bytes((int64_t)(top->end_address - top->pin_address), below);
    out_format_ns((int64_t)top->at_ns, at);
    out_format_ns((int64_t)pages->worst_top_ns, lasted);
    if (top->is_cached) {
        out_prose(
            report->out,
            "One freed block of %s keeps %s of empty pages resident (of a heap of %s; seen at "
            "%s, for %s in all). %s allocated it; it was freed, but lies in its thread's "
            "cache (tcache), %s below the top of the heap, and glibc gives memory back from "
            "the top only.",
            out_format_bytes((int64_t)top->cached.size_bytes, size), pinned, heap, at, lasted,
            name_of(report, top->cached.stack_id, name), below);
        out_prose(report->out,
                  "Cures: GLIBC_TUNABLES=glibc.malloc.tcache_count=0 in the environment, or "
                  "malloc_trim(0) in the program once it has freed much. MALLOC_TRIM_THRESHOLD_ "
                  "does not help.");
        return;
    }
    out_prose(report->out,
              "%s of empty pages stay resident (of a heap of %s; seen at %s, for %s in all) below "
              "one live block of %s by %s, which lies %s below the top of the heap: glibc gives "
              "memory back from the top only.",
              pinned, heap, at, lasted,
              out_format_bytes((int64_t)pages->top_block.size_bytes, size),
              name_of(report, pages->top_block.stack_id, name), below);
    out_prose(report->out,
              "Cures: malloc_trim(0) in the program once it has freed much; to allocate that block "
              "earlier, or free it; or an allocator that gives back pages anywhere ('allocaudit "
              "trial' compares them). MALLOC_TRIM_THRESHOLD_ does not help.");
}

static void explain_kept(struct report *report, const struct heap_pages *pages)
{
    const struct heap_top *top = &pages->worst_top;
    char kept[32];
    char heap[32];
    char at[32];
    out_prose(
        report->out,
        "%s at the top of the heap are free and not given back (of a heap of %s; seen at %s): "
        "either the trim threshold has grown (freeing a large block raises it), or something "
        "small that was not recorded lies above.",
        out_format_bytes((int64_t)top->kept_bytes, kept),
        out_format_bytes((int64_t)top->resident_bytes, heap),
        out_format_ns((int64_t)top->at_ns, at));
    out_prose(report->out,
              "Cures: MALLOC_TRIM_THRESHOLD_=131072 in the environment keeps the threshold low; or "
              "malloc_trim(0) in the program.");
}

static void explain_top(struct report *report, const struct heap_pages *pages)
{
    const struct heap_top *top = &pages->worst_top;
    if (!pages->is_glibc) {
        out_prose(report->out, "What keeps the top of the heap is looked for with glibc only.");
    } else if (top->resident_bytes == 0) {
        out_prose(report->out, pages->moment_count > 0
                                   ? "Nothing kept the top of glibc's heap from shrinking."
                                   : "Whether the heap could shrink is not known: no resident "
                                     "pages were sampled.");
    } else if (heap_top_is_pinned(top) && (top->is_cached || pages->top_block.id != 0)) {
        explain_pinned(report, pages);
    } else {
        explain_kept(report, pages);
    }
}

static void print_top_object(struct out *out, const struct heap_pages *pages)
{
    const struct heap_top *top = &pages->worst_top;
    if (top->resident_bytes == 0) {
        out_null(out, "heap_top", NULL);
        return;
    }
    out_begin_object(out, "heap_top");
    out_ns(out, "at_ns", NULL, (int64_t)top->at_ns);
    out_ns(out, "lasted_ns", NULL, (int64_t)pages->worst_top_ns);
    out_bytes(out, "resident_bytes", NULL, (int64_t)top->resident_bytes);
    out_bytes(out, "pinned_bytes", NULL, (int64_t)top->pinned_bytes);
    out_bytes(out, "kept_bytes", NULL, (int64_t)top->kept_bytes);
    out_number(out, "pin_address", NULL, (int64_t)top->pin_address);
    out_number(out, "end_address", NULL, (int64_t)top->end_address);
    out_bool(out, "is_cached", NULL, top->is_cached);
    if (top->is_cached || pages->top_block.id != 0) {
        out_number(out, "stack_id", NULL,
                   top->is_cached ? top->cached.stack_id : pages->top_block.stack_id);
        out_bytes(out, "size_bytes", NULL,
                  (int64_t)(top->is_cached ? top->cached.size_bytes : pages->top_block.size_bytes));
    }
    out_end_object(out);
}

/* The pages that a site frees were counted in two ways, which must agree. */
static void note_disagreement(struct report *report, const struct heap_pages *pages)
{
    for (size_t i = 0; i < pages->repacked_count; i++) {
        const struct pin_row *pin = &pages->pins[i];
        if (pin->at_peak.freed_bytes != pin->at_peak.page_bytes ||
            pin->at_end.freed_bytes != pin->at_end.page_bytes) {
            out_note(report->out,
                     "blocks overlap in this recording (events were lost): what sites hold is not "
                     "exact");
            return;
        }
    }
}

int report_print_pins(struct report *report, struct err *err)
{
    const struct heap_pages *pages = report->state;
    if (pages == NULL) {
        report_note_no_calls(report, "pins");
        return 0;
    }
    double seconds = seconds_of(pages);
    char title[REPORT_TITLE_BYTES];
    int result = 0;
    out_begin_table(report->out, "pins",
                    report_title(report, "Pages held by one site alone", title));
    size_t limit = report_top(report, 5);
    for (size_t i = 0; i < pages->pin_count && i < limit && result == 0; i++) {
        if (on_average(pages->pins[i].pinned_byte_seconds, seconds) >= PAGE_BYTES) {
            result = print_pin(report, &pages->pins[i], i < pages->repacked_count, seconds, err);
        }
    }
    out_end_table(report->out);
    out_begin_section(report->out, "pins_heap_top", "What that means");
    if (out_is_json(report->out)) {
        print_top_object(report->out, pages);
    }
    advise_arena(report, pages);
    explain_top(report, pages);
    out_end_section(report->out);
    note_disagreement(report, pages);
    return result;
}
