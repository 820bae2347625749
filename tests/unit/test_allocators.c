#include "../../analyzer/catalog/allocators.h"

#include <dlfcn.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../analyzer/catalog/elf_malloc.h"
#include "../../analyzer/catalog/library_folders.h"

static char directory[] = "/tmp/test_allocators_XXXXXX";
static struct err err;
static struct allocator allocator;

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static void make_file(const char *name, const char *content)
{
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* The file that holds the code at an address. */
static const char *file_of(void *address)
{
    Dl_info info = {0};
    assert_true(dladdr(address, &info) != 0);
    return info.dli_fname;
}

static const char *libc_path(void)
{
    return file_of((void *)(uintptr_t)gnu_get_libc_version);
}

static int find(const char *name)
{
    memset(&err, 0, sizeof(err));
    return allocators_find(name, &allocator, &err);
}

static void allocators_find_glibc_is_no_library(void **state)
{
    (void)state;

    assert_int_equal(find("glibc"), 0);

    assert_int_equal(allocator.kind, ALLOCATOR_GLIBC);
    assert_string_equal(allocator.path, "");
    assert_string_equal(allocator.policy, "");
}

static void allocators_find_path_is_taken_from_the_root(void **state)
{
    (void)state;
    char folder[PATH_MAX];
    char expected[PATH_MAX + 16];
    assert_non_null(getcwd(folder, sizeof(folder)));
    assert_int_equal(chdir(directory), 0);
    assert_int_equal(symlink(libc_path(), "mine.so"), 0);

    assert_int_equal(find("./mine.so"), 0);

    snprintf(expected, sizeof(expected), "%s/./mine.so", directory);
    assert_string_equal(allocator.path, expected);
    assert_int_equal(allocator.kind, ALLOCATOR_FILE);
    assert_int_equal(find(path_of("mine.so")), 0);
    assert_string_equal(allocator.path, path_of("mine.so"));
    assert_int_equal(unlink("mine.so"), 0);
    assert_int_equal(chdir(folder), 0);
}

static void allocators_find_path_that_cannot_be_preloaded_is_refused(void **state)
{
    (void)state;
    make_file("text.so", "no library at all");

    assert_int_equal(find("./no/such.so"), -ENOENT);
    assert_non_null(strstr(err.text, "/./no/such.so': No such file or directory"));
    assert_int_equal(find(path_of("text.so")), -ENOEXEC);
    assert_non_null(strstr(err.text, "no shared library for this processor"));
    assert_int_equal(find("/tmp"), -ENOEXEC);
    assert_int_equal(find("/a b/c.so"), -EINVAL);
    assert_non_null(strstr(err.text, "blank or a colon"));
    assert_int_equal(unlink(path_of("text.so")), 0);
}

static void allocators_find_unknown_name_gives_the_nearest(void **state)
{
    (void)state;

    assert_int_equal(find("jemaloc"), -EINVAL);
    assert_string_equal(err.text, "unknown allocator 'jemaloc': did you mean 'jemalloc'?");
    assert_int_equal(find("glib"), -EINVAL);
    assert_non_null(strstr(err.text, "did you mean 'glibc'?"));
    assert_int_equal(find("mimaloc"), -EINVAL);
    assert_non_null(strstr(err.text, "did you mean 'mimalloc'?"));
    assert_int_equal(find("budy"), -EINVAL);
    assert_non_null(strstr(err.text, "did you mean 'buddy'?"));
    assert_int_equal(find("tcmaloc:chunk_bytes=4096"), -EINVAL);
    assert_int_equal(find("JEMALLOC"), -EINVAL);
}

static void allocators_find_name_like_no_other_lists_all(void **state)
{
    (void)state;
    static const char *const names[] = {"xyzzy", "hoard", ""};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(find(names[i]), -EINVAL);

        assert_non_null(strstr(err.text, "use glibc, jemalloc, tcmalloc, mimalloc, pool, frame, "
                                         "buddy, slab, or the path of a library"));
    }
}

/* Our own library is beside the program or installed, or it is said where it was looked for. */
static void allocators_find_policy_is_in_our_own_library(void **state)
{
    (void)state;
    static const char *const names[] = {"pool", "frame", "buddy:is_weighted=1,lazy_count=8",
                                        "slab"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        int r = find(names[i]);

        assert_true(r == 0 || r == -ENOENT);
        assert_non_null(strstr(r == 0 ? allocator.path : err.text, "liballocaudit.so"));
        assert_int_equal(allocator.kind, ALLOCATOR_POLICY);
        assert_string_equal(allocator.policy, names[i]);
    }
}

static void allocators_find_mistake_in_a_policy_is_told(void **state)
{
    (void)state;
    char text[2 * ALLOCATOR_POLICY_BYTES] = "pool";
    for (size_t used = strlen(text); used < sizeof(text) - 32; used = strlen(text)) {
        strcat(text, used > 4 ? ",spare_chunks=1" : ":spare_chunks=1");
    }

    assert_int_equal(find("pool:chunk_byte=4096"), -EINVAL);
    assert_non_null(strstr(err.text, "did you mean 'chunk_bytes'?"));
    assert_int_equal(find("pool:chunk_bytes=17"), -EINVAL);
    assert_int_equal(find("slab:"), -EINVAL);
    assert_int_equal(find(text), -EINVAL);
}

static void allocators_name_length_keeps_a_policy_whole(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        const char *first;
    } cases[] = {
        {"", ""},
        {"glibc", "glibc"},
        {"glibc,jemalloc", "glibc"},
        {",glibc", ""},
        {"pool,a=1", "pool"},
        {"pool:a=1,b=2,glibc", "pool:a=1,b=2"},
        {"pool:a=1,b=2@small,slab:c=3", "pool:a=1,b=2@small"},
        {"pool:a=1,slab:b=2,c=3", "pool:a=1"},
        {"pool:a=1,./lib=mine.so", "pool:a=1"},
        {"pool:a=1,", "pool:a=1"},
        {"glibc:a=1,b=2", "glibc:a=1"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(allocators_name_length(cases[i].list), strlen(cases[i].first));
    }
}

/* Either it is installed, or the package that brings it is named. */
static void allocators_find_known_name_is_found_or_its_package_named(void **state)
{
    (void)state;
    static const char *const names[] = {"jemalloc", "tcmalloc", "mimalloc"};
    static const enum allocator_kind kinds[] = {ALLOCATOR_JEMALLOC, ALLOCATOR_TCMALLOC,
                                                ALLOCATOR_MIMALLOC};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        int r = find(names[i]);

        assert_true(r == 0 || r == -ENOPKG);
        assert_non_null(strstr(r == 0 ? allocator.path : err.text, names[i]));
        assert_true(r == 0 ? access(allocator.path, R_OK) == 0
                           : strstr(err.text, "install the package lib") != NULL);
        assert_int_equal(allocator.kind, kinds[i]);
    }
}

static void elf_malloc_check_library_wants_malloc(void **state)
{
    (void)state;
    const char *other = file_of((void *)(uintptr_t)_cmocka_run_group_tests);

    assert_int_equal(elf_malloc_check_library(libc_path(), &err), 0);
    assert_int_equal(elf_malloc_check_library(other, &err), -ENOEXEC);

    assert_non_null(strstr(err.text, "defines no malloc"));
    assert_non_null(strstr(err.text, other));
}

static void elf_malloc_look_plain_program_brings_nothing(void **state)
{
    (void)state;
    struct elf_malloc own = {.is_own = true, .function = "x", .library = "y"};

    elf_malloc_look("/bin/sh", &own);

    assert_false(own.is_own);
    assert_string_equal(own.function, "");
    assert_string_equal(own.library, "");
    assert_string_equal(own.linked, "");
    assert_string_equal(own.called, "");
    own.is_own = true;
    elf_malloc_look("/no/such/file", &own);
    assert_false(own.is_own);
}

static void elf_malloc_look_program_with_malloc_brings_its_own(void **state)
{
    (void)state;
    struct elf_malloc own;

    elf_malloc_look(libc_path(), &own); /* may be executed, too */

    assert_true(own.is_own);
}

static void check_folder(const struct library_folders *folders, size_t at, const char *expected)
{
    assert_true(at < folders->count);
    assert_string_equal(folders->items[at], expected);
}

static void library_folders_read_follows_the_loader(void **state)
{
    (void)state;
    struct library_folders folders = {0};
    make_file("main.conf", "# a comment\n"
                           "include more*.conf\n"
                           "  /opt/second  # behind a folder\r\n"
                           "relative/is/ignored\n"
                           "include /no/such/*.conf\n"
                           "/opt/third");
    make_file("more1.conf", "/opt/first\n\n");
    make_file("more2.conf", "include main.conf\n"); /* in a circle */
    assert_int_equal(setenv("LD_LIBRARY_PATH", "/own/a::/own/b", 1), 0);

    assert_int_equal(library_folders_read(&folders, path_of("main.conf")), 0);

    assert_int_equal(unsetenv("LD_LIBRARY_PATH"), 0);
    check_folder(&folders, 0, "/own/a");
    check_folder(&folders, 1, "/own/b");
    check_folder(&folders, 2, "/opt/first");
    bool has_built_in = false;
    for (size_t i = 0; i < folders.count; i++) {
        assert_null(strstr(folders.items[i], "relative"));
        assert_null(strchr(folders.items[i], '#'));
        assert_true(strncmp(folders.items[i], "/lib", 4) != 0 || access("/usr/lib", F_OK) != 0 ||
                    readlink("/lib", (char[8]){0}, 8) < 0);
        has_built_in |= strcmp(folders.items[i], "/usr/lib") == 0;
    }
    assert_true(has_built_in);
    assert_string_equal(folders.items[folders.count - 1], "/usr/local/lib");
    library_folders_fini(&folders);
    assert_int_equal(unlink(path_of("main.conf")), 0);
    assert_int_equal(unlink(path_of("more1.conf")), 0);
    assert_int_equal(unlink(path_of("more2.conf")), 0);
}

static bool is_readable(const char *path)
{
    return access(path, R_OK) == 0;
}

static void library_folders_find_takes_the_first_that_is_wanted(void **state)
{
    (void)state;
    char found[PATH_MAX];
    char missing[] = "/no/such";
    char other[] = "/tmp";
    char *items[] = {missing, directory, other};
    struct library_folders folders = {.items = items, .count = 3};
    make_file("wanted.so", "");

    assert_true(library_folders_find(&folders, "wanted.so", is_readable, found, sizeof(found)));
    assert_string_equal(found, path_of("wanted.so"));
    assert_false(library_folders_find(&folders, "missing.so", is_readable, found, sizeof(found)));
    assert_false(library_folders_find(&folders, "wanted.so", is_readable, found, 12));

    assert_int_equal(unlink(path_of("wanted.so")), 0);
}

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) != NULL ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocators_find_glibc_is_no_library),
        cmocka_unit_test(allocators_find_path_is_taken_from_the_root),
        cmocka_unit_test(allocators_find_path_that_cannot_be_preloaded_is_refused),
        cmocka_unit_test(allocators_find_unknown_name_gives_the_nearest),
        cmocka_unit_test(allocators_find_name_like_no_other_lists_all),
        cmocka_unit_test(allocators_find_known_name_is_found_or_its_package_named),
        cmocka_unit_test(allocators_find_policy_is_in_our_own_library),
        cmocka_unit_test(allocators_find_mistake_in_a_policy_is_told),
        cmocka_unit_test(allocators_name_length_keeps_a_policy_whole),
        cmocka_unit_test(elf_malloc_check_library_wants_malloc),
        cmocka_unit_test(elf_malloc_look_plain_program_brings_nothing),
        cmocka_unit_test(elf_malloc_look_program_with_malloc_brings_its_own),
        cmocka_unit_test(library_folders_read_follows_the_loader),
        cmocka_unit_test(library_folders_find_takes_the_first_that_is_wanted),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
