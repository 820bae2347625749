#include "../../analyzer/go/go_binary.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "go_program.h"

static struct err err;

static void go_binary_read_program_is_known(void **state)
{
    (void)state;
    struct go_binary binary;
    go_program_write(go_program_path, &(struct go_program_options){.version = "go1.19.8"}, 0);

    assert_int_equal(go_binary_read(go_program_path, &binary, &err), 0);

    assert_string_equal(binary.version, "go1.19.8");
    assert_int_equal(binary.minor, 19);
    assert_true(binary.is_static);
    assert_true(binary.has_symbols);
    assert_int_equal(binary.entry_address, GO_PROGRAM_TEXT);
    assert_int_equal(binary.buckets_address, GO_PROGRAM_BUCKETS);
    assert_int_equal(binary.rate_address, GO_PROGRAM_BUCKETS + 8);
    assert_int_equal(binary.unlinked_address, GO_PROGRAM_BUCKETS + 16);
    assert_int_equal(binary.ready_address, GO_PROGRAM_TEXT + 0x100);
}

static void go_binary_read_dynamic_stripped_program_is_told_apart(void **state)
{
    (void)state;
    struct go_binary binary;
    const struct go_program_options options = {
        .version = "devel +abc", .is_stripped = 1, .has_loader = 1};
    go_program_write(go_program_path, &options, 0);

    assert_int_equal(go_binary_read(go_program_path, &binary, &err), 0);

    assert_string_equal(binary.version, "devel +abc");
    assert_int_equal(binary.minor, GO_MINOR_UNKNOWN);
    assert_false(binary.is_static);
    assert_false(binary.has_symbols);
    assert_int_equal(binary.buckets_address, 0);
}

static void go_binary_read_other_files_are_none(void **state)
{
    (void)state;
    struct go_binary binary;
    go_program_write(go_program_path, &(struct go_program_options){.version = NULL}, 0);

    assert_int_equal(go_binary_read(go_program_path, &binary, &err), -ENOENT);
    assert_int_equal(go_binary_read("/bin/sh", &binary, &err), -ENOENT);
    assert_int_equal(go_binary_read("/dev/null", &binary, &err), -ENOENT);
    assert_int_equal(go_binary_read("/nowhere/at/all", &binary, &err), -EACCES);
}

static void go_version_minor_is_the_number_behind_go1(void **state)
{
    (void)state;

    assert_int_equal(go_version_minor("go1.19.8"), 19);
    assert_int_equal(go_version_minor("go1.20rc1"), 20);
    assert_int_equal(go_version_minor("go1.9"), 9);
    assert_int_equal(go_version_minor("go2.1"), GO_MINOR_UNKNOWN);
    assert_int_equal(go_version_minor("go1."), GO_MINOR_UNKNOWN);
    assert_int_equal(go_version_minor("go1.99999999999999999999"), GO_MINOR_UNKNOWN);
    assert_int_equal(go_version_minor(""), GO_MINOR_UNKNOWN);
}

/* Whatever a byte of the file becomes: no crash (sanitizers look on), and texts that end. */
static void go_binary_read_damaged_file_stays_within_it(void **state)
{
    (void)state;
    struct stat status;
    go_program_write(go_program_path, &(struct go_program_options){.version = "go1.19"}, 0);
    assert_int_equal(stat(go_program_path, &status), 0);

    for (off_t at = 4; at < status.st_size; at++) {
        static const unsigned char damages[] = {0x00, 0x7f, 0x80, 0xff};
        unsigned char byte;
        int fd = open(go_program_path, O_RDWR | O_CLOEXEC);
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        for (size_t i = 0; i < sizeof(damages); i++) {
            struct go_binary binary = {.version = ""};
            assert_int_equal(pwrite(fd, &damages[i], 1, at), 1);
            int r = go_binary_read(go_program_path, &binary, &err);
            assert_true(r == 0 || r == -ENOENT);
            assert_true(strlen(binary.version) < GO_VERSION_BYTES);
        }
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        close(fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(go_binary_read_program_is_known),
        cmocka_unit_test(go_binary_read_dynamic_stripped_program_is_told_apart),
        cmocka_unit_test(go_binary_read_other_files_are_none),
        cmocka_unit_test(go_version_minor_is_the_number_behind_go1),
        cmocka_unit_test(go_binary_read_damaged_file_stays_within_it),
    };
    return cmocka_run_group_tests(tests, go_program_make_path, go_program_remove_path);
}
