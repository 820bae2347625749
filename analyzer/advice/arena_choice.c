#include "arena_choice.h"

#include <math.h>
#include <stdbool.h>

#include "../db/query_site.h"

#define OUTSIDE_SHARE 0.01 /* of a site's allocations that may be in no frame */

static uint64_t count_inside(const struct frame_site *site)
{
    return site->allocation_count + site->warmup_allocation_count;
}

static bool is_contained(const struct frame_site *site)
{
    return site->late_count == 0 && site->contained_count == site->allocation_count &&
           site->warmup_contained_count == site->warmup_allocation_count;
}

static int add_site(struct db *db, uint32_t process_id, const struct frame_site *site,
                    struct arena_choice *choice, struct err *err)
{
    struct site_row row;
    int result = query_site(db, process_id, site->stack_id, &row, err);
    if (result < 0 ||
        (double)row.allocation_count * (1 - OUTSIDE_SHARE) > (double)count_inside(site)) {
        return result;
    }
    choice->stack_ids[choice->stack_count++] = site->stack_id;
    choice->allocation_count += row.allocation_count;
    choice->live_max_bytes += (double)row.live_bytes_max;
    choice->time_ns += (double)row.time_ns;
    if (row.size_max_bytes > choice->size_max_bytes) {
        choice->size_max_bytes = row.size_max_bytes;
    }
    return 0;
}

static double share_of(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

/* The most that could be won. */
static double promise_of(const struct arena_choice *choice, const struct arena_yardstick *yardstick)
{
    double calls = share_of((double)choice->allocation_count, yardstick->allocation_count);
    double time_ns = fmax(2 * choice->time_ns, calls * yardstick->allocator_time_ns);
    return fmax(share_of(time_ns, yardstick->cpu_time_ns),
                share_of(choice->live_max_bytes, yardstick->peak_bytes));
}

int arena_choose(struct db *db, uint32_t process_id, const struct frame_series *series,
                 const struct arena_yardstick *yardstick, struct arena_choice *out_choice,
                 struct err *err)
{
    uint64_t steady_bytes = series->figures[FRAME_ALLOCATED_BYTES].max;
    uint64_t warmup_bytes = series->warmup_figures[FRAME_ALLOCATED_BYTES].max;
    *out_choice = (struct arena_choice){
        .series = series,
        .frame_max_bytes = steady_bytes > warmup_bytes ? steady_bytes : warmup_bytes,
    };
    for (size_t i = 0; i < series->site_count && out_choice->stack_count < ARENA_SITES_MAX; i++) {
        if (is_contained(&series->sites[i])) {
            int result = add_site(db, process_id, &series->sites[i], out_choice, err);
            if (result < 0) {
                return result;
            }
        }
    }
    if (promise_of(out_choice, yardstick) < yardstick->share_least) {
        out_choice->stack_count = 0;
    }
    return 0;
}
