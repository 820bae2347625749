#include "block_rows.h"

#include "../../analyzer/analyses/heap_pages.h"

/*
 * The block of row i lies at i * 64, with a header of 8 bytes before it: 65 and 81 lie on page 1,
 * 129 on page 2. Block 65 lives on; most is live from 30 to 40: 1000 + 2000 + 4000.
 */
#define ROWS                                                                                       \
    "(10, NULL, 1000, 2, NULL, NULL, 65), (20, 20, 2000, 1, NULL, NULL, 81),"                      \
    "(30, 20, 4000, 1, NULL, NULL, 129)"

#define PEAK "UPDATE process SET peak_ns = 35, ended_ns = 60 WHERE id = 1;"

/* The heap's pages 1 to 3 are resident at 35 and at 60, beside a mapping without blocks. */
#define MOMENTS                                                                                    \
    "INSERT INTO memory_sample VALUES (1, 35, 'heap', 16384, 12288, 12288, 0, 0),"                 \
    " (1, 35, 'anonymous', 65536, 8192, 8192, 0, 0), (1, 60, 'heap', 16384, 12288, 12288, 0, 0);"  \
    "INSERT INTO resident_range VALUES (1, 35, 4096, 16384, 12288, 4096, 'heap'),"                 \
    " (1, 35, 1048576, 1056768, 8192, 1048576, 'anonymous'),"                                      \
    " (1, 60, 4096, 16384, 12288, 4096, 'heap');"

struct analysed {
    struct fixture_recording fixture;
    struct trace *trace;
    struct analysis_run run;
    struct err err;
};

static const struct heap_pages *analyse(struct analysed *analysed, const char *rows,
                                        const char *changes)
{
    block_rows_make(&analysed->fixture, rows);
    fixture_recording_change(&analysed->fixture, changes);
    analysed->run = (struct analysis_run){.analysis = &heap_pages_analysis};
    analysed->err.text[0] = '\0';
    if (trace_open(analysed->fixture.path, &analysed->trace, &analysed->err) < 0 ||
        analyses_run(analysed->trace, 1, &analysed->run, 1, NULL, NULL, &analysed->err) < 0) {
        fail_msg("%s", analysed->err.text);
    }
    return analysed->run.state;
}

static void end(struct analysed *analysed)
{
    analyses_end(&analysed->run, 1);
    trace_close(analysed->trace);
    fixture_recording_remove(&analysed->fixture);
}

static void assert_near(double found, double expected)
{
    if (found - expected > 0.001 || expected - found > 0.001) {
        fail_msg("%f instead of %f", found, expected);
    }
}

static void assert_adds_up(const struct waterfall *waterfall)
{
    assert_near(waterfall->requested_bytes + waterfall->rounding_bytes + waterfall->header_bytes +
                    waterfall->hole_bytes + waterfall->empty_bytes - waterfall->untouched_bytes,
                waterfall->resident_bytes);
}

static void waterfall_at_two_moments_is_exact_and_adds_up(void **state)
{
    (void)state;
    struct analysed analysed;

    const struct heap_pages *pages = analyse(&analysed, ROWS, PEAK MOMENTS);

    assert_int_equal(pages->moment_count, 2);
    assert_near(pages->fullest->waterfall.requested_bytes, 7000);
    assert_near(pages->fullest->waterfall.header_bytes, 3 * 8);
    assert_near(pages->fullest->waterfall.hole_bytes, 2 * 4096 - 7000 - 24);
    assert_near(pages->fullest->waterfall.empty_bytes, 4096);
    assert_near(pages->fullest->waterfall.resident_bytes, 12288);
    assert_int_equal(pages->fullest->foreign_bytes, 8192);
    assert_near(pages->last->waterfall.requested_bytes, 1000);
    assert_near(pages->last->waterfall.hole_bytes, 4096 - 1008);
    assert_near(pages->last->waterfall.empty_bytes, 8192);
    assert_adds_up(&pages->fullest->waterfall);
    assert_adds_up(&pages->last->waterfall);
    end(&analysed);
}

static void waterfall_average_integrates_between_the_moments(void **state)
{
    (void)state;
    struct analysed analysed;

    const struct heap_pages *pages = analyse(&analysed, ROWS, PEAK MOMENTS);

    assert_true(pages->has_average);
    assert_near(pages->average.requested_bytes, (5 * 7000 + 10 * 5000 + 10 * 1000) / 25.0);
    assert_near(pages->average.empty_bytes, (4096 + 8192) / 2.0);
    assert_near(pages->average.resident_bytes, (15 * 2 + 10) / 25.0 * 4096 + 6144);
    assert_adds_up(&pages->average);
    end(&analysed);
}

static void waterfall_untouched_pages_are_subtracted(void **state)
{
    (void)state;
    struct analysed analysed;

    const struct heap_pages *pages =
        analyse(&analysed, ROWS,
                PEAK "INSERT INTO memory_sample VALUES (1, 35, 'heap', 16384, 4096, 4096, 0, 0);"
                     "INSERT INTO resident_range VALUES (1, 35, 4096, 8192, 4096, 4096, 'heap');");

    assert_near(pages->fullest->waterfall.untouched_bytes, 4096);
    assert_near(pages->fullest->waterfall.empty_bytes, 0);
    assert_adds_up(&pages->fullest->waterfall);
    end(&analysed);
}

static void waterfall_without_residency_is_modelled(void **state)
{
    (void)state;
    struct analysed analysed;

    const struct heap_pages *pages = analyse(&analysed, ROWS, PEAK);

    assert_null(pages->fullest);
    assert_false(pages->has_average);
    assert_near(pages->peak_model.resident_bytes, 2 * 4096);
    assert_near(pages->end_model.requested_bytes, 1000);
    assert_near(pages->end_model.empty_bytes, 4096);
    assert_adds_up(&pages->peak_model);
    assert_adds_up(&pages->end_model);
    end(&analysed);
}

static void waterfall_measures_are_those_of_johnstone_and_wilson(void **state)
{
    (void)state;
    struct analysed analysed;

    const struct heap_pages *pages = analyse(&analysed, ROWS, PEAK MOMENTS);

    assert_near(pages->measures.mean, (12288 / 7000.0 + 12288 / 1000.0) / 2);
    assert_near(pages->measures.at_peak, 12288 / 7000.0);
    assert_near(pages->measures.at_footprint, 12288 / 7000.0);
    assert_near(pages->measures.overall, 12288 / 7000.0);
    end(&analysed);
}

static void live_layout_holes_are_what_lies_between_blocks(void **state)
{
    (void)state;
    struct analysed analysed;

    const struct heap_pages *pages =
        analyse(&analysed, ROWS,
                PEAK MOMENTS "DELETE FROM size_class; INSERT INTO size_class VALUES"
                             " (1, 1000, 1000, 9, 1, 1, 1, 1, 1),"
                             " (1, 2000, 2000, 1, 1, 1, 1, 1, 1);");
    const struct live_layout *layout = &pages->holes_at_peak.layout;

    assert_int_equal(layout->block_count, 3);
    assert_int_equal(layout->hole_count, 2); /* 5160 to 5176, and 7184 to 8248 */
    assert_int_equal(layout->hole_bytes, 16 + 1064);
    assert_int_equal(layout->hole_largest_bytes, 1064);
    assert_int_equal(pages->holes_at_peak.sizes[0], 1000);
    assert_int_equal(layout->too_small_bytes[0], 16);
    assert_int_equal(pages->holes_at_peak.sizes[3], 2000);
    assert_int_equal(layout->too_small_bytes[3], 16 + 1064);
    end(&analysed);
}

/* Block 65 is of another site: it shares page 1 from 20 to 40, and holds it alone else. */
static void pins_are_pages_of_one_site_alone(void **state)
{
    (void)state;
    struct analysed analysed;

    const struct heap_pages *pages =
        analyse(&analysed, ROWS, PEAK "UPDATE context SET stack_id = 3 WHERE id = 2;");
    const struct pin_row *kept = &pages->pins[0];
    const struct pin_row *freed = &pages->pins[1];

    assert_int_equal(pages->pin_count, 2);
    assert_int_equal(kept->stack_id, 3);
    assert_near(kept->page_byte_seconds * 1e9, 30 * 4096);
    assert_near(kept->pinned_byte_seconds * 1e9, 30 * 4096 - 50 * 1008);
    assert_int_equal(kept->at_peak.page_bytes, 0);
    assert_int_equal(kept->at_end.page_bytes, 4096);
    assert_int_equal(kept->at_end.live_bytes, 1008);
    assert_int_equal(freed->at_peak.page_bytes, 4096);
    assert_int_equal(freed->at_end.page_bytes, 0);
    end(&analysed);
}

/* 32 blocks of 64 bytes, each alone on its page, would fit half of one. */
static void pins_worth_a_look_are_counted_anew_and_repacked(void **state)
{
    (void)state;
    struct analysed analysed;
    char rows[4096] = "";
    size_t used = 0;
    for (int i = 1; i <= 32; i++) {
        used += (size_t)snprintf(rows + used, sizeof(rows) - used,
                                 "%s(%d, NULL, 64, 2, NULL, NULL, %d)", i > 1 ? "," : "", i,
                                 i * 64 + 1);
    }

    const struct heap_pages *pages = analyse(&analysed, rows, PEAK);
    const struct pin_row *pin = &pages->pins[0];

    assert_int_equal(pages->repacked_count, 1);
    assert_int_equal(pin->at_end.page_bytes, 32 * 4096);
    assert_int_equal(pin->at_end.freed_bytes, 32 * 4096);
    assert_int_equal(pin->at_end.own_bytes, 4096);
    end(&analysed);
}

/* A block of 2 MB below one of 24 bytes at 2 MiB, which is born and dies before it. */
#define TOP(lifetime, context)                                                                     \
    "(10, 20, 2000000, 1, NULL, NULL, 64), (5, " lifetime ", 24, " context ", NULL, NULL, 32768)"

#define TOP_MOMENT                                                                                 \
    "INSERT INTO memory_sample VALUES (1, 60, 'heap', 2097152, 2097152, 2097152, 0, 0);"           \
    "INSERT INTO resident_range VALUES (1, 60, 4096, 2101248, 2097152, 4096, 'heap');"

static void heap_top_block_in_a_thread_cache_pins_the_heap(void **state)
{
    (void)state;
    struct analysed analysed;

    const struct heap_pages *pages = analyse(&analysed, TOP("10", "1"), PEAK TOP_MOMENT);

    assert_true(heap_top_is_pinned(&pages->worst_top));
    assert_true(pages->worst_top.is_cached);
    assert_int_equal(pages->worst_top.cached.address, 2097152);
    assert_int_equal(pages->worst_top.cached.stack_id, 2);
    assert_int_equal(pages->worst_top.pinned_bytes, 2097152 - 4096);
    end(&analysed);
}

static void heap_top_without_thread_caches_is_only_kept(void **state)
{
    (void)state;
    struct analysed analysed;

    const struct heap_pages *pages = analyse(
        &analysed, TOP("10", "1"),
        PEAK TOP_MOMENT
        "INSERT INTO environment VALUES ('GLIBC_TUNABLES', 'glibc.malloc.tcache_count=0');");

    assert_false(heap_top_is_pinned(&pages->worst_top));
    assert_true(heap_top_is_kept(&pages->worst_top));
    end(&analysed);
}

static void heap_top_live_block_is_named(void **state)
{
    (void)state;
    struct analysed analysed;

    const struct heap_pages *pages = analyse(&analysed, TOP("NULL", "2"), PEAK TOP_MOMENT);

    assert_true(heap_top_is_pinned(&pages->worst_top));
    assert_false(pages->worst_top.is_cached);
    assert_int_equal(pages->top_block.id, 32768);
    assert_int_equal(pages->worst_top.pin_address, 2097152 + 24);
    end(&analysed);
}

static void heap_pages_without_calls_have_an_empty_answer(void **state)
{
    (void)state;
    struct analysed analysed;

    const struct heap_pages *pages = analyse(&analysed, "(1, 1, 1, 8, NULL, NULL, 1)", PEAK);

    assert_int_equal(pages->pin_count, 0);
    assert_int_equal(pages->picture.rows, 0);
    assert_near(pages->end_model.resident_bytes, 0);
    end(&analysed);
}

static void heap_map_cell_is_the_live_share_at_its_time(void **state)
{
    (void)state;
    struct analysed analysed;

    const struct heap_pages *pages =
        analyse(&analysed, ROWS, "UPDATE process SET started_ns = 0, ended_ns = 64 WHERE id = 1;");
    const struct heap_picture *picture = &pages->picture;

    assert_int_equal(picture->rows, 2);
    assert_int_equal(picture->row_addresses[0], 4096);
    assert_int_equal(picture->row_addresses[1], 8192);
    assert_int_equal(picture->cells[5], 0);
    assert_int_equal(picture->cells[15], (1008 * 255 + 2048) / 4096);
    assert_int_equal(picture->cells[25], (3016 * 255 + 2048) / 4096);
    assert_int_equal(picture->cells[64 + 25], 0);
    assert_int_equal(picture->cells[64 + 35], (4008 * 255 + 2048) / 4096);
    assert_int_equal(picture->cells[64 + 45], (4008 * 255 + 2048) / 4096);
    assert_int_equal(picture->cells[64 + 55], 0);
    end(&analysed);
}

static void heap_map_far_regions_stand_side_by_side(void **state)
{
    (void)state;
    struct analysed analysed;

    const struct heap_pages *pages = analyse(
        &analysed, "(10, NULL, 4000, 2, NULL, NULL, 65), (20, NULL, 4000, 2, NULL, NULL, 33554369)",
        "UPDATE process SET started_ns = 0, ended_ns = 64 WHERE id = 1;");
    const struct heap_picture *picture = &pages->picture;

    assert_int_equal(picture->rows, 2);
    assert_int_equal(picture->row_addresses[0], 4096);
    assert_int_equal(picture->row_addresses[1], UINT64_C(33554368) * 64);
    assert_int_equal(picture->skipped_bytes, picture->address_max - picture->address_min - 8192);
    end(&analysed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waterfall_at_two_moments_is_exact_and_adds_up),
        cmocka_unit_test(waterfall_average_integrates_between_the_moments),
        cmocka_unit_test(waterfall_untouched_pages_are_subtracted),
        cmocka_unit_test(waterfall_without_residency_is_modelled),
        cmocka_unit_test(waterfall_measures_are_those_of_johnstone_and_wilson),
        cmocka_unit_test(live_layout_holes_are_what_lies_between_blocks),
        cmocka_unit_test(pins_are_pages_of_one_site_alone),
        cmocka_unit_test(pins_worth_a_look_are_counted_anew_and_repacked),
        cmocka_unit_test(heap_top_block_in_a_thread_cache_pins_the_heap),
        cmocka_unit_test(heap_top_without_thread_caches_is_only_kept),
        cmocka_unit_test(heap_top_live_block_is_named),
        cmocka_unit_test(heap_pages_without_calls_have_an_empty_answer),
        cmocka_unit_test(heap_map_cell_is_the_live_share_at_its_time),
        cmocka_unit_test(heap_map_far_regions_stand_side_by_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
