#include "../../analyzer/go/go_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "go_program.h"

static struct go_lines *open_program(const struct go_program_options *options)
{
    struct go_lines *lines;
    struct err err;
    go_program_write(go_program_path, options, 0);
    assert_int_equal(go_lines_open(go_program_path, &lines, &err), 0);
    return lines;
}

static void check(const struct go_line *line, const char *function, const char *file,
                  uint32_t number)
{
    assert_string_equal(line->function, function);
    assert_string_equal(line->file, file);
    assert_int_equal(line->line, number);
}

static void check_inlining(int is_before_20)
{
    struct go_line found[GO_LINES_DEPTH];
    struct go_lines *lines = open_program(
        &(struct go_program_options){.is_before_20 = is_before_20, .version = "go1.20"});

    size_t outside = go_lines_find(lines, GO_PROGRAM_TEXT + 0x20, found);
    assert_int_equal(outside, 1);
    check(&found[0], "main.outer", "/src/outer.go", 10);
    size_t inside = go_lines_find(lines, GO_PROGRAM_TEXT + 0x7f, found);
    assert_int_equal(inside, 2);
    check(&found[0], "main.inner", "/src/inner.go", 30);
    check(&found[1], "main.outer", "/src/outer.go", 10);
    assert_int_equal(go_lines_find(lines, GO_PROGRAM_TEXT + 0x80, found), 1);
    check(&found[0], "main.outer", "/src/outer.go", 10);
    assert_int_equal(go_lines_find(lines, GO_PROGRAM_TEXT + 0x120, found), 1);
    check(&found[0], "main.plain", "/src/outer.go", 6);
    go_lines_close(lines);
}

static void go_lines_find_in_layout_of_go_1_19(void **state)
{
    (void)state;
    check_inlining(1);
}

static void go_lines_find_in_layout_of_go_1_20(void **state)
{
    (void)state;
    check_inlining(0);
}

static void go_lines_find_outside_of_all_functions_is_nothing(void **state)
{
    (void)state;
    struct go_line found[GO_LINES_DEPTH];
    struct go_lines *lines = open_program(&(struct go_program_options){.version = "go1.20"});

    assert_int_equal(go_lines_find(lines, GO_PROGRAM_TEXT - 1, found), 0);
    assert_int_equal(go_lines_find(lines, GO_PROGRAM_TEXT + 0x140, found), 0);
    assert_int_equal(go_lines_find(lines, UINT64_MAX, found), 0);
    go_lines_close(lines);
}

static void go_lines_find_in_stripped_program_leaves_out_what_is_inlined(void **state)
{
    (void)state;
    struct go_line found[GO_LINES_DEPTH];
    struct go_lines *lines =
        open_program(&(struct go_program_options){.version = "go1.20", .is_stripped = 1});

    assert_int_equal(go_lines_find(lines, GO_PROGRAM_TEXT + 0x60, found), 1);
    check(&found[0], "main.outer", "/src/inner.go", 30);
    go_lines_close(lines);
}

static void go_lines_open_other_files_are_refused(void **state)
{
    (void)state;
    struct go_lines *lines;
    struct err err;

    assert_int_equal(go_lines_open("/nowhere", &lines, &err), -ENOENT);
    assert_int_equal(go_lines_open("/bin/sh", &lines, &err), -ENOENT);
    assert_int_equal(go_lines_open("/dev/null", &lines, &err), -ENOENT);
}

static void look_everywhere(void)
{
    struct go_line found[GO_LINES_DEPTH];
    struct go_lines *lines;
    struct err err;
    if (go_lines_open(go_program_path, &lines, &err) < 0) {
        return;
    }
    for (uint64_t at = GO_PROGRAM_TEXT - 8; at < GO_PROGRAM_TEXT + 0x180; at += 8) {
        size_t count = go_lines_find(lines, at, found);
        assert_true(count <= GO_LINES_DEPTH);
        for (size_t i = 0; i < count; i++) {
            assert_true(strlen(found[i].function) < 8192);
        }
    }
    go_lines_close(lines);
}

/* Whatever a byte of the file becomes: no crash (sanitizers look on), no endless loop. */
static void go_lines_find_in_damaged_file_stays_within_it(void **state)
{
    (void)state;
    struct stat status;
    go_program_write(go_program_path, &(struct go_program_options){.version = "go1.20"}, 0);
    assert_int_equal(stat(go_program_path, &status), 0);

    for (off_t at = 64; at < status.st_size; at++) {
        static const unsigned char damages[] = {0x00, 0x7f, 0x80, 0xff};
        unsigned char byte;
        int fd = open(go_program_path, O_RDWR | O_CLOEXEC);
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        for (size_t i = 0; i < sizeof(damages); i++) {
            assert_int_equal(pwrite(fd, &damages[i], 1, at), 1);
            look_everywhere();
        }
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        close(fd);
    }
    for (size_t size_bytes = 1; size_bytes < (size_t)status.st_size; size_bytes += 7) {
        go_program_write(go_program_path, &(struct go_program_options){.version = "go1.20"},
                         size_bytes);
        look_everywhere();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(go_lines_find_in_layout_of_go_1_19),
        cmocka_unit_test(go_lines_find_in_layout_of_go_1_20),
        cmocka_unit_test(go_lines_find_outside_of_all_functions_is_nothing),
        cmocka_unit_test(go_lines_find_in_stripped_program_leaves_out_what_is_inlined),
        cmocka_unit_test(go_lines_open_other_files_are_refused),
        cmocka_unit_test(go_lines_find_in_damaged_file_stays_within_it),
    };
    return cmocka_run_group_tests(tests, go_program_make_path, go_program_remove_path);
}
