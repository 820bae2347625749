/*
 * What a reader of the figures must know: everything that was not seen, or is not certain.
 */
#include "report.h"

#include <stdio.h>
#include <string.h>

#include "../advice/env_lint.h"
#include "../base/str.h"
#include "../db/query_gc.h"
#include "../db/query_stack.h"

enum {
    MODULES_NAMED = 4,
};

static void note_state(struct report *report)
{
    const char *state = report->trace->run.state;
    if (strcmp(state, "recording") == 0) {
        out_note(report->out,
                 "the recording was not finished: what had not been read from the program yet is "
                 "missing; 'allocaudit recover %s' adds it once 'allocaudit run' has ended",
                 report->path);
    } else if (!trace_is_complete(report->trace)) {
        out_note(report->out,
                 "the recording was %s before the program ended: what came later is missing, and "
                 "blocks still in use then look leaked",
                 state);
    }
}

static void note_left_out(struct report *report)
{
    if (report->left_out.size_bytes > 0) {
        out_note(report->out, "sections that need every allocation in its order are left out: %s",
                 str_text(&report->left_out));
    }
}

static void note_import(struct report *report)
{
    if (trace_is_import(report->trace) && !report_is_go(report)) {
        out_note(report->out,
                 "imported from another profiler's file, which tells of sizes and stacks, not of "
                 "blocks and calls: lifetimes, temporary blocks, reallocs, threads, kinds of leaks "
                 "and times are not known");
    }
}

static void note_detail(struct report *report)
{
    if (strcmp(report->trace->run.detail, "sites") != 0 || report_is_go(report)) {
        return;
    }
    out_note(report->out,
             "recorded with --detail sites: blocks that were freed count in all figures, but have "
             "no rows of their own");
    if (strcmp(report->trace->run.state, "cut") == 0) {
        out_note(report->out,
                 "if this was recovered after a kill, blocks freed before the kill do not count: "
                 "nothing but such rows could tell of them");
    }
}

/* What such a process had in use is no leak, but counts as one. */
static void note_survivors(struct report *report)
{
    size_t survivor_count = 0;
    for (size_t i = 0; i < report->trace->process_count; i++) {
        const struct process_row *process = &report->trace->processes[i];
        bool is_meant =
            report->selection->process_id == 0 || report->selection->process_id == process->id;
        bool has_ended = process->end_kind != NULL && strcmp(process->end_kind, "detached") != 0;
        survivor_count += is_meant && !has_ended ? 1 : 0;
    }
    if (survivor_count > 0 && trace_is_complete(report->trace)) {
        out_note(report->out,
                 "processes that ran on when the recording ended: %zu; what they had in use then "
                 "counts as leaked",
                 survivor_count);
    }
}

static void note_losses(struct report *report)
{
    const struct totals *totals = &report->totals;
    char count[32];
    if (totals->lost_event_count != QUERY_NULL && totals->lost_event_count > 0) {
        out_note(report->out,
                 "events that were lost: %s; all counts are too low, and leaks uncertain",
                 out_format_count((int64_t)totals->lost_event_count, count));
    }
    if (totals->unpaired_free_count != QUERY_NULL && totals->unpaired_free_count > 0) {
        out_note(
            report->out,
            "frees of blocks that nobody was seen to allocate (made before recording began, or "
            "by another allocator): %s",
            out_format_count((int64_t)totals->unpaired_free_count, count));
    }
    if (report->trace->run.sample_bytes != QUERY_NULL) {
        char bytes[32];
        out_note(report->out,
                 "sampled: each byte allocated had a chance of one in %s to have its allocation "
                 "recorded. All figures are estimates (± is their 95 %% interval), and the peak "
                 "comes out rather too high. Temporary blocks, reallocs and extremes are not known",
                 out_format_bytes((int64_t)report->trace->run.sample_bytes, bytes));
    }
}

static void note_leaks(struct report *report)
{
    const struct site_leaks *leaks = &report->leaks;
    char count[32];
    if (leaks->unknown_process_count > 0 && leaks->known_process_count > 0) {
        out_note(report->out, "processes whose leaks have no known kind (%s): %llu, with %s blocks",
                 site_leaks_reason(leaks), (unsigned long long)leaks->unknown_process_count,
                 out_format_count((int64_t)leaks->unknown_leaked_count, count));
    } else if (leaks->unknown_process_count > 0 && site_leaks_is_unexpected(leaks)) {
        out_note(report->out, "of which kind the leaks are is not known: %s",
                 site_leaks_reason(leaks));
    }
    if (leaks->is_partly) {
        out_note(report->out,
                 "threads ran on while blocks were searched for: one that only a register held may "
                 "look lost");
    }
    for (size_t i = 0; i < report->suppressions.count; i++) {
        const struct suppression *suppression = &report->suppressions.items[i];
        char bytes[32];
        out_note(report->out, "suppressed by leak:%s: %s blocks, %s", suppression->pattern,
                 out_format_count((int64_t)suppression->leaked_count, count),
                 out_format_bytes((int64_t)suppression->leaked_bytes, bytes));
    }
}

/* True if there is such a process. */
static bool note_unseen(struct report *report)
{
    bool is_found = false;
    for (size_t i = 0; i < report->trace->process_count; i++) {
        const struct process_row *process = &report->trace->processes[i];
        bool is_meant =
            report->selection->process_id == 0 || report->selection->process_id == process->id;
        if (is_meant && process->is_malloc_replaced) {
            is_found = true;
            out_note(report->out,
                     "process %u (%s) brings its own malloc, which comes before the recorder's: "
                     "what it allocates was not seen. Build it without, or let it link that "
                     "allocator's shared library",
                     (unsigned)process->id, process->executable);
        }
    }
    return is_found;
}

static void note_emptiness(struct report *report)
{
    if (report->totals.allocation_count == 0 && !report_is_go(report)) {
        out_note(report->out,
                 "nothing was allocated through malloc or operator new: if that is a surprise, the "
                 "program may be linked statically or bring its own allocator, or it allocates "
                 "with mmap (record with --mmap)");
    }
}

static void note_go_objects(struct out *out, const struct go_runtime_row *go)
{
    out_note(out,
             "kind go: each object as the Go runtime told of it, in the sizes that it rounds "
             "requests up to (several below 16 bytes without pointers are one). It dies when it is "
             "swept, after the collection that found it dead; what was live at the end is no leak "
             "by itself. Telling makes the program many times slower, so that times are longer "
             "than without");
    if (go->damaged_object_count > 0) {
        out_note(out, "%llu records of objects could not be read, and are left out",
                 (unsigned long long)go->damaged_object_count);
    }
}

static void note_go_sites(struct out *out, const struct go_runtime_row *go)
{
    char bytes[32];
    if (strcmp(go->site_source, "none") == 0) {
        out_note(out, "sites of the Go heap are not known: %s",
                 go->site_reason != NULL ? go->site_reason : "its memory profile was never read");
        return;
    }
    if (strcmp(go->site_source, "objects") == 0) {
        note_go_objects(out, go);
        return;
    }
    out_note(out,
             "kind go: from the memory profile of the Go runtime (%s), in the sizes that it rounds "
             "requests up to. Go frees what nobody refers to, so what was live at the end, as of "
             "the last garbage collection, is no leak by itself",
             go->profile_rate_bytes == 1 ? "every object"
             : go->profile_rate_bytes == QUERY_NULL
                 ? "a sample"
                 : out_format_bytes((int64_t)go->profile_rate_bytes, bytes));
    if (strcmp(go->site_source, "reading") == 0) {
        out_note(out,
                 "its profile could not be read as it ended%s%s%s: what was allocated after %s is "
                 "missing",
                 go->site_reason != NULL ? " (" : "",
                 go->site_reason != NULL ? go->site_reason : "", go->site_reason != NULL ? ")" : "",
                 out_format_ns((int64_t)go->profile_read_ns, bytes));
    }
}

static int note_go(void *context, const struct go_runtime_row *go)
{
    struct report *report = context;
    struct out *out = report->out;
    if (report->selection->process_id != 0 && report->selection->process_id != go->process_id) {
        return 0;
    }
    note_go_sites(out, go);
    if (strcmp(go->gc_source, "none") == 0) {
        out_note(out, "garbage collections are not known: %s",
                 go->gc_reason != NULL ? go->gc_reason : "none could be read");
    }
    if (go->unread_line_count + go->lost_line_count > 0) {
        out_note(out,
                 "lines of the garbage collector that are missing: %llu worded in a new way, "
                 "%llu that came too fast",
                 (unsigned long long)go->unread_line_count,
                 (unsigned long long)go->lost_line_count);
    }
    if (go->foreign_line_count > 0) {
        out_note(out,
                 "%llu garbage collections of other Go programs, which this one started, are left "
                 "out",
                 (unsigned long long)go->foreign_line_count);
    }
    return 0;
}

/* The shared library that belongs to no file (the kernel's) has no package. */
static bool lacks_symbols(const struct report *report, const struct module_row *module)
{
    const struct process_row *process = report_process(report);
    bool is_file = module->path[0] == '/';
    bool is_go = report_is_go(report) && process != NULL && process->executable != NULL &&
                 strcmp(module->path, process->executable) == 0; /* its names are in its code */
    return is_file && !is_go &&
           (strcmp(module->symbols, "none") == 0 || strcmp(module->symbols, "dynsym") == 0);
}

static void note_modules(struct report *report)
{
    struct str names = {0};
    size_t count = 0;
    int result = 0;
    for (size_t i = 0; i < report->trace->module_count && result == 0; i++) {
        const struct module_row *module = &report->trace->modules[i];
        if (!lacks_symbols(report, module)) {
            continue;
        }
        if (count < MODULES_NAMED) {
            result =
                str_printf(&names, "%s%s", count == 0 ? "" : ", ", str_base_name(module->path));
        }
        count++;
    }
    if (result == 0 && count > MODULES_NAMED) {
        result = str_printf(&names, " and %zu more ('allocaudit report modules%s')",
                            count - MODULES_NAMED, report_file_words(report));
    }
    if (count > 0 && result == 0) {
        out_note(
            report->out,
            "functions and lines are missing for %s: build with -g, or install the debug "
            "symbols before recording (Debian: the -dbgsym package of what 'dpkg -S FILE' names)",
            str_text(&names));
    }
    str_fini(&names);
}

static void note_finding(void *context, const struct env_lint_finding *finding)
{
    struct report *report = context;
    out_note(report->out, "%s, %s: %s", finding->variable, env_lint_effect_word(finding->effect),
             finding->text);
}

/* Settings of the allocator that did not do what they say. */
static void note_environment(struct report *report)
{
    const struct process_row *process = report_process(report);
    if (process != NULL) {
        env_lint_recording(report->trace, process, note_finding, report);
    }
}

static int note_stacks(struct report *report, struct err *err)
{
    bool has_cut = false;
    int result = query_has_cut_stacks(report->trace->db, &has_cut, err);
    if (result == 0 && has_cut) {
        out_note(report->out,
                 "some stacks were deeper than %u frames and lost their callers nearest to main; "
                 "record with a larger --depth to keep them",
                 report->trace->run.depth_limit);
    }
    return result;
}

static void note_selection(struct report *report)
{
    const struct selection *selection = report->selection;
    if (selection->is_part_of_run) {
        out_note(report->out,
                 "only allocations made by the selected threads in the selected time; figures that "
                 "need the whole run (peak, time, temporary, moved, chains) are left out");
    }
    if (report->trace->process_count > 1 && selection->process_id == 0 &&
        !selection->is_part_of_run) {
        out_note(report->out,
                 "figures of a site are summed over %zu processes ('allocaudit report "
                 "processes%s'); its "
                 "share of the peak is that of each process's own peak",
                 report->trace->process_count, report_file_words(report));
    }
}

int report_print_notes(struct report *report, struct err *err)
{
    note_state(report);
    note_import(report);
    note_detail(report);
    note_left_out(report);
    if (!note_unseen(report)) {
        note_emptiness(report);
    }
    note_survivors(report);
    note_losses(report);
    note_leaks(report);
    note_selection(report);
    note_modules(report);
    note_environment(report);
    int result = query_go_runtime(report->trace->db, note_go, report, err);
    return result < 0 ? result : note_stacks(report, err);
}
