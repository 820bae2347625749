#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../analyzer/collect/recording/resident.h"

#define RING_BYTES  (UINT64_C(8) << 20)
#define SLACK_BYTES (INT64_C(256) << 10) /* what the test itself may come to touch meanwhile */

struct mapped {
    int fd;
    volatile char *bytes;
};

static void map_file(struct mapped *mapped)
{
    mapped->fd = memfd_create("ring", MFD_CLOEXEC);
    assert_true(mapped->fd >= 0);
    assert_int_equal(ftruncate(mapped->fd, (off_t)RING_BYTES), 0);
    mapped->bytes = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, mapped->fd, 0);
    assert_ptr_not_equal(mapped->bytes, MAP_FAILED);
}

static void unmap_file(struct mapped *mapped)
{
    assert_int_equal(munmap((void *)mapped->bytes, RING_BYTES), 0);
    assert_int_equal(close(mapped->fd), 0);
}

static void touch(const struct mapped *mapped)
{
    for (uint64_t at = 0; at < RING_BYTES; at += 4096) {
        mapped->bytes[at] = 1;
    }
}

static int64_t growth(struct resident *resident, uint64_t ring_bytes, const struct mapped *touched)
{
    uint64_t before_bytes = resident_read(resident, ring_bytes);
    assert_true(before_bytes > 0);
    touch(touched);
    for (unsigned i = 0; i < 16; i++) { /* the ring was empty, which did not change */
        (void)resident_read(resident, ring_bytes);
    }
    return (int64_t)(resident_read(resident, ring_bytes) - before_bytes);
}

static void resident_read_ring_is_left_out(void **state)
{
    (void)state;
    struct mapped ring;
    struct resident resident;
    map_file(&ring);
    resident_open(&resident, (uint32_t)getpid(), ring.fd);
    assert_true(resident.page_map_fd >= 0);

    int64_t grown_bytes = growth(&resident, RING_BYTES, &ring);

    assert_in_range(grown_bytes + SLACK_BYTES, 0, 2 * SLACK_BYTES);
    resident_close(&resident);
    unmap_file(&ring);
}

static void resident_read_what_the_program_shares_counts(void **state)
{
    (void)state;
    struct mapped ring;
    struct mapped other;
    struct resident resident;
    map_file(&ring);
    map_file(&other);
    resident_open(&resident, (uint32_t)getpid(), ring.fd);

    int64_t grown_bytes = growth(&resident, RING_BYTES, &other);

    assert_in_range(grown_bytes, RING_BYTES, RING_BYTES + SLACK_BYTES);
    resident_close(&resident);
    unmap_file(&ring);
    unmap_file(&other);
}

static void resident_read_only_the_ring_as_long_as_it_is_now(void **state)
{
    (void)state;
    struct mapped ring;
    struct resident resident;
    map_file(&ring);
    resident_open(&resident, (uint32_t)getpid(), ring.fd);

    int64_t grown_bytes = growth(&resident, RING_BYTES / 4, &ring);

    assert_in_range(grown_bytes, RING_BYTES / 4 * 3, RING_BYTES / 4 * 3 + SLACK_BYTES);
    resident_close(&resident);
    unmap_file(&ring);
}

static void resident_open_file_that_is_not_mapped_leaves_nothing_out(void **state)
{
    (void)state;
    struct mapped ring;
    struct resident resident;
    map_file(&ring);
    resident_open(&resident, (uint32_t)getpid(), -1);
    assert_int_equal(resident.page_map_fd, -1);

    int64_t grown_bytes = growth(&resident, RING_BYTES, &ring);

    assert_in_range(grown_bytes, RING_BYTES, RING_BYTES + SLACK_BYTES);
    resident_close(&resident);
    unmap_file(&ring);
}

static void resident_open_process_that_is_gone_reads_nothing(void **state)
{
    (void)state;
    struct resident resident;

    resident_open(&resident, UINT32_MAX / 2, -1);

    assert_int_equal(resident.statm_fd, -1);
    resident_close(&resident);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resident_read_ring_is_left_out),
        cmocka_unit_test(resident_read_what_the_program_shares_counts),
        cmocka_unit_test(resident_read_only_the_ring_as_long_as_it_is_now),
        cmocka_unit_test(resident_open_file_that_is_not_mapped_leaves_nothing_out),
        cmocka_unit_test(resident_open_process_that_is_gone_reads_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
