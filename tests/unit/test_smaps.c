#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/collect/recording/smaps.h"

#define ENTRY(range, permissions, path, rss, flags)                                                \
    range " " permissions " 00000000 08:01 42 " path "\n"                                          \
          "Size: 8 kB\nRss: " rss " kB\nPss: 1 kB\nSwap: 3 kB\nLazyFree: 2 kB\n"                   \
          "VmFlags: rd wr" flags " \n"

static int read_text(struct smaps *smaps, const char *text)
{
    FILE *file = fmemopen((char *)(uintptr_t)text, strlen(text), "r");
    assert_non_null(file);
    int r = smaps_read(smaps, file, "/dev/shm/allocaudit-x");
    fclose(file);
    return r;
}

static void smaps_read_sums_up_by_kind(void **state)
{
    (void)state;
    struct smaps smaps = {0};

    int r = read_text(
        &smaps,
        ENTRY("1000-3000", "r-xp", "/usr/bin/app", "4", "") ENTRY(
            "3000-4000", "rw-p", "/usr/bin/app", "4", "") ENTRY("4000-5000", "rw-p", "", "4", "")
            ENTRY("10000-20000", "rw-p", "                [heap]", "64", "")
                ENTRY("30000-31000", "---p", "", "0", "") ENTRY("31000-39000", "rw-p", "", "12", "")
                    ENTRY("50000-60000", "rw-p", "", "40", "")
                        ENTRY("60000-61000", "rw-p", "", "4", " wf")
                            ENTRY("70000-71000", "rw-s", "/dev/shm/allocaudit-x/ring", "4", "")
                                ENTRY("72000-73000", "r-xp", "/opt/lib/liballocaudit.so", "8", "")
                                    ENTRY("80000-81000", "rw-s", "/dev/shm/other", "4", "")
                                        ENTRY("90000-91000", "rw-p", "[stack]", "20", "")
                                            ENTRY("92000-93000", "r-xp", "[vdso]", "4", ""));

    assert_int_equal(r, 0);
    assert_int_equal(smaps.sums[MAPPING_CODE].rss_bytes, 4096);
    assert_int_equal(smaps.sums[MAPPING_FILE].rss_bytes, 2 * 4096); /* and the zeros behind it */
    assert_int_equal(smaps.sums[MAPPING_HEAP].rss_bytes, 65536);
    assert_int_equal(smaps.sums[MAPPING_HEAP].mapped_bytes, 65536);
    assert_int_equal(smaps.sums[MAPPING_HEAP].lazy_free_bytes, 2048);
    assert_int_equal(smaps.sums[MAPPING_HEAP].swap_bytes, 3072);
    assert_int_equal(smaps.sums[MAPPING_STACK].rss_bytes, (12 + 20) * 1024);
    assert_int_equal(smaps.sums[MAPPING_ANONYMOUS].rss_bytes, 40 * 1024);
    assert_int_equal(smaps.sums[MAPPING_RECORDER].rss_bytes, (4 + 4 + 8) * 1024);
    assert_int_equal(smaps.sums[MAPPING_SHARED].rss_bytes, 4096);
    assert_int_equal(smaps.sums[MAPPING_OTHER].rss_bytes, 4096);
    smaps_fini(&smaps);
}

static void smaps_read_lists_where_blocks_may_lie(void **state)
{
    (void)state;
    struct smaps smaps = {0};

    int r = read_text(&smaps, ENTRY("10000-20000", "rw-p", "[heap]", "64", "")
                                  ENTRY("30000-40000", "rw-p", "", "4", "")
                                      ENTRY("50000-60000", "rw-p", "", "0", "")
                                          ENTRY("70000-71000", "rw-p", "", "4", " wf"));

    assert_int_equal(r, 0);
    assert_int_equal(smaps.span_count, 2);
    assert_int_equal(smaps.spans[0].kind, MAPPING_HEAP);
    assert_int_equal(smaps.spans[1].start_address, 0x30000);
    assert_int_equal(smaps.spans[1].end_address, 0x40000);
    smaps_fini(&smaps);
}

/* The kernel goes on behind the last address that it told of: what grew meanwhile comes again. */
static void smaps_read_mapping_that_grows_counts_once(void **state)
{
    (void)state;
    struct smaps smaps = {0};

    int r = read_text(&smaps, ENTRY("10000-20000", "rw-p", "[heap]", "64", "")
                                  ENTRY("10000-30000", "rw-p", "[heap]", "128", "")
                                      ENTRY("40000-50000", "rw-p", "", "4", ""));

    assert_int_equal(r, 0);
    assert_int_equal(smaps.sums[MAPPING_HEAP].rss_bytes, 65536);
    assert_int_equal(smaps.span_count, 2);
    smaps_fini(&smaps);
}

static void smaps_read_of_an_ended_process_is_no_data(void **state)
{
    (void)state;
    struct smaps smaps = {0};

    assert_int_equal(read_text(&smaps, "\n"), -ENODATA);

    smaps_fini(&smaps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smaps_read_sums_up_by_kind),
        cmocka_unit_test(smaps_read_lists_where_blocks_may_lie),
        cmocka_unit_test(smaps_read_mapping_that_grows_counts_once),
        cmocka_unit_test(smaps_read_of_an_ended_process_is_no_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
