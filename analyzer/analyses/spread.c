#include "spread.h"

#include <errno.h>
#include <stdlib.h>

enum {
    EXACT_BITS = 11, /* values of so many bits are kept whole */
};

/* Classes stand in the order of their values. */
static uint64_t class_of(uint64_t value)
{
    if (value >> EXACT_BITS == 0) {
        return value;
    }
    unsigned shift = 64u - (unsigned)__builtin_clzll(value) - EXACT_BITS;
    return (uint64_t)shift << EXACT_BITS | value >> shift;
}

/* The largest value of a class. */
static uint64_t value_of(uint64_t class)
{
    unsigned shift = (unsigned)(class >> EXACT_BITS);
    return (((class & ((1u << EXACT_BITS) - 1)) + 1) << shift) - 1;
}

static int add_class(struct value_spread *spread, uint64_t class, uint32_t more)
{
    uint32_t count = 0;
    (void)map_get(&spread->counts, class, &count);
    return map_put(&spread->counts, class, count > UINT32_MAX - more ? UINT32_MAX : count + more);
}

/* The whole's figures, for so many values. */
static void note(struct value_spread *spread, uint64_t value_count, uint64_t sum, uint64_t min,
                 uint64_t max)
{
    spread->min = spread->value_count == 0 || min < spread->min ? min : spread->min;
    spread->max = max > spread->max ? max : spread->max;
    spread->value_count += value_count;
    spread->sum += sum;
}

int spread_add(struct value_spread *spread, uint64_t value)
{
    int result = add_class(spread, class_of(value), 1);
    if (result == 0) {
        note(spread, 1, value, value, value);
    }
    return result;
}

int spread_merge(struct value_spread *spread, const struct value_spread *other)
{
    int result = 0;
    for (size_t i = 0; i < other->counts.slot_count && result == 0; i++) {
        const struct map_slot *slot = &other->counts.slots[i];
        if (slot->is_used) {
            result = add_class(spread, slot->key, slot->value);
        }
    }
    if (result == 0 && other->value_count > 0) {
        note(spread, other->value_count, other->sum, other->min, other->max);
    }
    return result;
}

static int compare_classes(const void *left, const void *right)
{
    const struct map_slot *a = left;
    const struct map_slot *b = right;
    return (a->key > b->key) - (a->key < b->key);
}

/* The rank-th smallest value, from 1. */
static uint64_t find_rank(const struct value_spread *spread, const struct map_slot *sorted,
                          size_t count, uint64_t rank)
{
    size_t at = 0;
    for (uint64_t seen = sorted[0].value; seen < rank && at + 1 < count; seen += sorted[at].value) {
        at++;
    }
    uint64_t value = value_of(sorted[at].key);
    return value < spread->max ? value : spread->max;
}

int spread_measure(const struct value_spread *spread, struct spread_figures *out_figures)
{
    *out_figures = (struct spread_figures){.p50 = 0};
    if (spread->value_count == 0) {
        return 0;
    }
    struct map_slot *sorted = calloc(spread->counts.used_count, sizeof(*sorted));
    if (sorted == NULL) {
        return -ENOMEM;
    }
    size_t count = 0;
    for (size_t i = 0; i < spread->counts.slot_count; i++) {
        if (spread->counts.slots[i].is_used) {
            sorted[count++] = spread->counts.slots[i];
        }
    }
    qsort(sorted, count, sizeof(*sorted), compare_classes);
    uint64_t total = spread->value_count;
    *out_figures = (struct spread_figures){
        .p50 = find_rank(spread, sorted, count, total - total / 2),
        .p99 = find_rank(spread, sorted, count, total - total / 100),
        .max = spread->max,
        .mean = (double)spread->sum / (double)total,
    };
    free(sorted);
    return 0;
}

void spread_fini(struct value_spread *spread)
{
    map_fini(&spread->counts);
}
