#include "gc_course.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum {
    NEIGHBOURS = 4,      /* collections to each side over which rates are taken */
    LIVE_NEIGHBOURS = 1, /* and live heaps, which gctrace tells in whole MiB */
};

#define BACKGROUND_SHARE   0.25 /* of all processors: what the runtime gives to marking */
#define LEAST_PROGRAM_PART 0.05 /* of a marking's time: measured times overlap */

/* Sums over some collections. */
struct gc_sums {
    double live_bytes;
    double marking_bytes;
    double room_bytes;
    double program_ns; /* CPU time that marking left to the program */
    double stop_cpu_ns;
    double collector_ns; /* CPU time that went into marking, as the runtime's pacer counts it */
    size_t count;
};

static double difference(uint64_t left, uint64_t right)
{
    return left > right ? (double)(left - right) : 0;
}

static double marking_bytes(const struct gc_row *row)
{
    return difference(row->heap_end_bytes, row->heap_start_bytes);
}

static double live_bytes(const struct gc_row *row)
{
    return fmax((double)row->heap_live_bytes - marking_bytes(row), 1);
}

static double work_ns(const struct gc_row *row)
{
    return (double)(row->assist_cpu_ns + row->background_cpu_ns + row->idle_cpu_ns);
}

static void add_to_sums(struct gc_sums *sums, const struct gc_row *row)
{
    double all_ns = (double)row->mark_ns * (double)row->processor_count;
    double used_ns = BACKGROUND_SHARE * all_ns + (double)row->assist_cpu_ns;
    sums->live_bytes += live_bytes(row);
    sums->marking_bytes += marking_bytes(row);
    sums->room_bytes += (double)row->heap_goal_bytes - (double)row->heap_start_bytes;
    sums->program_ns += fmax(all_ns - used_ns, LEAST_PROGRAM_PART * all_ns);
    sums->stop_cpu_ns += (double)(row->sweep_stop_cpu_ns + row->mark_stop_cpu_ns);
    sums->collector_ns += used_ns + (double)row->idle_cpu_ns;
    sums->count++;
}

static struct gc_sums sums_about(const struct gc_history *history, size_t middle, size_t neighbours)
{
    struct gc_sums sums = {0};
    size_t first = middle > neighbours ? middle - neighbours : 0;
    for (size_t i = first; i < history->count && i <= middle + neighbours; i++) {
        add_to_sums(&sums, &history->rows[i]);
    }
    return sums;
}

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

/* The pacer's own: bytes allocated for each ns of the program's, by ns of the collector's for each
 * byte marked, at three parts of the processors to one. */
static double demand_of(const struct gc_sums *sums)
{
    return (1 - BACKGROUND_SHARE) / BACKGROUND_SHARE *
           ratio(sums->marking_bytes, sums->program_ns) *
           ratio(sums->collector_ns, sums->live_bytes);
}

static void make_points(const struct gc_history *history, struct gc_course *course)
{
    uint64_t live_before_bytes = 0;
    for (size_t i = 0; i < history->count; i++) {
        const struct gc_row *row = &history->rows[i];
        struct gc_sums rates = sums_about(history, i, NEIGHBOURS);
        struct gc_sums lives = sums_about(history, i, LIVE_NEIGHBOURS);
        double begun_bytes =
            course->total_bytes + difference(row->heap_start_bytes, live_before_bytes);
        bool is_forced = row->is_forced || gc_history_is_periodic(history, i);
        course->points[i] = (struct gc_point){
            .allocated_bytes = begun_bytes,
            .live_bytes = lives.live_bytes / (double)lives.count,
            .demand = demand_of(&rates),
            .stop_cpu_ns = rates.stop_cpu_ns / (double)rates.count,
            .idle_share = ratio((double)row->idle_cpu_ns, work_ns(row)),
            .forced_marking_bytes = is_forced ? marking_bytes(row) : 0,
            .is_forced = is_forced,
        };
        course->total_bytes = begun_bytes + marking_bytes(row);
        live_before_bytes = row->heap_live_bytes;
    }
    /* After the last collection, on the average, half of what would have led to another. */
    const struct gc_row *last = &history->rows[history->count - 1];
    course->total_bytes += difference(last->heap_goal_bytes, last->heap_live_bytes) / 2;
}

/* Least squares of the marking over the live heap; where that makes no sense (live heaps that
 * hardly differ), in proportion to it. */
static void fit_cost(const struct gc_history *history, struct gc_course *course)
{
    double n = (double)history->count;
    double sum_x = 0;
    double sum_y = 0;
    double sum_xx = 0;
    double sum_xy = 0;
    for (size_t i = 0; i < history->count; i++) {
        const struct gc_row *row = &history->rows[i];
        double x = live_bytes(row);
        sum_x += x;
        sum_y += work_ns(row);
        sum_xx += x * x;
        sum_xy += x * work_ns(row);
    }
    double spread_x = sum_xx - sum_x * sum_x / n;
    bool has_spread = spread_x > 0.01 * sum_xx;
    double slope = has_spread ? (sum_xy - sum_x * sum_y / n) / spread_x : 0;
    double fixed = (sum_y - slope * sum_x) / n;
    if (slope <= 0 || fixed < 0) {
        slope = sum_y / sum_x;
        fixed = 0;
    }
    double squares = 0;
    for (size_t i = 0; i < history->count; i++) {
        double off = work_ns(&history->rows[i]) - fixed - slope * live_bytes(&history->rows[i]);
        squares += off * off;
    }
    course->fixed_ns = fixed;
    course->per_byte_ns = slope;
    course->spread = n > 2 && sum_y > 0 ? sqrt(squares / (n - 2)) / (sum_y / n) : 0;
}

/* Forced collections have no goal. */
static void fit_marking(const struct gc_history *history, struct gc_course *course)
{
    struct gc_sums sums = {0};
    for (size_t i = 0; i < history->count; i++) {
        if (!course->points[i].is_forced) {
            add_to_sums(&sums, &history->rows[i]);
        }
    }
    course->mean_room = fmax(ratio(sums.room_bytes, sums.live_bytes), 0);
    course->mean_marking = ratio(sums.marking_bytes, sums.live_bytes);
}

int gc_course_make(const struct gc_history *history, struct gc_course *out_course)
{
    *out_course = (struct gc_course){.count = history->count};
    out_course->points = calloc(history->count, sizeof(*out_course->points));
    if (out_course->points == NULL) {
        return -ENOMEM;
    }
    make_points(history, out_course);
    fit_cost(history, out_course);
    fit_marking(history, out_course);
    return 0;
}

static double between(double left, double right, double part)
{
    return left + (right - left) * part;
}

struct gc_point gc_course_at(const struct gc_course *course, double allocated_bytes, size_t *place)
{
    while (*place < course->count && course->points[*place].allocated_bytes < allocated_bytes) {
        (*place)++;
    }
    if (*place == course->count) {
        return course->points[course->count - 1];
    }
    struct gc_point point = course->points[*place];
    if (*place == 0) {
        double whole_bytes = point.allocated_bytes;
        point.live_bytes *= whole_bytes > 0 ? allocated_bytes / whole_bytes : 1;
        return point;
    }
    const struct gc_point *before = &course->points[*place - 1];
    double span = point.allocated_bytes - before->allocated_bytes;
    double part = span > 0 ? (allocated_bytes - before->allocated_bytes) / span : 1;
    point.live_bytes = between(before->live_bytes, point.live_bytes, part);
    point.demand = between(before->demand, point.demand, part);
    point.stop_cpu_ns = between(before->stop_cpu_ns, point.stop_cpu_ns, part);
    point.idle_share = between(before->idle_share, point.idle_share, part);
    return point;
}

void gc_course_fini(struct gc_course *course)
{
    free(course->points);
    *course = (struct gc_course){0};
}
