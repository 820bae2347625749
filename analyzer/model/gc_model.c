#include "gc_model.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum {
    CYCLES_LEAST = 4,
    CYCLES_MOST = 1000000, /* of a prediction: more, and nothing but collecting goes on */
};

#define MIB              1048576.0
#define HEAP_LEAST_BYTES (4 * MIB) /* at GOGC=100 */
#define STARVED_SHARE    1.05      /* a goal so close to what is live */
/* Where Go 1.19 begins to mark, between what is live and the goal (runtime/mgcpacer.go). */
#define TRIGGER_LEAST        (45.0 / 64)
#define TRIGGER_MOST         (61.0 / 64)
#define LIMIT_HEADROOM_BYTES MIB
/* The heap's bitmap counts against the limit as mapped, though little of it is resident. */
#define LIMIT_BITMAP_SHARE (1.0 / 32)
/* By which the pacer's controller follows its measurements, once in a cycle. */
#define CONTROLLER_GAIN     0.9
#define CONTROLLER_INTEGRAL (CONTROLLER_GAIN / 4)
/* What is allocated while marking, by the room that there is to the goal: less than one to one, as
 * assists end early where there is much, and large objects overshoot where there is little.
 * Measured (docs/go.md). */
#define MARKING_SLOPE_BELOW 0.85 /* where there is less room than the recorded mean */
#define MARKING_SLOPE_ABOVE 0.75
#define MARKING_LEAST       0.5 /* of the room, or of what the program asks for */
/* Of what the controller makes of demand from cycle to cycle, as a share of it: measured, too. */
#define RUNWAY_SPREAD 0.3
/* How far off predictions were where they were measured (docs/go.md): intervals are no narrower. */
#define CPU_MARGIN_LEAST       0.25
#define HEAP_MEAN_MARGIN_LEAST 0.15
#define MEMORY_MARGIN_LEAST    0.2
#define MEMORY_MARGIN_LIMITED  0.1
#define DEVIATIONS             1.96
#define CALIBRATION_LIMIT      2.0

/* ---- going through a run again -----------------------------------------------------------------
 */

/* Where we are in it. */
struct gc_walk {
    const struct gc_model *model;
    const struct gc_setting *setting;
    struct gc_prediction *prediction;
    double allocated_bytes;
    double marked_bytes; /* what the last collection left, with what was allocated meanwhile */
    double demand;       /* as the pacer believes it to be */
    double integral;     /* of its controller */
    double scanned_bytes;
    double heap_sum_bytes; /* of the heaps at the end of marking */
    size_t place;          /* in the course */
    size_t forced;         /* in the course: no forced collection lies before */
};

static double median_roots(const struct gc_history *history)
{
    size_t middle = history->count / 2;
    return (double)history->rows[middle].root_bytes;
}

static double goal_of(const struct gc_walk *walk)
{
    const struct gc_setting *setting = walk->setting;
    double marked = walk->marked_bytes;
    double goal = INFINITY;
    if (setting->gogc_pct != GC_GOGC_OFF) {
        double share = (double)setting->gogc_pct / 100;
        goal = fmax(marked + (marked + median_roots(walk->model->history)) * share,
                    HEAP_LEAST_BYTES * share);
    }
    if (setting->limit_bytes != GC_LIMIT_NONE) {
        double room = (double)setting->limit_bytes - walk->model->other_bytes;
        goal = fmin(goal, (room - LIMIT_HEADROOM_BYTES) / (1 + LIMIT_BITMAP_SHARE));
    }
    if (goal < marked * STARVED_SHARE) {
        walk->prediction->is_starved |= setting->limit_bytes != GC_LIMIT_NONE;
        goal = marked * STARVED_SHARE;
    }
    return fmax(goal, HEAP_LEAST_BYTES / 8);
}

/* The mean of what is the less, of a mark and of something normally distributed about a mean. */
static double mean_of_less(double mean, double deviation, double mark)
{
    if (deviation <= 0) {
        return fmin(mean, mark);
    }
    double off = (mark - mean) / deviation;
    double below = 0.5 * (1 + erf(off / sqrt(2)));
    double density = exp(-off * off / 2) / sqrt(2 * acos(-1));
    return mean * below - deviation * density + mark * (1 - below);
}

static double trigger_of(const struct gc_walk *walk, double goal)
{
    double room = goal - walk->marked_bytes;
    double least = walk->marked_bytes + room * TRIGGER_LEAST;
    double most = fmax(walk->marked_bytes + room * TRIGGER_MOST, goal - HEAP_LEAST_BYTES);
    double runway = fmax(walk->demand, 0) * walk->scanned_bytes;
    runway = mean_of_less(runway, RUNWAY_SPREAD * runway, goal - least);
    return fmin(fmax(goal - runway, least), most);
}

/* What is allocated while marking goes on, with so much room to the goal. */
static double marking_of(const struct gc_course *course, const struct gc_point *point, double room)
{
    double live = point->live_bytes;
    double asked = point->demand * live;
    double more = room / live - course->mean_room;
    double slope = more > 0 ? MARKING_SLOPE_ABOVE : MARKING_SLOPE_BELOW;
    double marking = live * (course->mean_marking + slope * more);
    return fmax(fmin(marking, asked), MARKING_LEAST * fmin(room, asked));
}

static void end_cycle(struct gc_walk *walk, const struct gc_point *point, double heap_bytes,
                      double marking_bytes)
{
    const struct gc_course *course = &walk->model->course;
    struct gc_prediction *prediction = walk->prediction;
    double marking_ns = course->fixed_ns + course->per_byte_ns * point->live_bytes;
    double error = point->demand - walk->demand;
    prediction->cycle_count++;
    prediction->cpu_ns += marking_ns * (1 - point->idle_share) + point->stop_cpu_ns;
    prediction->heap_bytes = fmax(prediction->heap_bytes, heap_bytes);
    walk->heap_sum_bytes += heap_bytes;
    walk->allocated_bytes += fmax(heap_bytes - walk->marked_bytes, 1);
    walk->marked_bytes = point->live_bytes + marking_bytes;
    walk->scanned_bytes = point->live_bytes;
    walk->demand = CONTROLLER_GAIN * error + walk->integral;
    walk->integral += CONTROLLER_INTEGRAL * error;
}

/* A collection that comes whatever the settings, if there is one before so much is allocated. */
static bool take_forced(struct gc_walk *walk, double until_bytes)
{
    const struct gc_course *course = &walk->model->course;
    while (walk->forced < course->count &&
           (!course->points[walk->forced].is_forced ||
            course->points[walk->forced].allocated_bytes < walk->allocated_bytes)) {
        walk->forced++;
    }
    if (walk->forced == course->count ||
        course->points[walk->forced].allocated_bytes > until_bytes) {
        return false;
    }
    const struct gc_point *forced = &course->points[walk->forced++];
    double heap_bytes = walk->marked_bytes + forced->allocated_bytes - walk->allocated_bytes +
                        forced->forced_marking_bytes;
    end_cycle(walk, forced, heap_bytes, forced->forced_marking_bytes);
    return true;
}

/* As the rules have it, before calibration by the recorded run. */
static void go_through(const struct gc_model *model, const struct gc_setting *setting,
                       struct gc_prediction *prediction)
{
    const struct gc_course *course = &model->course;
    struct gc_walk walk = {.model = model, .setting = setting, .prediction = prediction};
    *prediction = (struct gc_prediction){0};
    while (prediction->cycle_count < CYCLES_MOST) {
        double goal = goal_of(&walk);
        double trigger = isinf(goal) ? goal : trigger_of(&walk, goal);
        double begun_bytes = walk.allocated_bytes + trigger - walk.marked_bytes;
        if (take_forced(&walk, begun_bytes)) {
            continue;
        }
        if (begun_bytes > course->total_bytes) {
            double rest_bytes = course->total_bytes - walk.allocated_bytes;
            prediction->heap_bytes =
                fmax(prediction->heap_bytes, walk.marked_bytes + fmax(rest_bytes, 0));
            break;
        }
        struct gc_point point = gc_course_at(course, begun_bytes, &walk.place);
        double marking_bytes = marking_of(course, &point, goal - trigger);
        end_cycle(&walk, &point, trigger + marking_bytes, marking_bytes);
    }
    prediction->heap_mean_bytes = prediction->cycle_count > 0
                                      ? walk.heap_sum_bytes / prediction->cycle_count
                                      : prediction->heap_bytes;
}

/* ---- the fit -----------------------------------------------------------------------------------
 */

static double limit_check(double measured, double predicted)
{
    double check = measured > 0 && predicted > 0 ? measured / predicted : 1;
    return fmin(fmax(check, 1 / CALIBRATION_LIMIT), CALIBRATION_LIMIT);
}

int gc_model_fit(const struct gc_history *history, const struct gc_setting *recorded,
                 uint64_t rss_peak_bytes, struct gc_model *out_model, struct err *err)
{
    struct gc_prediction check;
    *out_model = (struct gc_model){.history = history, .recorded = *recorded};
    if (history->count - history->forced_count < CYCLES_LEAST) {
        return err_set(err, ENODATA,
                       "%zu garbage collections that were not forced: a model needs %d or more",
                       history->count - history->forced_count, CYCLES_LEAST);
    }
    if (gc_course_make(history, &out_model->course) < 0) {
        return err_set(err, ENOMEM, "out of memory");
    }
    double peak_bytes = (double)history->heap_peak_bytes;
    double mean_bytes = (double)history->heap_mean_bytes;
    out_model->other_bytes = fmax((double)rss_peak_bytes - peak_bytes, 0);
    out_model->peak_ratio = mean_bytes > 0 ? peak_bytes / mean_bytes : 1;
    go_through(out_model, recorded, &check);
    out_model->cpu_check = limit_check((double)history->cpu_ns, check.cpu_ns);
    out_model->heap_check = limit_check(mean_bytes, check.heap_mean_bytes);
    return 0;
}

void gc_model_fini(struct gc_model *model)
{
    gc_course_fini(&model->course);
}

/* ---- predictions -------------------------------------------------------------------------------
 */

static double margin(double spread, double count, double recorded_count, double check, double least)
{
    double chance = DEVIATIONS * spread * sqrt(1 / fmax(count, 1) + 1 / recorded_count);
    double off = check - 1;
    return fmax(sqrt(chance * chance + off * off), least);
}

/* The largest heap is an extreme: as far above the mean as it was recorded, but for a limit, which
 * the runtime sees to. */
static double largest_heap(const struct gc_model *model, const struct gc_setting *setting,
                           const struct gc_prediction *prediction)
{
    double largest = prediction->heap_mean_bytes * model->peak_ratio;
    if (prediction->cycle_count < 1) {
        return prediction->heap_bytes;
    }
    if (gc_setting_equals(setting, &model->recorded)) {
        return largest;
    }
    return setting->limit_bytes != GC_LIMIT_NONE ? fmin(largest, prediction->heap_bytes) : largest;
}

void gc_model_predict(const struct gc_model *model, const struct gc_setting *setting,
                      struct gc_prediction *out_prediction)
{
    go_through(model, setting, out_prediction);
    bool is_limited = setting->limit_bytes != GC_LIMIT_NONE;
    out_prediction->cpu_ns *= model->cpu_check;
    out_prediction->heap_mean_bytes *= model->heap_check;
    out_prediction->heap_bytes = largest_heap(model, setting, out_prediction);
    out_prediction->memory_bytes = out_prediction->heap_bytes + model->other_bytes;
    out_prediction->cpu_margin =
        margin(model->course.spread, out_prediction->cycle_count, (double)model->history->count,
               model->cpu_check, CPU_MARGIN_LEAST);
    out_prediction->heap_mean_margin = fmax(fabs(model->heap_check - 1), HEAP_MEAN_MARGIN_LEAST);
    out_prediction->memory_margin =
        fmax(fabs(model->heap_check - 1), is_limited ? MEMORY_MARGIN_LIMITED : MEMORY_MARGIN_LEAST);
}
