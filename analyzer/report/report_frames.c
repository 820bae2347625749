/*
 * Frames: what each of them allocates, and which sites could live in a frame allocator.
 */
#include "report.h"

#include <stdio.h>
#include <string.h>

#include "../analyses/frames.h"
#include "../base/str.h"
#include "../db/query_mark.h"

/* How a figure is called: key(suffix) for JSON, a label for people. */
#define FRAME_FIGURES(X)                                                                           \
    X(FRAME_ALLOCATION_COUNT, "allocation_count", "allocations", out_count)                        \
    X(FRAME_FREE_COUNT, "free_count", "frees", out_count)                                          \
    X(FRAME_ALLOCATED_BYTES, "allocated_bytes", "bytes allocated", out_bytes)                      \
    X(FRAME_PEAK_BYTES, "peak_bytes", "most bytes of its own live", out_bytes)                     \
    X(FRAME_SURVIVOR_COUNT, "survivor_count", "blocks that outlive it", out_count)                 \
    X(FRAME_TEMPORARY_COUNT, "temporary_count", "freed before the next is allocated", out_count)

struct frame_figure_words {
    enum frame_figure figure;
    const char *label;
    const char *p50_key;
    const char *p99_key;
    const char *max_key;
    const char *mean_key;
    const char *warmup_p50_key;
    const char *warmup_max_key;
    void (*print)(struct out *out, const char *key, const char *label, int64_t value);
};

static const struct frame_figure_words figure_words[] = {
#define X(figure, key, label, print)                                                               \
    {figure,     label,       key "_p50",           key "_p99",                                    \
     key "_max", key "_mean", "warmup_" key "_p50", "warmup_" key "_max",                          \
     print},
    FRAME_FIGURES(X)
#undef X
};

enum {
    NAME_BYTES = 160,
};

/* What ends the frames of a series. */
static const char *ended_by(const struct frame_series *series, char name[NAME_BYTES])
{
    (void)snprintf(name, NAME_BYTES, "%s",
                   series->name[0] != '\0' ? series->name : "allocaudit_frame()");
    return name;
}

static const char *fit_of(const struct frame_site *site)
{
    if (site->contained_count == site->allocation_count) {
        return "yes";
    }
    bool is_nearly =
        site->contained_count * 100 >= site->allocation_count * (uint64_t)FRAME_NEARLY_PCT;
    return is_nearly ? "nearly" : "no";
}

/* ---- sites -------------------------------------------------------------------------------------
 */

static void print_drag(struct report *report, const struct frame_site *site)
{
    struct out *out = report->out;
    const char *max_label = report_label_from(report, 104, "max drag");
    if (site->late_count == 0) {
        out_null(out, "drag_frames_mean", "drag");
        out_null(out, "drag_frames_max", max_label);
        return;
    }
    out_real(out, "drag_frames_mean", "drag", (double)site->drag_sum / (double)site->late_count, 1);
    out_count(out, "drag_frames_max", max_label, (int64_t)site->drag_max);
}

static int print_site(struct report *report, const struct frame_series *series,
                      const struct frame_site *site, struct err *err)
{
    struct call_stack stack;
    struct out *out = report->out;
    int result = report_begin_site_row(report, site->stack_id, &stack, err);
    if (result < 0) {
        return result;
    }
    out_count(out, "allocation_count", "allocations", (int64_t)site->allocation_count);
    out_count(out, "frame_count", "in frames", (int64_t)site->frame_count);
    out_percent(out, "frame_share_pct", report_label_from(report, 90, "share"),
                (double)site->frame_count, (double)series->steady_frame_count);
    out_bytes(out, "allocated_bytes", report_label_from(report, 104, "allocated"),
              (int64_t)site->allocated_bytes);
    out_percent(out, "contained_pct", "contained", (double)site->contained_count,
                (double)site->allocation_count);
    print_drag(report, site);
    out_text(out, "frame_able", "frame-able", fit_of(site));
    out_count(out, "contained_count", NULL, (int64_t)site->contained_count);
    out_count(out, "late_count", NULL, (int64_t)site->late_count);
    out_count(out, "warmup_allocation_count", NULL, (int64_t)site->warmup_allocation_count);
    report_end_whole_site_row(report, &stack);
    return 0;
}

/* The sites that allocate after the warm-up stand first. */
static size_t count_steady_sites(const struct frame_series *series)
{
    size_t count = 0;
    while (count < series->site_count && series->sites[count].allocation_count > 0) {
        count++;
    }
    return count;
}

static int print_sites(struct report *report, const struct frame_series *series, struct err *err)
{
    size_t limit = report_top(report, 5);
    size_t count = count_steady_sites(series);
    int result = 0;
    for (size_t i = 0; i < count && i < limit && result == 0; i++) {
        result = print_site(report, series, &series->sites[i], err);
    }
    return result;
}

/* ---- for people --------------------------------------------------------------------------------
 */

static void print_figures(struct out *out, const struct frame_series *series)
{
    for (size_t i = 0; i < sizeof(figure_words) / sizeof(figure_words[0]); i++) {
        const struct frame_figure_words *words = &figure_words[i];
        const struct spread_figures *steady = &series->figures[words->figure];
        const struct spread_figures *warmup = &series->warmup_figures[words->figure];
        out_begin_row(out);
        out_text(out, "figure", "per frame", words->label);
        words->print(out, "p50", "p50", (int64_t)steady->p50);
        words->print(out, "p99", "p99", (int64_t)steady->p99);
        words->print(out, "max", "max", (int64_t)steady->max);
        words->print(out, "warmup_p50", "warm-up p50", (int64_t)warmup->p50);
        words->print(out, "warmup_max", "max", (int64_t)warmup->max);
        out_end_row(out);
    }
}

static const char *format_figure(enum frame_figure figure, uint64_t value, char text[32])
{
    bool is_bytes = figure == FRAME_ALLOCATED_BYTES || figure == FRAME_PEAK_BYTES;
    return is_bytes ? out_format_bytes((int64_t)value, text)
                    : out_format_count((int64_t)value, text);
}

static void explain_warmup(struct out *out, const struct frame_series *series)
{
    const struct warmup *warmup = &series->warmup;
    char count[32];
    char least[32];
    char most[32];
    const char *whose = series->thread_count > 1 ? " of each thread" : "";
    if (!warmup->is_known) {
        out_prose(out,
                  "  warm-up: too few frames to tell; the first%s is left out, since it holds what "
                  "came before",
                  whose);
    } else if (warmup->frame_count == 1) {
        out_prose(out,
                  "  warm-up: the first frame%s, which holds what came before; the others are "
                  "alike",
                  whose);
    } else {
        enum frame_figure reason = warmup->reason;
        out_prose(out,
                  "  warm-up: the first %s frames%s; until there '%s' could lie far from the %s to "
                  "%s of the later half",
                  out_format_count((int64_t)warmup->frame_count, count), whose,
                  figure_words[reason].label,
                  format_figure(reason, warmup->later_min[reason], least),
                  format_figure(reason, warmup->later_max[reason], most));
    }
    if (warmup->is_long) {
        out_prose(
            out, "  perhaps no steady state: the warm-up takes in a quarter of the frames or more");
    }
}

static void tell_zero(struct out *out, const struct frame_series *series)
{
    char allocating[32];
    char all[32];
    out_format_count((int64_t)series->allocating_frame_count, allocating);
    out_format_count((int64_t)series->steady_frame_count, all);
    if (series->steady_frame_count > 0 && series->allocating_frame_count == 0) {
        out_prose(out, "  allocation-free after the warm-up: yes, in all %s frames", all);
    } else if (series->steady_frame_count > 0) {
        out_prose(out,
                  "  allocation-free after the warm-up: no, %s of %s frames allocate, at the sites "
                  "below",
                  allocating, all);
    }
}

static int print_for_people(struct report *report, const struct frame_series *series,
                            struct err *err)
{
    struct out *out = report->out;
    char name[NAME_BYTES];
    char subject[NAME_BYTES + 96];
    char title[REPORT_TITLE_BYTES];
    char frames[32];
    char threads[32];
    (void)snprintf(subject, sizeof(subject), "Frames ended by %s: %s by %s thread%s",
                   ended_by(series, name), out_format_count((int64_t)series->frame_count, frames),
                   out_format_count(series->thread_count, threads),
                   series->thread_count == 1 ? "" : "s");
    out_begin_table(out, "frames", report_title(report, subject, title));
    print_figures(out, series);
    out_end_table(out);
    explain_warmup(out, series);
    tell_zero(out, series);
    int result = 0;
    size_t count = count_steady_sites(series);
    if (count > 0) {
        out_begin_table(
            out, "frame_sites",
            "Sites in frames after the warm-up (drag: frames that blocks outlive their own by)");
        result = print_sites(report, series, err);
        out_end_table(out);
    }
    return result;
}

/* ---- for programs ------------------------------------------------------------------------------
 */

static void print_values(struct out *out, const struct frame_series *series)
{
    for (size_t i = 0; i < sizeof(figure_words) / sizeof(figure_words[0]); i++) {
        const struct frame_figure_words *words = &figure_words[i];
        const struct spread_figures *steady = &series->figures[words->figure];
        const struct spread_figures *warmup = &series->warmup_figures[words->figure];
        words->print(out, words->p50_key, NULL, (int64_t)steady->p50);
        words->print(out, words->p99_key, NULL, (int64_t)steady->p99);
        words->print(out, words->max_key, NULL, (int64_t)steady->max);
        out_real(out, words->mean_key, NULL, steady->mean, OUT_DECIMALS_NEEDED);
        words->print(out, words->warmup_p50_key, NULL, (int64_t)warmup->p50);
        words->print(out, words->warmup_max_key, NULL, (int64_t)warmup->max);
    }
}

static int print_for_programs(struct report *report, const struct frames *frames, struct err *err)
{
    struct out *out = report->out;
    int result = 0;
    out_begin_table(out, "frames", NULL);
    for (size_t i = 0; i < frames->series_count && result == 0; i++) {
        const struct frame_series *series = &frames->series[i];
        char name[NAME_BYTES];
        out_begin_row(out);
        out_text(out, "ended_by", NULL, ended_by(series, name));
        out_number(out, "process_id", NULL, report_process(report)->id);
        out_count(out, "thread_count", NULL, series->thread_count);
        out_count(out, "frame_count", NULL, (int64_t)series->frame_count);
        out_bool(out, "is_warmup_known", NULL, series->warmup.is_known);
        out_bool(out, "has_steady_state", NULL, !series->warmup.is_long);
        out_count(out, "warmup_frame_count", NULL, (int64_t)series->warmup.frame_count);
        out_count(out, "steady_frame_count", NULL, (int64_t)series->steady_frame_count);
        out_count(out, "allocating_frame_count", NULL, (int64_t)series->allocating_frame_count);
        out_bool(out, "is_allocation_free", NULL,
                 series->steady_frame_count > 0 && series->allocating_frame_count == 0);
        print_values(out, series);
        out_count(out, "after_allocation_count", NULL, (int64_t)series->after_allocation_count);
        out_begin_list(out, "sites");
        result = print_sites(report, series, err);
        out_end_list(out);
        out_end_row(out);
    }
    out_end_table(out);
    return result;
}

static int note_marked(void *context, const struct marked_process_row *row)
{
    struct report *report = context;
    const struct process_row *process = trace_process(report->trace, row->process_id);
    if (row->frame_count > 0 && process != NULL && process != report_process(report)) {
        char count[32];
        out_note(report->out, "process %u (%s) has ended %s frames: see 'frames --process %u'",
                 row->process_id, str_base_name(process->executable),
                 out_format_count((int64_t)row->frame_count, count), row->process_id);
    }
    return 0;
}

int report_print_frames_section(struct report *report, struct err *err)
{
    const struct frames *frames = report->state;
    struct out *out = report->out;
    if (frames == NULL) {
        report_note_no_calls(report, "frames");
        return 0;
    }
    if (out_is_json(out)) {
        int done = print_for_programs(report, frames, err);
        return done == 0 && frames->series_count == 0 ? report_print_detected_frames(report, err)
                                                      : done;
    }
    if (frames->series_count == 0) {
        char title[REPORT_TITLE_BYTES];
        out_begin_table(out, "frames", report_title(report, "Frames", title));
        out_end_table(out);
        out_prose(out, "  no thread has ended one: call allocaudit_frame() (allocaudit.h) at the "
                       "end of each, or record with run --frame-symbol FUNCTION");
    }
    int result = frames->series_count == 0 ? report_print_detected_frames(report, err) : 0;
    result = result < 0 ? result
             : report->selection->process_id == 0
                 ? query_marked_processes(report->trace->db, note_marked, report, err)
                 : 0;
    for (size_t i = 0; i < frames->series_count && result == 0; i++) {
        result = print_for_people(report, &frames->series[i], err);
    }
    if (frames->left_out_count > 0) {
        out_note(out, "frames under %zu more names are not shown: at most %d are told apart",
                 frames->left_out_count, FRAME_SERIES_MAX);
    }
    return result;
}
