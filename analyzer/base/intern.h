/*
 * intern.h - texts kept once each and told by a number. Zeroed is a valid empty set; numbers count
 * from 0 in the order in which texts came. Texts stay where they are until intern_fini(). Single
 * thread.
 */
#ifndef ALLOCAUDIT_INTERN_H
#define ALLOCAUDIT_INTERN_H

#include <stddef.h>
#include <stdint.h>

struct intern_block; /* opaque */

struct intern {
    struct intern_block *blocks; /* the newest first */
    const char **texts;          /* by number */
    size_t count;
    size_t capacity;
    uint32_t *slots; /* number + 1; 0: free */
    size_t slot_count;
};

/* Finds or adds the text, which is copied. Returns 0 or -ENOMEM. */
int intern_add(struct intern *intern, const char *text, uint32_t *out_number);

/* The text of a number below intern->count. */
const char *intern_text(const struct intern *intern, uint32_t number);

void intern_fini(struct intern *intern);

#endif
