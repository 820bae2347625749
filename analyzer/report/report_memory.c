/*
 * Memory: the resident set, from requested bytes to everything else that is mapped.
 */
#include "report.h"

#include <math.h>
#include <stdio.h>

#include "../analyses/heap_pages.h"

/* The resident set at one moment; what could not be told apart is 0 in `waterfall`. */
struct reconciled {
    const struct memory_moment *memory;
    const struct heap_moment *heap; /* NULL: calls or residency are not known */
};

struct memory_line {
    const char *key;
    const char *label;
    bool is_sum; /* of the lines before */
    double (*value)(const struct reconciled *reconciled);
};

static double of_kind(const struct reconciled *reconciled, enum mapping_kind kind)
{
    return (double)reconciled->memory->rss_of_kind[kind];
}

#define HEAP_LINE(name, field)                                                                     \
    static double name(const struct reconciled *reconciled)                                        \
    {                                                                                              \
        return reconciled->heap != NULL ? (double)reconciled->heap->field : 0;                     \
    }
HEAP_LINE(requested_of, waterfall.requested_bytes)
HEAP_LINE(rounding_of, waterfall.rounding_bytes)
HEAP_LINE(header_of, waterfall.header_bytes)
HEAP_LINE(hole_of, waterfall.hole_bytes)
HEAP_LINE(empty_of, waterfall.empty_bytes)
HEAP_LINE(resident_of, waterfall.resident_bytes)
HEAP_LINE(foreign_of, foreign_bytes)

static double untouched_of(const struct reconciled *reconciled)
{
    return reconciled->heap != NULL ? -reconciled->heap->waterfall.untouched_bytes : 0;
}

#define KIND_LINE(name, kind)                                                                      \
    static double name(const struct reconciled *reconciled)                                        \
    {                                                                                              \
        return of_kind(reconciled, kind);                                                          \
    }
KIND_LINE(stack_of, MAPPING_STACK)
KIND_LINE(code_of, MAPPING_CODE)
KIND_LINE(file_of, MAPPING_FILE)
KIND_LINE(shared_of, MAPPING_SHARED)
KIND_LINE(recorder_of, MAPPING_RECORDER)
KIND_LINE(other_of, MAPPING_OTHER)

/* Heap and anonymous mappings, where their parts are not known. */
static double undivided_of(const struct reconciled *reconciled)
{
    return reconciled->heap == NULL
               ? of_kind(reconciled, MAPPING_HEAP) + of_kind(reconciled, MAPPING_ANONYMOUS)
               : 0;
}

/* Counted by smaps, and not by the pages that were looked at a moment later. */
static double rest_of(const struct reconciled *reconciled)
{
    return reconciled->heap != NULL
               ? of_kind(reconciled, MAPPING_HEAP) + of_kind(reconciled, MAPPING_ANONYMOUS) -
                     resident_of(reconciled) - foreign_of(reconciled)
               : 0;
}

static double rss_of(const struct reconciled *reconciled)
{
    return (double)reconciled->memory->rss_bytes;
}

static const struct memory_line lines[] = {
    {"requested_bytes", "requested by the program", false, requested_of},
    {"rounding_bytes", "+ rounded up by the allocator", false, rounding_of},
    {"header_bytes", "+ block headers", false, header_of},
    {"hole_bytes", "+ holes: free, in pages in use", false, hole_of},
    {"empty_bytes", "+ empty pages: caches, free lists, metadata", false, empty_of},
    {"untouched_bytes", "- pages never written", false, untouched_of},
    {"heap_bytes", "= heap", true, resident_of},
    {"undivided_bytes", "heap and anonymous mappings", false, undivided_of},
    {"foreign_bytes", "+ anonymous mappings without blocks", false, foreign_of},
    {"stack_bytes", "+ stacks", false, stack_of},
    {"code_bytes", "+ code of programs and libraries", false, code_of},
    {"file_bytes", "+ files and library data", false, file_of},
    {"shared_bytes", "+ shared memory", false, shared_of},
    {"other_bytes", "+ the kernel's own", false, other_of},
    {"recorder_bytes", "+ the recorder itself", false, recorder_of},
    {"rest_bytes", "+ not explained", false, rest_of},
    {"rss_bytes", "= resident set (RSS)", true, rss_of},
};

enum {
    LINE_COUNT = sizeof(lines) / sizeof(lines[0])
};

static struct reconciled reconcile(const struct heap_pages *pages,
                                   const struct memory_moment *memory)
{
    struct reconciled reconciled = {.memory = memory};
    for (size_t i = 0; pages != NULL && i < pages->moment_count; i++) {
        if (pages->moments[i].memory->at_ns == memory->at_ns) {
            reconciled.heap = &pages->moments[i];
        }
    }
    return reconciled;
}

static void print_object(struct out *out, const char *key, const struct reconciled *reconciled)
{
    out_begin_object(out, key);
    out_ns(out, "at_ns", NULL, (int64_t)reconciled->memory->at_ns);
    for (size_t i = 0; i < LINE_COUNT; i++) {
        out_bytes(out, lines[i].key, NULL, (int64_t)lines[i].value(reconciled));
    }
    out_bytes(out, "lazy_free_bytes", NULL, (int64_t)reconciled->memory->lazy_free_bytes);
    out_bytes(out, "swap_bytes", NULL, (int64_t)reconciled->memory->swap_bytes);
    out_end_object(out);
}

static void print_lines(struct report *report, const struct reconciled *peak,
                        const struct reconciled *end)
{
    struct out *out = report->out;
    char title[REPORT_TITLE_BYTES];
    char text[REPORT_TITLE_BYTES + 96];
    char at_peak[32];
    char at_end[32];
    (void)snprintf(text, sizeof(text), "%s (peak of RSS: at %s, end: at %s)",
                   report_title(report, "From requested bytes to RSS", title),
                   out_format_ns((int64_t)peak->memory->at_ns, at_peak),
                   out_format_ns((int64_t)end->memory->at_ns, at_end));
    out_begin_table(out, "memory", text);
    for (size_t i = 0; i < LINE_COUNT; i++) {
        double peak_bytes = lines[i].value(peak);
        double end_bytes = lines[i].value(end);
        if (peak_bytes == 0 && end_bytes == 0) {
            continue;
        }
        out_begin_row(out);
        out_text(out, "part", "", lines[i].label);
        out_bytes(out, "peak_bytes", "at the peak", (int64_t)peak_bytes);
        out_percent(out, "peak_pct", "share", peak_bytes, rss_of(peak));
        out_bytes(out, "end_bytes", "at the end", (int64_t)end_bytes);
        out_percent(out, "end_pct", "share", end_bytes, rss_of(end));
        out_end_row(out);
    }
    out_end_table(out);
}

static void print_moments(struct out *out, const struct memory_moments *moments)
{
    out_begin_list(out, "moments");
    for (size_t i = 0; i < moments->count; i++) {
        const struct memory_moment *moment = &moments->moments[i];
        out_begin_row(out);
        out_ns(out, "at_ns", NULL, (int64_t)moment->at_ns);
        out_bytes(out, "rss_bytes", NULL, (int64_t)moment->rss_bytes);
        for (unsigned kind = 0; kind < MAPPING_KIND_COUNT; kind++) {
            out_bytes(out, mapping_kind_name(kind), NULL, (int64_t)moment->rss_of_kind[kind]);
        }
        out_end_row(out);
    }
    out_end_list(out);
}

static void note_memory(struct report *report, const struct heap_pages *pages,
                        const struct reconciled *reconciled)
{
    const struct process_row *process = report_process(report);
    const struct memory_moment *peak = reconciled->memory;
    char bytes[32];
    if (fabs(rest_of(reconciled)) > rss_of(reconciled) / 20) {
        out_note(report->out, "the process was taking or giving back memory while it was looked "
                              "at for its peak: the part that is not explained is that movement");
    }
    if (pages == NULL) {
        report_note_no_calls(report, "memory");
    } else if (peak->range_count == 0) {
        out_note(report->out, "which pages of the heap are resident could not be read: what it "
                              "consists of is not known");
    }
    if (process->rss_peak_bytes != QUERY_NULL &&
        process->rss_peak_bytes > peak->rss_bytes + peak->rss_bytes / 20) {
        out_note(report->out,
                 "the resident set was larger between two of these moments: %s (with the "
                 "recorder's own)",
                 out_format_bytes((int64_t)process->rss_peak_bytes, bytes));
    }
    if (peak->lazy_free_bytes > 0) {
        out_note(report->out,
                 "%s of the resident set at its peak had been given back (MADV_FREE) and only "
                 "awaited the kernel",
                 out_format_bytes((int64_t)peak->lazy_free_bytes, bytes));
    }
}

int report_print_memory(struct report *report, struct err *err)
{
    const struct heap_pages *pages = report->state;
    const struct process_row *process = report_process(report);
    struct memory_moments moments = {0};
    int result =
        process != NULL ? memory_moments_load(report->trace->db, process->id, &moments, err) : 0;
    if (result < 0 || process == NULL) {
        return result;
    }
    const struct memory_moment *largest = memory_moments_largest(&moments);
    if (largest == NULL) {
        out_note(report->out,
                 "section 'memory' needs samples of the process's mappings: it was too "
                 "short, could not be looked at, or was recorded by an older version");
        memory_moments_fini(&moments);
        return 0;
    }
    struct reconciled peak = reconcile(pages, largest);
    struct reconciled end = reconcile(pages, &moments.moments[moments.count - 1]);
    if (out_is_json(report->out)) {
        out_begin_section(report->out, "memory", "Memory");
        out_number(report->out, "process_id", NULL, process->id);
        print_object(report->out, "at_peak", &peak);
        print_object(report->out, "at_end", &end);
        print_moments(report->out, &moments);
        out_end_section(report->out);
    } else {
        print_lines(report, &peak, &end);
    }
    note_memory(report, pages, &peak);
    memory_moments_fini(&moments);
    return 0;
}
