#include <errno.h>

#include "block_rows.h"

#include "../../analyzer/replay/compile.h"

enum {
    SHOWN_BYTES = 4096,
};

struct compiled {
    struct fixture_recording fixture;
    struct trace *trace;
    struct script_head head;
    struct err err;
    int fd; /* or a negative errno */
};

static void compile_rows_with(struct compiled *compiled, const char *rows, const char *sql,
                              struct compile_settings settings)
{
    block_rows_make(&compiled->fixture, rows);
    fixture_recording_change(&compiled->fixture, sql);
    if (trace_open(compiled->fixture.path, &compiled->trace, &compiled->err) < 0) {
        fail_msg("%s", compiled->err.text);
    }
    settings.process_id = 1;
    settings.folder = "/tmp";
    compiled->fd = compile_process(compiled->trace, &settings, &compiled->head, &compiled->err);
}

static void compile_rows_without(struct compiled *compiled, const char *rows,
                                 const struct neutral *neutral)
{
    compile_rows_with(compiled, rows, "", (struct compile_settings){.neutral = neutral});
}

static void compile_rows(struct compiled *compiled, const char *rows)
{
    compile_rows_without(compiled, rows, NULL);
}

static void close_compiled(struct compiled *compiled)
{
    if (compiled->fd >= 0) {
        assert_int_equal(close(compiled->fd), 0);
    }
    trace_close(compiled->trace);
    fixture_recording_remove(&compiled->fixture);
}

static void show_record(const struct script_record *record, char *shown)
{
    static const char letters[SCRIPT_CODE_COUNT] = {
        [SCRIPT_MALLOC] = 'm',  [SCRIPT_CALLOC] = 'c', [SCRIPT_ALIGNED] = 'a',
        [SCRIPT_REALLOC] = 'r', [SCRIPT_FREE] = 'f',   [SCRIPT_WAIT] = 'w',
        [SCRIPT_TIME] = 't',    [SCRIPT_JOIN] = 'j',   [SCRIPT_RUN] = 'x',
        [SCRIPT_KEEP] = 'k',    [SCRIPT_FRAME] = 'e',
    };
    assert_true(record->code > SCRIPT_END && record->code < SCRIPT_CODE_COUNT);
    size_t used = strlen(shown);
    (void)snprintf(shown + used, SHOWN_BYTES - used, "%s%c%u:%llu", used > 0 ? " " : "",
                   letters[record->code], record->slot, (unsigned long long)record->value);
    if (record->alignment_log2 > 0) {
        used = strlen(shown);
        (void)snprintf(shown + used, SHOWN_BYTES - used, "@%u", record->alignment_log2);
    }
    used = strlen(shown);
    (void)snprintf(shown + used, SHOWN_BYTES - used, "%s%s",
                   (record->arenas & SCRIPT_ARENA_OLD) != 0 ? "-" : "",
                   (record->arenas & SCRIPT_ARENA_NEW) != 0 ? "+" : "");
}

/* The records of a stream that fits into a few chunks, each a letter, its slot and its value. */
static void show_stream(const struct compiled *compiled, uint32_t stream, char shown[SHOWN_BYTES])
{
    static struct script_record records[SCRIPT_CHUNK_RECORDS];
    shown[0] = '\0';
    for (uint64_t chunk = 0; chunk < compiled->head.chunk_count; chunk++) {
        uint32_t owner;
        assert_int_equal(pread(compiled->fd, &owner, sizeof(owner),
                               (off_t)(compiled->head.chunk_table_offset + chunk * sizeof(owner))),
                         sizeof(owner));
        if (owner != stream) {
            continue;
        }
        assert_int_equal(pread(compiled->fd, records, sizeof(records),
                               (off_t)(SCRIPT_HEAD_BYTES + chunk * SCRIPT_CHUNK_BYTES)),
                         sizeof(records));
        for (size_t i = 0; i < SCRIPT_CHUNK_RECORDS && records[i].code != SCRIPT_END; i++) {
            show_record(&records[i], shown);
        }
    }
}

static void expect_stream(const struct compiled *compiled, uint32_t stream, const char *wanted)
{
    char shown[SHOWN_BYTES];
    show_stream(compiled, stream, shown);
    assert_string_equal(shown, wanted);
}

static void compile_of_one_thread_uses_slots_again(void **state)
{
    (void)state;
    struct compiled compiled;

    compile_rows(&compiled, "(10, 10, 8, 1, NULL, NULL, 1), (15, NULL, 100, 6, NULL, 64, 2),"
                            "(30, 10, 24, 1, NULL, NULL, 3)");

    assert_true(compiled.fd >= 0);
    expect_stream(&compiled, 0, "t0:0 m0:8 a1:100@6 f0:0 m0:24 f0:0");
    expect_stream(&compiled, compiled.head.thread_count, "x0:6");
    assert_int_equal(compiled.head.slot_count, 2);
    assert_int_equal(compiled.head.alloc_count, 3);
    assert_int_equal(compiled.head.free_count, 2);
    assert_int_equal(compiled.head.handoff_count, 0);
    assert_int_equal(compiled.head.began_count, 1);
    assert_int_equal(compiled.head.record_count, 6);
    assert_int_equal(compiled.head.allocated_bytes, 132);
    assert_int_equal(compiled.head.peak_bytes, 124);
    assert_int_equal(compiled.head.peak_record, 5);
    assert_int_equal(compiled.head.duration_ns, 30);
    close_compiled(&compiled);
}

static void compile_keeps_a_realloc_in_its_slot(void **state)
{
    (void)state;
    struct compiled compiled;

    compile_rows(&compiled, "(10, 5, 8, 3, NULL, NULL, 1), (16, 4, 16, 4, 1, NULL, 2)");

    assert_true(compiled.fd >= 0);
    expect_stream(&compiled, 0, "t0:0 m0:8 r0:16 f0:0");
    assert_int_equal(compiled.head.realloc_count, 1);
    assert_int_equal(compiled.head.peak_bytes, 16);
    close_compiled(&compiled);
}

/* The first step asks for all of it, and the second is no call. */
static void compile_reserves_a_block_that_grows(void **state)
{
    (void)state;
    struct compiled compiled;
    const struct neutral neutral = {.kind = NEUTRAL_GROWTH, .stack_id = 2, .reserve_bytes = 64};

    compile_rows_without(&compiled,
                         "(10, 5, 8, 3, NULL, NULL, 1), (16, 4, 16, 4, 1, NULL, 2),"
                         "(21, 9, 24, 4, 2, NULL, 3)",
                         &neutral);

    assert_true(compiled.fd >= 0);
    expect_stream(&compiled, 0, "t0:0 m0:8 r0:64 k0:24 f0:0");
    assert_int_equal(compiled.head.realloc_count, 1);
    assert_int_equal(compiled.head.free_count, 1);
    assert_int_equal(compiled.head.peak_bytes, 64);
    close_compiled(&compiled);
}

/* Blocks of stack 5 are the arena's. Marks of another name, and of threads without a call, are none
 * of it. */
static void compile_marks_what_is_in_frame_arenas(void **state)
{
    (void)state;
    struct compiled compiled;
    struct frame_arena arena = {.series_name = "", .chunk_bytes = 65536, .spare_count = 2};
    assert_int_equal(map_put(&arena.stacks, 5, 0), 0);

    compile_rows_with(
        &compiled,
        "(10, 5, 8, 21, NULL, NULL, 1), (20, 5, 24, 1, NULL, NULL, 2), (30, 8, 8, 3, NULL, NULL, "
        "3),"
        "(39, 5, 16, 24, 3, NULL, 4)",
        "INSERT INTO context VALUES (21, 1, 1, 5, 0, 0, 1, 0, 0), (24, 1, 1, 5, 2, 0, 1, 0, 0);"
        "UPDATE block SET context_id = 21 WHERE id = 1; UPDATE block SET context_id = 24 WHERE id "
        "= "
        "4; INSERT INTO mark VALUES (NULL, 1, 1, 5, 'frame', ''), (NULL, 1, 1, 15, 'frame', ''),"
        " (NULL, 1, 1, 18, 'frame', 'other'), (NULL, 1, 2, 18, 'frame', ''),"
        " (NULL, 1, 1, 26, 'frame', '')",
        (struct compile_settings){.arena = &arena});

    assert_true(compiled.fd >= 0);
    expect_stream(&compiled, 0, "t0:0 m0:8+ f0:0- e0:0 m0:24 f0:0 e0:0 m0:8 r0:16+ f0:0-");
    assert_int_equal(compiled.head.arena_chunk_bytes, 65536);
    assert_int_equal(compiled.head.arena_spare_count, 2);
    assert_int_equal(compiled.head.alloc_count, 3);
    close_compiled(&compiled);
    map_fini(&arena.stacks);
}

static void compile_waits_where_a_block_changes_hands(void **state)
{
    (void)state;
    struct compiled compiled;

    /* Thread 1 makes a block, thread 2 frees it; then the other way round. */
    compile_rows(&compiled, "(10, 20, 8, 5, NULL, NULL, 1), (40, 20, 8, 10, NULL, NULL, 2)");

    assert_true(compiled.fd >= 0);
    expect_stream(&compiled, 0, "t0:0 c0:8 w1:5 f0:0");
    expect_stream(&compiled, 1, "w0:2 t0:20 w0:2 f0:0 m0:8");
    expect_stream(&compiled, compiled.head.thread_count, "x0:2 x1:5 x0:2");
    assert_int_equal(compiled.head.handoff_count, 2);
    assert_int_equal(compiled.head.start_count, 1);
    assert_int_equal(compiled.head.began_count, 2);
    close_compiled(&compiled);
}

static void compile_waits_for_the_realloc_of_another_thread(void **state)
{
    (void)state;
    struct compiled compiled;

    compile_rows(&compiled, "(10, 10, 8, 11, NULL, NULL, 1), (21, 9, 16, 12, 1, NULL, 2)");

    assert_true(compiled.fd >= 0);
    expect_stream(&compiled, 0, "t0:0 m0:8 w1:4 f0:0");
    expect_stream(&compiled, 1, "w0:2 t0:11 w0:2 r0:16");
    assert_int_equal(compiled.head.handoff_count, 2);
    close_compiled(&compiled);
}

static void compile_waits_for_the_end_of_a_thread_in_its_creator(void **state)
{
    (void)state;
    struct compiled compiled;

    /* Thread 2 of the fixture ends at 6,150,000. */
    compile_rows(&compiled, "(6000000, NULL, 8, 2, NULL, NULL, 3),"
                            "(6100000, 60000, 8, 10, NULL, NULL, 1),"
                            "(6155000, NULL, 8, 2, NULL, NULL, 2)");

    assert_true(compiled.fd >= 0);
    expect_stream(&compiled, 0, "t0:0 m0:8 w1:3 t0:155000 m2:8 w1:3 f1:0");
    assert_int_equal(compiled.head.join_count, 1);
    close_compiled(&compiled);
}

/* Thread 2 of the fixture was over before, but its last call stands behind another thread's begin.
 */
static void compile_goes_on_with_a_thread_that_seemed_over(void **state)
{
    (void)state;
    struct compiled compiled;
    block_rows_make(&compiled.fixture, "(6100000, NULL, 8, 10, NULL, NULL, 1),"
                                       "(6200000, NULL, 8, 2, NULL, NULL, 2),"
                                       "(6300000, NULL, 8, 10, NULL, NULL, 3)");
    assert_int_equal(trace_open(compiled.fixture.path, &compiled.trace, &compiled.err), 0);
    const struct compile_settings settings = {.process_id = 1, .folder = "/tmp"};

    compiled.fd = compile_process(compiled.trace, &settings, &compiled.head, &compiled.err);

    assert_true(compiled.fd >= 0);
    expect_stream(&compiled, 0, "t0:0 m0:8 t0:200000 m2:8");
    expect_stream(&compiled, 1, "j0:2 w0:2 t0:100000 m1:8");
    assert_int_equal(compiled.head.chunk_count, 4);
    close_compiled(&compiled);
}

static void compile_tells_the_time_now_and_then(void **state)
{
    (void)state;
    struct compiled compiled;

    compile_rows(&compiled, "(1000, NULL, 8, 2, NULL, NULL, 1), (20999, NULL, 8, 2, NULL, NULL, 2),"
                            "(21000, NULL, 8, 2, NULL, NULL, 3)");

    assert_true(compiled.fd >= 0);
    expect_stream(&compiled, 0, "t0:0 m0:8 m1:8 t0:20000 m2:8");
    close_compiled(&compiled);
}

static void compile_fills_many_chunks(void **state)
{
    (void)state;
    struct compiled compiled;
    uint64_t chunk_count = 0;
    block_rows_make(&compiled.fixture, "(10, NULL, 8, 2, NULL, NULL, 100000)");
    fixture_recording_change(&compiled.fixture,
                             "INSERT INTO block WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL "
                             "SELECT i + 1 FROM n WHERE i < 10000) SELECT 10, 5, i, 8, 1, NULL, "
                             "NULL, NULL, NULL, NULL, i FROM n");
    assert_int_equal(trace_open(compiled.fixture.path, &compiled.trace, &compiled.err), 0);
    const struct compile_settings settings = {.process_id = 1, .folder = "/tmp"};

    compiled.fd = compile_process(compiled.trace, &settings, &compiled.head, &compiled.err);

    assert_true(compiled.fd >= 0);
    chunk_count = (20002 + SCRIPT_CHUNK_RECORDS - 1) / SCRIPT_CHUNK_RECORDS + 1;
    assert_int_equal(compiled.head.chunk_count, chunk_count);
    assert_int_equal(compiled.head.record_count, 20002);
    assert_int_equal(compiled.head.slot_count, 10001);
    close_compiled(&compiled);
}

static void compile_of_no_allocation_is_refused(void **state)
{
    (void)state;
    struct compiled compiled;

    compile_rows(&compiled, "(10, 5, 8, 8, NULL, NULL, 1)");

    assert_int_equal(compiled.fd, -ENODATA);
    assert_non_null(strstr(compiled.err.text, "made no allocation"));
    close_compiled(&compiled);
}

static void compile_of_a_realloc_of_nothing_is_damage(void **state)
{
    (void)state;
    struct compiled compiled;

    compile_rows(&compiled, "(10, 5, 8, 4, 77, NULL, 1)");

    assert_int_equal(compiled.fd, -EBADMSG);
    assert_non_null(strstr(compiled.err.text, "block 77"));
    close_compiled(&compiled);
}

static void compile_of_a_strange_thread_is_damage(void **state)
{
    (void)state;
    struct compiled compiled;
    block_rows_make(&compiled.fixture, "(10, 5, 8, 1, NULL, NULL, 1)");
    fixture_recording_change(&compiled.fixture, "UPDATE context SET thread_id = 3 WHERE id = 1");
    assert_int_equal(trace_open(compiled.fixture.path, &compiled.trace, &compiled.err), 0);
    const struct compile_settings settings = {.process_id = 1, .folder = "/tmp"};

    compiled.fd = compile_process(compiled.trace, &settings, &compiled.head, &compiled.err);

    assert_int_equal(compiled.fd, -EBADMSG);
    close_compiled(&compiled);
}

static void compile_into_a_missing_folder_is_told(void **state)
{
    (void)state;
    struct compiled compiled;
    block_rows_make(&compiled.fixture, "(10, 5, 8, 1, NULL, NULL, 1)");
    assert_int_equal(trace_open(compiled.fixture.path, &compiled.trace, &compiled.err), 0);
    const struct compile_settings settings = {.process_id = 1, .folder = "/no/such/folder"};

    compiled.fd = compile_process(compiled.trace, &settings, &compiled.head, &compiled.err);

    assert_int_equal(compiled.fd, -ENOENT);
    assert_non_null(strstr(compiled.err.text, "/no/such/folder"));
    close_compiled(&compiled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compile_of_one_thread_uses_slots_again),
        cmocka_unit_test(compile_keeps_a_realloc_in_its_slot),
        cmocka_unit_test(compile_reserves_a_block_that_grows),
        cmocka_unit_test(compile_marks_what_is_in_frame_arenas),
        cmocka_unit_test(compile_waits_where_a_block_changes_hands),
        cmocka_unit_test(compile_waits_for_the_realloc_of_another_thread),
        cmocka_unit_test(compile_waits_for_the_end_of_a_thread_in_its_creator),
        cmocka_unit_test(compile_goes_on_with_a_thread_that_seemed_over),
        cmocka_unit_test(compile_tells_the_time_now_and_then),
        cmocka_unit_test(compile_fills_many_chunks),
        cmocka_unit_test(compile_of_no_allocation_is_refused),
        cmocka_unit_test(compile_of_a_realloc_of_nothing_is_damage),
        cmocka_unit_test(compile_of_a_strange_thread_is_damage),
        cmocka_unit_test(compile_into_a_missing_folder_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
