#include "sample_draw.h"

#include <stdbool.h>

#include "banned.h"

enum {
    LOG_BITS = 32,
};

__extension__ typedef unsigned __int128 uint128;

#define LN_2 UINT64_C(2977044472) /* in units of 2^-32 */

uint64_t sample_random(uint64_t *state)
{
    uint64_t mixed = *state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

/*
 * log2 of bits = 2^k x with 1 <= x < 2: each squaring of x gives one more binary digit of log2 x.
 * It happens once per sample, so being simple matters more than being fast.
 */
uint64_t sample_log(uint64_t bits)
{
    unsigned zeros = (unsigned)__builtin_clzll(bits);
    uint64_t x = bits << zeros; /* in units of 2^-63 */
    uint64_t fraction = 0;
    for (int i = 0; i < LOG_BITS; i++) {
        uint128 square = (uint128)x * x;
        bool is_two = (square >> 127) != 0;
        x = (uint64_t)(square >> (is_two ? 64 : 63));
        fraction = fraction << 1 | is_two;
    }
    uint64_t log2 = ((uint64_t)(zeros + 1) << LOG_BITS) - fraction;
    return (uint64_t)((uint128)log2 * LN_2 >> LOG_BITS);
}

uint64_t sample_draw(uint64_t *state, uint64_t mean_bytes)
{
    uint64_t bits = sample_random(state);
    return (uint64_t)((uint128)mean_bytes * sample_log(bits | 1) >> LOG_BITS) + 1;
}
