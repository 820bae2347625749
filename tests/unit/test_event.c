#include "../../schema/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum {
    WORDS = EVENT_MAX_BYTES / 8 + 4,
};

/* A record of this tag with no text or frames behind it. */
static void make_record(uint64_t *words, unsigned tag)
{
    memset(words, 0, WORDS * sizeof(*words));
    words[0] = event_head(tag, 0x1234, 0x123456789a);
}

/* What event.h says about the length of the tags without text, from its comments. */
static size_t expected_bytes(unsigned tag)
{
    struct {
        unsigned first;
        unsigned count;
        size_t bytes;
    } const known[] = {
        {EVENT_ALLOC, ALLOC_KIND_COUNT, 24},
        {EVENT_ALLOC_WIDE, ALLOC_KIND_COUNT, 40},
        {EVENT_FREE, FREE_KIND_COUNT, 16},
        {EVENT_FREE_WIDE, FREE_KIND_COUNT, 24},
        {EVENT_FAILED, ALLOC_KIND_COUNT, 24},
        {EVENT_STACK, 1, 16},
        {EVENT_MODULE, 1, 40},
        {EVENT_PROCESS, 1, 32},
        {EVENT_MARK, 1, 16},
        {EVENT_LOST, 1, 16},
        {EVENT_COUNTER, 1, 24},
        {EVENT_ALLOCATOR, 1, 24},
        {EVENT_FAULT, 1, 24},
        {EVENT_REPORT, 1, 16},
        {EVENT_FREE_TIME, 1, 16},
        {EVENT_PAUSED_ALLOC, ALLOC_KIND_COUNT, 40},
        {EVENT_PAUSED_FREE, FREE_KIND_COUNT, 16},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (tag >= known[i].first && tag < known[i].first + known[i].count) {
            return known[i].bytes;
        }
    }
    return 0;
}

static void event_head_parts_come_back(void **state)
{
    (void)state;
    const uint64_t ticks = (UINT64_C(1) << EVENT_TICK_BITS) - 1;

    uint64_t head = event_head(0xb4, 0xfffe, ticks);

    assert_int_equal(event_tag(head), 0xb4);
    assert_int_equal(event_duration_code(head), 0xfffe);
    assert_int_equal(event_ticks(head), ticks);
    assert_int_equal(event_ticks(event_head(0xff, 0xffff, 0)), 0);
}

static void event_bytes_every_tag_has_its_length(void **state)
{
    (void)state;
    uint64_t words[WORDS];
    unsigned valid_count = 0;

    for (unsigned tag = 0; tag <= 0xff; tag++) {
        make_record(words, tag);
        size_t bytes = event_bytes(words, sizeof(words));
        assert_int_equal(bytes, expected_bytes(tag));
        valid_count += bytes != 0;
    }

    assert_int_equal(valid_count, 4 * ALLOC_KIND_COUNT + 3 * FREE_KIND_COUNT + 10);
}

static void event_bytes_truncated_record_is_refused(void **state)
{
    (void)state;
    uint64_t words[WORDS];
    for (unsigned tag = 0; tag <= 0xff; tag++) {
        make_record(words, tag);
        size_t whole = expected_bytes(tag);
        for (size_t bytes = 8; bytes < whole; bytes++) {
            assert_int_equal(event_bytes(words, bytes), 0);
        }
        assert_int_equal(event_bytes(words, whole > 8 ? whole : 8), whole);
    }
}

static void event_bytes_stack_counts_its_frames(void **state)
{
    (void)state;
    uint64_t words[WORDS];
    make_record(words, EVENT_STACK);
    struct event_stack *event = (struct event_stack *)words;
    for (unsigned frames = 0; frames <= EVENT_STACK_MAX_FRAMES; frames++) {
        event->frame_count = (uint16_t)frames;
        size_t whole = 16 + 8 * (size_t)frames;

        assert_int_equal(event_bytes(words, whole), whole);
        assert_int_equal(event_bytes(words, whole - 1), 0);
    }
}

static void event_bytes_texts_are_padded_to_words(void **state)
{
    (void)state;
    uint64_t words[WORDS];
    for (unsigned length = 0; length < 40; length++) {
        size_t padded = (length + 7) / 8 * 8;

        make_record(words, EVENT_MARK);
        ((struct event_mark *)words)->name_bytes = length;
        assert_int_equal(event_bytes(words, sizeof(words)), 16 + padded);

        make_record(words, EVENT_REPORT);
        ((struct event_report *)words)->text_bytes = length;
        assert_int_equal(event_bytes(words, sizeof(words)), 16 + padded);

        make_record(words, EVENT_MODULE);
        ((struct event_module *)words)->path_bytes = (uint16_t)(length / 2);
        ((struct event_module *)words)->build_id_bytes = (uint16_t)(length - length / 2);
        assert_int_equal(event_bytes(words, sizeof(words)), 40 + padded);

        make_record(words, EVENT_PROCESS);
        struct event_process *event = (struct event_process *)words;
        event->executable_bytes = (uint16_t)(length / 4);
        event->command_bytes = (uint16_t)(length / 4);
        event->allocator_bytes = (uint16_t)(length / 4);
        event->allocator_version_bytes = (uint16_t)(length - 3 * (length / 4));
        assert_int_equal(event_bytes(words, 32 + padded), 32 + padded);
        assert_int_equal(event_bytes(words, 32 + padded - 1), 0);
    }
}

static void event_bytes_lengths_beyond_the_limit_are_refused(void **state)
{
    (void)state;
    uint64_t words[WORDS];
    make_record(words, EVENT_MARK);
    struct event_mark *mark = (struct event_mark *)words;

    mark->name_bytes = EVENT_MAX_BYTES - 16;
    assert_int_equal(event_bytes(words, sizeof(words)), EVENT_MAX_BYTES);
    mark->name_bytes = EVENT_MAX_BYTES - 15;
    assert_int_equal(event_bytes(words, sizeof(words)), 0);
    for (uint32_t less = 0; less < 32; less++) {
        mark->name_bytes = UINT32_MAX - less;
        assert_int_equal(event_bytes(words, sizeof(words)), 0);
        assert_int_equal(event_bytes(words, SIZE_MAX), 0);
    }

    make_record(words, EVENT_PROCESS);
    memset(words + 2, 0xff, 16); /* all lengths at their most */
    assert_int_equal(event_bytes(words, sizeof(words)), 0);
    make_record(words, EVENT_STACK);
    ((struct event_stack *)words)->frame_count = UINT16_MAX;
    assert_int_equal(event_bytes(words, SIZE_MAX), 0);
}

static void event_bytes_garbage_stays_within_bounds(void **state)
{
    (void)state;
    uint64_t words[WORDS];
    uint64_t random = 88172645463325252u;
    unsigned valid_count = 0;
    for (int i = 0; i < 200000; i++) {
        for (size_t word = 0; word < 5; word++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            words[word] = random;
        }
        size_t available = 8 + (random >> 32) % 20000;

        size_t bytes = event_bytes(words, available);

        assert_true(bytes <= available && bytes <= EVENT_MAX_BYTES && bytes % 8 == 0);
        valid_count += bytes != 0;
    }
    assert_in_range(valid_count, 20000, 190000); /* or the loop has shown nothing */
}

static void event_duration_small_spans_are_exact(void **state)
{
    (void)state;
    for (uint64_t ticks = 1; ticks < 2048; ticks++) {
        assert_int_equal(event_duration_decode(event_duration_encode(ticks)), ticks);
    }
    assert_int_equal(event_duration_encode(0), 1); /* 0 would say "not timed" */
}

static void check_duration(uint64_t ticks)
{
    unsigned code = event_duration_encode(ticks);
    assert_in_range(code, 1, 0xffff);
    uint64_t decoded = event_duration_decode(code);
    uint64_t error = decoded > ticks ? decoded - ticks : ticks - decoded;
    if (error > ticks / 1000) {
        fail_msg("%llu ticks come back as %llu", (unsigned long long)ticks,
                 (unsigned long long)decoded);
    }
}

static void event_duration_round_trip_is_within_a_thousandth(void **state)
{
    (void)state;
    const uint64_t largest = event_duration_decode(0xffff);
    uint64_t random = 1;
    for (int i = 0; i < 200000; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        check_duration((random >> 22) % largest + 1);
        check_duration((random >> 22) % (UINT64_C(1) << (11 + i % 30)) + 1);
    }
    for (unsigned bit = 0; bit < 42; bit++) {
        check_duration(UINT64_C(1) << bit);
        check_duration((UINT64_C(2) << bit) - 1);
    }
}

static void event_duration_too_long_a_span_is_the_longest_code(void **state)
{
    (void)state;
    assert_int_equal(event_duration_encode(UINT64_C(1) << 42), 0xffff);
    assert_int_equal(event_duration_encode(UINT64_MAX), 0xffff);
}

static void event_kind_names_are_those_of_the_lists(void **state)
{
    (void)state;
    assert_string_equal(event_alloc_kind_name(ALLOC_KIND_MALLOC), "malloc");
    assert_string_equal(event_alloc_kind_name(ALLOC_KIND_NEW_ARRAY), "new[]");
    assert_string_equal(event_alloc_kind_name(ALLOC_KIND_INTERNAL), "internal");
    assert_string_equal(event_alloc_kind_name(ALLOC_KIND_COUNT), "unknown");
    assert_string_equal(event_free_kind_name(FREE_KIND_FREE), "free");
    assert_string_equal(event_free_kind_name(FREE_KIND_UNSEEN), "unseen");
    assert_string_equal(event_free_kind_name(FREE_KIND_COUNT), "unknown");
    assert_string_equal(event_free_kind_name(UINT32_MAX), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(event_head_parts_come_back),
        cmocka_unit_test(event_bytes_every_tag_has_its_length),
        cmocka_unit_test(event_bytes_truncated_record_is_refused),
        cmocka_unit_test(event_bytes_stack_counts_its_frames),
        cmocka_unit_test(event_bytes_texts_are_padded_to_words),
        cmocka_unit_test(event_bytes_lengths_beyond_the_limit_are_refused),
        cmocka_unit_test(event_bytes_garbage_stays_within_bounds),
        cmocka_unit_test(event_duration_small_spans_are_exact),
        cmocka_unit_test(event_duration_round_trip_is_within_a_thousandth),
        cmocka_unit_test(event_duration_too_long_a_span_is_the_longest_code),
        cmocka_unit_test(event_kind_names_are_those_of_the_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
