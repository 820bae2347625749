#include "../../analyzer/collect/recording/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "journal_folder.h"

static const struct clock some_clock = {.kind = 1, .start_ticks = 2, .ns_per_tick_32 = 4};

static struct journal_rss rss_of(uint64_t number)
{
    return (struct journal_rss){.subject_id = 7, .at_ns = number, .rss_bytes = number * number};
}

static void add_samples(struct journal *journal, uint64_t first, uint64_t count)
{
    for (uint64_t i = first; i < first + count; i++) {
        struct journal_rss rss = rss_of(i);
        assert_non_null(journal_add(journal, JOURNAL_RSS, &rss, sizeof(rss), NULL, 0));
    }
}

/* Reads samples 0, 1, 2 ... and returns how many there are. */
static uint64_t count_samples(const struct journal *journal)
{
    uint64_t cursor = 0;
    uint64_t count = 0;
    for (const struct journal_record *record; (record = journal_next(journal, &cursor)) != NULL;) {
        const struct journal_rss expected = rss_of(count);
        assert_int_equal(record->tag, JOURNAL_RSS);
        assert_int_equal(record->size_bytes, sizeof(*record) + sizeof(expected));
        const void *body = journal_body(record, sizeof(expected));
        assert_non_null(body);
        assert_memory_equal(body, &expected, sizeof(expected));
        count++;
    }
    return count;
}

static void open_it(struct journal *journal, bool expected_is_whole)
{
    struct clock clock;
    bool is_whole;
    assert_int_equal(journal_open(journal, journal_folder_path, &clock, &is_whole, NULL), 0);
    assert_memory_equal(&clock, &some_clock, sizeof(clock));
    assert_int_equal(is_whole, expected_is_whole);
}

static void journal_open_of_a_new_one_finds_the_clock_and_no_records(void **state)
{
    (void)state;
    struct journal journal;
    struct journal found;
    const struct clock uncalibrated = {.kind = 1};
    uint64_t cursor = 0;

    assert_int_equal(journal_create(&journal, journal_folder_path, &uncalibrated), 0);
    journal_set_clock(&journal, &some_clock);
    open_it(&found, true);

    assert_null(journal_next(&found, &cursor));
    journal_fini(&found);
    journal_fini(&journal);
}

static void journal_next_gives_records_of_many_steps_in_order(void **state)
{
    (void)state;
    enum {
        COUNT = 100000 /* some 4 MiB */
    };
    struct journal journal;
    struct journal found;
    assert_int_equal(journal_create(&journal, journal_folder_path, &some_clock), 0);
    add_samples(&journal, 0, COUNT);

    open_it(&found, true);

    assert_int_equal(count_samples(&found), COUNT);
    journal_fini(&found);
    journal_fini(&journal);
}

static void journal_add_keeps_body_and_tail(void **state)
{
    (void)state;
    struct journal journal;
    struct journal found;
    const struct journal_event event = {.lane = 3, .words_bytes = 24, .position = 5};
    const uint64_t words[] = {11, 12, 13};
    assert_int_equal(journal_create(&journal, journal_folder_path, &some_clock), 0);

    assert_non_null(
        journal_add(&journal, JOURNAL_EVENT, &event, sizeof(event), words, sizeof(words)));
    open_it(&found, true);

    uint64_t cursor = 0;
    const struct journal_record *record = journal_next(&found, &cursor);
    assert_non_null(record);
    const struct journal_event *kept = journal_body(record, sizeof(event) + sizeof(words));
    assert_non_null(kept);
    assert_memory_equal(kept, &event, sizeof(event));
    assert_memory_equal(kept->words, words, sizeof(words));
    assert_null(journal_body(record, sizeof(event) + sizeof(words) + 1));
    assert_null(journal_next(&found, &cursor));
    journal_fini(&found);
    journal_fini(&journal);
}

static void journal_add_gives_a_body_that_can_be_changed_later(void **state)
{
    (void)state;
    struct journal journal;
    struct journal found;
    const struct journal_lane lane = {.lane = 9};
    assert_int_equal(journal_create(&journal, journal_folder_path, &some_clock), 0);
    struct journal_lane *kept =
        journal_add(&journal, JOURNAL_LANE_OPENED, &lane, sizeof(lane), NULL, 0);
    for (uint64_t i = 0; i < 100000; i++) { /* it stays where it is while the file grows */
        struct journal_rss rss = rss_of(i);
        assert_non_null(journal_add(&journal, JOURNAL_RSS, &rss, sizeof(rss), NULL, 0));
    }

    kept->stranger_count = 77;
    open_it(&found, true);

    uint64_t cursor = 0;
    const struct journal_lane *read =
        journal_body(journal_next(&found, &cursor), sizeof(struct journal_lane));
    assert_int_equal(read->lane, 9);
    assert_int_equal(read->stranger_count, 77);
    journal_fini(&found);
    journal_fini(&journal);
}

static void journal_add_without_a_journal_keeps_nothing(void **state)
{
    (void)state;
    struct journal none = {.fd = -1};
    struct journal_rss rss = rss_of(1);

    assert_null(journal_add(NULL, JOURNAL_RSS, &rss, sizeof(rss), NULL, 0));
    assert_null(journal_add(&none, JOURNAL_RSS, &rss, sizeof(rss), NULL, 0));
    journal_set_clock(&none, &some_clock);
    journal_fini(&none);
}

static void journal_next_ignores_a_record_whose_length_was_not_written(void **state)
{
    (void)state;
    struct journal journal;
    struct journal found;
    assert_int_equal(journal_create(&journal, journal_folder_path, &some_clock), 0);
    add_samples(&journal, 0, 10);
    /* What a kill within journal_add() leaves: all but the length. */
    struct journal_record *torn = (struct journal_record *)(journal.bytes + journal.used_bytes);
    torn->tag = JOURNAL_RSS;
    memset(torn + 1, 0xee, sizeof(struct journal_rss));

    open_it(&found, true);

    assert_int_equal(count_samples(&found), 10);
    journal_fini(&found);
    journal_fini(&journal);
}

static void journal_next_stops_at_a_length_that_cannot_be(void **state)
{
    (void)state;
    static const uint32_t lengths[] = {1, 4, 7, 12, 1u << 30, UINT32_MAX, UINT32_MAX - 7};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct journal journal;
        struct journal found;
        assert_int_equal(journal_create(&journal, journal_folder_path, &some_clock), 0);
        add_samples(&journal, 0, 3);
        ((struct journal_record *)(journal.bytes + journal.used_bytes))->size_bytes = lengths[i];

        open_it(&found, true);

        assert_int_equal(count_samples(&found), 3);
        journal_fini(&found);
        journal_fini(&journal);
        assert_int_equal(unlink(journal_folder_file), 0);
    }
}

static void journal_open_after_the_writer_was_killed_gives_a_prefix(void **state)
{
    (void)state;
    for (int round = 0; round < 8; round++) {
        pid_t pid = fork();
        if (pid == 0) {
            struct journal journal;
            if (journal_create(&journal, journal_folder_path, &some_clock) < 0) {
                _exit(1);
            }
            for (uint64_t i = 0;; i++) {
                struct journal_rss rss = rss_of(i);
                (void)journal_add(&journal, JOURNAL_RSS, &rss, sizeof(rss), NULL, 0);
            }
        }
        struct stat status = {0};
        while (status.st_size < 2 << 20) {
            (void)stat(journal_folder_file, &status);
            const struct timespec pause = {.tv_nsec = 10000 + round * 70000};
            nanosleep(&pause, NULL);
        }
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        struct journal found;

        open_it(&found, true);

        assert_in_range(count_samples(&found), 20000, UINT64_MAX);
        journal_fini(&found);
        assert_int_equal(unlink(journal_folder_file), 0);
    }
}

static void journal_add_on_a_full_disk_ends_the_journal(void **state)
{
    (void)state;
    if (mount("none", journal_folder_path, "tmpfs", 0, "size=3m") != 0) {
        skip(); /* only root may */
    }
    struct journal journal;
    struct journal found;
    assert_int_equal(journal_create(&journal, journal_folder_path, &some_clock), 0);
    uint64_t count = 0;
    struct journal_rss rss = rss_of(0);
    while (journal_add(&journal, JOURNAL_RSS, &rss, sizeof(rss), NULL, 0) != NULL) {
        rss = rss_of(++count);
    }

    assert_null(journal_add(&journal, JOURNAL_RSS, &rss, sizeof(rss), NULL, 0));
    open_it(&found, false);

    assert_in_range(count, 50000, 100000);
    assert_int_equal(count_samples(&found), count);
    journal_fini(&found);
    journal_fini(&journal);
    assert_int_equal(umount(journal_folder_path), 0);
}

static void journal_create_where_it_cannot_gives_the_errno(void **state)
{
    (void)state;
    struct journal journal;

    assert_int_equal(journal_create(&journal, "/nonexistent", &some_clock), -ENOENT);
    assert_int_equal(journal_create(&journal, journal_folder_path, &some_clock), 0);
    journal_fini(&journal);

    assert_int_equal(journal_create(&journal, journal_folder_path, &some_clock), -EEXIST);
    journal_fini(&journal);
}

static void journal_open_of_something_else_is_refused(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 16, 4096};
    struct journal journal;
    struct clock clock;
    bool is_whole;
    struct err err;

    assert_int_equal(journal_open(&journal, journal_folder_path, &clock, &is_whole, &err), -ENOENT);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        int fd = open(journal_folder_file, O_RDWR | O_CREAT | O_TRUNC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(ftruncate(fd, (off_t)sizes[i]), 0);
        assert_int_equal(close(fd), 0);

        assert_int_equal(journal_open(&journal, journal_folder_path, &clock, &is_whole, &err),
                         -EINVAL);
        assert_non_null(strstr(err.text, journal_folder_file));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, journal_folder_make, journal_folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(journal_open_of_a_new_one_finds_the_clock_and_no_records),
        TEST(journal_next_gives_records_of_many_steps_in_order),
        TEST(journal_add_keeps_body_and_tail),
        TEST(journal_add_gives_a_body_that_can_be_changed_later),
        TEST(journal_add_without_a_journal_keeps_nothing),
        TEST(journal_next_ignores_a_record_whose_length_was_not_written),
        TEST(journal_next_stops_at_a_length_that_cannot_be),
        TEST(journal_open_after_the_writer_was_killed_gives_a_prefix),
        TEST(journal_add_on_a_full_disk_ends_the_journal),
        TEST(journal_create_where_it_cannot_gives_the_errno),
        TEST(journal_open_of_something_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
