/*
 * tally_fixture.h - for tests of the aggregates: a tally with a few sites, blocks that come and go.
 * Failures end the test.
 */
#ifndef ALLOCAUDIT_TALLY_FIXTURE_H
#define ALLOCAUDIT_TALLY_FIXTURE_H

#include "../../analyzer/collect/recording/tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static inline uint64_t next_random(uint64_t *random)
{
    *random ^= *random >> 12;
    *random ^= *random << 25;
    *random ^= *random >> 27;
    return *random * UINT64_C(0x2545f4914f6cdd1d);
}

static inline void begin(struct tally *tally, size_t site_count)
{
    assert_int_equal(tally_init(tally, 0), 0);
    for (uint32_t i = 0; i < site_count; i++) {
        uint32_t site;
        assert_int_equal(tally_site(tally, 100 + i, &site), 0);
        assert_int_equal(site, i);
    }
}

static inline struct block make_block(uint32_t site, uint64_t born_ns, uint64_t size_bytes)
{
    return (struct block){
        .address = 16, .site = site, .born_ns = born_ns, .size_bytes = size_bytes};
}

static inline void alloc(struct tally *tally, const struct block *block)
{
    assert_int_equal(tally_alloc(tally, block, false, 0), 0);
}

static inline void release(struct tally *tally, const struct block *block, uint64_t died_ns)
{
    const struct death death = {.died_ns = died_ns};
    assert_int_equal(tally_free(tally, block, &death), 0);
}

#endif
