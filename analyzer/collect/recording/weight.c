#include "weight.h"

#include <math.h>

#include "../../../schema/event.h"
#include "../../base/map.h"

#define CHANCES 4294967296.0 /* 2^32 */

uint32_t weight_of_sampled(uint64_t sample_bytes, const struct block *block)
{
    if (event_alloc_is_range(block->kind)) {
        return 1;
    }
    double probability = -expm1(-((double)block->size_bytes + 1) / (double)sample_bytes);
    double whole;
    double rest = modf(1 / probability, &whole);
    uint64_t chance = map_mix(map_mix(block->born_ns)) >> 32;
    return (uint32_t)whole + ((double)chance < rest * CHANCES ? 1 : 0);
}
