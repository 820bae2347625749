#include "calibration.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "../model/timeline.h"
#include "resident_curve.h"

enum {
    SAMPLES_LEAST = 10,
};

struct calibrating {
    const struct rounds_settings *rounds;
    const struct replay_candidate *recorded;
    struct timeline timeline;
    struct touch_moment *moments; /* of the slices whose resident set is known */
    struct touch_moment *upper;   /* the same, for a second look */
    double *replayed_bytes;       /* by moment, with the share that was found */
    size_t count;
};

/* Replays with this share, and gives the heap at each moment to `place`. */
static int replay(struct calibrating *calibrating, double share,
                  void (*place)(struct calibrating *calibrating, size_t moment, double bytes),
                  struct err *err)
{
    struct resident_curve curve = {0};
    uint64_t began_ns = calibrating->rounds->head->began_ns;
    size_t cursor = 0;
    size_t moment = 0;
    int result = rounds_play_curve(calibrating->rounds, calibrating->recorded, share, &curve, err);
    for (size_t i = 0; result == 0 && i < calibrating->timeline.count; i++) {
        const struct timeline_row *row = &calibrating->timeline.rows[i];
        uint64_t to_ns = row->at_ns + row->width_ns;
        if (row->rss_bytes == QUERY_NULL) {
            continue;
        }
        uint64_t from_ns = row->at_ns > began_ns ? row->at_ns - began_ns : 0;
        to_ns = to_ns > began_ns ? to_ns - began_ns : 0;
        place(calibrating, moment++, (double)resident_curve_most(&curve, &cursor, from_ns, to_ns));
    }
    resident_curve_fini(&curve);
    return result;
}

static void place_none(struct calibrating *calibrating, size_t moment, double bytes)
{
    calibrating->moments[moment].none_bytes = bytes;
}

static void place_all(struct calibrating *calibrating, size_t moment, double bytes)
{
    calibrating->moments[moment].all_bytes = bytes;
}

static void place_replayed(struct calibrating *calibrating, size_t moment, double bytes)
{
    calibrating->replayed_bytes[moment] = bytes;
}

static int load(struct calibrating *calibrating, const struct trace *trace,
                const struct process_row *process, struct err *err)
{
    struct timeline *timeline = &calibrating->timeline;
    int result = timeline_load(trace->db, process->id, 0, UINT64_MAX, timeline, err);
    if (result < 0) {
        return result;
    }
    calibrating->moments = calloc(timeline->count + 1, sizeof(*calibrating->moments));
    calibrating->upper = calloc(timeline->count + 1, sizeof(*calibrating->upper));
    calibrating->replayed_bytes = calloc(timeline->count + 1, sizeof(*calibrating->replayed_bytes));
    if (calibrating->moments == NULL || calibrating->upper == NULL ||
        calibrating->replayed_bytes == NULL) {
        return err_set_errno(err, ENOMEM, "cannot replay");
    }
    for (size_t i = 0; i < timeline->count; i++) {
        const struct timeline_row *row = &timeline->rows[i];
        if (row->rss_bytes != QUERY_NULL) {
            calibrating->moments[calibrating->count++] =
                (struct touch_moment){.weight = 1, .recorded_bytes = (double)row->rss_bytes};
        }
    }
    if (calibrating->count < SAMPLES_LEAST) {
        return err_set(err, ENODATA,
                       "cannot calibrate: the process's resident set is known of %zu moments only, "
                       "it takes %d; leave out --touch calibrated",
                       calibrating->count, SAMPLES_LEAST);
    }
    return 0;
}

/* How well the replay with the share that was found meets what was recorded. */
static void judge(const struct calibrating *calibrating, struct calibration *calibration)
{
    double squares = 0;
    double sum = 0;
    for (size_t i = 0; i < calibrating->count; i++) {
        double recorded = calibrating->moments[i].recorded_bytes;
        double replayed = calibration->fit.base_bytes + calibrating->replayed_bytes[i];
        squares += (replayed - recorded) * (replayed - recorded);
        sum += recorded;
        calibration->recorded_peak_bytes = fmax(calibration->recorded_peak_bytes, recorded);
        calibration->peak_bytes = fmax(calibration->peak_bytes, replayed);
    }
    calibration->sample_count = calibrating->count;
    calibration->mean_error_bytes = sqrt(squares / (double)calibrating->count);
    calibration->recorded_mean_bytes = sum / (double)calibrating->count;
}

/*
 * Pages make the way from none to all a crooked one. So the share is looked for once more between
 * the replay that has just been made and the end that lies on the other side of it.
 */
static struct touch_fit refine(struct calibrating *calibrating, struct touch_fit first)
{
    struct touch_fit fit;
    double low = 0;
    double high = first.share;
    for (size_t i = 0; i < calibrating->count; i++) {
        calibrating->upper[i] = calibrating->moments[i];
        calibrating->upper[i].none_bytes = calibrating->replayed_bytes[i];
        calibrating->moments[i].all_bytes = calibrating->replayed_bytes[i];
    }
    touch_fit_find(calibrating->moments, calibrating->count, &fit);
    if (fit.share >= 1) {
        touch_fit_find(calibrating->upper, calibrating->count, &fit);
        low = first.share;
        high = 1;
    }
    fit.share = fit.is_indifferent ? first.share : low + fit.share * (high - low);
    fit.is_indifferent = false;
    return fit;
}

static void set_base(struct calibrating *calibrating, struct touch_fit *fit)
{
    double sum = 0;
    for (size_t i = 0; i < calibrating->count; i++) {
        sum += calibrating->moments[i].recorded_bytes - calibrating->replayed_bytes[i];
    }
    fit->base_bytes = fmax(sum / (double)calibrating->count, 0);
}

static int find_share(struct calibrating *calibrating, struct touch_fit *fit, struct err *err)
{
    int result = replay(calibrating, 0, place_none, err);
    if (result == 0) {
        result = replay(calibrating, 1, place_all, err);
    }
    if (result < 0) {
        return result;
    }
    touch_fit_find(calibrating->moments, calibrating->count, fit);
    result = replay(calibrating, fit->share, place_replayed, err);
    bool is_between = fit->share > 0 && fit->share < 1;
    if (result == 0 && is_between) {
        *fit = refine(calibrating, *fit);
        result = replay(calibrating, fit->share, place_replayed, err);
    }
    set_base(calibrating, fit);
    return result;
}

int calibration_find(const struct trace *trace, const struct process_row *process,
                     const struct rounds_settings *rounds, const struct replay_candidate *recorded,
                     struct calibration *out_calibration, struct err *err)
{
    struct calibrating calibrating = {.rounds = rounds, .recorded = recorded};
    struct calibration calibration = {0};
    int result = load(&calibrating, trace, process, err);
    if (result == 0) {
        result = find_share(&calibrating, &calibration.fit, err);
    }
    if (result == 0) {
        judge(&calibrating, &calibration);
        *out_calibration = calibration;
    }
    timeline_fini(&calibrating.timeline);
    free(calibrating.moments);
    free(calibrating.upper);
    free(calibrating.replayed_bytes);
    return result;
}
