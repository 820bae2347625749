#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../analyzer/collect/recording/residency.h"

enum {
    PAGE = 4096,
};

static char *map_pages(size_t count)
{
    char *pages =
        mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(pages, MAP_FAILED);
    return pages;
}

/* The pages of one mapping, by the process's own pagemap. */
static void look(struct residency *residency, const char *pages, size_t count)
{
    const struct mapping_span span = {
        .start_address = (uintptr_t)pages,
        .end_address = (uintptr_t)pages + count * PAGE,
        .kind = MAPPING_ANONYMOUS,
    };
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(residency_read(residency, fd, &span, 1), 0);
    close(fd);
}

static void residency_read_finds_the_pages_that_were_written(void **state)
{
    (void)state;
    struct residency residency = {0};
    char *pages = map_pages(64);
    pages[3 * PAGE] = 1;
    pages[4 * PAGE] = 1;
    pages[40 * PAGE] = 1;

    look(&residency, pages, 64);

    assert_int_equal(residency.count, 2);
    assert_int_equal(residency.ranges[0].start_address, (uintptr_t)pages + 3 * PAGE);
    assert_int_equal(residency.ranges[0].end_address, (uintptr_t)pages + 5 * PAGE);
    assert_int_equal(residency.ranges[0].resident_bytes, 2 * PAGE);
    assert_int_equal(residency.ranges[1].start_address, (uintptr_t)pages + 40 * PAGE);
    assert_int_equal(residency.ranges[1].mapping_address, (uintptr_t)pages);
    munmap(pages, 64 * PAGE);
    residency_fini(&residency);
}

static void residency_read_what_was_given_back_is_not_there(void **state)
{
    (void)state;
    struct residency residency = {0};
    char *pages = map_pages(8);
    for (size_t i = 0; i < 8; i++) {
        pages[i * PAGE] = 1;
    }
    assert_int_equal(madvise(pages + 2 * PAGE, 4 * PAGE, MADV_DONTNEED), 0);

    look(&residency, pages, 8);

    assert_int_equal(residency.count, 2);
    assert_int_equal(residency.ranges[0].resident_bytes, 2 * PAGE);
    assert_int_equal(residency.ranges[1].resident_bytes, 2 * PAGE);
    munmap(pages, 8 * PAGE);
    residency_fini(&residency);
}

/* Every second page of three times as many as there may be ranges. */
static void residency_read_too_many_ranges_are_joined_and_stay_true(void **state)
{
    (void)state;
    struct residency residency = {0};
    const size_t count = 6 * (size_t)RESIDENCY_RANGES_MAX;
    char *pages = map_pages(count);
    for (size_t i = 0; i < count; i += 2) {
        pages[i * PAGE] = 1;
    }

    look(&residency, pages, count);

    uint64_t resident_bytes = 0;
    for (size_t i = 0; i < residency.count; i++) {
        resident_bytes += residency.ranges[i].resident_bytes;
        assert_true(i == 0 ||
                    residency.ranges[i].start_address > residency.ranges[i - 1].end_address);
    }
    assert_in_range(residency.count, 1, RESIDENCY_RANGES_MAX);
    assert_int_equal(resident_bytes, count / 2 * PAGE);
    assert_true(residency.gap_bytes > 0);
    munmap(pages, count * PAGE);
    residency_fini(&residency);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(residency_read_finds_the_pages_that_were_written),
        cmocka_unit_test(residency_read_what_was_given_back_is_not_there),
        cmocka_unit_test(residency_read_too_many_ranges_are_joined_and_stay_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
