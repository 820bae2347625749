#include "../../analyzer/collect/go/go_process.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "journal_folder.h"

#include "../../analyzer/collect/go/go_objects.h"
#include "../../analyzer/collect/recover/replay.h"
#include "../../analyzer/collect/recover/sweep.h"

enum {
    PID = 4711,
    READING_BYTES = 512 * 1024,
};

static void begin_recording(struct recording *recording)
{
    *recording = (struct recording){0};
    assert_int_equal(recording_init(recording, NULL), 0);
    recording->go = (struct go_facts){.site_source = "none", .gc_source = "gctrace"};
    (void)snprintf(recording->go.version, sizeof(recording->go.version), "go1.19.8");
}

static void read_profile(struct go_process *process, uint64_t at_ns, bool is_last, uint32_t site,
                         uint64_t births, uint64_t deaths)
{
    const struct tally_change change = {
        .site = site,
        .kind = ALLOC_KIND_GO,
        .size_bytes = 64,
        .birth_count = births,
        .death_count = deaths,
    };
    const struct journal_go_reading reading = {
        .at_ns = at_ns,
        .rate_bytes = READING_BYTES,
        .is_last = is_last,
        .change_count = 1,
    };
    assert_int_equal(go_process_add_reading(process, &reading, &change), 0);
}

/* Two sites, two readings, a collection before and one after the process is met. */
static void record(struct recording *recording)
{
    static const uint64_t outer[] = {0x1000, 0x2000};
    static const uint64_t inner[] = {0x1500, 0x1000, 0x2000};
    const struct go_process_start start = {.pid = PID, .path = "/bin/goo", .command = "goo -x"};
    struct go_process process = {.recording = recording};
    uint32_t sites[2];
    struct gc_event event = {.at_ns = 5, .cycle = {.cycle = 1, .heap_live_bytes = 77}};
    assert_int_equal(go_process_add_gc(&process, &event), 0);
    assert_int_equal(go_process_meet(&process, &start, false), 0);
    assert_null(process.subject);
    assert_int_equal(go_process_meet(&process, &start, true), 0);
    assert_non_null(process.subject);
    assert_int_equal(go_process_site(&process, outer, 2, &sites[0]), 0);
    read_profile(&process, 1000000, false, sites[0], 100, 10);
    assert_int_equal(go_process_site(&process, inner, 3, &sites[1]), 0);
    assert_int_not_equal(sites[0], sites[1]);
    read_profile(&process, 3000000, false, sites[1], 7, 0);
    event = (struct gc_event){.at_ns = 4000000, .cycle = {.cycle = 2, .is_forced = true}};
    assert_int_equal(go_process_add_gc(&process, &event), 0);
    const struct scavenge scavenge = {.at_ns = 4100000, .released_bytes = 4096};
    assert_int_equal(go_process_add_scavenge(&process, &scavenge), 0);
    recording->go.foreign_line_count = 3;
    go_process_keep_facts(&process);
}

static void record_with_journal(struct recording *recording)
{
    struct journal journal;
    const struct clock clock = {.kind = 1};
    begin_recording(recording);
    assert_int_equal(journal_create(&journal, journal_folder_path, &clock), 0);
    recording->journal = &journal;
    record(recording);
    recording->journal = NULL;
    journal_fini(&journal);
}

/* Of what was recorded, as recovery reads it. Returns as replay_journal(). */
static int replay_it(struct recording *recording, struct replay *replay, struct journal *journal)
{
    struct clock clock;
    bool is_whole;
    struct rowinsert rows = {0};
    struct err err;
    *recording = (struct recording){0};
    assert_int_equal(recording_init(recording, NULL), 0);
    assert_int_equal(journal_open(journal, journal_folder_path, &clock, &is_whole, NULL), 0);
    assert_true(is_whole);
    struct drain *drain = calloc(1, sizeof(*drain));
    assert_non_null(drain);
    drain->recording = recording;
    int r = replay_journal(replay, journal, drain, &rows, &err);
    free(drain);
    return r;
}

static void go_process_meet_again_gives_the_same_process(void **state)
{
    (void)state;
    struct recording before;
    struct recording after;
    struct replay replay;
    struct journal journal;
    record_with_journal(&before);
    assert_int_equal(replay_it(&after, &replay, &journal), 0);
    assert_int_equal(after.subject_count, 1);
    const struct subject *old = before.subjects[0];
    const struct subject *subject = after.subjects[0];
    assert_int_equal(subject->pid, PID);
    assert_string_equal(subject->executable, "/bin/goo");
    assert_string_equal(subject->command, "goo -x");
    assert_string_equal(subject->allocator_version, "go1.19.8");
    assert_int_equal(subject->tally.site_count, old->tally.site_count);
    for (size_t i = 0; i < old->tally.site_count; i++) {
        assert_int_equal(subject->tally.sites[i].stack_id, old->tally.sites[i].stack_id);
    }
    assert_int_equal(after.stacks.node_count, before.stacks.node_count);
    assert_int_equal(after.go.process_id, subject->id);
    assert_int_equal(after.go.foreign_line_count, 3);
    assert_string_equal(after.go.gc_source, "gctrace");
    assert_string_equal(after.go.site_reason, "its recorder was killed");
    assert_int_equal(after.gc_event_count, 2);
    assert_memory_equal(after.gc_events, before.gc_events, 2 * sizeof(*after.gc_events));
    assert_int_equal(after.scavenge_count, 1);
    assert_memory_equal(after.scavenges, before.scavenges, sizeof(*after.scavenges));
    assert_int_equal(replay.reading_count, 2);
    replay_fini(&replay);
    recording_fini(&before);
    recording_fini(&after);
    journal_fini(&journal);
}

static void sweep_count_counts_the_readings_again(void **state)
{
    (void)state;
    struct recording before;
    struct recording after;
    struct replay replay;
    struct journal journal;
    sqlite3 *database;
    struct err err;
    record_with_journal(&before);
    assert_int_equal(replay_it(&after, &replay, &journal), 0);
    assert_int_equal(sqlite3_open(":memory:", &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database,
                                  "CREATE TABLE block (id, born_ns, lifetime_ns, address_offset,"
                                  " size_bytes, context_id, slack_bytes, realloc_of_id)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sweep_count(&after, &replay, database, &err), 0);
    const struct subject *subject = after.subjects[0];
    assert_int_equal(subject->tally.allocation_count, 107);
    assert_int_equal(subject->tally.free_count, 10);
    assert_int_equal(subject->leaked_count, 97);
    assert_int_equal(subject->leaked_bytes, 97 * 64);
    assert_int_equal(after.peak_bytes, 97 * 64);
    assert_int_equal(after.peak_ns, 3000000);
    assert_int_equal(after.go.profile_reading_count, 2);
    assert_int_equal(after.go.profile_read_ns, 3000000);
    assert_int_equal(after.go.profile_rate_bytes, READING_BYTES);
    assert_string_equal(after.go.site_source, "reading");
    sqlite3_close(database);
    replay_fini(&replay);
    recording_fini(&before);
    recording_fini(&after);
    journal_fini(&journal);
}

static void reading_of_the_end_leaves_nothing_to_be_wished(void **state)
{
    (void)state;
    static const uint64_t frames[] = {0x1000};
    const struct go_process_start start = {.pid = PID, .path = "/bin/goo", .command = "goo"};
    struct recording recording;
    struct go_process process = {.recording = &recording};
    uint32_t site;
    begin_recording(&recording);
    assert_int_equal(go_process_meet(&process, &start, true), 0);
    assert_int_equal(go_process_site(&process, frames, 1, &site), 0);
    (void)snprintf(recording.go.site_reason, sizeof(recording.go.site_reason), "was busy");
    read_profile(&process, 1000000, true, site, 2, 1);
    assert_string_equal(recording.go.site_source, "exit");
    assert_string_equal(recording.go.site_reason, "");
    recording_fini(&recording);
}

/* Sets a word of the first record of a kind. */
static void damage(enum journal_tag tag, size_t offset, uint32_t value)
{
    struct journal journal;
    struct clock clock;
    bool is_whole;
    uint64_t cursor = 0;
    const struct journal_record *record;
    assert_int_equal(journal_open(&journal, journal_folder_path, &clock, &is_whole, NULL), 0);
    while ((record = journal_next(&journal, &cursor)) != NULL && record->tag != tag) {
    }
    assert_non_null(record);
    long at = (long)((const unsigned char *)(record + 1) - journal.bytes) + (long)offset;
    FILE *written = fopen(journal_folder_file, "r+b");
    assert_non_null(written);
    assert_int_equal(fseek(written, at, SEEK_SET), 0);
    assert_int_equal(fwrite(&value, sizeof(value), 1, written), 1);
    assert_int_equal(fclose(written), 0);
    journal_fini(&journal);
}

static void replay_journal_refuses_what_leads_out_of_a_record(void **state)
{
    static const struct {
        enum journal_tag tag;
        size_t offset;
        uint32_t value;
    } cases[] = {
        {JOURNAL_GO_PROCESS, offsetof(struct journal_go_process, path_bytes), 0},
        {JOURNAL_GO_PROCESS, offsetof(struct journal_go_process, path_bytes), 3},
        {JOURNAL_GO_PROCESS, offsetof(struct journal_go_process, path_bytes), UINT32_MAX},
        {JOURNAL_GO_PROCESS, offsetof(struct journal_go_process, command_bytes), UINT32_MAX},
        {JOURNAL_GO_PROCESS, offsetof(struct journal_go_process, is_made), 0},
        {JOURNAL_GO_SITE, offsetof(struct journal_go_site, frame_count), 3},
        {JOURNAL_GO_SITE, offsetof(struct journal_go_site, frame_count), UINT32_MAX},
        {JOURNAL_GO_READING, offsetof(struct journal_go_reading, change_count), 2},
        {JOURNAL_GO_READING, offsetof(struct journal_go_reading, change_count), UINT32_MAX},
        {JOURNAL_GO_READING, offsetof(struct journal_go_reading, changes), 9},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct recording before;
        struct recording after;
        struct replay replay;
        struct journal journal;
        (void)unlink(journal_folder_file);
        record_with_journal(&before);
        damage(cases[i].tag, cases[i].offset, cases[i].value);
        assert_int_equal(replay_it(&after, &replay, &journal), -EINVAL);
        replay_fini(&replay);
        recording_fini(&before);
        recording_fini(&after);
        journal_fini(&journal);
    }
    (void)state;
}

static void go_objects_are_blocks_and_come_back(void **state)
{
    (void)state;
    struct journal journal;
    struct err err;
    const struct clock clock = {.kind = 1};
    const struct go_process_start start = {.pid = PID, .path = "/bin/goo", .command = "goo"};
    struct traced_object object = {
        .address = 0xc000010000, .size_bytes = 48, .frame_count = 2, .frames = {0x5010, 0x5020}};
    struct recording recording;
    struct go_process process = {.recording = &recording};
    begin_recording(&recording);
    recording.is_sites_only = true; /* rows of what has died are not kept */
    assert_int_equal(journal_create(&journal, journal_folder_path, &clock), 0);
    recording.journal = &journal;
    assert_int_equal(go_process_meet(&process, &start, true), 0);
    assert_int_equal(go_objects_begin(&process, 10), 0);

    assert_int_equal(go_objects_add(&process, &object, 0x4000, 100, &err), 0);
    object.address += 48;
    assert_int_equal(go_objects_add(&process, &object, 0x4000, 200, &err), 0);
    object.is_freed = 1;
    assert_int_equal(go_objects_add(&process, &object, 0x4000, 300, &err), 0);
    object.address = 0xc000000000; /* of before the tracing */
    assert_int_equal(go_objects_add(&process, &object, 0x4000, 400, &err), 0);

    const struct tally *tally = &process.subject->tally;
    assert_int_equal(tally->site_count, 1);
    assert_int_equal(tally->sites[0].allocation_count, 2);
    assert_int_equal(tally->sites[0].free_count, 1);
    assert_int_equal(tally->sites[0].lifetime_sum_ns, 100);
    assert_int_equal(tally->live_bytes, 48);
    assert_int_equal(process.subject->unpaired_free_count, 0);
    recording.journal = NULL;
    journal_fini(&journal);

    struct recording after;
    struct replay replay;
    assert_int_equal(replay_it(&after, &replay, &journal), 0);
    assert_true(replay.go.has_objects);
    assert_string_equal(after.go.site_source, "objects");
    assert_int_equal(after.subjects[0]->tally.site_count, 1);
    assert_int_equal(after.stacks.node_count, recording.stacks.node_count);
    assert_int_equal(after.subjects[0]->thread_count, 1);
    assert_string_equal(after.subjects[0]->threads[0].name, "Go's heap");
    replay_fini(&replay);
    recording_fini(&recording);
    recording_fini(&after);
    journal_fini(&journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(go_process_meet_again_gives_the_same_process,
                                        journal_folder_make, journal_folder_remove),
        cmocka_unit_test_setup_teardown(sweep_count_counts_the_readings_again, journal_folder_make,
                                        journal_folder_remove),
        cmocka_unit_test(reading_of_the_end_leaves_nothing_to_be_wished),
        cmocka_unit_test_setup_teardown(replay_journal_refuses_what_leads_out_of_a_record,
                                        journal_folder_make, journal_folder_remove),
        cmocka_unit_test_setup_teardown(go_objects_are_blocks_and_come_back, journal_folder_make,
                                        journal_folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
