/*
 * target_memory.h: which pages of a process are read, here of this one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../analyzer/collect/target/target_memory.h"

enum {
    PAGE = 4096,
    BUFFER_BYTES = 1 << 20,
};

#define RESERVED_BYTES (UINT64_C(1) << 33)

static char *reserve(uint64_t bytes)
{
    void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_ptr_not_equal(start, MAP_FAILED);
    return start;
}

static size_t resident_pages(char *start, uint64_t bytes)
{
    size_t count = 0;
    unsigned char *pages = malloc(bytes / PAGE);
    assert_non_null(pages);
    assert_int_equal(mincore(start, bytes, pages), 0);
    for (uint64_t i = 0; i < bytes / PAGE; i++) {
        count += pages[i] & 1;
    }
    free(pages);
    return count;
}

/* From the middle of a page that is there on, as where a block ends. */
static void target_memory_leaves_untouched_pages_so(void **state)
{
    (void)state;
    struct target_memory memory;
    char *start = reserve(RESERVED_BYTES);
    char *buffer = malloc(BUFFER_BYTES);
    uint64_t end = (uintptr_t)start + RESERVED_BYTES;
    uint64_t at = (uintptr_t)start + 1000;
    start[0] = 1;
    start[RESERVED_BYTES / 2] = 2;
    target_memory_open(&memory, (uint32_t)getpid());
    assert_int_equal(target_memory_stream(&memory, &at, end, buffer, BUFFER_BYTES), PAGE - 1000);
    assert_int_equal(at, (uintptr_t)start + PAGE);
    assert_int_equal(target_memory_stream(&memory, &at, end, buffer, BUFFER_BYTES), PAGE);
    assert_int_equal(at, (uintptr_t)start + RESERVED_BYTES / 2 + PAGE);
    assert_int_equal(buffer[0], 2);
    assert_int_equal(target_memory_stream(&memory, &at, end, buffer, BUFFER_BYTES), 0);
    assert_int_equal(at, end);
    target_memory_close(&memory);
    assert_int_equal(resident_pages(start, RESERVED_BYTES / 4), 1);
    munmap(start, RESERVED_BYTES);
    free(buffer);
}

static void target_memory_ends_with_its_time(void **state)
{
    (void)state;
    struct target_memory memory;
    char buffer[PAGE];
    char *start = reserve(2 * BUFFER_BYTES);
    uint64_t at = (uintptr_t)start;
    start[0] = 1;
    target_memory_open(&memory, (uint32_t)getpid());
    memory.deadline_ns = 1;
    assert_int_equal(target_memory_stream(&memory, &at, at + BUFFER_BYTES, buffer, PAGE), 0);
    assert_int_equal(at, (uintptr_t)start + BUFFER_BYTES);
    target_memory_close(&memory);
    munmap(start, 2 * BUFFER_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(target_memory_leaves_untouched_pages_so),
        cmocka_unit_test(target_memory_ends_with_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
