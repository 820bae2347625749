#include "../../analyzer/go/go_profile.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A bucket as the runtime lays it out, with two frames. */
struct bucket {
    uint64_t next;
    uint64_t all_next;
    uint64_t kind;
    uint64_t hash;
    uint64_t size_bytes;
    uint64_t frame_count;
    uint64_t frames[2];
    uint64_t views[4][4]; /* allocs, frees, alloc_bytes, free_bytes */
};

static struct bucket buckets[2];
static uint64_t first;

struct seen {
    unsigned count;
    struct go_bucket buckets[4];
    uint64_t outer_frames[4];
};

static int take(void *context, const struct go_bucket *bucket)
{
    struct seen *seen = context;
    if (seen->count < 4) {
        seen->buckets[seen->count] = *bucket;
        seen->outer_frames[seen->count] = bucket->frames[bucket->frame_count - 1];
    }
    seen->count++;
    return 0;
}

static struct bucket make_bucket(uint64_t size_bytes, uint64_t allocs, uint64_t frees)
{
    struct bucket bucket = {
        .kind = 1, .size_bytes = size_bytes, .frame_count = 2, .frames = {0x401010, 0x401020}};
    for (int i = 0; i < 4; i++) {
        bucket.views[i][0] = allocs;
        bucket.views[i][1] = frees;
        bucket.views[i][2] = allocs * size_bytes;
        bucket.views[i][3] = frees * size_bytes;
    }
    return bucket;
}

static void reset(void)
{
    buckets[0] = make_bucket(48, 10, 4);
    buckets[1] = make_bucket(64, 3, 0);
    buckets[0].all_next = (uint64_t)(uintptr_t)&buckets[1];
    first = (uint64_t)(uintptr_t)&buckets[0];
}

/* Reads our own memory, as if it were another's. */
static int read_profile(struct seen *seen)
{
    struct go_memory memory = {.fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC)};
    struct err err;
    *seen = (struct seen){0};
    assert_true(memory.fd >= 0);
    int r = go_profile_read(&memory, (uint64_t)(uintptr_t)&first, take, seen, &err);
    go_memory_fini(&memory);
    close(memory.fd);
    return r;
}

static void go_profile_read_all_views_are_summed(void **state)
{
    (void)state;
    struct seen seen;
    reset();

    assert_int_equal(read_profile(&seen), 0);

    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.buckets[0].size_bytes, 48);
    assert_int_equal(seen.buckets[0].alloc_count, 40);
    assert_int_equal(seen.buckets[0].free_count, 16);
    assert_int_equal(seen.buckets[0].frame_count, 2);
    assert_int_equal(seen.outer_frames[0], 0x401020);
    assert_int_equal(seen.buckets[1].alloc_count, 12);
    assert_true(seen.buckets[0].address != seen.buckets[1].address);
}

static void go_profile_read_nothing_sampled_is_empty(void **state)
{
    (void)state;
    struct seen seen;
    reset();
    first = 0;

    assert_int_equal(read_profile(&seen), 0);
    assert_int_equal(seen.count, 0);
}

static void go_profile_read_other_layouts_are_refused(void **state)
{
    (void)state;
    struct seen seen;

    reset();
    buckets[0].kind = 2;
    assert_int_equal(read_profile(&seen), -EPROTO);
    reset();
    buckets[0].frame_count = GO_PROFILE_FRAMES_MAX + 1;
    assert_int_equal(read_profile(&seen), -EPROTO);
    reset();
    buckets[0].size_bytes = 0;
    assert_int_equal(read_profile(&seen), -EPROTO);
    reset();
    buckets[1].all_next = 8; /* nothing is mapped there */
    assert_int_equal(read_profile(&seen), -EPROTO);
    reset();
    buckets[1].all_next = first; /* a circle */
    assert_int_equal(read_profile(&seen), -EPROTO);
    assert_int_equal(seen.count, GO_PROFILE_BUCKETS_MAX);
}

static void go_profile_read_bucket_caught_while_written_waits(void **state)
{
    (void)state;
    struct seen seen;
    reset();
    buckets[0].views[2][2]++; /* bytes without their count */
    buckets[1].views[0][1] = 100;

    assert_int_equal(read_profile(&seen), 0);

    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.buckets[0].size_bytes, 64);
    assert_int_equal(seen.buckets[0].free_count, seen.buckets[0].alloc_count);
}

static void go_profile_read_memory_that_is_gone_is_told(void **state)
{
    (void)state;
    struct go_memory memory = {.fd = open("/dev/null", O_RDONLY | O_CLOEXEC)};
    struct err err;
    struct seen seen = {0};

    assert_int_equal(go_profile_read(&memory, 4096, take, &seen, &err), -ESRCH);
    go_memory_fini(&memory);
    close(memory.fd);
}

static void go_profile_scale_is_the_inverse_of_the_chance(void **state)
{
    (void)state;

    assert_true(go_profile_scale(16, 1) == 1);
    assert_true(go_profile_scale(16, 0) == 1);
    assert_true(fabs(go_profile_scale(96, 4096) - 1 / (1 - exp(-96.0 / 4096))) < 1e-9);
    assert_true(fabs(go_profile_scale(1 << 30, 4096) - 1) < 1e-9);
    assert_true(fabs(go_profile_scale(1, 524288) - 524288.5) < 0.01);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(go_profile_read_all_views_are_summed),
        cmocka_unit_test(go_profile_read_nothing_sampled_is_empty),
        cmocka_unit_test(go_profile_read_other_layouts_are_refused),
        cmocka_unit_test(go_profile_read_bucket_caught_while_written_waits),
        cmocka_unit_test(go_profile_read_memory_that_is_gone_is_told),
        cmocka_unit_test(go_profile_scale_is_the_inverse_of_the_chance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
