#include "go_profile.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>

enum {
    KIND_MEMORY = 1,
    VIEWS = 4, /* the counts as of the last collection, and of three that are under way */
};

/* As the runtime has it (mprof.go). The frames follow, and then the views. */
struct bucket_head {
    uint64_t next;
    uint64_t all_next;
    uint64_t kind;
    uint64_t hash;
    uint64_t size_bytes;
    uint64_t frame_count;
};

struct bucket_view {
    uint64_t alloc_count;
    uint64_t free_count;
    uint64_t alloc_bytes;
    uint64_t free_bytes;
};

static bool is_head_sane(const struct bucket_head *head)
{
    return head->kind == KIND_MEMORY && head->frame_count > 0 &&
           head->frame_count <= GO_PROFILE_FRAMES_MAX && head->size_bytes > 0 &&
           head->size_bytes < UINT64_C(1) << 47 && head->all_next % 8 == 0;
}

/* Counts beyond reason would be something else than counts. */
static bool sum_views(struct go_bucket *bucket, const struct bucket_view views[VIEWS])
{
    bucket->alloc_count = 0;
    bucket->free_count = 0;
    for (int i = 0; i < VIEWS; i++) {
        if (views[i].alloc_count >> 48 != 0 || views[i].free_count >> 48 != 0 ||
            views[i].alloc_bytes != views[i].alloc_count * bucket->size_bytes) {
            return false;
        }
        bucket->alloc_count += views[i].alloc_count;
        bucket->free_count += views[i].free_count;
    }
    /* Read while it changed. */
    if (bucket->free_count > bucket->alloc_count) {
        bucket->free_count = bucket->alloc_count;
    }
    return true;
}

int go_profile_read(struct go_memory *memory, uint64_t address, go_bucket_sink *sink, void *context,
                    struct err *err)
{
    uint64_t frames[GO_PROFILE_FRAMES_MAX];
    uint64_t at = 0;
    go_memory_forget(memory);
    if (!go_memory_read(memory, address, &at, sizeof(at))) {
        return err_set(err, ESRCH, "the process has gone");
    }
    for (uint32_t count = 0; at != 0; count++) {
        struct bucket_head head;
        struct bucket_view views[VIEWS];
        if (count == GO_PROFILE_BUCKETS_MAX || !go_memory_read(memory, at, &head, sizeof(head))) {
            return err_set(err, EPROTO, "its memory profile is not laid out as expected");
        }
        uint64_t frame_bytes = head.frame_count * sizeof(frames[0]);
        if (!is_head_sane(&head) ||
            !go_memory_read(memory, at + sizeof(head), frames, frame_bytes) ||
            !go_memory_read(memory, at + sizeof(head) + frame_bytes, views, sizeof(views))) {
            return err_set(err, EPROTO, "its memory profile is not laid out as expected");
        }
        struct go_bucket bucket = {
            .address = at,
            .size_bytes = head.size_bytes,
            .frame_count = (uint32_t)head.frame_count,
            .frames = frames,
        };
        /* A view that is being written is whole the next time. */
        int r = sum_views(&bucket, views) ? sink(context, &bucket) : 0;
        if (r < 0) {
            return r;
        }
        at = head.all_next;
    }
    return 0;
}

double go_profile_scale(uint64_t size_bytes, uint64_t rate_bytes)
{
    if (rate_bytes <= 1) {
        return 1;
    }
    return 1 / -expm1(-(double)size_bytes / (double)rate_bytes);
}
