/* power_of_two.h - 1, 2, 4 and so on: what alignments are, and some sizes have to be. */
#ifndef ALLOCAUDIT_POLICY_POWER_OF_TWO_H
#define ALLOCAUDIT_POLICY_POWER_OF_TWO_H

#include <stdbool.h>
#include <stdint.h>

static inline bool is_power_of_two(uint64_t number)
{
    return number != 0 && (number & (number - 1)) == 0;
}

#endif
