#include "knobs.h"

#include <string.h>

#include "../base/suggest.h"

enum {
    NAMES_MAX = 128,
};

#define BOOL(f, n)        .family = (f), .name = (n), .kind = KNOB_BOOL
#define INT(f, n, a)      .family = (f), .name = (n), .kind = KNOB_INT, .min = (a), .max = INT64_MAX
#define TEXT(f, n)        .family = (f), .name = (n), .kind = KNOB_TEXT
#define WORD(f, n, w)     .family = (f), .name = (n), .kind = KNOB_WORD, .words = (w)
#define RANGE(f, n, a, b) .family = (f), .name = (n), .kind = KNOB_INT, .min = (a), .max = (b)
#define J                 KNOB_JEMALLOC
#define G                 KNOB_GLIBC
#define GV                KNOB_GLIBC_VARIABLE
#define M                 KNOB_MIMALLOC
#define T                 KNOB_TCMALLOC

#define ABORTS          "it ends the program"
#define DEBUGS          "it fills memory for debugging and slows the program down"
#define GIVES_NO_MEMORY "allocations fail once the limit is reached"
#define OWN_FILE        "it takes memory from a file"

#define BOUNDED      .left_out = "left out to bound the search"
#define EXPERIMENTAL .left_out = "experimental in this version"
#define PROFILES     .left_out = "for profiling"
#define PRINTS       .left_out = "it only prints"
#define PAGES        .left_out = "it needs pages that the system has set aside"

static const struct knob table[] = {
    {BOOL(J, "abort"), .danger = ABORTS " at any warning of jemalloc's"},
    {BOOL(J, "abort_conf"), .since = 5001, .danger = ABORTS " if any option is wrong"},
    {BOOL(J, "background_thread"), .since = 5000, .search_timed = "true", .is_real_time = true},
    {TEXT(J, "bin_shards"), .since = 5002, BOUNDED},
    {BOOL(J, "cache_oblivious"), .since = 5004},
    {BOOL(J, "confirm_conf"), .since = 5002, PRINTS},
    {RANGE(J, "dirty_decay_ms", -1, INT64_MAX), .since = 5000, .search = "0 -1",
     .search_timed = "1000 5000 30000"},
    {WORD(J, "dss", "disabled primary secondary"),
     .left_out = "memory of sbrk() is never given back"},
    {BOOL(J, "experimental_infallible_new"), .danger = ABORTS " where operator new would throw"},
    {BOOL(J, "hpa"), .since = 5003, EXPERIMENTAL},
    {INT(J, "hpa_dirty_mult", 0), .since = 5003, EXPERIMENTAL},
    {INT(J, "hpa_hugification_threshold", 0), .since = 5003, EXPERIMENTAL},
    {INT(J, "hpa_hugify_delay_ms", 0), .since = 5003, EXPERIMENTAL},
    {INT(J, "hpa_min_purge_interval_ms", 0), .since = 5003, EXPERIMENTAL},
    {INT(J, "hpa_sec_batch_fill_extra", 0), .since = 5003, EXPERIMENTAL},
    {INT(J, "hpa_sec_bytes_after_flush", 0), .since = 5003, EXPERIMENTAL},
    {INT(J, "hpa_sec_max_alloc", 0), .since = 5003, EXPERIMENTAL},
    {INT(J, "hpa_sec_max_bytes", 0), .since = 5003, EXPERIMENTAL},
    {INT(J, "hpa_sec_nshards", 0), .since = 5003, EXPERIMENTAL},
    {INT(J, "hpa_slab_max_alloc", 0), .since = 5003, EXPERIMENTAL},
    {WORD(J, "junk", "true false alloc free"), .danger = DEBUGS},
    {RANGE(J, "lg_extent_max_active_fit", 0, 64), .since = 5001, .search = "4 8"},
    {INT(J, "lg_prof_interval", -1), PROFILES},
    {RANGE(J, "lg_prof_sample", 0, 64), PROFILES},
    {RANGE(J, "lg_tcache_flush_large_div", 1, 16), .since = 5003, BOUNDED},
    {RANGE(J, "lg_tcache_flush_small_div", 1, 16), .since = 5003, BOUNDED},
    {RANGE(J, "lg_tcache_max", 0, 63), .left_out = "tcache_max says the same"},
    {RANGE(J, "lg_tcache_nslots_mul", -16, 16), .since = 5003, .search = "-1 3"},
    {INT(J, "max_background_threads", 1), .since = 5001,
     .left_out = "it goes with background_thread"},
    {WORD(J, "metadata_thp", "disabled auto always"), .since = 5001, .search = "auto"},
    {INT(J, "mutex_max_spin", -1), .since = 5003, BOUNDED},
    {RANGE(J, "muzzy_decay_ms", -1, INT64_MAX), .since = 5000, .search_timed = "1000 10000"},
    {INT(J, "narenas", 1), .search = "1 2 4"},
    {INT(J, "oversize_threshold", 0), .since = 5002, .search = "0"},
    {WORD(J, "percpu_arena", "disabled percpu phycpu"), .since = 5000, .search = "percpu",
     .is_for_threads = true},
    {BOOL(J, "prof"), PROFILES},
    {BOOL(J, "prof_accum"), PROFILES},
    {BOOL(J, "prof_active"), PROFILES},
    {BOOL(J, "prof_final"), PROFILES},
    {BOOL(J, "prof_gdump"), PROFILES},
    {BOOL(J, "prof_leak"), PROFILES},
    {BOOL(J, "prof_leak_error"), .since = 5003, .danger = "it changes the exit status at a leak"},
    {BOOL(J, "prof_log"), .since = 5002, PROFILES},
    {TEXT(J, "prof_prefix"), PROFILES},
    {INT(J, "prof_recent_alloc_max", -1), .since = 5003, PROFILES},
    {BOOL(J, "prof_stats"), .since = 5003, PROFILES},
    {BOOL(J, "prof_sys_thread_name"), .since = 5003, PROFILES},
    {BOOL(J, "prof_thread_active_init"), PROFILES},
    {WORD(J, "prof_time_resolution", "default high"), .since = 5003, PROFILES},
    {BOOL(J, "retain"), .since = 5000,
     .left_out = "without it mappings break up, of which the kernel allows only so many"},
    {INT(J, "san_guard_large", 0), .since = 5003, .danger = "it maps a guard page by many blocks"},
    {INT(J, "san_guard_small", 0), .since = 5003, .danger = "it maps a guard page by many blocks"},
    {TEXT(J, "slab_sizes"), .since = 5002, BOUNDED},
    {INT(J, "stats_interval", -1), .since = 5003, PRINTS},
    {TEXT(J, "stats_interval_opts"), .since = 5003, PRINTS},
    {BOOL(J, "stats_print"), PRINTS},
    {TEXT(J, "stats_print_opts"), .since = 5001, PRINTS},
    {BOOL(J, "tcache"), .search = "false"},
    {INT(J, "tcache_gc_delay_bytes", 0), .since = 5003, BOUNDED},
    {INT(J, "tcache_gc_incr_bytes", 1024), .since = 5003, BOUNDED},
    {INT(J, "tcache_max", 0), .since = 5003, .search = "1024 4096 262144 4194304"},
    {RANGE(J, "tcache_nslots_large", 1, 2048), .since = 5003, BOUNDED},
    {RANGE(J, "tcache_nslots_small_max", 1, 2048), .since = 5003, BOUNDED},
    {RANGE(J, "tcache_nslots_small_min", 1, 2048), .since = 5003, BOUNDED},
    {WORD(J, "thp", "default always never"), .since = 5001, .search = "always never"},
    {BOOL(J, "trust_madvise"), .since = 5003,
     .left_out = "it is for kernels whose madvise() clears no pages"},
    {BOOL(J, "utrace"), .instead = "it needs a jemalloc that was built for it"},
    {BOOL(J, "xmalloc"), .danger = ABORTS " when memory runs out"},
    {BOOL(J, "zero"), .danger = DEBUGS},
    {WORD(J, "zero_realloc", "alloc free abort"), .since = 5003,
     .danger = "it changes what realloc(p, 0) does"},
    {INT(J, "lg_chunk", 0), .until = 4005},
    {INT(J, "lg_dirty_mult", -1), .until = 4005, .instead = "dirty_decay_ms"},
    {TEXT(J, "purge"), .until = 4005, .instead = "dirty_decay_ms"},
    {INT(J, "decay_time", -1), .until = 4005, .instead = "dirty_decay_ms"},
    {INT(J, "quarantine", 0), .until = 4005},
    {BOOL(J, "redzone"), .until = 4005},

    {INT(G, "arena_max", 1), .search = "1 2 4", .is_for_threads = true},
    {INT(G, "arena_test", 1), .left_out = "arena_max says it"},
    {RANGE(G, "check", 0, 3), .danger = ABORTS " where it finds damage",
     .instead = "since 2.34 it needs libc_malloc_debug.so.0 preloaded"},
    {RANGE(G, "hugetlb", 0, INT64_MAX), .since = 2035, .search = "1"},
    {RANGE(G, "mmap_max", 0, INT32_MAX), .search = "0"},
    {INT(G, "mmap_threshold", 0), .search = "131072 1048576 33554432"},
    {INT(G, "mxfast", 0), .since = 2032, .search = "0"},
    {RANGE(G, "perturb", 0, 255), .danger = DEBUGS},
    {RANGE(G, "tcache_count", 0, 65535), .since = 2026, .search = "0 16 64 200"},
    {INT(G, "tcache_max", 0), .since = 2026, .search = "256"},
    {INT(G, "tcache_unsorted_limit", 0), .since = 2026, BOUNDED},
    {INT(G, "top_pad", 0), .search = "0 1048576 16777216"},
    {INT(G, "trim_threshold", 0), .search = "131072 1048576 1073741824"},

    {INT(GV, "MALLOC_ARENA_MAX", 1), .left_out = "the tunable of this name is searched"},
    {INT(GV, "MALLOC_ARENA_TEST", 1), .left_out = "the tunable of this name is searched"},
    {RANGE(GV, "MALLOC_CHECK_", 0, 3), .danger = ABORTS " where it finds damage",
     .instead = "since 2.34 it needs libc_malloc_debug.so.0 preloaded"},
    {RANGE(GV, "MALLOC_MMAP_MAX_", 0, INT32_MAX),
     .left_out = "the tunable of this name is searched"},
    {INT(GV, "MALLOC_MMAP_THRESHOLD_", 0), .left_out = "the tunable of this name is searched"},
    {RANGE(GV, "MALLOC_PERTURB_", 0, 255), .danger = DEBUGS},
    {TEXT(GV, "MALLOC_TRACE"), .left_out = "it writes a trace"},
    {INT(GV, "MALLOC_TOP_PAD_", 0), .left_out = "the tunable of this name is searched"},
    {INT(GV, "MALLOC_TRIM_THRESHOLD_", 0), .left_out = "the tunable of this name is searched"},

    {BOOL(M, "ABANDONED_PAGE_DECOMMIT"), .since = 2000, .search = "1", .is_for_threads = true},
    {BOOL(M, "ABANDONED_PAGE_PURGE"), .since = 2001, .instead = "MIMALLOC_ABANDONED_PAGE_DECOMMIT"},
    {BOOL(M, "ALLOW_DECOMMIT"), .since = 2000, .search = "0"},
    {INT(M, "DECOMMIT_DELAY", 0), .since = 2000, .search = "0", .search_timed = "100 1000 5000",
     .is_real_time = true},
    {INT(M, "DECOMMIT_EXTEND_DELAY", 0), .since = 2000, .search_timed = "0", .is_real_time = true},
    {BOOL(M, "DESTROY_ON_EXIT"), .danger = "it gives memory back that atexit functions may use"},
    {BOOL(M, "EAGER_COMMIT"), .search = "0"},
    {INT(M, "EAGER_COMMIT_DELAY", 0), .search = "0 4"},
    {BOOL(M, "EAGER_REGION_COMMIT"), .instead = "nothing: it is out of use",
     .left_out = "it is out of use"},
    {BOOL(M, "LARGE_OS_PAGES"), PAGES},
    {BOOL(M, "LIMIT_OS_ALLOC"), .danger = GIVES_NO_MEMORY},
    {INT(M, "MAX_ERRORS", 0), PRINTS},
    {INT(M, "MAX_SEGMENT_RECLAIM", 0), .search = "64", .is_for_threads = true},
    {INT(M, "MAX_WARNINGS", 0), PRINTS},
    {INT(M, "OS_TAG", 0), .left_out = "it names mappings, on macOS alone"},
    {BOOL(M, "PAGE_RESET"), .search = "1"},
    {INT(M, "PURGE_DELAY", 0), .since = 2001, .instead = "MIMALLOC_DECOMMIT_DELAY"},
    {INT(M, "RESERVE_HUGE_OS_PAGES", 0), PAGES},
    {INT(M, "RESERVE_HUGE_OS_PAGES_AT", -1), PAGES},
    {INT(M, "RESERVE_OS_MEMORY", 0), .left_out = "how much is the program's to know"},
    {INT(M, "RESET_DELAY", 0), .instead = "MIMALLOC_DECOMMIT_DELAY, of which it is an old name",
     .left_out = "an old name of DECOMMIT_DELAY"},
    {BOOL(M, "RESET_DECOMMITS"), .instead = "nothing: it is out of use",
     .left_out = "it is out of use"},
    {INT(M, "SEGMENT_CACHE", 0), .instead = "nothing: it is out of use",
     .left_out = "it is out of use"},
    {INT(M, "SEGMENT_DECOMMIT_DELAY", 0), .since = 2000, .search = "0", .search_timed = "5000",
     .is_real_time = true},
    {BOOL(M, "SEGMENT_RESET"), .instead = "nothing: it is out of use",
     .left_out = "it is out of use"},
    {BOOL(M, "SHOW_ERRORS"), PRINTS},
    {BOOL(M, "SHOW_STATS"), PRINTS},
    {INT(M, "USE_NUMA_NODES", 0), .search = "1"},
    {INT(M, "VERBOSE", 0), PRINTS},

    {BOOL(T, "AGGRESSIVE_DECOMMIT"), .search = "1"},
    {INT(T, "DEVMEM_LIMIT", 0), .danger = "it takes memory from /dev/mem"},
    {INT(T, "DEVMEM_START", 0), .danger = "it takes memory from /dev/mem"},
    {BOOL(T, "DISABLE_MEMORY_RELEASE"), .search = "1"},
    {BOOL(T, "ENABLE_SIZED_DELETE"), .danger = "a wrong size given to delete damages the heap"},
    {INT(T, "HEAP_LIMIT_MB", 0), .danger = GIVES_NO_MEMORY},
    {INT(T, "LARGE_ALLOC_REPORT_THRESHOLD", 0), PRINTS},
    {INT(T, "MAX_TOTAL_THREAD_CACHE_BYTES", 0), .search = "1048576 4194304 67108864 268435456",
     .is_for_threads = true},
    {BOOL(T, "MEMFS_ABORT_ON_FAIL"), .danger = ABORTS},
    {BOOL(T, "MEMFS_DISABLE_FALLBACK"), .danger = GIVES_NO_MEMORY},
    {BOOL(T, "MEMFS_IGNORE_MMAP_FAIL"), .danger = OWN_FILE},
    {INT(T, "MEMFS_LIMIT_MB", 0), .danger = GIVES_NO_MEMORY},
    {TEXT(T, "MEMFS_MALLOC_PATH"), .danger = OWN_FILE},
    {BOOL(T, "MEMFS_MAP_PRIVATE"), .danger = OWN_FILE},
    {TEXT(T, "RELEASE_RATE"), .search = "0 10"},
    {BOOL(T, "SKIP_MMAP"), .left_out = "where memory comes from: a matter of the machine"},
    {BOOL(T, "SKIP_SBRK"), .left_out = "where memory comes from: a matter of the machine"},
    {INT(T, "TRANSFER_NUM_OBJ", 1), .search = "128 512"},
};

const struct knob *knobs_all(size_t *out_count)
{
    *out_count = sizeof(table) / sizeof(table[0]);
    return table;
}

const struct knob *knobs_find(enum knob_family family, const char *name)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].family == family && strcmp(table[i].name, name) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

const char *knobs_nearest(enum knob_family family, const char *name)
{
    const char *words[NAMES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]) && count < NAMES_MAX - 1; i++) {
        if (table[i].family == family) {
            words[count++] = table[i].name;
        }
    }
    words[count] = NULL;
    return suggest_nearest(name, words);
}
