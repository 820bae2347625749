/*
 * page_map.h - which pages hold live blocks, and which of them are held by the blocks of one site
 * alone.
 *
 * Sites are small numbers, counted from 0 (they are the caller's). Of each page is kept how many
 * blocks lie on it, the sum of their sites and the sum of those squared: all are of one site
 * exactly if count * squares = sum * sum. So a block costs the same whatever lies beside it, and a
 * page 16 bytes. A stretch of 2 MiB that one block covers costs no pages at all. Memory grows with
 * the stretches that ever held a block. Single thread.
 */
#ifndef ALLOCAUDIT_PAGE_MAP_H
#define ALLOCAUDIT_PAGE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "site_holdings.h"

struct page_map; /* opaque */

/* NULL: out of memory. */
struct page_map *page_map_create(void);

/* Time goes on. Never back. */
void page_map_advance(struct page_map *map, uint64_t now_ns);

/* A block of that site at [address, address + size_bytes), with the bytes that it takes there.
 * Returns 0, -ENOMEM, -E2BIG (more than SITE_HOLDINGS_MAX sites), or -EBADMSG (no block can be
 * that large). */
int page_map_add(struct page_map *map, uint64_t address, uint64_t size_bytes, uint32_t site);

/* Undoes that. What was never added is not looked for: the sums are wrong then. */
void page_map_remove(struct page_map *map, uint64_t address, uint64_t size_bytes, uint32_t site);

/* Pages of [start, end) count as never held; for memory that was given back. */
void page_map_forget(struct page_map *map, uint64_t start_address, uint64_t end_address);

/* Pages of the whole process. */
uint64_t page_map_used_count(const struct page_map *map); /* that hold a live block */
uint64_t
page_map_ever_count(const struct page_map *map); /* that ever did, and were not forgotten */

/* Pages of [start, end), both multiples of a page. */
struct page_use {
    uint64_t used_count;
    uint64_t ever_count;
};
struct page_use page_map_count(const struct page_map *map, uint64_t start_address,
                               uint64_t end_address);

/* The end of the highest page of [start, end) that holds a live block; 0: none does. */
uint64_t page_map_highest_end(const struct page_map *map, uint64_t start_address,
                              uint64_t end_address);

/* Told of each page with live blocks, or of several alike in a row; by no order. Returns 0 to go
 * on.
 */
typedef int page_map_sink(void *context, uint64_t address, uint64_t page_count,
                          uint64_t bytes_of_page);
int page_map_each_used(const struct page_map *map, page_map_sink *sink, void *context);

/* holdings[0..*out_count), up to now. Until the next page_map_add(). */
const struct site_holding *page_map_holdings(struct page_map *map, size_t *out_count);

/* NULL is fine. */
void page_map_destroy(struct page_map *map);

#endif
