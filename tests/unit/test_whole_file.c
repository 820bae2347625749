#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../analyzer/base/whole_file.h"

struct folder {
    char path[64];
    char file[96];
};

static void make_folder(struct folder *folder)
{
    (void)snprintf(folder->path, sizeof(folder->path), "/tmp/allocaudit-whole-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    (void)snprintf(folder->file, sizeof(folder->file), "%s/out", folder->path);
}

/* The folder must hold nothing but the file. */
static void remove_folder(const struct folder *folder)
{
    (void)unlink(folder->file);
    assert_int_equal(rmdir(folder->path), 0);
}

static void assert_content(const char *path, const char *expected)
{
    char text[64] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fread(text, 1, sizeof(text) - 1, file), strlen(expected));
    assert_int_equal(fclose(file), 0);
    assert_string_equal(text, expected);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void whole_file_keep_replaces_and_keeps_permissions(void **state)
{
    (void)state;
    struct folder folder;
    struct whole_file file;
    struct stat status;
    make_folder(&folder);
    write_file(folder.file, "old");
    assert_int_equal(chmod(folder.file, 0604), 0);

    assert_int_equal(whole_file_open(folder.file, &file, NULL), 0);
    assert_true(fputs("new", file.stream) >= 0);
    assert_content(folder.file, "old");
    assert_int_equal(whole_file_keep(&file, NULL), 0);

    assert_content(folder.file, "new");
    assert_int_equal(stat(folder.file, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0604);
    remove_folder(&folder);
}

static void whole_file_new_one_has_the_usual_permissions(void **state)
{
    (void)state;
    struct folder folder;
    struct whole_file file;
    struct stat status;
    make_folder(&folder);
    const mode_t mask = umask(027);

    assert_int_equal(whole_file_open(folder.file, &file, NULL), 0);
    assert_int_equal(whole_file_keep(&file, NULL), 0);
    (void)umask(mask);

    assert_int_equal(stat(folder.file, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
    remove_folder(&folder);
}

static void whole_file_discard_leaves_what_was_there(void **state)
{
    (void)state;
    struct folder folder;
    struct whole_file file;
    make_folder(&folder);
    write_file(folder.file, "old");

    assert_int_equal(whole_file_open(folder.file, &file, NULL), 0);
    assert_true(fputs("new", file.stream) >= 0);
    whole_file_discard(&file);
    whole_file_discard(&file);

    assert_content(folder.file, "old");
    remove_folder(&folder);
}

static void whole_file_failures_are_told_and_leave_nothing(void **state)
{
    (void)state;
    struct folder folder;
    struct whole_file file;
    struct err err;
    make_folder(&folder);

    assert_int_equal(whole_file_open("/no_such_folder/out", &file, &err), -ENOENT);
    assert_string_equal(err.text, "cannot write '/no_such_folder/out': No such file or directory");
    assert_int_equal(whole_file_open(folder.path, &file, &err), -EISDIR);
    assert_int_equal(whole_file_open("/dev/full", &file, &err), 0);
    assert_true(fputs("more than fits", file.stream) >= 0);
    assert_int_equal(whole_file_keep(&file, &err), -ENOSPC);
    assert_string_equal(err.text, "cannot write '/dev/full': No space left on device");
    assert_int_equal(whole_file_open(folder.file, &file, &err), 0);
    assert_int_equal(mkdir(folder.file, 0700), 0);
    assert_int_equal(whole_file_keep(&file, &err), -EISDIR);

    assert_int_equal(rmdir(folder.file), 0);
    remove_folder(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_file_keep_replaces_and_keeps_permissions),
        cmocka_unit_test(whole_file_new_one_has_the_usual_permissions),
        cmocka_unit_test(whole_file_discard_leaves_what_was_there),
        cmocka_unit_test(whole_file_failures_are_told_and_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
