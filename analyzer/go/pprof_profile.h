/*
 * pprof_profile.h - a heap profile as Go's pprof writes it: gzip around protobuf, "heap.pb.gz".
 *
 * Only what a heap profile needs is read (github.com/google/pprof, proto/profile.proto), and
 * everything is bounded: sizes, counts, and every reference. Single thread.
 */
#ifndef ALLOCAUDIT_PPROF_PROFILE_H
#define ALLOCAUDIT_PPROF_PROFILE_H

#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"

#define PPROF_BYTES_MAX (UINT64_C(1) << 30) /* of a profile, unpacked */

enum {
    PPROF_DEPTH_MAX = 1024,     /* frames of a stack; deeper ones lose their root end */
    PPROF_FRAMES_MAX = 1 << 24, /* of all stacks together */
};

/* One function at one line. Texts live as long as the profile. */
struct pprof_frame {
    const char *function;
    const char *file; /* "": not known */
    uint32_t line;    /* 0: not known */
};

/* What one stack has allocated, in estimates of the truth, as pprof stores them. */
struct pprof_sample {
    uint64_t alloc_count;
    uint64_t alloc_bytes;
    uint64_t inuse_count;
    uint64_t inuse_bytes;
    size_t first_frame; /* in pprof_profile.frames: from the allocation outward */
    size_t frame_count;
};

struct pprof_profile {
    struct pprof_sample *samples;
    size_t sample_count;
    struct pprof_frame *frames;
    size_t frame_count;
    uint64_t period_bytes; /* one sample in so many bytes */
    uint64_t time_unix_ns; /* when it was taken; 0: not told */
    char **strings;
    size_t string_count;
};

/* Reads a file. Returns 0 and it is to be ended with pprof_profile_fini(); -EBADMSG (damaged, or no
 * heap profile), -EFBIG or another negative errno, told in err. */
int pprof_profile_read(const char *path, struct pprof_profile *out_profile, struct err *err);

/* The same of bytes that are unpacked already and stay the caller's. */
int pprof_profile_parse(const unsigned char *bytes, size_t size_bytes,
                        struct pprof_profile *out_profile, struct err *err);

void pprof_profile_fini(struct pprof_profile *profile);

#endif
