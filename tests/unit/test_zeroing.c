#include "analysed_rows.h"

#include "../../analyzer/analyses/alignments.h"
#include "../../analyzer/analyses/zeroing.h"

/* Addresses are ids * 64: block 1 at 64, block 100 in the next page, block 2 beside block 1. */
static void zeroing_is_free_in_pages_that_were_never_used(void **state)
{
    (void)state;
    struct analysed_rows rows;
    const struct zeroing *zeroing = zeroing_of(
        analysed_rows_make(&rows, &zeroing_analysis,
                           "(10, 5, 40, 5, NULL, NULL, 1), (20, 5, 40, 5, NULL, NULL, 2),"
                           "(30, 5, 3000, 1, NULL, NULL, 100), (40, 5, 3000, 5, NULL, NULL, 101)",
                           ""));

    assert_int_equal(zeroing->allocation_count, 4);
    assert_int_equal(zeroing->calloc_count, 3);
    assert_int_equal(zeroing->calloc_bytes, 3080);
    /* 40 of the first; none of the second; of the last, those pages that the third did not touch.
     */
    assert_int_equal(zeroing->fresh_bytes, 40);
    assert_int_equal(zeroing->site_count, 1);
    assert_int_equal(zeroing->sites[0].calloc_bytes - zeroing->sites[0].fresh_bytes, 3040);
    analysed_rows_end(&rows);
}

/* glibc maps a large block: its pages are clear, though the address was in use before. */
static void zeroing_of_a_mapped_block_is_free_each_time(void **state)
{
    (void)state;
    struct analysed_rows rows;
    const struct zeroing *zeroing = zeroing_of(analysed_rows_make(
        &rows, &zeroing_analysis,
        "(10, 5, 200000, 5, NULL, NULL, 1), (20, 5, 200000, 5, NULL, NULL, 2)",
        "UPDATE block SET address_offset = 65536 + 16, slack_bytes = 704 - 16")); /* 49 pages */

    assert_int_equal(zeroing->calloc_bytes, 400000);
    assert_int_equal(zeroing->fresh_bytes, 400000);
    analysed_rows_end(&rows);
}

/* A block of 24 in 40 bytes, one of 100 at a multiple of 256 in 120; the peak has both. */
static void alignments_tell_padding(void **state)
{
    (void)state;
    struct analysed_rows rows;
    const struct alignments *alignments = alignments_of(
        analysed_rows_make(&rows, &alignments_analysis,
                           "(10, 50, 24, 1, NULL, NULL, 1), (20, NULL, 100, 6, NULL, 256, 2)",
                           "UPDATE block SET slack_bytes = CASE id WHEN 1 THEN 16 ELSE 20 END;"
                           "UPDATE process SET peak_ns = 30 WHERE id = 1"));

    assert_int_equal(alignments->allocation_count, 2);
    assert_int_equal(alignments->asked[8].allocation_count, 1);
    assert_int_equal(alignments->asked[8].padding_bytes, 20);
    assert_int_equal(alignments->peak_count, 2);
    assert_int_equal(alignments->peak_padding_bytes, 36);
    assert_int_equal(alignments->peak_by_8_bytes, 16);
    analysed_rows_end(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zeroing_is_free_in_pages_that_were_never_used),
        cmocka_unit_test(zeroing_of_a_mapped_block_is_free_each_time),
        cmocka_unit_test(alignments_tell_padding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
