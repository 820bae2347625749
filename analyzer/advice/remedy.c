#include "remedy.h"

#define TUNABLES "GLIBC_TUNABLES=glibc.malloc."
#define LEAN     (1u << ADVICE_MEMORY | 1u << ADVICE_BALANCED)
#define FAST     (1u << ADVICE_SPEED | 1u << ADVICE_BALANCED | 1u << ADVICE_LATENCY)
#define PROMPT   (1u << ADVICE_REALTIME)
#define BOUNDED  (PROMPT | 1u << ADVICE_LATENCY)
#define SMALL    (1u << ADVICE_EMBEDDED)
#define ANY_GOAL (LEAN | FAST | PROMPT | SMALL)

/* A setting is less to take on than another library. */
#define SETTING_EFFORT 0.0
#define LIBRARY_EFFORT 0.005
#define TUNED_EFFORT   0.01
#define POLICY_EFFORT  0.015

static bool has_threads(const struct evidence *evidence)
{
    return evidence->thread_count > 1;
}

static bool has_large_churn(const struct evidence *evidence)
{
    return evidence->large_rate > 1 << 20;
}

static bool has_small_blocks(const struct evidence *evidence)
{
    return evidence->small_share > 0.3;
}

static bool has_frames(const struct evidence *evidence)
{
    return evidence->has_frames;
}

/* In the order in which they are tried: when time runs short, the stock allocators were. */
static const struct remedy table[] = {
    {"jemalloc", "jemalloc", NULL, ANY_GOAL, LIBRARY_EFFORT, false, NULL, NULL},
    {"mimalloc", "mimalloc", NULL, ANY_GOAL, LIBRARY_EFFORT, false, NULL, NULL},
    {"tcmalloc", "tcmalloc", NULL, ANY_GOAL, LIBRARY_EFFORT, false, NULL, NULL},
    {"glibc, one arena", "glibc", TUNABLES "arena_max=1", LEAN, SETTING_EFFORT, false, has_threads,
     "several threads allocate, and each arena keeps memory of its own"},
    {"glibc, gives back at once", "glibc",
     TUNABLES "mmap_threshold=131072:glibc.malloc.trim_threshold=131072:glibc.malloc.tcache_count="
              "0",
     LEAN, SETTING_EFFORT, false, NULL,
     "more is resident than is in use, and a cached block at the heap's end keeps it from "
     "shrinking"},
    {"glibc, thresholds fixed", "glibc",
     TUNABLES "mmap_threshold=131072:glibc.malloc.trim_threshold=131072", LEAN, SETTING_EFFORT,
     true, has_large_churn, "large blocks come and go, and glibc raises its thresholds as they do"},
    {"glibc, keeps memory", "glibc",
     TUNABLES "mmap_threshold=33554432:glibc.malloc.trim_threshold=1073741824:glibc.malloc.top_pad="
              "1048576",
     FAST | PROMPT, SETTING_EFFORT, false, has_large_churn,
     "large blocks come and go, and each is mapped and faulted in anew"},
    {"glibc, larger caches", "glibc", TUNABLES "tcache_count=200", FAST, SETTING_EFFORT, true, NULL,
     NULL},
    {"jemalloc, gives back at once", "jemalloc", "MALLOC_CONF=dirty_decay_ms:0,muzzy_decay_ms:0",
     LEAN, TUNED_EFFORT, false, NULL, "more is resident than is in use"},
    {"jemalloc, one arena", "jemalloc",
     "MALLOC_CONF=narenas:1,tcache_max:4096,dirty_decay_ms:0,muzzy_decay_ms:0", LEAN, TUNED_EFFORT,
     true, NULL, "more is resident than is in use"},
    {"jemalloc, smallest", "jemalloc",
     "MALLOC_CONF=narenas:1,tcache:false,dirty_decay_ms:0,muzzy_decay_ms:0", 1u << ADVICE_MEMORY,
     TUNED_EFFORT, true, NULL, "more is resident than is in use"},
    {"jemalloc, keeps memory", "jemalloc",
     "MALLOC_CONF=metadata_thp:auto,dirty_decay_ms:30000,muzzy_decay_ms:30000", FAST, TUNED_EFFORT,
     true, NULL, NULL},
    {"tcmalloc, gives back at once", "tcmalloc", "TCMALLOC_AGGRESSIVE_DECOMMIT=1", LEAN,
     TUNED_EFFORT, false, NULL, "more is resident than is in use"},
    {"tcmalloc, larger caches", "tcmalloc", "TCMALLOC_MAX_TOTAL_THREAD_CACHE_BYTES=268435456", FAST,
     TUNED_EFFORT, true, has_threads, "several threads allocate"},
    {"mimalloc, gives back at once", "mimalloc", "MIMALLOC_DECOMMIT_DELAY=0", LEAN, TUNED_EFFORT,
     false, NULL, "more is resident than is in use"},
    {"mimalloc, keeps memory", "mimalloc", "MIMALLOC_ALLOW_DECOMMIT=0", FAST, TUNED_EFFORT, true,
     NULL, NULL},
    {"pool", "pool", NULL, FAST | PROMPT, POLICY_EFFORT, false, has_small_blocks,
     "most blocks are small, and those of a size come and go"},
    {"frame", "frame", NULL, FAST | PROMPT, POLICY_EFFORT, false, has_frames,
     "the program tells where its frames end, and what it frees in them costs nothing"},
    {"buddy", "buddy", NULL, BOUNDED, POLICY_EFFORT, false, NULL,
     "the work of a call is bounded by the number of sizes"},
    {"slab", "slab", NULL, BOUNDED, POLICY_EFFORT, false, has_small_blocks,
     "threads share what each would keep for itself"},
    {"pool, up to 64 KiB", "pool:block_max_bytes=65536,chunk_bytes=262144", NULL, BOUNDED,
     POLICY_EFFORT, false, NULL, "no block is left to an allocator without a bound"},
    {"pool, small chunks", "pool:chunk_bytes=4096,spare_chunks=0", NULL, SMALL, POLICY_EFFORT,
     false, NULL, "each size holds a page or few"},
    {"frame, small chunks", "frame:chunk_bytes=4096,spare_chunks=0", NULL, SMALL, POLICY_EFFORT,
     false, NULL, "what is allocated together dies together"},
    {"buddy, small zones", "buddy:zone_bytes=65536,spare_zones=0", NULL, SMALL, POLICY_EFFORT,
     false, NULL, "free halves are joined at once"},
    {"slab, small slabs", "slab:objects_min=8,slab_max_bytes=4096,partial_min=0", NULL, SMALL,
     POLICY_EFFORT, false, NULL, "each size holds a page or few"},
};

const struct remedy *remedies(size_t *out_count)
{
    *out_count = sizeof(table) / sizeof(table[0]);
    return table;
}

bool remedy_suits(const struct remedy *remedy, const struct evidence *evidence,
                  enum advice_goal goal)
{
    return (remedy->goals & (1u << goal)) != 0 &&
           (remedy->suits == NULL || remedy->suits(evidence));
}
