/*
 * heap_pages.h - fragmentation, and who pins the pages: an analysis over the pages of the heap.
 *
 * One reading of the calls keeps which pages hold live blocks (page_map.h), splits what was
 * measured as resident at each moment (waterfall.h), paints the heap map, and plays glibc's thread
 * caches to find what keeps the top of its heap. The holes at two moments are then found by a
 * second look at the blocks that were live (live_layout.h), which also counts the pages anew
 * without the sites that pin most. Memory: 16 bytes per page of the heap, and some per site.
 */
#ifndef ALLOCAUDIT_HEAP_PAGES_H
#define ALLOCAUDIT_HEAP_PAGES_H

#include "../base/map.h"
#include "analysis.h"
#include "heap_map.h"
#include "heap_top.h"
#include "live_layout.h"
#include "waterfall.h"

/* What one site's blocks hold at one moment. */
struct pin_state {
    uint64_t page_bytes;      /* of 4 KiB pages whose every live block is its own */
    uint64_t huge_page_bytes; /* of 2 MiB stretches likewise */
    uint64_t live_bytes;      /* of all its live blocks, with headers */
    uint64_t live_count;
    uint64_t freed_bytes; /* of repacked ones: pages that are empty without it, counted from the
                             blocks by address */
    uint64_t own_bytes;   /* pages that it would hold in an arena of its own (repack.h) */
};

/* What an arena of its own would give back: the pages that it empties, less those that it needs.
 * Of repacked ones. */
static inline double pin_saving(const struct pin_state *state)
{
    return (double)state->freed_bytes - (double)state->own_bytes;
}

struct pin_row {
    uint32_t stack_id;
    double pinned_byte_seconds; /* of pages held alone, beyond what its live blocks take */
    double page_byte_seconds;   /* of pages held alone, at all */
    double huge_page_byte_seconds;
    struct pin_state at_peak;
    struct pin_state at_end;
};

/* Free space between live blocks; see live_layout.h. */
struct heap_holes {
    struct live_layout layout;
    uint64_t sizes[LAYOUT_SIZES]; /* that half, 90 %, 99 %, all of all requests do not exceed */
};

struct heap_pages {
    const struct trace *trace;
    uint32_t process_id;
    bool is_glibc; /* serves malloc, and no policy does */
    uint64_t header_bytes;
    uint64_t ended_ns;     /* of the process */
    uint64_t peak_ns;      /* most bytes live */
    struct heap_sums sums; /* at the end */
    struct waterfall peak_model;
    struct waterfall end_model;
    struct memory_moments memory;
    struct heap_moment *moments; /* those of memory whose residency is known */
    size_t moment_count;
    const struct heap_moment *fullest; /* of moments: most requested; NULL: there are none */
    const struct heap_moment *last;
    struct waterfall average;
    bool has_average;
    struct fragmentation_measures measures;
    struct heap_holes holes_at_peak; /* at the moment `fullest`, or peak_ns */
    struct heap_holes holes_at_end;
    struct heap_picture picture;
    struct heap_top worst_top;    /* where most is pinned or kept; resident_bytes 0: none */
    uint64_t worst_top_ns;        /* for how long so much was, between moments */
    struct block_facts top_block; /* the live block that pins it; id 0: none */
    struct pin_row *pins;         /* by pinned_byte_seconds, descending */
    size_t pin_count;
    size_t repacked_count; /* of the first pins: how many were looked at anew */

    /* While calls are read. */
    struct page_map *map;
    struct heap_map *picture_map;
    struct thread_caches *caches;
    struct pin_state *peak_states; /* by site number */
    size_t peak_state_count;
    bool has_peak;
    struct map site_of_stack;
    uint32_t *stack_of_site;
    size_t site_count;
    size_t site_capacity;
    size_t next_moment;       /* of memory */
    struct heap_top last_top; /* at the moment before; resident_bytes 0: nothing was worth a word */
    const struct memory_moment *last_top_memory;
};

extern const struct analysis heap_pages_analysis;

#endif
