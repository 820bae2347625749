#include "reserve_choice.h"

#include <math.h>
#include <string.h>

#define BLOCKS_SHARE 0.99 /* of a site's blocks, for which its reserve suffices */

static double share_of(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

/* The most that could be won there. */
static double promise_of(const struct growth *growth, const struct growth_site *site,
                         const struct reserve_yardstick *yardstick)
{
    double steps = share_of((double)site->step_count, (double)growth->step_count);
    double copied = share_of((double)site->copied_bytes, (double)growth->copied_bytes);
    double largest_bytes = 0;
    for (size_t i = 0; i < site->class_count; i++) {
        largest_bytes = fmax(largest_bytes, (double)site->classes[i].size_max_bytes);
    }
    double time_ns = isnan(yardstick->realloc_time_ns) ? 0 : yardstick->realloc_time_ns;
    double time = fmax(steps, copied) * share_of(time_ns, yardstick->cpu_time_ns);
    double peak = site->moved_count > 0 ? share_of(largest_bytes, yardstick->peak_bytes) : 0;
    return fmax(time, peak);
}

size_t reserve_choose(const struct growth *growth, const struct reserve_yardstick *yardstick,
                      struct reserve_choice out_choices[RESERVE_CHOICES_MAX])
{
    double promises[RESERVE_CHOICES_MAX + 1];
    struct reserve_choice best[RESERVE_CHOICES_MAX + 1] = {{0}};
    size_t count = 0;
    for (size_t i = 0; i < growth->site_count; i++) {
        const struct growth_site *site = &growth->sites[i];
        double promise = promise_of(growth, site, yardstick);
        if (promise < yardstick->share_least) {
            continue;
        }
        size_t place = count;
        for (; place > 0 && promises[place - 1] < promise; place--) {
            promises[place] = promises[place - 1];
            best[place] = best[place - 1];
        }
        promises[place] = promise;
        best[place] = (struct reserve_choice){.stack_id = site->stack_id,
                                              .reserve = growth_reserve(site, BLOCKS_SHARE)};
        count += count < RESERVE_CHOICES_MAX;
    }
    memcpy(out_choices, best, count * sizeof(best[0]));
    return count;
}
