/*
 * test_live_kept.c - live sets in a file: what a kill leaves can be read back.
 */
#include "../../analyzer/collect/recording/live.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    FILE_ID = 12,
};

static char directory[64];
static char file[96];

static int make_directory(void **state)
{
    (void)state;
    (void)snprintf(directory, sizeof(directory), "/dev/shm/allocaudit-live-XXXXXX");
    if (mkdtemp(directory) == NULL) {
        return -1;
    }
    (void)snprintf(file, sizeof(file), "%s/live-%d", directory, FILE_ID);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    char unfinished[128];
    (void)snprintf(unfinished, sizeof(unfinished), "%s.new", file);
    (void)unlink(unfinished);
    (void)unlink(file);
    return rmdir(directory);
}

static struct live kept_set(void)
{
    return (struct live){.directory = directory, .file_id = FILE_ID};
}

/* All fields follow from the address, so that a torn block shows. */
static struct block block_at(uint64_t address)
{
    return (struct block){
        .address = address,
        .born_ns = address * 3,
        .size_bytes = address * 5,
        .slack_bytes = address * 7,
        .realloc_of_id = address * 9,
        .site = (uint32_t)address,
        .thread = (uint32_t)address * 11,
        .sequence = (uint32_t)address * 13,
        .alignment = (uint32_t)address * 15,
        .chain_length = (uint16_t)address,
        .kind = (uint8_t)(address >> 4),
    };
}

static void add(struct live *live, uint64_t address)
{
    struct block block = block_at(address);
    assert_int_equal(live_insert(live, &block), 0);
}

static void check_block(const struct block *block)
{
    struct block expected = block_at(block->address);
    expected.next = block->next;
    assert_memory_equal(block, &expected, sizeof(expected));
}

static void live_load_gives_the_blocks_of_a_set_that_grew(void **state)
{
    (void)state;
    enum {
        COUNT = 5000
    };
    struct live live = kept_set();
    struct live loaded = {0};
    for (uint64_t i = 1; i <= COUNT; i++) {
        add(&live, i * 16);
    }
    for (uint64_t i = 1; i <= COUNT; i += 3) {
        live_remove(&live, live_find(&live, i * 16));
    }

    assert_int_equal(live_load(&loaded, directory, FILE_ID), 0);

    assert_int_equal(loaded.block_count, live.block_count);
    for (uint64_t i = 1; i <= COUNT; i++) {
        const struct block *block = live_find(&loaded, i * 16);
        assert_int_equal(block != NULL, i % 3 != 1);
        if (block != NULL) {
            check_block(block);
        }
    }
    live_fini(&live);
    live_fini(&loaded);
}

static void live_fini_of_a_kept_set_removes_its_file(void **state)
{
    (void)state;
    struct live live = kept_set();
    struct live loaded = {0};
    add(&live, 16);
    assert_int_equal(access(file, F_OK), 0);

    live_fini(&live);

    assert_int_equal(access(file, F_OK), -1);
    assert_int_equal(live_load(&loaded, directory, FILE_ID), 0);
    assert_int_equal(loaded.block_count, 0);
}

static void live_detach_leaves_the_file_as_it_is(void **state)
{
    (void)state;
    struct live live = kept_set();
    struct live loaded = {0};
    add(&live, 16);
    add(&live, 32);

    assert_int_equal(live_detach(&live), 0);
    live_remove(&live, live_find(&live, 16));
    check_block(live_find(&live, 32));
    add(&live, 48);
    live_fini(&live);

    assert_int_equal(live_load(&loaded, directory, FILE_ID), 0);
    assert_int_equal(loaded.block_count, 2);
    check_block(live_find(&loaded, 16));
    check_block(live_find(&loaded, 32));
    live_fini(&loaded);
    unlink(file);
}

static void live_load_of_a_file_of_a_wrong_size_is_refused(void **state)
{
    (void)state;
    static const off_t sizes[] = {1, 64, 4096, 16384 + 8};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct live loaded = {0};
        int fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(ftruncate(fd, sizes[i]), 0);
        assert_int_equal(close(fd), 0);

        assert_int_equal(live_load(&loaded, directory, FILE_ID), -EINVAL);

        live_fini(&loaded);
    }
}

/* A kill between the fields of a block and its address leaves no block. */
static void live_load_ignores_a_slot_that_was_only_reserved(void **state)
{
    (void)state;
    struct live live = kept_set();
    struct live loaded = {0};
    add(&live, 16);
    add(&live, 32);
    live_remove(&live, live_find(&live, 16));
    struct block *slot = live_reserve(&live);
    slot->born_ns = 1;
    slot->size_bytes = 2;

    assert_int_equal(live_load(&loaded, directory, FILE_ID), 0);

    assert_int_equal(loaded.block_count, 1);
    check_block(live_find(&loaded, 32));
    live_fini(&loaded);
    live_fini(&live);
}

static void live_insert_without_room_for_a_file_goes_on_in_memory(void **state)
{
    (void)state;
    enum {
        COUNT = 20000
    };
    if (mount("none", directory, "tmpfs", 0, "size=200k") != 0) {
        skip(); /* only root may */
    }
    struct live live = kept_set();
    struct live loaded = {0};
    for (uint64_t i = 1; i <= COUNT; i++) {
        add(&live, i * 16);
    }

    assert_true(live.is_too_large);
    assert_int_equal(live.block_count, COUNT);
    for (uint64_t i = 1; i <= COUNT; i++) {
        check_block(live_find(&live, i * 16));
    }
    assert_int_equal(live_load(&loaded, directory, FILE_ID), -EINVAL); /* known to be missing */
    assert_int_equal(loaded.block_count, 0);
    live_fini(&live);
    assert_int_equal(live_load(&loaded, directory, FILE_ID), 0);
    assert_int_equal(umount(directory), 0);
}

/* Adds and removes for ever; *lowest and *highest bound the addresses that must be there. */
static void churn(_Atomic uint64_t *lowest, _Atomic uint64_t *highest)
{
    struct live live = kept_set();
    for (uint64_t i = 1;; i++) {
        struct block block = block_at(i * 16);
        if (live_insert(&live, &block) < 0) {
            _exit(1);
        }
        atomic_store(highest, i);
        if (i > 3000) {
            atomic_store(lowest, i - 3000 + 1);
            live_remove(&live, live_find(&live, (i - 3000) * 16));
        }
    }
}

static void live_load_after_a_kill_gives_all_blocks_once(void **state)
{
    (void)state;
    _Atomic uint64_t *bounds =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(bounds != MAP_FAILED);
    for (int round = 0; round < 40; round++) {
        atomic_store(&bounds[0], 1);
        atomic_store(&bounds[1], 0);
        pid_t pid = fork();
        if (pid == 0) {
            churn(&bounds[0], &bounds[1]);
        }
        while (atomic_load(&bounds[1]) < 4000) {
            const struct timespec pause = {.tv_nsec = 1000 + round * 7000};
            nanosleep(&pause, NULL);
        }
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        struct live loaded = {0};

        assert_int_equal(live_load(&loaded, directory, FILE_ID), 0);

        uint64_t lowest = atomic_load(&bounds[0]);
        uint64_t highest = atomic_load(&bounds[1]);
        for (uint64_t i = lowest; i <= highest; i++) {
            const struct block *block = live_find(&loaded, i * 16);
            assert_non_null(block);
            check_block(block);
        }
        /* One more at most at either end: being removed, or added and not told yet. */
        assert_in_range(loaded.block_count, highest - lowest + 1, highest - lowest + 3);
        size_t cursor = 0;
        for (const struct block *b; (b = live_next(&loaded, &cursor)) != NULL;) {
            assert_in_range(b->address / 16, lowest - 1, highest + 1);
        }
        live_fini(&loaded);
        (void)unlink(file);
    }
    assert_int_equal(munmap(bounds, 4096), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(live_load_gives_the_blocks_of_a_set_that_grew),
        TEST(live_fini_of_a_kept_set_removes_its_file),
        TEST(live_detach_leaves_the_file_as_it_is),
        TEST(live_load_of_a_file_of_a_wrong_size_is_refused),
        TEST(live_load_ignores_a_slot_that_was_only_reserved),
        TEST(live_insert_without_room_for_a_file_goes_on_in_memory),
        TEST(live_load_after_a_kill_gives_all_blocks_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
