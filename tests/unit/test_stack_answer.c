#include "../../analyzer/collect/stack_answer.h"

#include <time.h>

#include "live_recording.h"
#include "ring_writer.h"

enum {
    PID = 4000000, /* no process of the machine's */
};

struct asking {
    struct session session;
    struct live_recording live;
    struct drain drain;
    struct ring_writer writer;
    struct ring_stacks *question;
};

static void begin(struct asking *asking)
{
    struct err err = {{0}};
    live_recording_begin(&asking->live, 0);
    const struct session_settings settings = {
        .clock = asking->live.recording.clock.kind,
        .max_bytes = ring_bytes(16),
        .fallback_directory = "/tmp",
    };
    if (session_create(&asking->session, &settings, &err) < 0) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(drain_init(&asking->drain, &asking->session, &asking->live.recording), 0);
    assert_true(ring_writer_open(&asking->writer, asking->session.ring, 1, PID, PID));
    asking->question = &asking->session.ring->stacks;
}

static void end(struct asking *asking)
{
    drain_fini(&asking->drain);
    live_recording_end(&asking->live);
    session_destroy(&asking->session);
}

static uint64_t now(const struct asking *asking)
{
    return clock_ticks(&asking->live.recording.clock);
}

/* Sends a stack of one frame, and asks for the one with this number. */
static void ask(struct asking *asking, uint32_t lane, uint32_t local_id)
{
    uint32_t stack = ring_writer_stack(&asking->writer, now(asking), 0x1234);
    ring_writer_alloc(&asking->writer, now(asking), 0x5000, 10, stack);
    *asking->question = (struct ring_stacks){
        .process_key = 1,
        .pid = PID,
        .tid = PID,
        .lane = lane,
        .stack_count = 1,
        .stacks = {{.local_id = local_id, .count = 2, .size_bytes = 30}},
        .asked_ticks = now(asking),
    };
    atomic_store(&asking->question->state, SCAN_ASKED);
    assert_true(stack_answer_is_due(&asking->session));
}

/* As the collector does; until there is an answer. */
static void turn(struct asking *asking)
{
    struct err err = {{0}};
    for (int i = 0; i < 10000 && stack_answer_is_due(&asking->session); i++) {
        assert_true(drain_round(&asking->drain, false, &err) >= 0);
        stack_answer_look(&asking->drain);
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    }
    assert_false(stack_answer_is_due(&asking->session));
    assert_int_equal(atomic_load(&asking->question->state), SCAN_DONE);
}

static void stack_answer_tells_what_was_sent_before_the_question(void **state)
{
    (void)state;
    struct asking asking;
    begin(&asking);
    ask(&asking, asking.writer.lane, 1);

    stack_answer_look(&asking.drain); /* nothing has been read yet */
    assert_int_equal(atomic_load(&asking.question->state), SCAN_ASKED);
    turn(&asking);

    assert_string_equal(asking.question->text,
                        "  2 allocations, 30 bytes\n    [anonymous]+0x1234\n");
    end(&asking);
}

static void stack_answer_does_not_believe_the_question(void **state)
{
    (void)state;
    static const uint32_t lanes[] = {0, 0, 1, RING_LANE_CAPACITY, UINT32_MAX};
    static const uint32_t local_ids[] = {0, 70000, 1, 1, UINT32_MAX};
    for (size_t i = 0; i < sizeof(lanes) / sizeof(*lanes); i++) {
        struct asking asking;
        begin(&asking);
        ask(&asking, lanes[i], local_ids[i]);

        turn(&asking);

        assert_string_equal(asking.question->text, "  2 allocations, 30 bytes\n    [unknown]\n");
        end(&asking);
    }
}

static void stack_answer_says_what_is_left_out(void **state)
{
    (void)state;
    struct asking asking;
    begin(&asking);
    ask(&asking, asking.writer.lane, 1);
    asking.question->stack_count = UINT32_MAX;
    asking.question->more_count = 3;
    asking.question->forgotten_count = 7;

    turn(&asking);

    const char *text = asking.question->text;
    assert_true(strlen(text) < sizeof(asking.question->text));
    assert_non_null(strstr(text, "  2 allocations, 30 bytes\n    [anonymous]+0x1234\n"));
    assert_non_null(strstr(text, "  and 3 more stacks\n"));
    assert_non_null(strstr(text, "  (the first 7 allocations are not among these)\n"));
    assert_int_equal(text[strlen(text) - 1], '\n');
    end(&asking);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stack_answer_tells_what_was_sent_before_the_question),
        cmocka_unit_test(stack_answer_does_not_believe_the_question),
        cmocka_unit_test(stack_answer_says_what_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
