#include "replay_answer.h"

#include <inttypes.h>
#include <string.h>

#define TOUCH_TOLERANCE       1.05 /* of the recorded peak, which was sampled */
#define CALIBRATION_TOLERANCE 0.1  /* of the mean, in the root of the mean square */

static const char *const touch_words[] = {"first", "none", "calibrated"};
static const char *const mode_words[] = {"auto", "serial", "deps", "paced", "virtual"};

static void print_summary(const struct replay_answer *replay)
{
    struct out *out = replay->out;
    const struct script_head *head = &replay->head;
    bool has_threads = head->began_count > 1;
    out_begin_section(out, "replay", "Replay");
    out_text(out, "command", "command", replay->process->command);
    out_number(out, "process_id", NULL, replay->process->id);
    out_text(out, "recorded_allocator", "recorded on", replay->process->allocator);
    out_text(out, "mode", "mode", mode_words[replay->mode]);
    out_text(out, "touch", NULL, touch_words[replay->settings->touch]);
    out_number(out, "repetition_count", NULL, (int64_t)replay->settings->repetition_count);
    out_count(out, "allocation_count", "allocations",
              (int64_t)(head->alloc_count + head->realloc_count));
    out_count(out, "realloc_count", NULL, (int64_t)head->realloc_count);
    out_count(out, "free_count", "frees", (int64_t)(head->free_count + head->realloc_count));
    out_count(out, "thread_count", has_threads ? "threads" : NULL, head->began_count);
    out_count(out, "handoff_count", has_threads ? "blocks handed on" : NULL,
              (int64_t)head->handoff_count);
    out_bytes(out, "peak_bytes", "requested peak", (int64_t)head->peak_bytes);
    out_end_section(out);
}

/* Of the allocator that the program was recorded on, if it is among those replayed; or NULL. */
static const struct outcome *find_recorded(const struct replay_answer *replay)
{
    size_t place = replay_recorded_place(replay);
    return place < replay->count ? &replay->outcomes[place] : NULL;
}

static void print_spread(struct out *out, const char *key, const char *min_key, const char *max_key,
                         const char *label, const struct round_spread *spread)
{
    out_bytes(out, key, label, (int64_t)spread->median);
    out_bytes(out, min_key, NULL, (int64_t)spread->min);
    out_bytes(out, max_key, NULL, (int64_t)spread->max);
}

static void print_program_peak(const struct replay_answer *replay, const struct outcome *recorded,
                               const struct outcome *outcome)
{
    uint64_t rss_peak_bytes = replay->process->rss_peak_bytes;
    if (recorded == NULL || rss_peak_bytes == QUERY_NULL) {
        out_null(replay->out, "program_peak_bytes", "program peak");
        return;
    }
    double predicted =
        (double)rss_peak_bytes + outcome->heap_peak_bytes.median - recorded->heap_peak_bytes.median;
    out_bytes(replay->out, "program_peak_bytes", "program peak",
              predicted > 0 ? (int64_t)predicted : 0);
}

static void print_outcome(const struct replay_answer *replay, const struct outcome *recorded,
                          size_t place)
{
    struct out *out = replay->out;
    const struct outcome *outcome = &replay->outcomes[place];
    double peak_bytes = (double)replay->head.peak_bytes;
    print_spread(out, "heap_peak_bytes", "heap_peak_min_bytes", "heap_peak_max_bytes", "heap peak",
                 &outcome->heap_peak_bytes);
    print_spread(out, "heap_mean_bytes", "heap_mean_min_bytes", "heap_mean_max_bytes", "mean",
                 &outcome->heap_mean_bytes);
    print_spread(out, "heap_end_bytes", "heap_end_min_bytes", "heap_end_max_bytes", NULL,
                 &outcome->heap_end_bytes);
    out_real(out, "peak_ratio", "/requested", outcome->heap_peak_bytes.median / peak_bytes, 2);
    if (outcome->heap_at_peak_bytes.median > 0) {
        out_real(out, "at_peak_ratio", NULL, outcome->heap_at_peak_bytes.median / peak_bytes, 2);
    } else {
        out_null(out, "at_peak_ratio", NULL);
    }
    print_program_peak(replay, recorded, outcome);
    out_count(out, "fault_count", "faults", (int64_t)outcome->fault_count.median);
    out_ns(out, "cpu_ns", "cpu", (int64_t)outcome->cpu_ns.median);
    out_ns(out, "cpu_min_ns", NULL, (int64_t)outcome->cpu_ns.min);
    out_ns(out, "cpu_max_ns", NULL, (int64_t)outcome->cpu_ns.max);
    out_ns(out, "wall_ns", "wall", (int64_t)outcome->wall_ns.median);
    out_ns(out, "wall_min_ns", NULL, (int64_t)outcome->wall_ns.min);
    out_ns(out, "wall_max_ns", NULL, (int64_t)outcome->wall_ns.max);
    out_count(out, "failed_count", NULL, (int64_t)outcome->failed_count);
    out_count(out, "missed_count", NULL, (int64_t)outcome->missed_count);
}

static void print_allocators(const struct replay_answer *replay)
{
    struct out *out = replay->out;
    const struct outcome *recorded = find_recorded(replay);
    out_begin_table(out, "allocators", "Memory and time");
    for (size_t i = 0; i < replay->count; i++) {
        const struct replay_candidate *candidate = &replay->candidates[i];
        out_begin_row(out);
        out_text(out, "allocator", "allocator", candidate->name);
        out_text(out, "problem", NULL, candidate->is_lost ? candidate->problem.text : NULL);
        if (!candidate->is_lost) {
            print_outcome(replay, recorded, i);
        }
        out_end_row(out);
    }
    out_end_table(out);
}

static void print_latency(const struct replay_answer *replay, size_t place, unsigned call)
{
    struct out *out = replay->out;
    const struct outcome *outcome = &replay->outcomes[place];
    out_begin_row(out);
    out_text(out, "allocator", "allocator", replay->candidates[place].name);
    out_text(out, "call", "call", player_call_name((enum player_call)call));
    out_count(out, "call_count", "calls", (int64_t)outcome->call_counts[call]);
    out_real(out, "p50_ns", "p50 ns", outcome->p50_ns[call].median, 0);
    out_real(out, "p99_ns", "p99 ns", outcome->p99_ns[call].median, 0);
    out_real(out, "p999_ns", "p99.9 ns", outcome->p999_ns[call].median, 0);
    out_ns(out, "max_ns", "max", (int64_t)outcome->max_ns[call].median);
    out_end_row(out);
}

/* Call by call, so that the allocators stand beneath each other. */
static void print_latencies(const struct replay_answer *replay)
{
    out_begin_table(replay->out, "latencies", "Time of a call");
    for (unsigned call = 0; call < PLAYER_CALL_COUNT; call++) {
        for (size_t i = 0; i < replay->count; i++) {
            if (!replay->candidates[i].is_lost && replay->outcomes[i].call_counts[call] > 0) {
                print_latency(replay, i, call);
            }
        }
    }
    out_end_table(replay->out);
}

/* Blocks of which the program has used only a part need less than the replay says. */
static void print_touch_note(const struct replay_answer *replay)
{
    const struct outcome *recorded = find_recorded(replay);
    uint64_t rss_peak_bytes = replay->process->rss_peak_bytes;
    if (recorded == NULL || rss_peak_bytes == QUERY_NULL ||
        replay->settings->touch != REPLAY_TOUCH_FIRST ||
        recorded->heap_peak_bytes.median <= TOUCH_TOLERANCE * (double)rss_peak_bytes) {
        return;
    }
    char heap[32];
    char rss[32];
    out_note(replay->out,
             "the program did not touch all that it allocated: the replay needs %s where it had %s "
             "resident in all; --touch calibrated finds out how much of it, --touch none gives the "
             "lower bound",
             out_format_bytes((int64_t)recorded->heap_peak_bytes.median, heap),
             out_format_bytes((int64_t)rss_peak_bytes, rss));
}

static void print_calibration(const struct replay_answer *replay)
{
    struct out *out = replay->out;
    const struct calibration *calibration = &replay->calibration;
    if (replay->settings->touch != REPLAY_TOUCH_CALIBRATED) {
        return;
    }
    out_begin_section(out, "calibration", "Touched, by the recorded resident set");
    out_percent(out, "touch_share_pct", "of each block", calibration->fit.share, 1);
    out_bytes(out, "base_bytes", "beside the heap", (int64_t)calibration->fit.base_bytes);
    out_bytes(out, "recorded_peak_bytes", "peak recorded",
              (int64_t)calibration->recorded_peak_bytes);
    out_bytes(out, "replayed_peak_bytes", "peak replayed", (int64_t)calibration->peak_bytes);
    out_bytes(out, "recorded_mean_bytes", "mean recorded",
              (int64_t)calibration->recorded_mean_bytes);
    out_bytes(out, "error_bytes", "error, over time", (int64_t)calibration->mean_error_bytes);
    out_percent(out, "error_pct", "  of the mean", calibration->mean_error_bytes,
                calibration->recorded_mean_bytes);
    out_count(out, "sample_count", "moments compared", (int64_t)calibration->sample_count);
    out_end_section(out);
    if (calibration->mean_error_bytes > CALIBRATION_TOLERANCE * calibration->recorded_mean_bytes) {
        out_note(out, "no share of its blocks explains what the program had resident: most of that "
                      "is not the allocator's, such as mappings of its own; the touched share is a "
                      "guess");
    }
    if (calibration->fit.is_indifferent) {
        out_note(out, "what the program touches of its blocks hardly changes what it needs: all of "
                      "each is touched, as with --touch first");
    }
}

static void print_notes(const struct replay_answer *replay)
{
    print_touch_note(replay);
    for (size_t i = 0; i < replay->count; i++) {
        if (replay->candidates[i].is_lost) {
            out_note(replay->out, "%s: %s", replay->candidates[i].name,
                     replay->candidates[i].problem.text);
        } else if (replay->outcomes[i].failed_count > 0) {
            out_note(replay->out, "%s: %" PRIu64 " calls gave no memory",
                     replay->candidates[i].name, replay->outcomes[i].failed_count);
        }
    }
    if (replay->process->inherited_free_count > 0) {
        out_note(replay->out, "the process was forked: blocks that it inherited are not replayed");
    }
    if (replay->process->unpaired_free_count > 0) {
        out_note(replay->out,
                 "%" PRIu64 " frees of blocks that nobody was seen to allocate are "
                 "not replayed",
                 replay->process->unpaired_free_count);
    }
}

void replay_print(struct replay_answer *replay)
{
    print_summary(replay);
    print_calibration(replay);
    print_allocators(replay);
    print_latencies(replay);
    print_notes(replay);
}
