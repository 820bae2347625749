/*
 * words.h - distinct texts, each kept once under a small number. Zeroed is a valid empty one;
 * words_fini() frees it.
 */
#ifndef ALLOCAUDIT_WORDS_H
#define ALLOCAUDIT_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include "map.h"

struct words {
    char **items; /* by number, from 0 */
    size_t count;
    size_t capacity;
    struct map numbers; /* by hash */
};

/* The number of a text of at most size_bytes bytes (it may end before with a NUL), which is copied
 * if it is new. Returns 0 and *out_number, or -ENOMEM. */
int words_number(struct words *words, const char *text, size_t size_bytes, uint32_t *out_number);

void words_fini(struct words *words);

#endif
