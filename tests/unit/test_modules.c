#include "../../analyzer/collect/recording/modules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const unsigned char build_id[] = {0x00, 0x1f, 0xa0, 0xff};

static uint32_t intern(struct modules *modules, const char *path, const unsigned char *id,
                       size_t id_bytes)
{
    uint32_t module = 0;
    assert_int_equal(modules_intern(modules, path, strlen(path), id, id_bytes, &module), 0);
    return module;
}

static void modules_intern_build_id_is_hex(void **state)
{
    (void)state;
    struct modules modules = {0};

    assert_int_equal(intern(&modules, "/lib/libc.so.6", build_id, 4), 1);
    assert_int_equal(intern(&modules, "[vdso]", NULL, 0), 2);

    assert_string_equal(modules.files[0].path, "/lib/libc.so.6");
    assert_string_equal(modules.files[0].build_id, "001fa0ff");
    assert_string_equal(modules.files[1].build_id, "");
    modules_fini(&modules);
}

static void modules_intern_same_file_is_one_module(void **state)
{
    (void)state;
    struct modules modules = {0};
    uint32_t first = intern(&modules, "/a", build_id, 4);

    assert_int_equal(intern(&modules, "/a", build_id, 4), first);
    assert_int_equal(intern(&modules, "/a", build_id, 3), first + 1); /* replaced on disk */
    assert_int_equal(intern(&modules, "/b", build_id, 4), first + 2);
    assert_int_equal(modules.count, 3);
    modules_fini(&modules);
}

static void modules_intern_path_ends_at_its_length(void **state)
{
    (void)state;
    struct modules modules = {0};
    uint32_t module;
    assert_int_equal(modules_intern(&modules, "/lib/x.soGARBAGE", 9, build_id, 1, &module), 0);

    assert_string_equal(modules.files[0].path, "/lib/x.so");

    modules_fini(&modules);
}

static void modules_intern_many_keep_their_numbers(void **state)
{
    (void)state;
    struct modules modules = {0};
    char path[32];
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < 500; i++) {
            snprintf(path, sizeof(path), "/lib/%u", i);
            assert_int_equal(intern(&modules, path, build_id, 4), i + 1);
        }
    }
    modules_fini(&modules);
}

static void modules_hold_keeps_the_file_that_was_met(void **state)
{
    (void)state;
    struct modules modules = {0};
    struct stat met;
    struct stat now;
    char path[] = "/tmp/allocaudit-test-XXXXXX";
    char other[] = "/tmp/allocaudit-test-XXXXXX";
    char name[MODULE_NAME_BYTES];
    int fd = mkstemp(path);
    int other_fd = mkstemp(other);
    assert_true(fd >= 0 && other_fd >= 0);
    assert_int_equal(fstat(fd, &met), 0);
    uint32_t module = intern(&modules, path, build_id, 4);
    assert_string_equal(modules_path(&modules.files[module - 1], name), path);
    modules_hold(&modules, module);
    modules_hold(&modules, module);
    assert_int_equal(modules.held_count, 1);
    assert_string_equal(modules_path(&modules.files[module - 1], name), path);

    assert_int_equal(rename(other, path), 0);
    assert_int_equal(stat(modules_path(&modules.files[module - 1], name), &now), 0);
    assert_int_equal(now.st_ino, met.st_ino);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(stat(modules_path(&modules.files[module - 1], name), &now), 0);
    assert_int_equal(now.st_ino, met.st_ino);
    close(fd);
    close(other_fd);
    modules_fini(&modules);
}

static void modules_hold_leaves_descriptors_for_others(void **state)
{
    (void)state;
    struct modules modules = {0};
    for (unsigned i = 0; i < MODULES_HELD_MOST + 5; i++) {
        const unsigned char id = (unsigned char)i;
        modules_hold(&modules, intern(&modules, "/bin/sh", &id, 1));
    }
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    rlim_t quarter = (limit.rlim_cur + 3) / 4;
    assert_int_equal(modules.held_count, quarter < MODULES_HELD_MOST ? quarter : MODULES_HELD_MOST);
    modules_hold(&modules, intern(&modules, "[vdso]", NULL, 0));
    modules_fini(&modules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modules_intern_build_id_is_hex),
        cmocka_unit_test(modules_intern_same_file_is_one_module),
        cmocka_unit_test(modules_intern_path_ends_at_its_length),
        cmocka_unit_test(modules_intern_many_keep_their_numbers),
        cmocka_unit_test(modules_hold_keeps_the_file_that_was_met),
        cmocka_unit_test(modules_hold_leaves_descriptors_for_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
