#include "latency.h"

#include <errno.h>
#include <stdlib.h>

#include "../../base/vec.h"

const char *latency_kind_name(unsigned kind)
{
    if (kind < ALLOC_KIND_COUNT) {
        bool is_call = !event_alloc_is_range(kind) && kind != ALLOC_KIND_INTERNAL;
        return is_call ? event_alloc_kind_name(kind) : NULL;
    }
    switch (kind - ALLOC_KIND_COUNT) {
    case FREE_KIND_REALLOC: /* the realloc counts as what it allocates */
    case FREE_KIND_MUNMAP:
    case FREE_KIND_MREMAP:
    case FREE_KIND_BRK:
    case FREE_KIND_UNSEEN:
    case FREE_KIND_SWEPT:
        return NULL;
    default:
        return event_free_kind_name(kind - ALLOC_KIND_COUNT);
    }
}

static int latency_add_site(struct latency *latency, uint32_t site, uint64_t duration_ns,
                            uint64_t weight)
{
    uint32_t time_class = histogram_class(duration_ns) / LATENCY_SITE_CLASS;
    uint64_t key = (uint64_t)site << 16 | time_class;
    uint32_t place;
    if (!map_get(&latency->site_places, key, &place)) {
        int r = vec_reserve((void **)&latency->sites, &latency->site_capacity,
                            latency->site_count + 1, sizeof(*latency->sites));
        place = (uint32_t)latency->site_count;
        r = r == 0 ? map_put(&latency->site_places, key, place) : r;
        if (r < 0) {
            return r;
        }
        latency->sites[latency->site_count++] =
            (struct latency_site){.site = site, .time_class = time_class};
    }
    struct latency_site *found = &latency->sites[place];
    found->call_count += weight;
    found->time_max_ns = duration_ns > found->time_max_ns ? duration_ns : found->time_max_ns;
    return 0;
}

int latency_add(struct latency *latency, unsigned kind, uint32_t site, uint64_t duration_ns,
                uint64_t weight)
{
    struct latency_kind *of_kind = &latency->kinds[kind];
    if (of_kind->timed == NULL) {
        of_kind->timed = calloc(1, sizeof(*of_kind->timed));
        if (of_kind->timed == NULL) {
            return -ENOMEM;
        }
    }
    histogram_add_many(of_kind->timed, duration_ns, weight);
    of_kind->time_sum_ns += weight * duration_ns;
    if (duration_ns > LATENCY_LONG_NS) {
        of_kind->long_count += weight;
        of_kind->long_sum_ns += weight * duration_ns;
    }
    return latency_add_site(latency, site, duration_ns, weight);
}

void latency_fini(struct latency *latency)
{
    for (unsigned i = 0; i < LATENCY_KINDS; i++) {
        free(latency->kinds[i].timed);
    }
    free(latency->sites);
    map_fini(&latency->site_places);
    *latency = (struct latency){0};
}
