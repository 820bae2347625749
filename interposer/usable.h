/*
 * usable.h - how many bytes the real allocator has set aside for a block.
 */
#ifndef ALLOCAUDIT_USABLE_H
#define ALLOCAUDIT_USABLE_H

#include <stddef.h>

/* At least size_bytes; size_bytes itself where the allocator cannot tell. */
size_t usable_size(void *block, size_t size_bytes);

#endif
