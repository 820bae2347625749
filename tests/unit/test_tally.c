#include "tally_fixture.h"

enum {
    SITES = 7,
    BLOCKS = 400,
    STEPS = 6000,
};

static void tally_site_same_stack_is_one_site(void **state)
{
    (void)state;
    struct tally tally;
    uint32_t site;
    begin(&tally, 3);

    assert_int_equal(tally_site(&tally, 101, &site), 0);

    assert_int_equal(site, 1);
    assert_int_equal(tally.site_count, 3);
    assert_int_equal(tally.sites[1].stack_id, 101);
    tally_fini(&tally);
}

static void tally_size_class_covers_every_size_once(void **state)
{
    (void)state;
    uint64_t expected_min_bytes = 0;
    for (unsigned size_class = 0; size_class < TALLY_SIZE_CLASSES; size_class++) {
        uint64_t min_bytes;
        uint64_t max_bytes;
        tally_size_range(size_class, &min_bytes, &max_bytes);

        assert_int_equal(min_bytes, expected_min_bytes);
        assert_true(max_bytes >= min_bytes);
        assert_int_equal(tally_size_class(min_bytes), size_class);
        assert_int_equal(tally_size_class(max_bytes), size_class);
        assert_int_equal(tally_size_class(min_bytes + (max_bytes - min_bytes) / 2), size_class);
        /* one size up to 1024, then eight classes to each doubling */
        assert_true(max_bytes <= 1024 ? max_bytes == min_bytes
                                      : (max_bytes - min_bytes + 1) * 8 <= min_bytes);
        expected_min_bytes = max_bytes + 1;
    }
    assert_int_equal(expected_min_bytes, 0); /* the last class ends with the last number */
}

static void tally_size_class_all_sizes_to_a_mebibyte_lie_in_their_range(void **state)
{
    (void)state;
    for (uint64_t size_bytes = 0; size_bytes <= 1 << 20; size_bytes++) {
        uint64_t min_bytes;
        uint64_t max_bytes;
        tally_size_range(tally_size_class(size_bytes), &min_bytes, &max_bytes);
        assert_true(size_bytes >= min_bytes && size_bytes <= max_bytes);
    }
}

/* What the tally should say, kept in the plainest way. */
struct model {
    uint64_t live_count[SITES];
    uint64_t live_bytes[SITES];
    uint64_t peak_count_of_site[SITES];
    uint64_t peak_bytes_of_site[SITES];
    uint64_t count_max[SITES];
    uint64_t bytes_max[SITES];
    uint64_t total_count;
    uint64_t total_bytes;
    uint64_t peak_count;
    uint64_t peak_bytes;
    uint64_t peak_ns;
};

static void model_alloc(struct model *model, const struct block *block)
{
    uint32_t site = block->site;
    model->live_count[site]++;
    model->live_bytes[site] += block->size_bytes;
    model->total_count++;
    model->total_bytes += block->size_bytes;
    if (model->live_count[site] > model->count_max[site]) {
        model->count_max[site] = model->live_count[site];
    }
    if (model->live_bytes[site] > model->bytes_max[site]) {
        model->bytes_max[site] = model->live_bytes[site];
    }
    if (model->total_bytes > model->peak_bytes) {
        model->peak_bytes = model->total_bytes;
        model->peak_count = model->total_count;
        model->peak_ns = block->born_ns;
        memcpy(model->peak_count_of_site, model->live_count, sizeof(model->live_count));
        memcpy(model->peak_bytes_of_site, model->live_bytes, sizeof(model->live_bytes));
    }
}

static void model_free(struct model *model, const struct block *block)
{
    model->live_count[block->site]--;
    model->live_bytes[block->site] -= block->size_bytes;
    model->total_count--;
    model->total_bytes -= block->size_bytes;
}

static void check_model(const struct tally *tally, const struct model *model)
{
    assert_int_equal(tally->live_count, model->total_count);
    assert_int_equal(tally->live_bytes, model->total_bytes);
    assert_int_equal(tally->peak_count, model->peak_count);
    assert_int_equal(tally->peak_bytes, model->peak_bytes);
    assert_int_equal(tally->peak_ns, model->peak_ns);
    for (int i = 0; i < SITES; i++) {
        const struct site *site = &tally->sites[i];
        assert_int_equal(site->live_count, model->live_count[i]);
        assert_int_equal(site->live_bytes, model->live_bytes[i]);
        assert_int_equal(site->live_count_max, model->count_max[i]);
        assert_int_equal(site->live_bytes_max, model->bytes_max[i]);
        assert_int_equal(site->peak_count, model->peak_count_of_site[i]);
        assert_int_equal(site->peak_bytes, model->peak_bytes_of_site[i]);
    }
}

static void run_against_model(uint64_t seed)
{
    struct tally tally;
    struct model model = {.total_count = 0};
    struct block live[BLOCKS];
    size_t live_count = 0;
    uint64_t random = seed;
    begin(&tally, SITES);
    for (uint64_t step = 0; step < STEPS; step++) {
        uint64_t wanted = (step / 700) % 3 * 40 + 15; /* the heap grows and shrinks in waves */
        if (live_count < BLOCKS && (live_count == 0 || next_random(&random) % 100 < wanted)) {
            uint64_t size_bytes = next_random(&random) % 8 == 0 ? 0 : next_random(&random) % 5000;
            live[live_count] =
                make_block((uint32_t)(next_random(&random) % SITES), step, size_bytes);
            alloc(&tally, &live[live_count]);
            model_alloc(&model, &live[live_count++]);
        } else {
            size_t i = next_random(&random) % live_count;
            release(&tally, &live[i], step);
            model_free(&model, &live[i]);
            live[i] = live[--live_count];
        }
    }
    tally_finish(&tally);
    check_model(&tally, &model);
    tally_fini(&tally);
}

static void tally_peak_shares_equal_copies_of_all_sites(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        run_against_model(seed);
    }
}

static void tally_alloc_site_figures_add_up(void **state)
{
    (void)state;
    struct tally tally;
    begin(&tally, 2);
    struct block small = make_block(1, 10, 100);
    struct block large = make_block(1, 20, 300);
    small.kind = 5;
    small.slack_bytes = 12;
    large.kind = 6;

    assert_int_equal(tally_alloc(&tally, &small, true, 77), 0);
    alloc(&tally, &large);
    tally_failed(&tally, 1, 1);

    const struct site *site = &tally.sites[1];
    assert_int_equal(site->kind, 5); /* of the first one */
    assert_int_equal(site->allocation_count, 2);
    assert_int_equal(site->allocated_bytes, 400);
    assert_int_equal(site->usable_bytes, 412);
    assert_int_equal(site->size_min_bytes, 100);
    assert_int_equal(site->size_max_bytes, 300);
    assert_int_equal(site->timed_alloc_count, 1);
    assert_int_equal(site->timed_alloc_ns, 77);
    assert_int_equal(site->failed_count, 1);
    assert_int_equal(tally.failed_count, 1);
    assert_int_equal(tally.sites[0].kind, UINT32_MAX);
    assert_int_equal(tally.sizes[100].usable_bytes, 112);
    tally_fini(&tally);
}

static void tally_free_within_counts_own_allocations(void **state)
{
    (void)state;
    static const struct {
        uint64_t own_allocations;
        int within; /* index of the class, or -1 */
    } cases[] = {{0, 0},  {1, 1},  {2, 2},  {3, 2},   {4, 3},          {7, 3},
                 {8, 4},  {63, 6}, {64, 7}, {127, 7}, {128, -1},       {129, -1},
                 {32, 6}, {31, 5}, {16, 5}, {15, 4},  {UINT32_MAX, -1}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tally tally;
        begin(&tally, 1);
        struct block block = make_block(0, 0, 8);
        struct death death = {.died_ns = 1, .own_allocations = cases[i].own_allocations};
        alloc(&tally, &block);

        assert_int_equal(tally_free(&tally, &block, &death), 0);

        for (int k = 0; k < TALLY_TEMPORARY_CLASSES; k++) {
            assert_int_equal(tally.sites[0].temporary_count[k], k == cases[i].within);
        }
        tally_fini(&tally);
    }
}

static void tally_free_by_another_thread_is_not_temporary(void **state)
{
    (void)state;
    struct tally tally;
    begin(&tally, 1);
    struct block block = make_block(0, 0, 8);
    struct death death = {.died_ns = 1, .is_remote = true};
    alloc(&tally, &block);

    assert_int_equal(tally_free(&tally, &block, &death), 0);

    assert_int_equal(tally.sites[0].remote_free_count, 1);
    assert_int_equal(tally.sites[0].temporary_count[0], 0);
    tally_fini(&tally);
}

static void tally_time_free_counts_for_its_site(void **state)
{
    (void)state;
    struct tally tally;
    begin(&tally, 2);

    assert_int_equal(tally_time_free(&tally, 1, FREE_KIND_FREE, 1, 9), 0);
    assert_int_equal(tally_time_free(&tally, 1, FREE_KIND_FREE, 3, LATENCY_LONG_NS + 1), 0);

    assert_int_equal(tally.sites[0].timed_free_count, 0);
    assert_int_equal(tally.sites[1].timed_free_count, 1);
    assert_int_equal(tally.sites[1].timed_free_ns, 9);
    assert_int_equal(tally.sites[1].timed_long_ns, 3 * (LATENCY_LONG_NS + 1));
    tally_fini(&tally);
}

static void tally_free_lifetimes_fall_into_their_class(void **state)
{
    (void)state;
    struct tally tally;
    begin(&tally, 1);
    uint64_t sum_ns = 0;
    for (unsigned bit = 0; bit < 50; bit++) {
        const uint64_t lifetimes[] = {UINT64_C(1) << bit, (UINT64_C(2) << bit) - 1};
        for (int i = 0; i < 2; i++) {
            struct block block = make_block(0, 5, 8);
            alloc(&tally, &block);
            release(&tally, &block, 5 + lifetimes[i]);
            sum_ns += lifetimes[i];
        }
        assert_int_equal(tally.lifetimes[bit].free_count, 2);
        assert_int_equal(tally.lifetimes[bit].freed_bytes, 16);
    }
    struct block none = make_block(0, 7, 0);
    alloc(&tally, &none);
    release(&tally, &none, 7);

    assert_int_equal(tally.lifetimes[0].free_count, 3); /* 0 and 1 ns */
    assert_int_equal(tally.sites[0].lifetime_sum_ns, sum_ns);
    assert_int_equal(tally.sites[0].lifetime_max_ns, (UINT64_C(1) << 50) - 1);
    tally_fini(&tally);
}

static void tally_free_large_and_short_needs_both(void **state)
{
    (void)state;
    struct tally tally;
    begin(&tally, 1);
    struct block large = make_block(0, 0, TALLY_LARGE_BYTES);
    struct block smaller = make_block(0, 0, TALLY_LARGE_BYTES - 1);
    for (int i = 0; i < 2; i++) {
        alloc(&tally, &large);
        alloc(&tally, &smaller);
    }

    release(&tally, &large, TALLY_LARGE_SHORT_NS - 1);
    release(&tally, &large, TALLY_LARGE_SHORT_NS);
    release(&tally, &smaller, 1);

    assert_int_equal(tally.sites[0].large_short_lived_count, 1);
    assert_int_equal(tally.sites[0].large_short_lived_bytes, TALLY_LARGE_BYTES);
    tally_fini(&tally);
}

static void tally_realloc_counts_moves_and_the_longest_chain(void **state)
{
    (void)state;
    struct tally tally;
    begin(&tally, 1);
    struct block block = make_block(0, 0, 100);

    block.chain_length = 3;
    tally_realloc(&tally, &block, 60, true); /* grown: 60 bytes copied */
    block.chain_length = 1;
    tally_realloc(&tally, &block, 300, true); /* shrunk: 100 bytes copied */
    tally_realloc(&tally, &block, 300, false);

    assert_int_equal(tally.sites[0].realloc_count, 3);
    assert_int_equal(tally.sites[0].realloc_moved_count, 2);
    assert_int_equal(tally.sites[0].realloc_moved_bytes, 160);
    assert_int_equal(tally.sites[0].realloc_chain_max, 3);
    tally_fini(&tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tally_site_same_stack_is_one_site),
        cmocka_unit_test(tally_size_class_covers_every_size_once),
        cmocka_unit_test(tally_size_class_all_sizes_to_a_mebibyte_lie_in_their_range),
        cmocka_unit_test(tally_peak_shares_equal_copies_of_all_sites),
        cmocka_unit_test(tally_alloc_site_figures_add_up),
        cmocka_unit_test(tally_free_within_counts_own_allocations),
        cmocka_unit_test(tally_free_by_another_thread_is_not_temporary),
        cmocka_unit_test(tally_time_free_counts_for_its_site),
        cmocka_unit_test(tally_free_lifetimes_fall_into_their_class),
        cmocka_unit_test(tally_free_large_and_short_needs_both),
        cmocka_unit_test(tally_realloc_counts_moves_and_the_longest_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
