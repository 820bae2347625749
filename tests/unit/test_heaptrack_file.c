#include "../../analyzer/collect/import/heaptrack_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct err err;
static char path[64];

static struct heaptrack_file *open_text(const char *text)
{
    struct heaptrack_file *file = NULL;
    (void)snprintf(path, sizeof(path), "/tmp/test_heaptrack_file.%d", (int)getpid());
    FILE *stream = fopen(path, "w");
    assert_non_null(stream);
    assert_int_equal(fputs(text, stream) >= 0, 1);
    assert_int_equal(fclose(stream), 0);
    assert_int_equal(heaptrack_file_open(path, &file, &err), 0);
    return file;
}

static void end(struct heaptrack_file *file)
{
    heaptrack_file_close(file);
    unlink(path);
}

static void expect_event(struct heaptrack_file *file, enum heaptrack_event_kind kind, uint32_t want,
                         uint64_t value)
{
    struct heaptrack_event event;
    assert_int_equal(heaptrack_file_next(file, &event, &err), 0);
    assert_int_equal(event.kind, kind);
    assert_int_equal(event.want, want);
    assert_int_equal(event.value, value);
}

static void expect_refusal(const char *text, const char *reason)
{
    struct heaptrack_file *file = open_text(text);
    struct heaptrack_event event;
    int r;

    do {
        event.kind = HEAPTRACK_END;
        r = heaptrack_file_next(file, &event, &err);
    } while (r == 0 && event.kind != HEAPTRACK_END);

    assert_int_equal(r, -EBADMSG);
    assert_non_null(strstr(err.text, reason));
    end(file);
}

static void heaptrack_file_next_of_a_file_tells_events_in_order(void **state)
{
    (void)state;
    struct heaptrack_file *file = open_text("v 10400 3\nX ./app x\nI 1000 5\ns 4 main\n"
                                            "i 400 0 1\nt 1 0\na 64 1\n+ 0\nc a\nR 3e8\n"
                                            "a 20 1\n+ 1\n- 0\n# end\n");

    expect_event(file, HEAPTRACK_BIRTH, 0, 0);
    expect_event(file, HEAPTRACK_TIME, 0, 10);
    expect_event(file, HEAPTRACK_RSS, 0, 1000);
    expect_event(file, HEAPTRACK_BIRTH, 1, 0);
    expect_event(file, HEAPTRACK_DEATH, 0, 0);
    expect_event(file, HEAPTRACK_END, 0, 0);
    const struct heaptrack_tables *tables = heaptrack_file_tables(file);
    assert_string_equal(tables->command, "./app x");
    assert_int_equal(tables->page_bytes, 4096);
    assert_int_equal(tables->want_count, 2);
    assert_int_equal(tables->wants[0].size_bytes, 100);
    assert_int_equal(tables->wants[1].size_bytes, 32);
    end(file);
}

static void heaptrack_file_next_of_an_inlined_call_keeps_the_chain(void **state)
{
    (void)state;
    struct heaptrack_file *file = open_text("v 10400 3\ns 3 bin\ns 5 inner\ns 5 outer\ns 5 app.c\n"
                                            "i 400 1 2 4 14 3 4 1e\ni 500 1 3\ni 600 1\n");

    expect_event(file, HEAPTRACK_END, 0, 0);

    const struct heaptrack_tables *tables = heaptrack_file_tables(file);
    assert_int_equal(tables->place_count, 3);
    assert_int_equal(tables->places[0].frame_count, 2);
    assert_string_equal(heaptrack_file_name(file, tables->frames[0].function), "inner");
    assert_int_equal(tables->frames[0].line, 20);
    assert_string_equal(heaptrack_file_name(file, tables->frames[1].function), "outer");
    assert_int_equal(tables->frames[1].line, 30);
    assert_int_equal(tables->places[1].frame_count, 1);
    assert_null(heaptrack_file_name(file, tables->frames[2].file));
    assert_int_equal(tables->places[2].frame_count, 0);
    end(file);
}

static void heaptrack_file_next_of_version_2_takes_names_without_a_length(void **state)
{
    (void)state;
    struct heaptrack_file *file = open_text("v 10200 2\ns operator new(unsigned long)\n");

    expect_event(file, HEAPTRACK_END, 0, 0);

    assert_string_equal(heaptrack_file_name(file, 1), "operator new(unsigned long)");
    end(file);
}

static void heaptrack_file_next_of_a_long_name_reads_all_of_it(void **state)
{
    (void)state;
    enum {
        LENGTH = 300000, /* several buffers */
    };
    char *text = malloc(LENGTH + 64);
    assert_non_null(text);
    int head = snprintf(text, 64, "v 10400 3\ns %x ", (unsigned)LENGTH);
    memset(text + head, 'n', LENGTH);
    (void)snprintf(text + head + LENGTH, 64 - (size_t)head, "\ns 1 x\n");

    struct heaptrack_file *file = open_text(text);
    expect_event(file, HEAPTRACK_END, 0, 0);

    assert_int_equal(strlen(heaptrack_file_name(file, 1)), LENGTH);
    assert_string_equal(heaptrack_file_name(file, 2), "x");
    end(file);
    free(text);
}

static void heaptrack_file_next_of_what_is_damaged_names_the_line(void **state)
{
    (void)state;
    expect_refusal("v 10400 3\n+ 0\n", "line 2: no event");
    expect_refusal("v 10400 3\ns 40 short\n", "line 2: no name");
    expect_refusal("v 10400 3\nt 1 0\n", "line 2: no call stack");
    expect_refusal("v 10400 3\na 10 1\n", "line 2: no size of a call stack");
    expect_refusal("v 10400 3\ns 1 m\ni 4 2\n", "line 3: no place in the code");
    expect_refusal("v 10400 3\nc 11111111111111111\n", "line 2: no number");
    expect_refusal("+ 0\n", "line 1: no file of heaptrack");
    expect_refusal("", "no file of heaptrack");
}

static void heaptrack_file_next_of_raw_data_says_so(void **state)
{
    (void)state;
    expect_refusal("v 10400 3\nx 3 app\nX ./app\n", "raw data");
    expect_refusal("v 10400 9\n", "version 9 of heaptrack's format; 1 to 3 can be read");
}

static void heaptrack_file_is_of_other_files_is_false(void **state)
{
    (void)state;
    struct heaptrack_file *file = open_text("version 3\n");

    assert_false(heaptrack_file_is(path));
    end(file);

    assert_false(heaptrack_file_is(path));
    file = open_text("v 10400 3\n");
    assert_true(heaptrack_file_is(path));
    end(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heaptrack_file_next_of_a_file_tells_events_in_order),
        cmocka_unit_test(heaptrack_file_next_of_an_inlined_call_keeps_the_chain),
        cmocka_unit_test(heaptrack_file_next_of_version_2_takes_names_without_a_length),
        cmocka_unit_test(heaptrack_file_next_of_a_long_name_reads_all_of_it),
        cmocka_unit_test(heaptrack_file_next_of_what_is_damaged_names_the_line),
        cmocka_unit_test(heaptrack_file_next_of_raw_data_says_so),
        cmocka_unit_test(heaptrack_file_is_of_other_files_is_false),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
