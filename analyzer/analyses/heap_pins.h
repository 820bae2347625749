/*
 * heap_pins.h - ranks the sites by the pages that their blocks alone hold. For heap_pages.c.
 */
#ifndef ALLOCAUDIT_HEAP_PINS_H
#define ALLOCAUDIT_HEAP_PINS_H

#include "heap_pages.h"

/* What each site holds now. *out_states is the caller's to free(). Returns 0 or -ENOMEM. */
int heap_pins_states(struct page_map *map, struct pin_state **out_states, size_t *out_count);

/* Fills pins after the last call. Where some may be worth it, the blocks are read once more: what
 * the first of them free, and what they would hold in arenas of their own. Returns 0 or a negative
 * errno. */
int heap_pins_rank(struct heap_pages *pages, uint64_t ended_ns, struct err *err);

#endif
