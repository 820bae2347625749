/*
 * The table of a plan for this very program, and what it says of stacks made of functions of the C
 * library. (Our own module is never looked at: in a program it is the recorder.)
 */
#include "../../interposer/plan_site.h"

#include "../../analyzer/plan/plan_resolver.h"
#include "plan_file.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

static struct plan_map map;
static struct plan_site *site;
static char table_path[64];

/* Reads, resolves, writes and maps. */
static int open_plan(const char *text, struct err *err)
{
    struct plan plan;
    struct plan_image image;
    assert_int_equal(plan_file_read(text, &plan, err), 0);
    int result = plan_resolve(&plan, "/proc/self/exe", &image, err);
    if (result == 0) {
        plan_file_write(table_path, "");
        unlink(table_path);
        assert_int_equal(plan_image_write(&image, table_path, err), 0);
        assert_int_equal(plan_image_write(&image, table_path, err), -EEXIST);
        assert_true(plan_map_open(&map, table_path));
        unlink(table_path);
        site = plan_site_make();
        assert_non_null(site);
    }
    plan_image_fini(&image);
    plan_fini(&plan);
    return result;
}

/* A return address in a function, the C library's own where a sanitizer has one of that name, too.
 */
static uintptr_t within(const char *function)
{
    void *library = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
    assert_non_null(library);
    void *address = dlsym(library, function);
    address = address != NULL ? address : dlsym(RTLD_DEFAULT, function);
    dlclose(library);
    assert_non_null(address);
    return (uintptr_t)address + 2;
}

static uint32_t rules_of(const char *a, const char *b, const char *c)
{
    uintptr_t frames[3];
    size_t count = 0;
    const char *names[] = {a, b, c};
    for (size_t i = 0; i < 3 && names[i] != NULL; i++) {
        frames[count++] = within(names[i]);
    }
    return plan_site_of_frames(&map, site, frames, count) & ((1u << map.rule_count) - 1);
}

static void plan_site_of_frames_needs_all_functions_in_order(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(
        open_plan(
            "{\"rules\": ["
            "{\"name\": \"path\", \"policy\": \"pool\", \"match\": "
            "{\"functions\": [\"strtol\", \"qsort\"]}},"
            "{\"name\": \"twice\", \"policy\": \"pool\", \"match\": "
            "{\"functions\": [\"qsort\", \"qsort\"]}},"
            "{\"name\": \"glob\", \"policy\": \"pool\", \"match\": "
            "{\"functions\": [\"bsear*\"], \"module\": \"libc.so*\"}},"
            "{\"name\": \"module\", \"policy\": \"pool\", \"match\": {\"module\": \"libm.*\"}},"
            "{\"name\": \"rest\", \"policy\": \"slab\"}]}",
            &err),
        0);

    assert_int_equal(rules_of(NULL, NULL, NULL), 16);
    assert_int_equal(rules_of("strtol", "qsort", NULL), 16 | 1);
    assert_int_equal(rules_of("strtol", "getenv", "qsort"), 16 | 1);
    assert_int_equal(rules_of("qsort", "strtol", NULL), 16);
    assert_int_equal(rules_of("qsort", "strtol", "qsort"), 16 | 1 | 2);
    assert_int_equal(rules_of("qsort", NULL, NULL), 16);
    assert_int_equal(rules_of("bsearch", NULL, NULL), 16 | 4);
    assert_int_equal(rules_of("getenv", "nan", NULL), 16 | 8);
    /* the same again, from memory */
    assert_int_equal(rules_of("strtol", "qsort", NULL), 16 | 1);
    assert_int_equal(rules_of("getenv", "nan", NULL), 16 | 8);
}

static void plan_map_of_size_has_both_limits(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(open_plan("{\"rules\": ["
                               "{\"name\": \"a\", \"policy\": \"pool\", \"match\": "
                               "{\"size_min_bytes\": 16, \"size_max_bytes\": 64}},"
                               "{\"name\": \"b\", \"policy\": \"pool\", \"match\": "
                               "{\"size_min_bytes\": 100}}]}",
                               &err),
                     0);

    assert_int_equal(plan_map_of_size(&map, 0), 0);
    assert_int_equal(plan_map_of_size(&map, 15), 0);
    assert_int_equal(plan_map_of_size(&map, 16), 1);
    assert_int_equal(plan_map_of_size(&map, 64), 1);
    assert_int_equal(plan_map_of_size(&map, 65), 0);
    assert_int_equal(plan_map_of_size(&map, 100), 2);
    assert_int_equal(plan_map_of_size(&map, SIZE_MAX), 2);
}

static void plan_site_of_thread_follows_its_name(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(open_plan("{\"rules\": ["
                               "{\"name\": \"a\", \"policy\": \"pool\", \"match\": "
                               "{\"thread\": \"work*\"}},"
                               "{\"name\": \"b\", \"policy\": \"pool\"}]}",
                               &err),
                     0);
    pthread_setname_np(pthread_self(), "other");
    assert_int_equal(plan_site_of_thread(&map, site) & 3, 2);

    pthread_setname_np(pthread_self(), "work-1");
    assert_int_equal(plan_site_of_thread(&map, site) & 3, 2); /* nobody said so */
    atomic_fetch_add(&plan_name_generation, 1);
    assert_int_equal(plan_site_of_thread(&map, site) & 3, 3);
}

static void plan_site_of_stack_is_asked_once(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(open_plan("{\"rules\": [{\"name\": \"m\", \"policy\": \"pool\", \"match\": "
                               "{\"module\": \"libc.so*\"}}]}",
                               &err),
                     0);

    /* main was called by the C library, if there is frame enough to walk */
    uint32_t first = plan_site_of_stack(&map, site, __builtin_frame_address(0)) & 1;
    uint32_t again = plan_site_of_stack(&map, site, __builtin_frame_address(0)) & 1;
    assert_int_equal(first, 1);
    assert_int_equal(again, 1);

    site->is_busy = true;
    assert_int_equal(plan_site_of_stack(&map, site, __builtin_frame_address(0)), 0);
    assert_int_equal(site->busy_count, 1);
    plan_site_restart(site);
    assert_int_equal(plan_site_of_stack(&map, site, __builtin_frame_address(0)) & 1, 1);
}

static void plan_resolve_unknown_functions_are_told(void **state)
{
    (void)state;
    struct err err;

    assert_int_equal(open_plan("{\"rules\": [{\"name\": \"x\", \"policy\": \"pool\", \"match\": "
                               "{\"functions\": [\"plan_resolv\"]}}]}",
                               &err),
                     -EINVAL);
    assert_non_null(strstr(err.text, "did you mean 'plan_resolve'?"));
    assert_int_equal(
        open_plan("{\"modules\": [\"/nonexistent/*.so\"], \"rules\": [{\"name\": \"x\", "
                  "\"policy\": \"pool\", \"match\": {\"functions\": [\"main\"]}}]}",
                  &err),
        -EINVAL);
    assert_non_null(strstr(err.text, "there is no file '/nonexistent/*.so'"));
}

/* A table is data from outside: whatever it holds, it is refused or can be used. */
static void plan_map_open_damaged_tables_do_no_harm(void **state)
{
    (void)state;
    struct plan plan;
    struct plan_image image;
    struct err err;
    uint64_t random = 5;
    unsigned refused_count = 0;
    assert_int_equal(
        plan_file_read("{\"rules\": [{\"name\": \"x\", \"policy\": \"pool\", \"match\": "
                       "{\"functions\": [\"qsort\", \"strto*\"], \"thread\": \"a\"}}]}",
                       &plan, &err),
        0);
    assert_int_equal(plan_resolve(&plan, "/proc/self/exe", &image, &err), 0);
    for (unsigned i = 0; i < 4000; i++) {
        struct plan_image damaged = {malloc(image.size_bytes), image.size_bytes};
        memcpy(damaged.bytes, image.bytes, image.size_bytes);
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        size_t at = i < sizeof(struct plan_table) ? i : (size_t)(random >> 20) % image.size_bytes;
        ((unsigned char *)damaged.bytes)[at] ^= (unsigned char)(random >> 56 | 1);
        damaged.size_bytes -= i % 7 == 6 ? random >> 50 & 63 : 0;
        plan_file_write(table_path, "");
        unlink(table_path);
        assert_int_equal(plan_image_write(&damaged, table_path, &err), 0);
        struct plan_map opened;

        if (plan_map_open(&opened, table_path)) {
            uintptr_t frames[] = {within("qsort"), within("strtol"), 1, UINTPTR_MAX};
            memset(site, 0, offsetof(struct plan_site, walk));
            (void)plan_site_of_frames(&opened, site, frames, 4);
            (void)plan_site_of_thread(&opened, site);
            (void)plan_map_of_size(&opened, 64);
        } else {
            refused_count++;
        }
        unlink(table_path);
        free(damaged.bytes);
    }
    assert_true(refused_count > 400);
    plan_image_fini(&image);
    plan_fini(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plan_site_of_frames_needs_all_functions_in_order),
        cmocka_unit_test(plan_map_of_size_has_both_limits),
        cmocka_unit_test(plan_site_of_thread_follows_its_name),
        cmocka_unit_test(plan_site_of_stack_is_asked_once),
        cmocka_unit_test(plan_resolve_unknown_functions_are_told),
        cmocka_unit_test(plan_map_open_damaged_tables_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
