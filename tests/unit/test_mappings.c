#include "../../analyzer/collect/recording/mappings.h"

#include "blocks_fixture.h"

static void map(struct blocks_fixture *fixture, uint64_t now_ns, uint64_t address,
                uint64_t size_bytes)
{
    const struct block block = {
        .address = address,
        .born_ns = now_ns,
        .size_bytes = size_bytes,
        .slack_bytes = (4096 - size_bytes % 4096) % 4096,
        .site = fixture->site,
        .kind = ALLOC_KIND_MMAP,
    };
    struct err err = {{0}};
    assert_int_equal(mappings_add(fixture->subject, &block, &err), 0);
}

static void unmap(struct blocks_fixture *fixture, uint64_t now_ns, uint64_t address, uint64_t bytes)
{
    struct err err = {{0}};
    assert_int_equal(
        mappings_remove(fixture->subject, address, bytes, FREE_KIND_MUNMAP, 0, now_ns, &err), 0);
}

static void mappings_remove_whole_mapping_is_one_row(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    begin(&fixture);
    map(&fixture, 100, 0x10000, 5000);

    unmap(&fixture, 200, 0x10000, 8192);
    seal(&fixture);

    assert_int_equal(count_rows(&fixture, "kind = 'mmap' AND free_kind = 'munmap' AND size_bytes ="
                                          " 5000 AND usable_bytes = 8192 AND died_ns = 200"),
                     1);
    assert_int_equal(fixture.subject->tally.sites[fixture.site].temporary_count[0], 1);
    end(&fixture);
}

static void mappings_remove_in_the_middle_leaves_two_rests(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    begin(&fixture);
    map(&fixture, 100, 0x10000, 0x8000);

    unmap(&fixture, 200, 0x12000, 0x1000);
    seal(&fixture);

    assert_int_equal(count_rows(&fixture, "size_bytes = 0x8000 AND died_ns = 200"), 1);
    assert_int_equal(count_rows(&fixture, "address = 0x10000 AND size_bytes = 0x2000 AND died_ns IS"
                                          " NULL AND realloc_of_id = 1 AND born_ns = 200"),
                     1);
    assert_int_equal(count_rows(&fixture, "address = 0x13000 AND size_bytes = 0x5000 AND died_ns IS"
                                          " NULL AND realloc_of_id = 1"),
                     1);
    assert_int_equal(fixture.subject->tally.live_bytes, 0x7000);
    end(&fixture);
}

static void mappings_remove_over_several_mappings_cuts_the_outer_ones(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    begin(&fixture);
    map(&fixture, 100, 0x10000, 0x4000);
    map(&fixture, 110, 0x14000, 0x1000);
    map(&fixture, 120, 0x20000, 0x4000);

    unmap(&fixture, 200, 0x12000, 0x10000);
    seal(&fixture);

    assert_int_equal(fixture.subject->leaked_count, 2);
    assert_int_equal(count_rows(&fixture, "address = 0x10000 AND size_bytes = 0x2000"), 1);
    assert_int_equal(count_rows(&fixture, "address = 0x22000 AND size_bytes = 0x2000"), 1);
    assert_int_equal(fixture.subject->tally.live_bytes, 0x4000);
    end(&fixture);
}

static void mappings_remove_of_nothing_changes_nothing(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    begin(&fixture);
    map(&fixture, 100, 0x10000, 0x1000);

    unmap(&fixture, 200, 0x11000, 0x1000);
    unmap(&fixture, 200, 0xf000, 0x1000);
    seal(&fixture);

    assert_int_equal(fixture.subject->tally.free_count, 0);
    assert_int_equal(fixture.subject->unpaired_free_count, 0);
    end(&fixture);
}

static void mappings_add_over_an_old_one_ends_it_unseen(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    begin(&fixture);
    map(&fixture, 100, 0x10000, 0x1000);

    map(&fixture, 300, 0x10000, 0x2000);
    seal(&fixture);

    assert_int_equal(count_rows(&fixture, "free_kind = 'unseen' AND died_ns = 300"), 1);
    assert_int_equal(count_rows(&fixture, "size_bytes = 0x2000 AND died_ns IS NULL"), 1);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mappings_remove_whole_mapping_is_one_row),
        cmocka_unit_test(mappings_remove_in_the_middle_leaves_two_rests),
        cmocka_unit_test(mappings_remove_over_several_mappings_cuts_the_outer_ones),
        cmocka_unit_test(mappings_remove_of_nothing_changes_nothing),
        cmocka_unit_test(mappings_add_over_an_old_one_ends_it_unseen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
