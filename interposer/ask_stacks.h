/*
 * ask_stacks.h - asks the collector for the names behind stacks of this thread (struct ring_stacks
 * in schema/ring.h).
 *
 * Waits for the answer: two seconds at most, and not at all where nobody collects. Any thread,
 * between self_enter() and self_leave(). Nothing is allocated; errno stays.
 */
#ifndef ALLOCAUDIT_ASK_STACKS_H
#define ALLOCAUDIT_ASK_STACKS_H

#include <stddef.h>
#include <stdint.h>

#include "counted_sites.h"

/* `lane` is that of the numbers; at most RING_STACKS_MOST sites. Returns the bytes of text before
 * its NUL; 0: there is no answer. */
size_t ask_stacks(uint32_t lane, const struct counted_site *sites, size_t site_count,
                  const struct counted_sites *all, char *out_text, size_t size_bytes);

#endif
