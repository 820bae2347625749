/*
 * site_holdings.h - what each site holds alone, now and over time: pages that nothing else lies on.
 *
 * Sites are small numbers, counted from 0. Who owns a page is the caller's to know (page_map.h).
 * Single thread.
 */
#ifndef ALLOCAUDIT_SITE_HOLDINGS_H
#define ALLOCAUDIT_SITE_HOLDINGS_H

#include <stddef.h>
#include <stdint.h>

enum {
    PAGE_BYTES = 4096,
    HUGE_PAGE_BYTES = 2 << 20,
    HUGE_PAGE_PAGES = HUGE_PAGE_BYTES / PAGE_BYTES,
    SITE_HOLDINGS_MAX = 1 << 22, /* more would not fit the sums of page_map.h */
    SITE_HOLDINGS_NOBODY = -1,   /* in the place of a site */
};

/* What a site holds alone now, and held over time (an integral: bytes times seconds). */
struct site_holding {
    uint64_t page_count;      /* of 4 KiB */
    uint64_t huge_page_count; /* of 2 MiB */
    uint64_t live_bytes;      /* wherever they lie */
    uint64_t live_count;
    uint64_t changed_ns;
    double page_byte_seconds;
    double huge_page_byte_seconds;
    double live_byte_seconds;
};

struct site_holdings {
    struct site_holding *items; /* by site */
    size_t count;
    size_t capacity;
    uint64_t now_ns; /* the caller's to move on */
};

/* Makes room for a site. Returns 0, -ENOMEM, or -E2BIG (SITE_HOLDINGS_MAX). */
int site_holdings_reserve(struct site_holdings *holdings, uint32_t site);

/* A block of a site that has room. */
void site_holdings_add(struct site_holdings *holdings, uint32_t site, uint64_t size_bytes);
void site_holdings_remove(struct site_holdings *holdings, uint32_t site, uint64_t size_bytes);

/* Pages change hands; SITE_HOLDINGS_NOBODY on either side: they are nobody's alone. */
void site_holdings_move_pages(struct site_holdings *holdings, int64_t from, int64_t to,
                              uint64_t page_count);
void site_holdings_move_huge_page(struct site_holdings *holdings, int64_t from, int64_t to);

/* All of them, up to now. Until the next site_holdings_reserve(). */
const struct site_holding *site_holdings_list(struct site_holdings *holdings, size_t *out_count);

void site_holdings_fini(struct site_holdings *holdings);

#endif
