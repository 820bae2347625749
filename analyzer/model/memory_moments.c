#include "memory_moments.h"

#include <stdlib.h>
#include <string.h>

#include "../base/vec.h"

static int take_memory(void *context, const struct memory_row *row)
{
    struct memory_moments *list = context;
    if (list->count == 0 || list->moments[list->count - 1].at_ns != row->at_ns) {
        int result = vec_reserve((void **)&list->moments, &list->capacity, list->count + 1,
                                 sizeof(*list->moments));
        if (result < 0) {
            return result;
        }
        list->moments[list->count++] = (struct memory_moment){.at_ns = row->at_ns};
    }
    struct memory_moment *moment = &list->moments[list->count - 1];
    moment->rss_bytes += row->rss_bytes;
    moment->lazy_free_bytes += row->lazy_free_bytes;
    moment->swap_bytes += row->swap_bytes;
    for (unsigned kind = 0; kind < MAPPING_KIND_COUNT; kind++) {
        if (strcmp(row->kind, mapping_kind_name(kind)) == 0) {
            moment->rss_of_kind[kind] += row->rss_bytes;
        }
    }
    return 0;
}

static int take_range(void *context, const struct resident_row *row)
{
    struct memory_moments *list = context;
    int result = vec_reserve((void **)&list->ranges, &list->range_capacity, list->range_count + 1,
                             sizeof(*list->ranges));
    if (result == 0) {
        list->ranges[list->range_count++] = *row;
    }
    return result;
}

/* Both are sorted by time. */
static void join_ranges_to_moments(struct memory_moments *list)
{
    size_t at = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct memory_moment *moment = &list->moments[i];
        while (at < list->range_count && list->ranges[at].at_ns < moment->at_ns) {
            at++;
        }
        moment->first_range = at;
        while (at < list->range_count && list->ranges[at].at_ns == moment->at_ns) {
            at++;
        }
        moment->range_count = at - moment->first_range;
    }
}

int memory_moments_load(struct db *db, uint32_t process_id, struct memory_moments *out_moments,
                        struct err *err)
{
    struct memory_moments list = {0};
    int result = query_memory_samples(db, process_id, take_memory, &list, err);
    if (result == 0) {
        result = query_resident_ranges(db, process_id, take_range, &list, err);
    }
    if (result < 0) {
        memory_moments_fini(&list);
        return result;
    }
    join_ranges_to_moments(&list);
    *out_moments = list;
    return 0;
}

const struct memory_moment *memory_moments_largest(const struct memory_moments *moments)
{
    const struct memory_moment *largest = NULL;
    for (size_t i = 0; i < moments->count; i++) {
        if (largest == NULL || moments->moments[i].rss_bytes > largest->rss_bytes) {
            largest = &moments->moments[i];
        }
    }
    return largest;
}

void memory_moments_fini(struct memory_moments *moments)
{
    free(moments->moments);
    free(moments->ranges);
    *moments = (struct memory_moments){0};
}
