/*
 * tally.h - the aggregates of one process, kept up to date event by event.
 *
 * What `report` shows is counted here while recording, so that no analysis ever scans blocks.
 * A tally's figures are those of the tables site, temporary, size_class, lifetime_class, timeline
 * and of the latencies (schema/schema.sql), whose columns bear the same names. Single thread.
 */
#ifndef ALLOCAUDIT_TALLY_H
#define ALLOCAUDIT_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../base/map.h"
#include "latency.h"
#include "live.h"

enum {
    TALLY_TEMPORARY_CLASSES = 8, /* freed within 0, 1, 2, 4 ... 64 more allocations */
    TALLY_LIFETIME_CLASSES = 64,
    TALLY_EXACT_SIZES = 1025, /* size classes of one size each: 0 to 1024 bytes */
    TALLY_SIZE_CLASSES = TALLY_EXACT_SIZES + 54 * 8,
    TALLY_SLICES_MAX = 2048,
    TALLY_LARGE_BYTES = 65536,
    TALLY_LARGE_SHORT_NS = 10000000,
};

struct site {
    uint32_t stack_id;
    uint32_t kind;           /* enum alloc_kind of its first allocation */
    uint32_t context_id;     /* of its last row, which had these... */
    uint64_t context_key[2]; /* ...values that vary within a site (ledger.c) */
    uint64_t allocation_count;
    uint64_t allocated_bytes;
    uint64_t usable_bytes;
    uint64_t free_count;
    uint64_t failed_count;
    uint64_t size_min_bytes;
    uint64_t size_max_bytes;
    uint64_t live_count;
    uint64_t live_bytes;
    uint64_t live_count_max;
    uint64_t live_bytes_max;
    uint64_t peak_epoch; /* which of the process's peaks peak_count and peak_bytes belong to */
    uint64_t peak_count;
    uint64_t peak_bytes;
    uint64_t timed_alloc_ns; /* sums over the timed calls only */
    uint64_t timed_alloc_count;
    uint64_t timed_free_ns;
    uint64_t timed_free_count;
    uint64_t timed_long_ns; /* of calls too long to stand for others: in none of the above */
    uint64_t lifetime_sum_ns;
    uint64_t lifetime_max_ns;
    uint64_t remote_free_count;
    uint64_t realloc_count;
    uint64_t realloc_moved_count;
    uint64_t realloc_moved_bytes;
    uint64_t realloc_chain_max;
    uint64_t large_short_lived_count;
    uint64_t large_short_lived_bytes;
    uint64_t temporary_count[TALLY_TEMPORARY_CLASSES];
};

struct size_class {
    uint64_t allocation_count;
    uint64_t allocated_bytes;
    uint64_t usable_bytes;
    uint64_t free_count;
    uint64_t live_count_max;
};

struct lifetime_class {
    uint64_t free_count;
    uint64_t freed_bytes;
};

struct slice {
    uint64_t live_bytes; /* the most in the slice */
    uint64_t live_count;
    uint64_t allocation_count;
    uint64_t allocated_bytes;
    uint64_t free_count;
    uint64_t rss_bytes; /* 0: no sample */
    bool is_touched;
};

/* Variances of a site's estimates, from which their standard errors follow. */
struct spread {
    double allocation_count;
    double allocated_bytes;
    double live_count;
    double live_bytes;
};

struct tally {
    struct spread *spreads; /* by site; NULL: nothing was weighted */
    size_t spread_count;
    size_t spread_capacity;
    struct site *sites;
    size_t site_count;
    size_t site_capacity;
    struct map site_of_stack; /* stack id -> index */
    struct size_class *sizes; /* TALLY_SIZE_CLASSES */
    struct lifetime_class lifetimes[TALLY_LIFETIME_CLASSES];
    struct latency latency;
    struct slice *slices;
    size_t slice_count;
    size_t slice_capacity;
    uint64_t first_slice;  /* slice i covers [(first_slice + i) << slice_shift, ... + 1) */
    unsigned slice_shift;  /* log2 of a slice's ns */
    struct slice *now;     /* the slice of the last event, which covers [now_start_ns, */
    uint64_t now_start_ns; /* now_start_ns + now_span_ns); now_span_ns is 0 where there is none */
    uint64_t now_span_ns;
    uint64_t allocation_count;
    uint64_t allocated_bytes;
    uint64_t free_count;
    uint64_t failed_count;
    uint64_t live_count;
    uint64_t live_bytes;
    uint64_t peak_epoch; /* counts the moments at which live_bytes reached a new high */
    uint64_t peak_count;
    uint64_t peak_bytes;
    uint64_t peak_ns;
};

/* Starts at a moment of the run. Returns 0 or -ENOMEM. */
int tally_init(struct tally *tally, uint64_t started_ns);
void tally_fini(struct tally *tally);

/* Forgets all figures but the counts of failed calls. Sites keep their numbers. */
void tally_restart(struct tally *tally, uint64_t started_ns);

/* The site of a stack, added if it is new. Returns 0 or -ENOMEM. */
int tally_site(struct tally *tally, uint32_t stack_id, uint32_t *out_site);

/* A block was born. duration_ns: of the real call, if is_timed. Returns 0 or -ENOMEM. */
int tally_alloc(struct tally *tally, const struct block *block, bool is_timed,
                uint64_t duration_ns);

/* How a block died. */
struct death {
    uint64_t died_ns;
    uint64_t own_allocations; /* the allocating thread's since then; only if not is_remote */
    uint8_t kind;             /* enum free_kind */
    bool is_remote;           /* freed by another thread */
    uint16_t given_code;      /* of a sized delete, see event_given_code() */
};

int tally_free(struct tally *tally, const struct block *block, const struct death *death);

/* How long a free took (kind: enum free_kind) of a block of that site which stands for `weight`.
 * Returns 0 or -ENOMEM. */
int tally_time_free(struct tally *tally, uint32_t site, unsigned kind, uint64_t weight,
                    uint64_t duration_ns);

/* A realloc made `block` out of one of old_bytes; it lay at another address if has_moved. */
void tally_realloc(struct tally *tally, const struct block *block, uint64_t old_bytes,
                   bool has_moved);

/* weight: how many calls it stands for. */
void tally_failed(struct tally *tally, uint32_t site, uint64_t weight);

/*
 * The same as tally_alloc() and tally_free() for a block that stands for `weight` of its kind.
 * Temporary blocks are not counted: what came in between was not seen.
 */
int tally_alloc_weighted(struct tally *tally, const struct block *block, uint64_t weight,
                         bool is_timed, uint64_t duration_ns);
int tally_free_weighted(struct tally *tally, const struct block *block, uint64_t weight,
                        const struct death *death);

/* What became of the blocks of one size of a site between two readings of a profile. */
struct tally_change {
    uint32_t site;
    uint32_t kind; /* enum alloc_kind */
    uint64_t size_bytes;
    uint64_t birth_count;
    uint64_t death_count;  /* never more than there were */
    double birth_variance; /* of birth_count; 0: it was counted */
    double death_variance;
};

/*
 * A profile was read at that moment: nothing is known of what was live between two readings, and
 * nothing of lifetimes. Returns 0 or -ENOMEM.
 */
int tally_add_reading(struct tally *tally, const struct tally_change *changes, size_t count,
                      uint64_t at_ns);

/* A sample of the resident set. Returns 0 or -ENOMEM. */
int tally_rss(struct tally *tally, uint64_t at_ns, uint64_t rss_bytes);

/* The end: settles every site's share of the process's peak. */
void tally_finish(struct tally *tally);

/* The size class of a size and the sizes that it covers. */
unsigned tally_size_class(uint64_t size_bytes);
void tally_size_range(unsigned size_class, uint64_t *out_min_bytes, uint64_t *out_max_bytes);

#endif
