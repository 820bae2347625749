#include "evidence.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "../analyses/latencies.h"
#include "../db/query_class.h"
#include "../db/query_mark.h"

#define POLICY_VARIABLE "ALLOCAUDIT_POLICY"
#define MIB             1048576.0
#define MS              1e6

enum {
    SMALL_BYTES = 64,
    LARGE_BYTES = 128 << 10,
    SAMPLES_LEAST = 10, /* 0.1 s */
};

/* A program with less than this has nothing to win, however short it was seen. */
#define TINY_HEAP_BYTES MIB
#define TINY_TIME_NS    (2 * MS)
#define CPU_TIME_LEAST  (20 * MS) /* a clock of the kernel's own precision */

struct sizes {
    uint64_t allocation_count;
    uint64_t small_count;
    uint64_t large_bytes;
};

static int add_size(void *context, const struct size_class_row *row)
{
    struct sizes *sizes = context;
    sizes->allocation_count += row->allocation_count;
    sizes->small_count += row->size_max_bytes <= SMALL_BYTES ? row->allocation_count : 0;
    sizes->large_bytes += row->size_min_bytes >= LARGE_BYTES ? row->allocated_bytes : 0;
    return 0;
}

struct levels {
    double rss_sum;
    double live_sum;
    double width_sum;
    uint64_t count;
};

static int add_level(void *context, const struct timeline_row *row)
{
    struct levels *levels = context;
    if (row->rss_bytes != QUERY_NULL) {
        double width = (double)row->width_ns;
        levels->rss_sum += width * (double)row->rss_bytes;
        levels->live_sum += width * (double)row->live_bytes;
        levels->width_sum += width;
        levels->count++;
    }
    return 0;
}

static void read_threads(const struct trace *trace, const struct process_row *process,
                         struct evidence *evidence)
{
    uint64_t free_count = 0;
    uint64_t remote_count = 0;
    for (size_t i = 0; i < trace->thread_count; i++) {
        if (trace->threads[i].process_id == process->id) {
            evidence->thread_count++;
            free_count += trace->threads[i].free_count;
            remote_count += trace->threads[i].remote_free_count;
        }
    }
    evidence->remote_free_share = free_count > 0 ? (double)remote_count / (double)free_count : 0;
}

static uint64_t known(uint64_t value)
{
    return value == QUERY_NULL ? 0 : value;
}

static void read_process(const struct trace *trace, const struct process_row *process,
                         struct evidence *evidence)
{
    struct totals totals;
    trace_totals(trace, process->id, &totals);
    uint64_t ended_ns =
        process->ended_ns == QUERY_NULL ? known(trace->run.duration_ns) : process->ended_ns;
    *evidence = (struct evidence){
        .is_sample = trace_is_sample(trace),
        .is_import = trace_is_import(trace),
        .has_calls = !trace_is_sample(trace) && strcmp(trace->run.detail, "full") == 0,
        .is_complete = trace_is_complete(trace),
        .lost_event_count = known(totals.lost_event_count),
        .duration_ns = ended_ns > process->started_ns ? ended_ns - process->started_ns : 0,
        .allocation_count = process->allocation_count,
        .call_count = process->allocation_count + process->free_count,
        .peak_bytes = process->peak_bytes,
        .rss_peak_bytes = known(process->rss_peak_bytes),
    };
    for (size_t i = 0; i < trace->variable_count; i++) {
        evidence->has_policy |= strcmp(trace->variables[i].name, POLICY_VARIABLE) == 0;
    }
    read_threads(trace, process, evidence);
}

static int note_frames(void *context, const struct frame_group_row *row)
{
    bool *has_frames = context;
    *has_frames = *has_frames || row->mark_count > 0;
    return 0;
}

static int read_latencies(const struct trace *trace, const struct process_row *process,
                          struct evidence *evidence, struct err *err)
{
    struct latencies latencies;
    int result = latencies_load(trace->db, process->id, evidence->is_sample, &latencies, err);
    if (result == 0) {
        evidence->cpu_time_ns = latencies.cpu.cpu_time_ns;
        evidence->allocator_time_ns = latencies_most_ns(&latencies);
        latencies_fini(&latencies);
    }
    return result;
}

int evidence_load(const struct trace *trace, const struct process_row *process,
                  struct evidence *out_evidence, struct err *err)
{
    struct sizes sizes = {0};
    struct levels levels = {0};
    read_process(trace, process, out_evidence);
    int result = query_size_classes(trace->db, process->id, add_size, &sizes, err);
    if (result == 0) {
        result = query_timeline(trace->db, process->id, add_level, &levels, err);
    }
    if (result == 0) {
        result = read_latencies(trace, process, out_evidence, err);
    }
    if (result == 0) {
        result =
            query_frame_groups(trace->db, process->id, note_frames, &out_evidence->has_frames, err);
    }
    if (result < 0) {
        return result;
    }
    if (sizes.allocation_count > 0) {
        out_evidence->small_share = (double)sizes.small_count / (double)sizes.allocation_count;
    }
    if (out_evidence->duration_ns > 0) {
        out_evidence->large_rate =
            (double)sizes.large_bytes / ((double)out_evidence->duration_ns / 1e9);
    }
    if (levels.width_sum > 0) {
        out_evidence->rss_mean_bytes = levels.rss_sum / levels.width_sum;
        out_evidence->live_mean_bytes = levels.live_sum / levels.width_sum;
        out_evidence->sample_count = levels.count;
    }
    return 0;
}

static int tell(enum evidence_verdict verdict, int result)
{
    return result < 0 ? result : (int)verdict;
}

static int judge_recording(const struct evidence *evidence, struct str *why)
{
    const enum evidence_verdict no = EVIDENCE_INSUFFICIENT;
    if (evidence->is_sample) {
        return tell(no, str_append(why, "it is a sample, and a replay needs every call: record "
                                        "without --sample"));
    }
    if (evidence->is_import) {
        return tell(no, str_append(why, "it was imported, and a replay needs every call: record "
                                        "with 'allocaudit run'"));
    }
    if (!evidence->has_calls) {
        return tell(no, str_append(why, "it holds sums, and a replay needs every call: record "
                                        "without --detail sites"));
    }
    if (!evidence->is_complete) {
        return tell(no, str_append(why, "it ends before the program did: record it to its end, or "
                                        "complete it with 'allocaudit recover'"));
    }
    if (evidence->lost_event_count > 0) {
        return tell(no, str_printf(why, "%" PRIu64 " events were lost: record with --on-full wait",
                                   evidence->lost_event_count));
    }
    if (evidence->has_policy) {
        return tell(no, str_append(why, "a policy of allocaudit's own served the program: record "
                                        "without --policy and --plan"));
    }
    return EVIDENCE_ENOUGH;
}

int evidence_judge(const struct evidence *evidence, const struct goal *goal, struct str *why)
{
    int verdict = judge_recording(evidence, why);
    if (verdict != EVIDENCE_ENOUGH) {
        return verdict;
    }
    if (evidence->allocation_count == 0) {
        return tell(EVIDENCE_INSUFFICIENT,
                    str_append(why,
                               "the program was not seen to allocate: is it linked statically, "
                               "or does it bring its own allocator?"));
    }
    if (!goal->is_absolute && (double)evidence->peak_bytes < TINY_HEAP_BYTES &&
        evidence->allocator_time_ns < TINY_TIME_NS) {
        return tell(EVIDENCE_NOTHING_TO_WIN,
                    str_printf(why,
                               "it has at most %.1f KiB in use and spends %.2f ms in the "
                               "allocator: no allocator can win anything",
                               (double)evidence->peak_bytes / 1024,
                               evidence->allocator_time_ns / MS));
    }
    if (evidence->sample_count < SAMPLES_LEAST || evidence->rss_peak_bytes == 0) {
        return tell(EVIDENCE_INSUFFICIENT,
                    str_printf(why,
                               "the program's memory was seen %" PRIu64
                               " times only, %d are needed (0.1 s): run it longer, or with more "
                               "input",
                               evidence->sample_count, SAMPLES_LEAST));
    }
    if ((double)evidence->cpu_time_ns < CPU_TIME_LEAST) {
        return tell(EVIDENCE_INSUFFICIENT,
                    str_printf(why,
                               "it was seen to use %.0f ms of CPU time, too few to tell a share of "
                               "them: run it longer, or with more input",
                               (double)evidence->cpu_time_ns / MS));
    }
    return EVIDENCE_ENOUGH;
}

static double share_of(double part, double whole)
{
    return part > 0 && whole > 0 ? fmin(part / whole, 1) : 0;
}

struct headroom evidence_headroom(const struct evidence *evidence, const struct evidence_heap *heap)
{
    return (struct headroom){
        .peak = share_of(heap->peak_bytes - (double)evidence->peak_bytes,
                         (double)evidence->rss_peak_bytes),
        .mean = share_of(heap->mean_bytes - evidence->live_mean_bytes, evidence->rss_mean_bytes),
        .cpu = share_of(evidence->allocator_time_ns, (double)evidence->cpu_time_ns),
    };
}

bool headroom_is_none(const struct headroom *headroom)
{
    return headroom->peak < ADVICE_HEADROOM_LEAST && headroom->mean < ADVICE_HEADROOM_LEAST &&
           headroom->cpu < ADVICE_HEADROOM_LEAST;
}
