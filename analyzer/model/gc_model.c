#include "gc_model.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    CYCLES_LEAST = 4,
    CYCLES_MOST = 1000000, /* of a prediction: more, and nothing but collecting goes on */
};

#define HEAP_LEAST_BYTES (4.0 * 1048576) /* at GOGC=100 */
#define STARVED_SHARE    1.05            /* a goal so close to what is live */
/* How far off predictions were where they were measured (docs/go.md): intervals are no narrower. */
#define CPU_MARGIN_LEAST      0.7
#define CPU_MARGIN_LIMITED    1.1 /* under GOMEMLIMIT */
#define MEMORY_MARGIN_LEAST   0.4
#define MEMORY_MARGIN_LIMITED 0.1
#define DEVIATIONS            1.96
#define CALIBRATION_LIMIT     2.0

/* ---- settings ----------------------------------------------------------------------------------
 */

bool gc_gogc_parse(const char *text, uint64_t *out_gogc_pct)
{
    char *end;
    if (text == NULL || text[0] == '\0') {
        *out_gogc_pct = GC_GOGC_COMMON;
        return true;
    }
    if (strcmp(text, "off") == 0) {
        *out_gogc_pct = GC_GOGC_OFF;
        return true;
    }
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || value > INT32_MAX) {
        return false;
    }
    *out_gogc_pct = value < 0 ? GC_GOGC_OFF : (uint64_t)value;
    return true;
}

bool gc_limit_parse(const char *text, uint64_t *out_limit_bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    char *end;
    if (text == NULL || text[0] == '\0' || strcmp(text, "off") == 0) {
        *out_limit_bytes = GC_LIMIT_NONE;
        return true;
    }
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (end == text || errno != 0 || text[0] == '-') {
        return false;
    }
    for (unsigned i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(end, units[i]) == 0 || (i == 0 && *end == '\0')) {
            bool is_small = value <= UINT64_MAX >> (10 * i);
            *out_limit_bytes = is_small ? (uint64_t)value << (10 * i) : GC_LIMIT_NONE;
            return true;
        }
    }
    return false;
}

/* ---- going through a run again -----------------------------------------------------------------
 */

/* How the live heap went with what had been allocated: straight lines between collections. */
struct live_curve {
    const struct gc_history *history;
    size_t next;          /* the collection before which we are */
    double reached_bytes; /* allocated until that one */
    double before_bytes;  /* and until the one before */
};

static double live_of(const struct gc_history *history, size_t i)
{
    return (double)history->rows[i].heap_live_bytes;
}

static double grown_before(const struct gc_history *history, size_t i)
{
    double before = i > 0 ? live_of(history, i - 1) : 0;
    return fmax((double)history->rows[i].heap_end_bytes - before, 0);
}

/* For positions that only go up. */
static double live_at(struct live_curve *curve, double allocated_bytes)
{
    const struct gc_history *history = curve->history;
    while (curve->next < history->count && curve->reached_bytes <= allocated_bytes) {
        curve->before_bytes = curve->reached_bytes;
        curve->next++;
        if (curve->next < history->count) {
            curve->reached_bytes += grown_before(history, curve->next);
        }
    }
    if (curve->next == history->count) {
        return live_of(history, history->count - 1);
    }
    double from = curve->next > 0 ? live_of(history, curve->next - 1) : 0;
    double span = curve->reached_bytes - curve->before_bytes;
    double part = span > 0 ? (allocated_bytes - curve->before_bytes) / span : 1;
    return from + (live_of(history, curve->next) - from) * part;
}

static double goal_of(const struct gc_model *model, const struct gc_setting *setting, double live,
                      double roots, bool *out_is_starved)
{
    double goal = INFINITY;
    if (setting->gogc_pct != GC_GOGC_OFF) {
        double share = (double)setting->gogc_pct / 100;
        goal = fmax(live + (live + roots) * share, HEAP_LEAST_BYTES * share);
    }
    if (setting->limit_bytes != GC_LIMIT_NONE) {
        goal = fmin(goal, (double)setting->limit_bytes - model->other_bytes);
    }
    if (goal < live * STARVED_SHARE) {
        *out_is_starved |= setting->limit_bytes != GC_LIMIT_NONE;
        goal = live * STARVED_SHARE;
    }
    return fmax(goal, HEAP_LEAST_BYTES / 8);
}

static double median_roots(const struct gc_history *history)
{
    size_t middle = history->count / 2;
    return (double)history->rows[middle].root_bytes;
}

/* As the formulas have it, before calibration by the recorded run. */
static void go_through(const struct gc_model *model, const struct gc_setting *setting,
                       struct gc_prediction *prediction)
{
    const struct gc_history *history = model->history;
    struct live_curve curve = {.history = history, .reached_bytes = grown_before(history, 0)};
    double total = (double)history->allocated_bytes;
    double roots = median_roots(history);
    double allocated = 0;
    double live = 0;
    *prediction = (struct gc_prediction){0};
    while (prediction->cycle_count < CYCLES_MOST) {
        double goal =
            goal_of(model, setting, live, roots, &prediction->is_starved) * model->overshoot;
        double next = allocated + fmax(goal - live, 1);
        if (next > total) {
            prediction->heap_bytes = fmax(prediction->heap_bytes, live + total - allocated);
            break;
        }
        prediction->heap_bytes = fmax(prediction->heap_bytes, goal);
        prediction->cycle_count++;
        allocated = next;
        live = live_at(&curve, allocated);
        prediction->cpu_ns += model->fixed_ns + model->per_byte_ns * live;
    }
    prediction->cycle_count += (double)history->forced_count;
    prediction->cpu_ns += (double)history->forced_cpu_ns;
}

/* ---- the fit -----------------------------------------------------------------------------------
 */

/* Least squares of CPU time over live heap; where that makes no sense (live heaps that hardly
 * differ), in proportion to it. */
static void fit_cost(struct gc_model *model)
{
    const struct gc_history *history = model->history;
    double n = (double)history->count;
    double sum_x = 0;
    double sum_y = 0;
    double sum_xx = 0;
    double sum_xy = 0;
    for (size_t i = 0; i < history->count; i++) {
        double x = live_of(history, i);
        double y = (double)gc_row_cpu_ns(&history->rows[i]);
        sum_x += x;
        sum_y += y;
        sum_xx += x * x;
        sum_xy += x * y;
    }
    double spread_x = sum_xx - sum_x * sum_x / n;
    bool has_spread = spread_x > 0.01 * sum_xx;
    double slope = has_spread ? (sum_xy - sum_x * sum_y / n) / spread_x : 0;
    double fixed = (sum_y - slope * sum_x) / n;
    if (!has_spread || slope <= 0 || fixed < 0) {
        slope = sum_x > 0 ? sum_y / sum_x : 0;
        fixed = sum_x > 0 ? 0 : sum_y / n;
    }
    model->fixed_ns = fixed;
    model->per_byte_ns = slope;
    double squares = 0;
    for (size_t i = 0; i < history->count; i++) {
        double fitted = fixed + slope * live_of(history, i);
        double off = (double)gc_row_cpu_ns(&history->rows[i]) - fitted;
        squares += off * off;
    }
    model->spread = sum_y > 0 ? sqrt(squares / (n - 2)) / (sum_y / n) : 0;
}

static double fit_overshoot(const struct gc_history *history)
{
    double ends = 0;
    double goals = 0;
    for (size_t i = 0; i < history->count; i++) {
        if (!history->rows[i].is_forced) {
            ends += (double)history->rows[i].heap_end_bytes;
            goals += (double)history->rows[i].heap_goal_bytes;
        }
    }
    return goals > 0 && ends > 0 ? ends / goals : 1;
}

static double limit_check(double measured, double predicted)
{
    double check = measured > 0 && predicted > 0 ? measured / predicted : 1;
    return fmin(fmax(check, 1 / CALIBRATION_LIMIT), CALIBRATION_LIMIT);
}

int gc_model_fit(const struct gc_history *history, const struct gc_setting *recorded,
                 uint64_t rss_peak_bytes, struct gc_model *out_model, struct err *err)
{
    struct gc_prediction check;
    if (history->count - history->forced_count < CYCLES_LEAST) {
        return err_set(err, ENODATA,
                       "%zu garbage collections that were not forced: a model needs %d or more",
                       history->count - history->forced_count, CYCLES_LEAST);
    }
    *out_model = (struct gc_model){
        .history = history,
        .recorded = *recorded,
        .overshoot = fit_overshoot(history),
        .other_bytes = fmax((double)rss_peak_bytes - (double)history->heap_peak_bytes, 0),
    };
    fit_cost(out_model);
    go_through(out_model, recorded, &check);
    out_model->cpu_check = limit_check((double)history->cpu_ns, check.cpu_ns);
    out_model->heap_check = limit_check((double)history->heap_peak_bytes, check.heap_bytes);
    return 0;
}

static double margin(double spread, double count, double recorded_count, double check, double least)
{
    double chance = DEVIATIONS * spread * sqrt(1 / fmax(count, 1) + 1 / recorded_count);
    double off = check - 1;
    return fmax(sqrt(chance * chance + off * off), least);
}

void gc_model_predict(const struct gc_model *model, const struct gc_setting *setting,
                      struct gc_prediction *out_prediction)
{
    go_through(model, setting, out_prediction);
    double recorded_count = (double)model->history->count;
    out_prediction->cpu_ns *= model->cpu_check;
    out_prediction->heap_bytes *= model->heap_check;
    out_prediction->memory_bytes = out_prediction->heap_bytes + model->other_bytes;
    bool is_limited = setting->limit_bytes != GC_LIMIT_NONE;
    out_prediction->cpu_margin =
        margin(model->spread, out_prediction->cycle_count, recorded_count, model->cpu_check,
               is_limited ? CPU_MARGIN_LIMITED : CPU_MARGIN_LEAST);
    out_prediction->memory_margin =
        fmax(fabs(model->heap_check - 1), is_limited ? MEMORY_MARGIN_LIMITED : MEMORY_MARGIN_LEAST);
}
