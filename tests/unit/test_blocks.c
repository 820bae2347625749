#include "../../analyzer/collect/blocks.h"
#include "../../analyzer/collect/mappings.h"

#include "live_recording.h"

enum {
    MS = 1000000,
};

struct blocks_fixture {
    struct live_recording live;
    struct subject *subject;
    uint32_t site;
};

/* A process with two threads (index 0 and 1) and one site. */
static void begin(struct blocks_fixture *fixture)
{
    live_recording_begin(&fixture->live, RING_CLOCK_MONOTONIC);
    struct recording *recording = &fixture->live.recording;
    uint32_t thread;
    assert_int_equal(recording_subject(recording, 1, 4000000, 0, &fixture->subject), 0);
    assert_int_equal(subject_open_thread(fixture->subject, 10, 0, &thread), 0);
    assert_int_equal(subject_open_thread(fixture->subject, 11, 0, &thread), 0);
    assert_int_equal(tally_site(&fixture->subject->tally, 1, &fixture->site), 0);
}

static void end(struct blocks_fixture *fixture)
{
    live_recording_end(&fixture->live);
}

static void add_kind(struct blocks_fixture *fixture, uint64_t now_ns, uint64_t address,
                     uint64_t size_bytes, uint32_t thread, enum alloc_kind kind)
{
    struct block *slot = live_reserve(&fixture->subject->live);
    assert_non_null(slot);
    uint32_t next = slot->next;
    *slot = (struct block){
        .born_ns = now_ns,
        .size_bytes = size_bytes,
        .site = fixture->site,
        .thread = thread,
        .kind = (uint8_t)kind,
        .next = next,
    };
    struct err err = {{0}};
    assert_int_equal(blocks_add(fixture->subject, slot, address, false, 0, &err), 0);
}

static void add(struct blocks_fixture *fixture, uint64_t now_ns, uint64_t address,
                uint64_t size_bytes, uint32_t thread)
{
    add_kind(fixture, now_ns, address, size_bytes, thread, ALLOC_KIND_MALLOC);
}

/* Gives the block that was freed; its address is 0 if there was none yet. */
static struct block drop(struct blocks_fixture *fixture, uint64_t now_ns, uint64_t address,
                         uint32_t by)
{
    struct death death = {.died_ns = now_ns};
    struct block block;
    uint64_t id;
    struct err err = {{0}};
    assert_int_equal(
        blocks_free(fixture->subject, address, FREE_KIND_FREE, by, &death, &block, &id, &err), 0);
    return block;
}

static int64_t number(const struct blocks_fixture *fixture, const char *sql)
{
    return live_recording_number(&fixture->live, sql);
}

static int64_t count_rows(const struct blocks_fixture *fixture, const char *condition)
{
    char sql[256];
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM allocation WHERE %s", condition);
    return number(fixture, sql);
}

/* What must agree in every recording. */
static void check_totals(const struct blocks_fixture *fixture)
{
    const struct subject *subject = fixture->subject;
    uint64_t freed_count = 0;
    uint64_t allocated_count = 0;
    for (size_t i = 0; i < subject->thread_count; i++) {
        freed_count += subject->threads[i].free_count;
        allocated_count += subject->threads[i].allocation_count;
    }
    assert_int_equal(allocated_count, subject->tally.allocation_count);
    assert_int_equal(freed_count, subject->tally.free_count + subject->unpaired_free_count +
                                      subject->inherited_free_count);
    assert_int_equal(subject->tally.allocation_count,
                     subject->tally.free_count + subject->leaked_count);
    assert_int_equal(subject->leaked_bytes, subject->tally.live_bytes);
    assert_int_equal(number(fixture, "SELECT count(*) FROM block"),
                     subject->tally.allocation_count);
    assert_int_equal(number(fixture, "SELECT ifnull(sum(size_bytes), 0) FROM block"),
                     subject->tally.allocated_bytes);
    assert_int_equal(count_rows(fixture, "died_ns IS NULL"), subject->leaked_count);
    assert_int_equal(fixture->live.recording.live_bytes, 0);
}

static void seal(struct blocks_fixture *fixture)
{
    live_recording_seal(&fixture->live);
    check_totals(fixture);
}

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

/* ---- mappings ----------------------------------------------------------------------------------
 */

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

/* ---- reallocs, as events -----------------------------------------------------------------------
 */

static struct lane_context begin_lane(struct blocks_fixture *fixture)
{
    return (struct lane_context){.subject = fixture->subject, .thread = 0};
}

static void apply(struct lane_context *lane, const uint64_t *words, uint64_t now_ns)
{
    struct err err = {{0}};
    assert_int_equal(subject_apply(lane, words, now_ns, &err), 0);
}

static void realloc_event(struct lane_context *lane, uint64_t now_ns, uint64_t old, uint64_t new,
                          uint64_t size_bytes)
{
    const uint64_t end[] = {event_head(EVENT_FREE + FREE_KIND_REALLOC, 0, 0), old};
    const uint64_t start[] = {event_head(EVENT_ALLOC + ALLOC_KIND_REALLOC, 0, 0), new, size_bytes};
    if (old != 0) {
        apply(lane, end, now_ns);
    }
    if (new != 0) {
        apply(lane, start, now_ns + 1);
    }
}

static void subject_apply_realloc_chain_is_linked(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    begin(&fixture);
    struct lane_context lane = begin_lane(&fixture);
    realloc_event(&lane, 100, 0, 0x1000, 10);
    realloc_event(&lane, 200, 0x1000, 0x1000, 20); /* in place */
    realloc_event(&lane, 300, 0x1000, 0x2000, 40); /* moved: 20 bytes copied */
    realloc_event(&lane, 400, 0x2000, 0x3000, 5);  /* moved: 5 bytes copied */
    drop(&fixture, 500, 0x3000, 0);
    seal(&fixture);

    assert_int_equal(number(&fixture, "SELECT count(*) FROM block WHERE realloc_of_id = id - 1"),
                     3);
    assert_int_equal(count_rows(&fixture, "free_kind = 'realloc' AND freed_by_thread_id = 1"), 3);
    assert_int_equal(fixture.subject->tally.allocation_count, 4);
    uint64_t realloc_count = 0;
    uint64_t moved_bytes = 0;
    uint64_t chain_max = 0;
    for (size_t i = 0; i < fixture.subject->tally.site_count; i++) {
        const struct site *site = &fixture.subject->tally.sites[i];
        realloc_count += site->realloc_count;
        moved_bytes += site->realloc_moved_bytes;
        chain_max = site->realloc_chain_max > chain_max ? site->realloc_chain_max : chain_max;
    }
    assert_int_equal(realloc_count, 3);
    assert_int_equal(moved_bytes, 25);
    assert_int_equal(chain_max, 3);
    free(lane.sites);
    end(&fixture);
}

static void subject_apply_allocation_after_realloc_is_no_continuation(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    begin(&fixture);
    struct lane_context lane = begin_lane(&fixture);
    const uint64_t words[] = {event_head(EVENT_ALLOC + ALLOC_KIND_MALLOC, 0, 0), 0x3000, 9};
    realloc_event(&lane, 100, 0, 0x1000, 10);
    realloc_event(&lane, 200, 0x1000, 0x2000, 20);
    apply(&lane, words, 300);
    realloc_event(&lane, 400, 0, 0x4000, 10); /* realloc(NULL, ...) */
    seal(&fixture);

    assert_int_equal(count_rows(&fixture, "realloc_of_id IS NOT NULL"), 1);
    free(lane.sites);
    end(&fixture);
}

/* realloc of a block that nobody has seen: it is a fresh one then. */
static void subject_apply_realloc_of_a_stranger_begins_a_chain(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    begin(&fixture);
    struct lane_context lane = begin_lane(&fixture);
    realloc_event(&lane, 100, 0x9000, 0x1000, 10);
    seal(&fixture);

    assert_int_equal(fixture.subject->unpaired_free_count, 1);
    assert_int_equal(count_rows(&fixture, "realloc_of_id IS NULL AND kind = 'realloc'"), 1);
    free(lane.sites);
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
        cmocka_unit_test(mappings_remove_whole_mapping_is_one_row),
        cmocka_unit_test(mappings_remove_in_the_middle_leaves_two_rests),
        cmocka_unit_test(mappings_remove_over_several_mappings_cuts_the_outer_ones),
        cmocka_unit_test(mappings_remove_of_nothing_changes_nothing),
        cmocka_unit_test(mappings_add_over_an_old_one_ends_it_unseen),
        cmocka_unit_test(subject_apply_realloc_chain_is_linked),
        cmocka_unit_test(subject_apply_allocation_after_realloc_is_no_continuation),
        cmocka_unit_test(subject_apply_realloc_of_a_stranger_begins_a_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
