#include "baseline_change.h"

#include <errno.h>
#include <string.h>

#include "amount.h"

enum {
    RANGE_FACTOR = 5, /* of the range of few recordings: docs/ci.md */
};

static const char *why_unjudged(const struct baseline *old, const struct baseline *now,
                                enum gate_metric metric)
{
    if (metric == GATE_METRIC_REALLOC_MOVED_BYTES) {
        return "it follows the heap's addresses";
    }
    if (gate_metric_is_leak(metric) && old->is_leak_checked != now->is_leak_checked) {
        return now->is_leak_checked ? "the baseline knows no kinds of leaks"
                                    : "kinds of leaks are not known: record with --leak-check yes";
    }
    bool has_threads = old->thread_count > 1 || now->thread_count > 1;
    return metric == GATE_METRIC_PEAK_BYTES && has_threads ? "it follows the timing of threads"
                                                           : NULL;
}

/* What varied between a few recordings will leave their range sooner or later, but not by far. */
static uint64_t natural_room(const struct baseline_figure *figure)
{
    uint64_t width = figure->most - figure->least;
    return width < UINT64_MAX / RANGE_FACTOR / 2 ? width * RANGE_FACTOR : UINT64_MAX / 2;
}

static int judge(const struct baseline *old, const struct baseline *now, const char *tolerance,
                 struct baseline_change *change, struct err *err)
{
    enum gate_metric metric = change->metric;
    uint64_t room = 0;
    change->old = old->run[metric];
    change->now = now->run[metric];
    change->unjudged_why = why_unjudged(old, now, metric);
    if (tolerance != NULL) {
        int result = amount_tolerance(tolerance, change->old.most, gate_metrics[metric].is_bytes,
                                      &room, err);
        if (result < 0) {
            return result;
        }
    }
    room += natural_room(&change->old);
    uint64_t most = change->old.most > UINT64_MAX - room ? UINT64_MAX : change->old.most + room;
    uint64_t least = change->old.least > room ? change->old.least - room : 0;
    change->kind = change->now.least > most   ? CHANGE_MORE
                   : change->now.most < least ? CHANGE_LESS
                                              : CHANGE_NONE;
    if (change->kind != CHANGE_NONE && change->unjudged_why != NULL) {
        change->kind = CHANGE_UNJUDGED;
    }
    return 0;
}

/* How far a site left its range, in the direction of the whole. */
static uint64_t distance(const struct baseline_figure *old, const struct baseline_figure *now,
                         bool is_more)
{
    if (is_more) {
        return now->least > old->most ? now->least - old->most : 0;
    }
    return now->most < old->least ? old->least - now->most : 0;
}

static void consider(struct baseline_change *change, uint64_t *most, const char *path,
                     const struct baseline_figure *old, const struct baseline_figure *now,
                     uint32_t stack_id)
{
    uint64_t moved = distance(old, now, change->now.least > change->old.most);
    if (moved > *most) {
        *most = moved;
        change->site_path = path;
        change->site_old = *old;
        change->site_now = *now;
        change->site_stack_id = stack_id;
    }
}

static void find_site(const struct baseline *old, const struct baseline *now,
                      struct baseline_change *change)
{
    static const struct baseline_figure nothing;
    enum gate_metric metric = change->metric;
    uint64_t most = 0;
    for (size_t i = 0; i < now->site_count; i++) {
        const struct baseline_site *site = &now->sites[i];
        const struct baseline_site *before = baseline_find(old, site->path);
        consider(change, &most, site->path, before != NULL ? &before->figures[metric] : &nothing,
                 &site->figures[metric], site->stack_ids[metric]);
    }
    for (size_t i = 0; i < old->site_count; i++) {
        const struct baseline_site *site = &old->sites[i];
        if (baseline_find(now, site->path) == NULL) {
            consider(change, &most, site->path, &site->figures[metric], &nothing, 0);
        }
    }
}

/* The program's file name in a command as the shell would read it: "'./my app' -v" is "my app". */
static size_t program_of(const char *command, const char **out_name)
{
    bool is_quoted = command[0] == '\'';
    const char *begin = command + is_quoted;
    size_t size_bytes = strcspn(begin, is_quoted ? "'" : " ");
    *out_name = begin;
    for (size_t i = 0; i < size_bytes; i++) {
        *out_name = begin[i] == '/' ? begin + i + 1 : *out_name;
    }
    return (size_t)(begin + size_bytes - *out_name);
}

/* Less than what another program does is no success. */
static int check_program(const struct baseline *old, const struct baseline *now, struct err *err)
{
    const char *old_name;
    const char *now_name;
    size_t old_bytes = program_of(old->command, &old_name);
    size_t now_bytes = program_of(now->command, &now_name);
    if (old_bytes == now_bytes && memcmp(old_name, now_name, old_bytes) == 0) {
        return 0;
    }
    return err_set(err, EINVAL,
                   "the baseline is of another program: of %.100s, the recording is of %.100s",
                   old->command, now->command);
}

int baseline_compare(const struct baseline *old, const struct baseline *now, const char *tolerance,
                     struct baseline_change out_changes[GATE_METRIC_COUNT], struct err *err)
{
    int result = check_program(old, now, err);
    memset(out_changes, 0, GATE_METRIC_COUNT * sizeof(*out_changes));
    for (unsigned i = 0; i < GATE_METRIC_COUNT && result == 0; i++) {
        out_changes[i].metric = (enum gate_metric)i;
        result = judge(old, now, tolerance, &out_changes[i], err);
        if (result == 0 && out_changes[i].kind != CHANGE_NONE) {
            find_site(old, now, &out_changes[i]);
        }
    }
    return result;
}
