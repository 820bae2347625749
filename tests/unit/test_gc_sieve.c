#include "../../analyzer/go/gc_sieve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* As the runtime writes it, piece by piece. */
static const char *const pieces[] = {
    "gc ",
    "3",
    " @",
    "0.103",
    "s ",
    "7",
    "%: ",
    "0.02",
    "+",
    "1.5",
    "+",
    "0",
    " ms clock, ",
    "0.04",
    "+",
    "0.1",
    "/",
    "2.8",
    "/",
    "0",
    "+",
    "0.01",
    " ms cpu, ",
    "4",
    "->",
    "5",
    "->",
    "2",
    " MB, ",
    "5",
    " MB goal, ",
    "0",
    " MB stacks, ",
    "0",
    " MB globals, ",
    "2",
    " P",
    "\n",
};

enum {
    PIECES = sizeof(pieces) / sizeof(pieces[0])
};

struct seen {
    struct str passed;
    unsigned cycle_count;
    struct gc_cycle cycle;
    unsigned scavenge_count;
    struct scavenge scavenge;
};

/* Memory given back, in the pieces that the runtime writes. */
static const char *const scavenge_pieces[] = {
    "scav ", "64", " KiB work, ", "2320", " KiB total, ", "90", "% util", " (forced)", "\n",
};

enum {
    SCAVENGE_PIECES = sizeof(scavenge_pieces) / sizeof(scavenge_pieces[0])
};

static void take_cycle(void *context, const struct gc_cycle *cycle)
{
    struct seen *seen = context;
    seen->cycle_count++;
    seen->cycle = *cycle;
}

static void take_scavenge(void *context, const struct scavenge *scavenge)
{
    struct seen *seen = context;
    seen->scavenge_count++;
    seen->scavenge = *scavenge;
}

static void pass(void *context, const char *bytes, size_t size_bytes)
{
    struct seen *seen = context;
    assert_int_equal(str_append_bytes(&seen->passed, bytes, size_bytes), 0);
}

static struct gc_sieve begin(struct seen *seen)
{
    *seen = (struct seen){0};
    return (struct gc_sieve){
        .keeps_writes = true,
        .take_cycle = take_cycle,
        .take_scavenge = take_scavenge,
        .pass = pass,
        .context = seen,
    };
}

static void end(struct gc_sieve *sieve, struct seen *seen)
{
    gc_sieve_fini(sieve);
    str_fini(&seen->passed);
}

static void feed(struct gc_sieve *sieve, const char *text)
{
    assert_int_equal(gc_sieve_feed(sieve, text, strlen(text)), 0);
}

static void gc_sieve_feed_line_in_pieces_is_taken_out(void **state)
{
    (void)state;
    struct seen seen;
    struct gc_sieve sieve = begin(&seen);

    for (size_t i = 0; i < PIECES; i++) {
        feed(&sieve, pieces[i]);
    }

    assert_int_equal(seen.cycle_count, 1);
    assert_int_equal(seen.cycle.cycle, 3);
    assert_int_equal(seen.cycle.heap_live_bytes, 2 << 20);
    assert_string_equal(str_text(&seen.passed), "");
    assert_false(gc_sieve_is_holding(&sieve));
    end(&sieve, &seen);
}

static void gc_sieve_feed_text_between_any_two_pieces_passes(void **state)
{
    (void)state;

    for (size_t place = 0; place <= PIECES; place++) {
        struct seen seen;
        struct gc_sieve sieve = begin(&seen);
        for (size_t i = 0; i < PIECES; i++) {
            if (i == place) {
                feed(&sieve, "one\ntwo");
            }
            feed(&sieve, pieces[i]);
        }
        if (place == PIECES) {
            feed(&sieve, "one\ntwo");
        }
        assert_int_equal(seen.cycle_count, 1);
        assert_string_equal(str_text(&seen.passed), "one\ntwo");
        end(&sieve, &seen);
    }
}

static void gc_sieve_feed_line_that_is_wanted_passes_too(void **state)
{
    (void)state;
    struct seen seen;
    struct str whole = {0};
    struct gc_sieve sieve = begin(&seen);
    sieve.passes_lines = true;

    for (size_t i = 0; i < PIECES; i++) {
        feed(&sieve, pieces[i]);
        str_append(&whole, pieces[i]);
    }

    assert_int_equal(seen.cycle_count, 1);
    assert_string_equal(str_text(&seen.passed), str_text(&whole));
    str_fini(&whole);
    end(&sieve, &seen);
}

static void gc_sieve_flush_what_became_no_line_passes_in_order(void **state)
{
    (void)state;
    struct seen seen;
    struct gc_sieve sieve = begin(&seen);

    feed(&sieve, "gc ");
    feed(&sieve, "is ");
    feed(&sieve, "5");
    feed(&sieve, " times\n");
    assert_true(gc_sieve_is_holding(&sieve));
    gc_sieve_flush(&sieve);

    assert_string_equal(str_text(&seen.passed), "gc is 5 times\n");
    assert_int_equal(sieve.unread_count, 0);
    end(&sieve, &seen);
}

static void gc_sieve_feed_beginning_of_the_program_s_own_does_not_mix_in(void **state)
{
    (void)state;

    for (size_t place = 0; place < PIECES; place++) {
        struct seen seen;
        struct gc_sieve sieve = begin(&seen);
        for (size_t i = 0; i < PIECES; i++) {
            if (i == place) {
                feed(&sieve, "gc ");
                feed(&sieve, "is not ");
                feed(&sieve, "7\n");
                feed(&sieve, "line ");
                feed(&sieve, "880\n");
            }
            feed(&sieve, pieces[i]);
        }
        gc_sieve_flush(&sieve);
        assert_int_equal(seen.cycle_count, 1);
        assert_string_equal(str_text(&seen.passed), "gc is not 7\nline 880\n");
        end(&sieve, &seen);
    }
}

static void gc_sieve_feed_writes_that_ran_together_are_parted(void **state)
{
    (void)state;
    struct seen seen;
    struct gc_sieve sieve = begin(&seen);
    sieve.keeps_writes = false;

    feed(&sieve, "one\ngc 3 @0.1");
    feed(&sieve, "0");
    feed(&sieve, "4line 3\ns 5%: 0.004+0.15+0.001 ms clock, 0.009+0/0.022/0.032+0.003 ms cpu, ");
    feed(&sieve, "0->0->0 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P\ngo on\n");
    gc_sieve_flush(&sieve);

    assert_int_equal(seen.cycle_count, 1);
    assert_int_equal(seen.cycle.since_start_ns, 104000000);
    assert_string_equal(str_text(&seen.passed), "one\nline 3\ngo on\n");
    end(&sieve, &seen);
}

static void gc_sieve_age_only_what_is_old_passes(void **state)
{
    (void)state;
    struct seen seen;
    struct gc_sieve sieve = begin(&seen);

    feed(&sieve, "gc ");
    feed(&sieve, "is\n");
    gc_sieve_age(&sieve);
    assert_string_equal(str_text(&seen.passed), "");
    for (size_t i = 0; i < PIECES; i++) {
        if (i == PIECES / 2) {
            gc_sieve_age(&sieve);
            assert_string_equal(str_text(&seen.passed), "gc is\n");
        }
        feed(&sieve, pieces[i]);
    }
    feed(&sieve, "gc ");
    gc_sieve_age(&sieve);
    gc_sieve_age(&sieve);

    assert_int_equal(seen.cycle_count, 1);
    assert_string_equal(str_text(&seen.passed), "gc is\ngc ");
    assert_false(gc_sieve_is_holding(&sieve));
    end(&sieve, &seen);
}

static void gc_sieve_finish_line_cut_by_the_end_is_dropped(void **state)
{
    (void)state;
    struct seen seen;
    struct gc_sieve sieve = begin(&seen);

    for (size_t i = 0; i < 9; i++) {
        feed(&sieve, pieces[i]);
    }
    feed(&sieve, "bye\n");
    gc_sieve_finish(&sieve);
    feed(&sieve, "gc 5");
    gc_sieve_finish(&sieve);

    assert_string_equal(str_text(&seen.passed), "bye\ngc 5");
    assert_int_equal(seen.cycle_count, 0);
    end(&sieve, &seen);
}

static void gc_sieve_feed_line_of_another_wording_is_counted(void **state)
{
    (void)state;
    struct seen seen;
    struct gc_sieve sieve = begin(&seen);

    feed(&sieve, "gc 1 @0.1s 3%: took 5 ms\nnext\n");
    feed(&sieve, "gc ");
    feed(&sieve, "2");
    feed(&sieve, " @");
    feed(&sieve, "0.2");
    feed(&sieve, "s ");
    feed(&sieve, "and more\n");
    gc_sieve_flush(&sieve);

    assert_int_equal(sieve.unread_count, 2);
    assert_string_equal(str_text(&seen.passed),
                        "gc 1 @0.1s 3%: took 5 ms\nnext\ngc 2 @0.2s and more\n");
    end(&sieve, &seen);
}

static void gc_sieve_feed_endless_text_behind_a_beginning_is_not_held(void **state)
{
    (void)state;
    struct seen seen;
    struct gc_sieve sieve = begin(&seen);
    char block[4096];
    memset(block, 'x', sizeof(block));

    feed(&sieve, "gc ");
    size_t sent = 3;
    for (int i = 0; i < 600; i++) {
        assert_int_equal(gc_sieve_feed(&sieve, block, sizeof(block)), 0);
        sent += sizeof(block);
    }
    gc_sieve_flush(&sieve);

    assert_int_equal(seen.passed.size_bytes, sent);
    assert_true(sieve.held.capacity_bytes < 2 * GC_SIEVE_HELD_MAX + sizeof(block));
    end(&sieve, &seen);
}

/* Random cuts of random texts: nothing but whole lines may go missing, and nothing may move. */
static void gc_sieve_feed_random_pieces_keep_every_byte(void **state)
{
    (void)state;
    static const char *const words[] = {"gc ", "3", " @", "\n", "x", "s ", "0", "gc 1 @2s"};
    srand(7);

    for (int round = 0; round < 2000; round++) {
        struct seen seen;
        struct gc_sieve sieve = begin(&seen);
        struct str sent = {0};
        for (int i = rand() % 30; i > 0; i--) {
            const char *word = words[(size_t)rand() % (sizeof(words) / sizeof(words[0]))];
            feed(&sieve, word);
            str_append(&sent, word);
        }
        gc_sieve_flush(&sieve);
        assert_int_equal(seen.cycle_count, 0);
        assert_string_equal(str_text(&seen.passed), str_text(&sent));
        str_fini(&sent);
        end(&sieve, &seen);
    }
}

static void gc_sieve_feed_scavenge_is_taken_out_whatever_comes_between(void **state)
{
    (void)state;
    for (size_t place = 0; place <= SCAVENGE_PIECES; place++) {
        struct seen seen;
        struct gc_sieve sieve = begin(&seen);
        for (size_t i = 0; i <= SCAVENGE_PIECES; i++) {
            if (i == place) {
                feed(&sieve, "one\nscavenger");
            }
            feed(&sieve, i < SCAVENGE_PIECES ? scavenge_pieces[i] : "");
        }
        assert_int_equal(seen.scavenge_count, 1);
        assert_int_equal(seen.scavenge.released_bytes, 64 << 10);
        assert_int_equal(seen.scavenge.returned_bytes, 2320 << 10);
        assert_int_equal(seen.scavenge.in_use_pct, 90);
        assert_true(seen.scavenge.is_forced);
        assert_string_equal(str_text(&seen.passed), "one\nscavenger");
        end(&sieve, &seen);
    }
}

static void gc_sieve_feed_only_the_wanted_kind_passes(void **state)
{
    (void)state;
    for (int wanted = 0; wanted < 4; wanted++) {
        struct seen seen;
        struct gc_sieve sieve = begin(&seen);
        struct str expected = {0};
        sieve.passes_lines = (wanted & 1) != 0;
        sieve.passes_scavenges = (wanted & 2) != 0;
        for (size_t i = 0; i < PIECES; i++) {
            feed(&sieve, pieces[i]);
            str_append(&expected, sieve.passes_lines ? pieces[i] : "");
        }
        for (size_t i = 0; i < SCAVENGE_PIECES; i++) {
            feed(&sieve, scavenge_pieces[i]);
            str_append(&expected, sieve.passes_scavenges ? scavenge_pieces[i] : "");
        }
        assert_int_equal(seen.cycle_count, 1);
        assert_int_equal(seen.scavenge_count, 1);
        assert_string_equal(str_text(&seen.passed), str_text(&expected));
        str_fini(&expected);
        end(&sieve, &seen);
    }
}

static void gc_sieve_finish_scavenge_cut_by_the_end_is_dropped(void **state)
{
    (void)state;
    struct seen seen;
    struct gc_sieve sieve = begin(&seen);
    for (size_t i = 0; i + 2 < SCAVENGE_PIECES; i++) {
        feed(&sieve, scavenge_pieces[i]);
    }
    gc_sieve_finish(&sieve);
    assert_int_equal(seen.scavenge_count, 0);
    assert_string_equal(str_text(&seen.passed), "");
    end(&sieve, &seen);
}

static void gc_sieve_feed_scavenges_that_ran_together_are_parted(void **state)
{
    (void)state;
    struct seen seen;
    struct gc_sieve sieve = begin(&seen);
    sieve.keeps_writes = false;
    feed(&sieve, "some\nscav 64 KiB work, 23");
    feed(&sieve, "20 KiB total, 90% util\nsays\n");
    assert_int_equal(seen.scavenge_count, 1);
    assert_int_equal(seen.scavenge.returned_bytes, 2320 << 10);
    assert_string_equal(str_text(&seen.passed), "some\nsays\n");
    end(&sieve, &seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gc_sieve_feed_line_in_pieces_is_taken_out),
        cmocka_unit_test(gc_sieve_feed_text_between_any_two_pieces_passes),
        cmocka_unit_test(gc_sieve_feed_line_that_is_wanted_passes_too),
        cmocka_unit_test(gc_sieve_flush_what_became_no_line_passes_in_order),
        cmocka_unit_test(gc_sieve_feed_beginning_of_the_program_s_own_does_not_mix_in),
        cmocka_unit_test(gc_sieve_feed_writes_that_ran_together_are_parted),
        cmocka_unit_test(gc_sieve_age_only_what_is_old_passes),
        cmocka_unit_test(gc_sieve_finish_line_cut_by_the_end_is_dropped),
        cmocka_unit_test(gc_sieve_feed_line_of_another_wording_is_counted),
        cmocka_unit_test(gc_sieve_feed_endless_text_behind_a_beginning_is_not_held),
        cmocka_unit_test(gc_sieve_feed_random_pieces_keep_every_byte),
        cmocka_unit_test(gc_sieve_feed_scavenge_is_taken_out_whatever_comes_between),
        cmocka_unit_test(gc_sieve_feed_only_the_wanted_kind_passes),
        cmocka_unit_test(gc_sieve_finish_scavenge_cut_by_the_end_is_dropped),
        cmocka_unit_test(gc_sieve_feed_scavenges_that_ran_together_are_parted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
