#include "../../analyzer/collect/recording/blocks.h"

#include "blocks_fixture.h"

enum {
    MS = 1000000,
};

static void blocks_free_pairs_with_its_allocation(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    begin(&fixture);
    add(&fixture, 100, 0x1000, 24, 0);
    add(&fixture, 200, 0x2000, 48, 0);

    struct block freed = drop(&fixture, 350, 0x1000, 0);
    seal(&fixture);

    assert_int_equal(freed.size_bytes, 24);
    assert_int_equal(count_rows(&fixture, "id = 1 AND address = 4096 AND size_bytes = 24 AND"
                                          " born_ns = 100 AND died_ns = 350 AND free_kind = 'free'"
                                          " AND kind = 'malloc' AND freed_by_thread_id = 1"),
                     1);
    assert_int_equal(count_rows(&fixture, "id = 2 AND address = 8192 AND died_ns IS NULL AND"
                                          " freed_by_thread_id IS NULL AND free_kind IS NULL"),
                     1);
    assert_int_equal(number(&fixture, "SELECT freed_by_thread_id = thread_id FROM allocation"), 1);
    end(&fixture);
}

static void blocks_free_by_another_thread_is_remote(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    begin(&fixture);
    add(&fixture, 100, 0x1000, 24, 0);

    drop(&fixture, 200, 0x1000, 1);
    seal(&fixture);

    assert_int_equal(count_rows(&fixture, "thread_id = 1 AND freed_by_thread_id = 2"), 1);
    assert_int_equal(fixture.subject->threads[1].remote_free_count, 1);
    assert_int_equal(fixture.subject->threads[0].free_count, 0);
    end(&fixture);
}

static void blocks_free_sequence_gives_temporaries(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    begin(&fixture);
    add(&fixture, 10, 0x1000, 8, 0);
    drop(&fixture, 11, 0x1000, 0); /* at once */
    add(&fixture, 12, 0x1000, 8, 0);
    add(&fixture, 13, 0x2000, 8, 0);
    add(&fixture, 14, 0x3000, 8, 1); /* another thread's do not count */
    drop(&fixture, 15, 0x1000, 0);   /* after one more */
    seal(&fixture);

    const struct site *site = &fixture.subject->tally.sites[fixture.site];
    assert_int_equal(site->temporary_count[0], 1);
    assert_int_equal(site->temporary_count[1], 1);
    end(&fixture);
}

/* The free of an address comes a little after its next allocation: stamps of two processors differ.
 */
static void blocks_add_address_still_live_waits_for_the_late_free(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    begin(&fixture);
    add(&fixture, 100, 0x1000, 1, 0);
    add(&fixture, 5000, 0x1000, 2, 1); /* the free before it is on its way */
    assert_int_equal(fixture.subject->parked_count, 1);

    struct block freed = drop(&fixture, 5100, 0x1000, 0);

    assert_int_equal(freed.size_bytes, 1);
    assert_int_equal(fixture.subject->parked_count, 0);
    assert_int_equal(drop(&fixture, 6000, 0x1000, 1).size_bytes, 2);
    seal(&fixture);
    assert_int_equal(count_rows(&fixture, "free_kind = 'free'"), 2);
    assert_int_equal(count_rows(&fixture, "size_bytes = 2 AND born_ns = 5000"), 1);
    end(&fixture);
}

static void blocks_settle_free_that_never_comes_is_unseen(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    struct err err = {{0}};
    begin(&fixture);
    add(&fixture, 100, 0x1000, 1, 0);
    add(&fixture, 5000, 0x1000, 2, 1);

    assert_int_equal(blocks_settle(fixture.subject, 5000 + MS, &err), 0);
    assert_int_equal(fixture.subject->parked_count, 1);
    assert_int_equal(blocks_settle(fixture.subject, 5001 + MS, &err), 0);

    assert_int_equal(fixture.subject->parked_count, 0);
    seal(&fixture);
    assert_int_equal(
        count_rows(&fixture, "size_bytes = 1 AND free_kind = 'unseen' AND died_ns = 5000"), 1);
    assert_int_equal(count_rows(&fixture, "size_bytes = 2 AND died_ns IS NULL"), 1);
    end(&fixture);
}

static void blocks_add_three_of_one_address_keep_their_order(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    begin(&fixture);
    add(&fixture, 100, 0x1000, 1, 0);
    add(&fixture, 200, 0x1000, 2, 1);
    add(&fixture, 300, 0x1000, 3, 1);

    assert_int_equal(drop(&fixture, 400, 0x1000, 0).size_bytes, 1);
    assert_int_equal(drop(&fixture, 500, 0x1000, 0).size_bytes, 2);
    seal(&fixture);

    assert_int_equal(count_rows(&fixture, "size_bytes = 3 AND died_ns IS NULL"), 1);
    end(&fixture);
}

/* The end comes while one is parked: both figures and peak must still be settled. */
static void blocks_write_live_settles_what_is_parked(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    begin(&fixture);
    add(&fixture, 100, 0x1000, 10, 0);
    add(&fixture, 200, 0x1000, 5000, 1);

    seal(&fixture);

    const struct tally *tally = &fixture.subject->tally;
    assert_int_equal(count_rows(&fixture, "free_kind = 'unseen'"), 1);
    assert_int_equal(tally->peak_bytes, 5000);
    assert_int_equal(tally->sites[fixture.site].peak_bytes, tally->peak_bytes);
    end(&fixture);
}

/* A free may bear an earlier stamp than the allocation that another thread handed over. */
static void blocks_add_after_its_early_free_pairs_them(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    begin(&fixture);
    assert_int_equal(drop(&fixture, 100, 0x1000, 1).address, 0);

    add(&fixture, 150, 0x1000, 24, 0);
    seal(&fixture);

    assert_int_equal(fixture.subject->unpaired_free_count, 0);
    assert_int_equal(count_rows(&fixture, "born_ns = 150 AND died_ns = 150 AND free_kind = 'free'"),
                     1);
    end(&fixture);
}

/*
 * Thread 1 frees, gets the address again and hands it to thread 0, which frees it at once with a
 * stamp before both: thread 0's free seems to be that of the older block.
 */
static void blocks_add_after_frees_in_the_wrong_order_pairs_them_all(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    begin(&fixture);
    add(&fixture, 100, 0x1000, 1, 0);
    drop(&fixture, 990, 0x1000, 0);
    drop(&fixture, 1000, 0x1000, 1);
    add(&fixture, 1020, 0x1000, 2, 1);

    add(&fixture, 1140, 0x1000, 3, 0);
    seal(&fixture);

    assert_int_equal(fixture.subject->unpaired_free_count, 0);
    assert_int_equal(count_rows(&fixture, "free_kind = 'free'"), 2);
    assert_int_equal(count_rows(&fixture, "size_bytes = 3 AND died_ns IS NULL"), 1);
    end(&fixture);
}

/* The hasty free comes before even the allocation that precedes the one it belongs to. */
static void blocks_add_after_a_free_two_blocks_too_early_pairs_them_all(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    begin(&fixture);
    drop(&fixture, 960, 0x1000, 0);
    add(&fixture, 970, 0x1000, 1, 1);
    drop(&fixture, 1000, 0x1000, 1);
    add(&fixture, 1020, 0x1000, 2, 1);

    add(&fixture, 1140, 0x1000, 3, 0);
    seal(&fixture);

    assert_int_equal(fixture.subject->unpaired_free_count, 0);
    assert_int_equal(count_rows(&fixture, "free_kind = 'free'"), 2);
    assert_int_equal(count_rows(&fixture, "size_bytes = 3 AND died_ns IS NULL"), 1);
    end(&fixture);
}

/* Such events, but so far apart that the order of the stamps is the true one. */
static void blocks_add_after_a_stray_free_by_its_own_thread_stays_live(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    begin(&fixture);
    add(&fixture, 100, 0x1000, 1, 0);
    drop(&fixture, 990, 0x1000, 0);
    drop(&fixture, 60000, 0x1000, 1);

    add(&fixture, 60020, 0x1000, 2, 1);
    seal(&fixture);

    assert_int_equal(fixture.subject->unpaired_free_count, 1);
    assert_int_equal(count_rows(&fixture, "size_bytes = 2 AND died_ns IS NULL"), 1);
    end(&fixture);
}

static void blocks_free_of_a_stranger_is_unpaired(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    begin(&fixture);
    drop(&fixture, 100, 0x1000, 1);

    add(&fixture, 100 + MS, 0x1000, 24, 0); /* much later: has nothing to do with it */
    seal(&fixture);

    assert_int_equal(fixture.subject->unpaired_free_count, 1);
    assert_int_equal(count_rows(&fixture, "died_ns IS NULL"), 1);
    end(&fixture);
}

static void blocks_free_of_a_stranger_in_one_thread_is_unpaired_at_once(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    begin(&fixture);
    fixture.subject->thread_count = 1;

    drop(&fixture, 100, 0x1000, 0);
    assert_int_equal(fixture.subject->unpaired_free_count, 1);
    add(&fixture, 101, 0x1000, 24, 0);
    seal(&fixture);

    assert_int_equal(count_rows(&fixture, "died_ns IS NULL"), 1);
    end(&fixture);
}

static void blocks_free_in_a_forked_child_is_inherited(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    begin(&fixture);
    fixture.subject->start = SUBJECT_STARTED_BY_FORK;

    drop(&fixture, 100, 0x1000, 0);
    drop(&fixture, 200, 0x2000, 1);
    seal(&fixture);

    assert_int_equal(fixture.subject->inherited_free_count, 2);
    assert_int_equal(fixture.subject->unpaired_free_count, 0);
    end(&fixture);
}

static void blocks_internal_ones_pair_but_count_nowhere(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    begin(&fixture);
    add_kind(&fixture, 100, 0x1000, 64, 0, ALLOC_KIND_INTERNAL);
    add_kind(&fixture, 110, 0x2000, 64, 0, ALLOC_KIND_INTERNAL);
    drop(&fixture, 120, 0x1000, 0);
    add(&fixture, 130, 0x1000, 8, 0);
    seal(&fixture);

    assert_int_equal(fixture.subject->tally.allocation_count, 1);
    assert_int_equal(fixture.subject->tally.free_count, 0);
    assert_int_equal(fixture.subject->unpaired_free_count, 0);
    assert_int_equal(number(&fixture, "SELECT count(*) FROM block"), 1);
    end(&fixture);
}

static void blocks_write_live_rows_stand_in_the_order_of_birth(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    begin(&fixture);
    for (uint64_t i = 0; i < 500; i++) {
        add(&fixture, 1000 + i, 0x1000 + (i * 7919 % 500) * 16, i + 1, i % 2);
    }
    seal(&fixture);

    assert_int_equal(fixture.subject->leaked_count, 500);
    assert_int_equal(count_rows(&fixture, "born_ns = 999 + id AND size_bytes = id"), 500);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_free_pairs_with_its_allocation),
        cmocka_unit_test(blocks_free_by_another_thread_is_remote),
        cmocka_unit_test(blocks_free_sequence_gives_temporaries),
        cmocka_unit_test(blocks_add_address_still_live_waits_for_the_late_free),
        cmocka_unit_test(blocks_settle_free_that_never_comes_is_unseen),
        cmocka_unit_test(blocks_add_three_of_one_address_keep_their_order),
        cmocka_unit_test(blocks_write_live_settles_what_is_parked),
        cmocka_unit_test(blocks_add_after_its_early_free_pairs_them),
        cmocka_unit_test(blocks_add_after_frees_in_the_wrong_order_pairs_them_all),
        cmocka_unit_test(blocks_add_after_a_free_two_blocks_too_early_pairs_them_all),
        cmocka_unit_test(blocks_add_after_a_stray_free_by_its_own_thread_stays_live),
        cmocka_unit_test(blocks_free_of_a_stranger_is_unpaired),
        cmocka_unit_test(blocks_free_of_a_stranger_in_one_thread_is_unpaired_at_once),
        cmocka_unit_test(blocks_free_in_a_forked_child_is_inherited),
        cmocka_unit_test(blocks_internal_ones_pair_but_count_nowhere),
        cmocka_unit_test(blocks_write_live_rows_stand_in_the_order_of_birth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
