#include "gc_history.h"

#include <errno.h>
#include <stdlib.h>

uint64_t gc_row_cpu_ns(const struct gc_row *row)
{
    return row->sweep_stop_cpu_ns + row->assist_cpu_ns + row->background_cpu_ns +
           row->mark_stop_cpu_ns;
}

static int compare_ns(const void *left, const void *right)
{
    const uint64_t *a = left;
    const uint64_t *b = right;
    return *a < *b ? -1 : *a > *b;
}

/* The smallest value that at least that share of all do not exceed. */
static uint64_t percentile(const uint64_t *sorted, size_t count, unsigned percent)
{
    size_t rank = (count * percent + 99) / 100;
    return sorted[rank > 0 ? rank - 1 : 0];
}

static int sum_stops(struct gc_history *history)
{
    size_t count = history->count * 2;
    uint64_t *stops = malloc(count * sizeof(*stops));
    if (stops == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < history->count; i++) {
        stops[2 * i] = history->rows[i].sweep_stop_ns;
        stops[2 * i + 1] = history->rows[i].mark_stop_ns;
        history->stop_sum_ns += stops[2 * i] + stops[2 * i + 1];
    }
    qsort(stops, count, sizeof(*stops), compare_ns);
    history->stop_p50_ns = percentile(stops, count, 50);
    history->stop_p99_ns = percentile(stops, count, 99);
    history->stop_max_ns = stops[count - 1];
    free(stops);
    return 0;
}

static void add_row(struct gc_history *history, const struct gc_row *row,
                    const struct gc_row *before)
{
    uint64_t cpu_ns = gc_row_cpu_ns(row);
    uint64_t live_before_bytes = before != NULL ? before->heap_live_bytes : 0;
    history->cpu_ns += cpu_ns;
    history->assist_cpu_ns += row->assist_cpu_ns;
    history->idle_cpu_ns += row->idle_cpu_ns;
    if (row->heap_end_bytes > live_before_bytes) {
        history->allocated_bytes += row->heap_end_bytes - live_before_bytes;
    }
    if (row->is_forced) {
        history->forced_count++;
        history->forced_cpu_ns += cpu_ns;
    }
    if (row->heap_end_bytes > history->heap_peak_bytes) {
        history->heap_peak_bytes = row->heap_end_bytes;
    }
    if (row->heap_live_bytes > history->live_peak_bytes) {
        history->live_peak_bytes = row->heap_live_bytes;
    }
    history->processor_count = row->processor_count;
}

bool gc_history_is_periodic(const struct gc_history *history, size_t index)
{
    if (index == 0 || history->rows[index].is_forced) {
        return false;
    }
    const struct gc_row *row = &history->rows[index];
    const struct gc_row *before = &history->rows[index - 1];
    return row->since_start_ns - before->since_start_ns >= GC_PERIOD_NS &&
           row->heap_start_bytes < before->heap_goal_bytes;
}

int gc_history_make(struct gc_row *rows, size_t count, struct gc_history *out_history)
{
    double heap_sum_bytes = 0;
    *out_history = (struct gc_history){.rows = rows, .count = count};
    for (size_t i = 0; i < count; i++) {
        add_row(out_history, &rows[i], i > 0 ? &rows[i - 1] : NULL);
        out_history->periodic_count += gc_history_is_periodic(out_history, i);
        heap_sum_bytes += (double)rows[i].heap_end_bytes;
    }
    out_history->heap_mean_bytes = count > 0 ? (uint64_t)(heap_sum_bytes / (double)count) : 0;
    return count > 0 ? sum_stops(out_history) : 0;
}

int gc_history_load(struct db *db, uint32_t process_id, struct gc_history *out_history,
                    struct err *err)
{
    struct gc_row *rows = NULL;
    size_t count = 0;
    int result = query_gc(db, process_id, &rows, &count, err);
    if (result < 0) {
        return result;
    }
    result = gc_history_make(rows, count, out_history);
    if (result < 0) {
        gc_history_fini(out_history);
        return err_set(err, ENOMEM, "out of memory");
    }
    return 0;
}

void gc_history_fini(struct gc_history *history)
{
    free(history->rows);
    *history = (struct gc_history){0};
}
