#include <math.h>

#include "analysed_rows.h"

#include "../../analyzer/analyses/pool_bytes.h"
#include "../../analyzer/analyses/pool_gain.h"
#include "../../analyzer/analyses/pooling.h"

static const struct pool_group *find(const struct pooling *pooling, uint64_t size_bytes)
{
    for (size_t i = 0; i < pooling->site_count; i++) {
        if (pooling->sites[i].size_bytes == size_bytes) {
            return &pooling->sites[i];
        }
    }
    fail_msg("no group of %llu bytes", (unsigned long long)size_bytes);
    return NULL;
}

static const struct pool_group *find_class(const struct pooling *pooling, uint32_t slot_bytes)
{
    for (size_t i = 0; i < POOLING_CLASSES; i++) {
        if (pooling->classes[i].slot_bytes == slot_bytes) {
            return &pooling->classes[i];
        }
    }
    fail_msg("no class of %u bytes", slot_bytes);
    return NULL;
}

static void pooling_classes_are_those_of_the_policy(void **state)
{
    (void)state;
    static const uint32_t wanted[][2] = {
        {0, 16},    {1, 16},    {16, 16},   {17, 32},     {128, 128},   {129, 160},   {160, 160},
        {161, 192}, {256, 256}, {257, 320}, {1024, 1024}, {1025, 1280}, {4097, 5120}, {8192, 8192}};
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        assert_int_equal(pooling_class_bytes(wanted[i][0]), wanted[i][1]);
    }
}

/* Three blocks of 24 bytes, two at a time; one of 20, freed by thread 2; one too large. */
static void pooling_counts_by_site_and_size(void **state)
{
    (void)state;
    struct analysed_rows rows;
    const struct pooling *pooling = pooling_of(
        analysed_rows_make(&rows, &pooling_analysis,
                           "(13, 1, 8193, 1, NULL, NULL, 1), (10, 10, 24, 1, NULL, NULL, 2),"
                           "(25, 5, 24, 1, NULL, NULL, 3), (15, 25, 24, 1, NULL, NULL, 4),"
                           "(12, 88, 20, 5, NULL, NULL, 5)",
                           "UPDATE process SET peak_ns = 16 WHERE id = 1"));

    const struct pool_group *group = find(pooling, 24);

    assert_int_equal(pooling->site_count, 2);
    assert_int_equal(pooling->large_count, 1);
    assert_int_equal(group->slot_bytes, 24);
    assert_int_equal(group->allocation_count, 3);
    assert_int_equal(group->free_count, 3);
    assert_int_equal(group->live_count_max, 2);
    assert_int_equal(group->peak_count, 2);
    assert_int_equal(group->peak_bytes, 48);
    assert_int_equal(pooling->peak_counts[3], 2 + 1); /* 24 bytes, and 20 */
    assert_int_equal(group->lifetime_sum_ns, 40);
    assert_int_equal(group->remote_free_count, 0);
    assert_int_equal(pool_group_lifetime_ns(group, 0.3), 8);
    assert_int_equal(pool_group_lifetime_ns(group, 0.99), 32);
    assert_true(fabs(pool_group_turnover(group) - 1.5) < 1e-9);
    assert_true(fabs(pool_group_mean_live(pooling, group) - 40.0 / 90) < 1e-9);
    assert_int_equal(find(pooling, 20)->remote_free_count, 1);
    assert_int_equal(find_class(pooling, 32)->allocation_count, 4);
    assert_int_equal(find_class(pooling, 32)->live_count_max, 3);
    analysed_rows_end(&rows);
}

static void pooling_realloc_ends_one_block_and_makes_another(void **state)
{
    (void)state;
    struct analysed_rows rows;
    const struct pooling *pooling = pooling_of(analysed_rows_make(
        &rows, &pooling_analysis, "(10, 5, 8, 3, NULL, NULL, 1), (16, 4, 16, 4, 1, NULL, 2)", ""));

    assert_int_equal(find(pooling, 8)->resized_count, 1);
    assert_int_equal(find(pooling, 8)->live_count, 0);
    assert_int_equal(find(pooling, 16)->allocation_count, 1);
    assert_int_equal(find(pooling, 16)->resized_count, 0);
    analysed_rows_end(&rows);
}

static void pooling_of_leaks_alone_knows_no_lifetime(void **state)
{
    (void)state;
    struct analysed_rows rows;
    const struct pooling *pooling =
        pooling_of(analysed_rows_make(&rows, &pooling_analysis, "(10, NULL, 8, 2, NULL, NULL, 1)",
                                      "UPDATE process SET peak_ns = 10 WHERE id = 1"));

    assert_int_equal(find(pooling, 8)->peak_count, 1);
    assert_int_equal(pool_group_lifetime_ns(find(pooling, 8), 0.5), 0);
    analysed_rows_end(&rows);
}

/* ---- what it would save ------------------------------------------------------------------------
 */

/* A million pairs of 64 bytes, 100 live all the time, in ten seconds. */
static const struct pooling million = {.started_ns = 0, .ended_ns = 10000000000};
static const struct pool_group plain_group = {
    .slot_bytes = 64,
    .size_bytes = 64,
    .allocation_count = 1000000,
    .allocated_bytes = 64000000,
    .free_count = 1000000,
    .live_count_max = 100,
    .peak_count = 100,
    .peak_bytes = 6400,
    .peak_usable_bytes = 7200,
    .live_count_ns = 100 * 1e10,
};

/* glibc 10 ns, mimalloc 4 ns, a list 1 ns; give or take a tenth. */
static struct pair_costs make_costs(void)
{
    static const struct {
        const char *name;
        enum pair_cost_kind kind;
        double ns;
    } given[] = {{"glibc", PAIR_COST_STOCK, 10},
                 {"mimalloc", PAIR_COST_STOCK, 4},
                 {"list", PAIR_COST_LIST, 1}};
    struct pair_costs costs = {.count = 3, .run_count = 5};
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(costs.rows[i].name, PAIR_COST_NAME_BYTES, "%s", given[i].name);
        costs.rows[i].kind = given[i].kind;
        costs.rows[i].is_in_use = i == 0;
        for (size_t j = 0; j < PAIR_COST_SIZES; j++) {
            costs.rows[i].costs[j] =
                (struct pair_cost){given[i].ns, given[i].ns * 0.9, given[i].ns * 1.1};
        }
    }
    return costs;
}

static void pool_gain_is_pairs_by_what_they_cost_less(void **state)
{
    (void)state;
    struct pair_costs costs = make_costs();
    const struct pool_yardstick yardstick = {
        .costs = &costs, .cpu_time_ns = 100000000, .peak_bytes = 1 << 20, .header_bytes = 8};

    struct pool_gain gain = pool_gain_of(&million, &plain_group, &yardstick);

    assert_true(fabs(gain.time_ns - 9e6) < 1);
    assert_true(fabs(gain.time_low_ns - 7.9e6) < 1);
    assert_true(fabs(gain.time_high_ns - 10.1e6) < 1);
    assert_true(fabs(gain.stock_time_ns - 3e6) < 1);
    assert_string_equal(gain.stock->name, "mimalloc");
    assert_int_equal(gain.peak_bytes, 7200 + 800 - 2 * 4096);
    assert_int_equal(gain.verdict, POOL_IS_WORTH_IT);
    assert_false(gain.saves_bytes);
}

static void pool_gain_verdict_names_the_first_reason(void **state)
{
    (void)state;
    struct pair_costs costs = make_costs();
    struct pool_yardstick yardstick = {
        .costs = &costs, .cpu_time_ns = 100000000, .peak_bytes = 1 << 20, .header_bytes = 8};
    struct pool_group group = plain_group;

    yardstick.cpu_time_ns = 600000000; /* 9 ms are 1.5 %, 3 ms 0.5 % */
    assert_int_equal(pool_gain_of(&million, &group, &yardstick).verdict,
                     POOL_IS_NO_BETTER_THAN_STOCK);
    yardstick.cpu_time_ns = 1000000000;
    assert_int_equal(pool_gain_of(&million, &group, &yardstick).verdict, POOL_SAVES_TOO_LITTLE);
    yardstick.cpu_time_ns = 100000000;
    group.remote_free_count = 60000;
    assert_int_equal(pool_gain_of(&million, &group, &yardstick).verdict, POOL_IS_HANDED_OVER);
    group.remote_free_count = 50000;
    group.resized_count = 20000;
    assert_int_equal(pool_gain_of(&million, &group, &yardstick).verdict, POOL_IS_RESIZED);
    group.resized_count = 0;
    group.allocated_bytes = 50000000;
    assert_int_equal(pool_gain_of(&million, &group, &yardstick).verdict, POOL_HAS_ODD_SIZES);
    group.allocated_bytes = 64000000;
    group.live_count_ns = 20 * 1e10;
    assert_int_equal(pool_gain_of(&million, &group, &yardstick).verdict, POOL_STANDS_IDLE);
}

static void pool_gain_without_timed_calls_of_few_blocks_is_too_little(void **state)
{
    (void)state;
    struct pool_yardstick yardstick = {
        .cpu_time_ns = 100000000, .peak_bytes = 1 << 20, .header_bytes = 8};
    struct pool_group few = plain_group;
    few.allocation_count = 900; /* at 1 us a pair less than 1 % of 100 ms */
    few.free_count = 900;
    few.allocated_bytes = 900 * few.slot_bytes;

    assert_int_equal(pool_gain_of(&million, &few, &yardstick).verdict, POOL_SAVES_TOO_LITTLE);

    assert_int_equal(pool_gain_of(&million, &plain_group, &yardstick).verdict, POOL_NEEDS_COSTS);
}

static void pool_gain_without_costs_knows_the_most_it_can_be(void **state)
{
    (void)state;
    struct pool_yardstick yardstick = {
        .pair_most_ns = 20, .cpu_time_ns = 100000000, .peak_bytes = 1 << 20, .header_bytes = 8};

    struct pool_gain gain = pool_gain_of(&million, &plain_group, &yardstick);
    assert_true(isnan(gain.time_ns));
    assert_true(fabs(gain.time_most_ns - 2e7) < 1);
    assert_int_equal(gain.verdict, POOL_NEEDS_COSTS);

    yardstick.cpu_time_ns = 3000000000; /* 20 ms are 0.7 % */
    gain = pool_gain_of(&million, &plain_group, &yardstick);
    assert_int_equal(gain.verdict, POOL_SAVES_TOO_LITTLE);
}

static void pool_gain_of_memory_needs_no_costs(void **state)
{
    (void)state;
    struct pool_group group = plain_group;
    group.size_bytes = group.slot_bytes = 24;
    group.allocated_bytes = 24000000;
    group.peak_count = 100000;
    group.peak_usable_bytes = 2400000;
    group.live_count_max = 100000;
    group.live_count_ns = 100000 * 1e10;
    const struct pool_yardstick yardstick = {.peak_bytes = 2400000, .header_bytes = 8};

    struct pool_gain gain = pool_gain_of(&million, &group, &yardstick);

    assert_int_equal(gain.peak_bytes, 3200000 - 589 * 4096); /* 170 of 24 bytes in a page */
    assert_true(gain.saves_bytes);
    assert_int_equal(gain.verdict, POOL_IS_WORTH_IT);
}

/* For each block: its size up to a multiple of 8, and so many bytes more. */
static void set_blocks(struct pair_cost_row *row, float usable_more, float growth_more)
{
    row->blocks.is_measured = true;
    for (uint32_t i = 1; i < BLOCK_COST_PLACES; i++) {
        row->blocks.usable_bytes[i] = (float)i * 8 + usable_more;
        row->blocks.growth_bytes[i] = (float)i * 8 + growth_more;
    }
}

static void pool_bytes_are_counted_by_size(void **state)
{
    (void)state;
    static struct pooling pooling;
    struct pair_cost_row row = {.name = "any"};
    const struct pool_group class_group = {
        .slot_bytes = 160, .peak_count = 12, .peak_usable_bytes = 1800};
    const struct pool_group site_group = {
        .stack_id = 5, .size_bytes = 130, .peak_count = 4, .peak_usable_bytes = 544};
    set_blocks(&row, 0, 2);
    pooling.peak_counts[16] = 100; /* 128 bytes: of the class before */
    pooling.peak_counts[17] = 4;
    pooling.peak_counts[20] = 8;
    pooling.peak_counts[21] = 100;

    assert_true(fabs(pool_bytes_on(&pooling, &class_group, &row.blocks) - (4 * 138 + 8 * 162)) <
                1e-6);
    assert_true(fabs(pool_bytes_on(&pooling, &site_group, &row.blocks) - 4 * 138) < 1e-6);
    assert_true(fabs(pool_bytes_on(&pooling, NULL, &row.blocks) -
                     (100 * 130 + 4 * 138 + 8 * 162 + 100 * 170)) < 1e-6);
    assert_true(fabs(pool_bytes_recorded(&pooling, &class_group, &row.blocks, 8) - 1824) < 1e-6);
    assert_true(fabs(pool_bytes_recorded(&pooling, &class_group, NULL, 8) - 1896) < 1e-6);
}

/* 100,000 blocks of 64 bytes at the peak, of which glibc makes 80, and little time to win. */
static void pool_gain_of_memory_is_compared_with_the_most_compact(void **state)
{
    (void)state;
    struct pair_costs costs = make_costs();
    struct pool_group group = plain_group;
    group.stack_id = 1;
    group.peak_count = 100000;
    group.peak_usable_bytes = 7200000;
    group.live_count_max = 100000;
    group.live_count_ns = 100000 * 1e10;
    const struct pool_yardstick yardstick = {
        .costs = &costs, .cpu_time_ns = 100000000000, .peak_bytes = 6400000, .header_bytes = 8};
    const int64_t pool_bytes = INT64_C(1563) * 4096;
    set_blocks(&costs.rows[0], 8, 16);

    struct pool_gain gain = pool_gain_of(&million, &group, &yardstick);
    assert_int_equal(gain.peak_bytes, 8000000 - pool_bytes);
    assert_int_equal(gain.stock_peak_bytes, gain.peak_bytes);
    assert_string_equal(gain.compact_stock->name, "glibc");
    assert_int_equal(gain.verdict, POOL_IS_WORTH_IT);

    set_blocks(&costs.rows[1], 0, 1);
    gain = pool_gain_of(&million, &group, &yardstick);
    assert_int_equal(gain.peak_bytes, 8000000 - pool_bytes);
    assert_int_equal(gain.stock_peak_bytes, 6500000 - pool_bytes);
    assert_string_equal(gain.compact_stock->name, "mimalloc");
    assert_true(gain.saves_bytes);
    assert_false(gain.saves_bytes_beside_stock); /* 97,952 of 6,400,000: 1.5 % */
    assert_int_equal(gain.verdict, POOL_IS_NO_BETTER_THAN_STOCK);

    set_blocks(&costs.rows[1], 0, 2);
    gain = pool_gain_of(&million, &group, &yardstick);
    assert_true(gain.saves_bytes_beside_stock); /* 3.1 % */
    assert_int_equal(gain.verdict, POOL_IS_WORTH_IT);
}

static void pool_header_is_glibc_s_alone(void **state)
{
    (void)state;
    assert_int_equal(pool_header_bytes("/lib/x86_64-linux-gnu/libc.so.6"), 8);
    assert_int_equal(pool_header_bytes("glibc"), 8);
    assert_int_equal(pool_header_bytes("/usr/lib/libjemalloc.so.2"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pooling_classes_are_those_of_the_policy),
        cmocka_unit_test(pooling_counts_by_site_and_size),
        cmocka_unit_test(pooling_realloc_ends_one_block_and_makes_another),
        cmocka_unit_test(pooling_of_leaks_alone_knows_no_lifetime),
        cmocka_unit_test(pool_gain_is_pairs_by_what_they_cost_less),
        cmocka_unit_test(pool_gain_verdict_names_the_first_reason),
        cmocka_unit_test(pool_gain_without_timed_calls_of_few_blocks_is_too_little),
        cmocka_unit_test(pool_gain_without_costs_knows_the_most_it_can_be),
        cmocka_unit_test(pool_gain_of_memory_needs_no_costs),
        cmocka_unit_test(pool_bytes_are_counted_by_size),
        cmocka_unit_test(pool_gain_of_memory_is_compared_with_the_most_compact),
        cmocka_unit_test(pool_header_is_glibc_s_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
