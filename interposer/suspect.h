/*
 * suspect.h - does what a program frees look like a block?
 *
 * A free's stack is not recorded, for its cost. So that an error's is, each pointer is looked at
 * before the C library gets it, as it will look itself: a block on a thread's list of free ones
 * bears a secret in its second word, and the word before a block holds a size of a certain form.
 * What looks wrong is told (EVENT_FAULT); whether it is, the collector decides. Above allocators
 * other than glibc's, and under policies, nothing is looked at.
 */
#ifndef ALLOCAUDIT_SUSPECT_H
#define ALLOCAUDIT_SUSPECT_H

#include <stdbool.h>
#include <stdint.h>

enum {
    SUSPECT_NOTHING = 0,  /* nothing is looked at */
    SUSPECT_TO_LEARN = 1, /* the secret is read off the first block that is freed */
};

struct suspect_marks {
    uint64_t free_secret; /* of the second word of free blocks, or one of the above */
};

extern __attribute__((visibility("hidden"))) struct suspect_marks suspect_marks;

/* Begins, if it is glibc's malloc that lies beneath and serves the program itself. */
void suspect_begin(bool is_glibc);

/* Frees the block, and looks what became of its second word. */
void suspect_learn(void *block);

/*
 * A large block is marked free in the header of its neighbour. That is read only in the page of the
 * block's own header: what calls itself a block need not be one, nor have a neighbour.
 */
static inline bool suspect_is_large_and_free(const uint64_t *words, uint64_t size)
{
    enum {
        PREVIOUS_IN_USE = 1,
        IS_MAPPED = 2,
        LARGE = 1056, /* no list of a thread holds such */
        PAGE = 4096,
    };
    const uint64_t *neighbour = words + size / 8 - 1;
    if (__builtin_expect(size < LARGE || size >= PAGE || (size & IS_MAPPED) != 0 ||
                             (((uintptr_t)neighbour ^ (uintptr_t)(words - 1)) & ~(PAGE - 1ul)) != 0,
                         1)) {
        return false;
    }
    return (*neighbour & PREVIOUS_IN_USE) == 0;
}

/* Call it after the free was recorded: a wild pointer faults here as it would in the C library. */
static inline bool suspect_is(const void *block)
{
    enum {
        SIZE_NEVER_SET = 8, /* a multiple of 16, and three flags */
        SIZE_LEAST = 32,
    };
    const uint64_t *words = block;
    uint64_t secret = suspect_marks.free_secret;
    if (secret == SUSPECT_NOTHING) {
        return false;
    }
    if (__builtin_expect(((uintptr_t)block & 15) != 0, 0)) {
        return true;
    }
    uint64_t size = words[-1];
    return __builtin_expect((size & SIZE_NEVER_SET) != 0 || size < SIZE_LEAST ||
                                (words[1] == secret && secret != SUSPECT_TO_LEARN) ||
                                suspect_is_large_and_free(words, size),
                            0);
}

#endif
