/*
 * faults.h - errors of the program: calls that the allocator's rules forbid (table `fault`).
 *
 * They are found where events are applied. Which freed block was meant is looked up in the finished
 * rows, so nothing need be remembered of blocks that died. Single thread.
 */
#ifndef ALLOCAUDIT_FAULTS_H
#define ALLOCAUDIT_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../../schema/event.h"
#include "../rows/sqlwriter.h"
#include "live.h"

struct recording;
struct subject;

enum {
    FAULTS_MOST = 10000, /* of one recording; what comes later is not kept */
};

#define FAULT_GIVES_NOTHING UINT64_MAX

struct fault {
    struct subject *subject;
    uint64_t at_ns;
    uint64_t address;
    uint64_t given;         /* the wrong size or alignment; FAULT_GIVES_NOTHING */
    uint64_t block_address; /* 0: it is not known which block was meant */
    uint32_t thread_id;
    uint32_t stack_id;       /* 0: not known */
    uint32_t block_stack_id; /* 0: not known */
    uint8_t kind;            /* enum fault_kind */
    uint8_t call;            /* enum free_kind; of a bad alignment, enum alloc_kind */
    bool is_told;            /* its free and what the program's library told of it have both come */
};

struct faults {
    struct fault *items;
    size_t count;
    size_t capacity;
};

/* May a block that came about like this be freed like that? Any other pair is a mismatch. */
static inline bool faults_is_match(unsigned alloc_kind, unsigned free_kind)
{
    enum {
        BY_DELETE = 1u << FREE_KIND_DELETE,
        BY_DELETE_ARRAY = 1u << FREE_KIND_DELETE_ARRAY,
        BY_OTHERS = ~(unsigned)(BY_DELETE | BY_DELETE_ARRAY) & ((1u << FREE_KIND_COUNT) - 1),
    };
    unsigned allowed = alloc_kind == ALLOC_KIND_NEW         ? BY_DELETE
                       : alloc_kind == ALLOC_KIND_NEW_ARRAY ? BY_DELETE_ARRAY
                                                            : BY_OTHERS;
    return (allowed >> free_kind & 1) != 0;
}

/* A live block is about to die by a call that does not fit it, or that gives another size. */
int faults_add_misfit(struct subject *subject, const struct block *block, enum free_kind call,
                      uint32_t by, uint64_t at_ns, uint64_t given);

/* A free of what is no live block. */
int faults_add_stranger(struct subject *subject, uint64_t address, enum free_kind call, uint32_t by,
                        uint64_t at_ns);

/* What the library in the program told, with the stack of the call. `by` is a thread's index. */
int faults_add_told(struct subject *subject, const uint64_t *words, uint32_t by, uint32_t stack_id,
                    uint64_t at_ns);

void faults_write(struct sqlwriter *writer, const struct recording *recording);

void faults_fini(struct faults *faults);

#endif
