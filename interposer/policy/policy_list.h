/*
 * policy_list.h - the policies, what can be set of each, and what each counts: once, for all.
 *
 * To add a policy: a line in POLICY_KINDS, its settings, and its file.
 */
#ifndef ALLOCAUDIT_POLICY_LIST_H
#define ALLOCAUDIT_POLICY_LIST_H

#define POLICY_KINDS(X)                                                                            \
    X(POOL, pool, "blocks of equal size from chunks that belong to a thread")                      \
    X(FRAME, frame, "a pointer that goes up; memory is used again when nothing in it lives")       \
    X(BUDDY, buddy, "halves of halves, merged when both are free: bounded work")                   \
    X(SLAB, slab, "slabs of equal objects shared by the threads, as the Linux kernel has them")

/* X(kind, name, default, least, most, what it is) */
#define POLICY_SETTINGS(X)                                                                         \
    X(POOL, chunk_bytes, 65536, 4096, 1 << 20, "memory taken at once; a power of two")             \
    X(POOL, block_max_bytes, 8192, 16, 1 << 18, "larger requests go to the next allocator")        \
    X(POOL, spare_chunks, 1, 0, 1 << 20, "empty chunks kept per size and thread")                  \
    X(FRAME, chunk_bytes, 65536, 4096, 1 << 20, "memory taken at once; a power of two")            \
    X(FRAME, block_max_bytes, 16384, 16, 1 << 18, "larger requests go to the next allocator")      \
    X(FRAME, spare_chunks, 4, 0, 1 << 20, "empty chunks kept per thread")                          \
    X(BUDDY, zone_bytes, 4 << 20, 1 << 16, 1 << 26, "memory taken at once; a power of two")        \
    X(BUDDY, block_min_bytes, 32, 16, 4096, "the smallest block; a power of two")                  \
    X(BUDDY, block_max_bytes, 1 << 20, 16, 1 << 25, "larger requests go to the next allocator")    \
    X(BUDDY, is_weighted, 0, 0, 1, "1: blocks of 3 * 2^k, too")                                    \
    X(BUDDY, lazy_count, 0, 0, 1 << 20, "so many free blocks of a size are left unmerged")         \
    X(BUDDY, spare_zones, 1, 0, 1 << 20, "empty zones kept")                                       \
    X(SLAB, objects_min, 16, 1, 4096, "objects a slab should have")                                \
    X(SLAB, slab_max_bytes, 32768, 4096, 1 << 18, "the largest slab; a power of two")              \
    X(SLAB, block_max_bytes, 8192, 16, 1 << 17, "larger requests go to the next allocator")        \
    X(SLAB, partial_min, 5, 0, 1 << 20, "empty slabs kept per size")                               \
    X(SLAB, partial_order, 0, 0, 2, "which is filled next; 0: fullest, 1: oldest, 2: lowest")

/*
 * X(name, what it counts). Those that end in _max are largest values, the others sums. The names
 * are those of columns and of JSON keys.
 */
#define POLICY_COUNTERS(X)                                                                         \
    X(take_count, "blocks given to the program")                                                   \
    X(give_count, "blocks taken back, in all ways")                                                \
    X(refill_count, "takes that had to look for free blocks beyond the usual place")               \
    X(remote_give_count, "blocks given back by a thread that does not own their chunk")            \
    X(chunk_take_count, "chunks, zones or slabs taken from the system")                            \
    X(chunk_give_count, "chunks, zones or slabs given back to it")                                 \
    X(resize_count, "reallocs that stayed in place")                                               \
    X(split_count, "buddy: blocks cut in two")                                                     \
    X(merge_count, "buddy: blocks joined")                                                         \
    X(frame_count, "frame: boundaries announced by the program")                                   \
    X(reset_count, "frame: chunks used again from their beginning")                                \
    X(reset_refused_count, "frame: boundaries at which the chunk still held live blocks")          \
    X(escaped_count, "frame: blocks that outlived the frame they were made in")                    \
    X(step_max, "most blocks, chunks or words looked at in one call")                              \
    X(declined_size_count, "requests too large for the policy")                                    \
    X(declined_alignment_count, "requests for an alignment it does not offer")                     \
    X(declined_full_count, "requests for which there was no memory")                               \
    X(declined_busy_count, "requests in a signal handler that interrupted the policy")             \
    X(footprint_bytes, "memory held now")                                                          \
    X(footprint_max_bytes, "most memory ever held")

#endif
