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

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    SUSPECT_PAGE = 4096,
    SUSPECT_REGIONS = 64,
    SUSPECT_REGION_BITS = 21,
    SUSPECT_NOTHING = 0,  /* nothing is looked at */
    SUSPECT_TO_LEARN = 1, /* the secret is read off the first block that is freed */
};

/* What glibc's word before a block says. */
enum {
    SUSPECT_PREVIOUS_IN_USE = 1,
    SUSPECT_IS_MAPPED = 2,
    SUSPECT_LARGE = 1056, /* no list of a thread holds such */
};

struct suspect_marks {
    uint64_t free_secret; /* of the second word of free blocks, or one of the above */
};

extern __attribute__((visibility("hidden"))) struct suspect_marks suspect_marks;

/* Of addresses, by their low bits: one more than the number of a region that blocks were found in.
 */
extern __attribute__((visibility("hidden"))) _Atomic uint64_t suspect_regions[SUSPECT_REGIONS];

/* Begins, if it is glibc's malloc that lies beneath and serves the program itself. */
void suspect_begin(bool is_glibc);

/* Frees the block, and looks what became of its second word. */
void suspect_learn(void *block);

static inline bool suspect_is_one_page(const void *one, const void *other)
{
    return ((uintptr_t)one ^ (uintptr_t)other) < SUSPECT_PAGE;
}

/*
 * A large block is marked free in the header of its neighbour. That is read only in the page of the
 * block's own header: what calls itself a block need not be one, nor have a neighbour.
 */
static inline bool suspect_is_large_and_free(const uint64_t *words, uint64_t size)
{
    const uint64_t *neighbour = words + size / 8 - 1;
    if (__builtin_expect(size < SUSPECT_LARGE || size >= SUSPECT_PAGE ||
                             (size & SUSPECT_IS_MAPPED) != 0 ||
                             !suspect_is_one_page(neighbour, words - 1),
                         1)) {
        return false;
    }
    return (*neighbour & SUSPECT_PREVIOUS_IN_USE) == 0;
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

/* Asks the kernel. */
bool suspect_probe(const void *block);

/*
 * May the words around a pointer be read? In a region that has held blocks only those are asked
 * about that may have been a mapping of their own, which is gone once it is freed.
 */
static inline bool suspect_may_read(const void *block)
{
    enum {
        MAPPED_OFFSET = 16, /* of glibc's blocks that are mappings */
    };
    uintptr_t address = (uintptr_t)block;
    uint64_t region = address >> SUSPECT_REGION_BITS;
    uint64_t known =
        atomic_load_explicit(&suspect_regions[region % SUSPECT_REGIONS], memory_order_relaxed);
    bool may_be_gone = address % SUSPECT_PAGE == MAPPED_OFFSET;
    return __builtin_expect(known == region + 1 && !may_be_gone, 1) || suspect_probe(block);
}

/* Is the block's neighbour in another page, and says that the block is free? */
bool suspect_is_free_by_far(const void *block);

/* For a realloc, which is recorded after the real call, and that may be the program's last. */
static inline bool suspect_is_any(const void *block)
{
    return suspect_marks.free_secret != SUSPECT_NOTHING &&
           (!suspect_may_read(block) || suspect_is(block) || suspect_is_free_by_far(block));
}

#endif
