/*
 * leak_marks.h - which blocks can be reached from where: the marking of Valgrind's memcheck.
 *
 * A block is reachable if a chain of pointers to blocks' beginnings leads to it from a root;
 * possibly lost if only chains that go through a block's middle do; else lost: definitely, or
 * indirectly where another lost block points to it (of a ring, the one with the lowest address is
 * the definite one). Memcheck's four exceptions, where a pointer into the middle counts as one to
 * the beginning, are made, too: an array with a count before it (new[] of objects with a
 * destructor, and any block whose first word is the size of the rest), the text of a
 * reference-counted std::string, and a base class that is not the first. Single thread.
 */
#ifndef ALLOCAUDIT_LEAK_MARKS_H
#define ALLOCAUDIT_LEAK_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../schema/leak_kind.h"
#include "target_memory.h"

enum {
    LEAK_BUFFER_BYTES = 1 << 20,
};

struct leak_block {
    uint64_t address;
    uint64_t size_bytes;
    uint32_t slot; /* the caller's */
    uint8_t kind;  /* enum leak_kind; LEAK_UNKNOWN: not met yet */
    bool is_array; /* came from new[] */
    uint8_t holds; /* what its first words allow (leak_marks.c); 0: not looked at yet */
};

struct leak_marks {
    struct leak_block *blocks; /* by address; the caller's, as is `memory` */
    size_t block_count;
    struct target_memory *memory;
    struct target_range *code; /* what can be executed, for tables of virtual functions; owned */
    size_t code_count;
    uint64_t deadline_ns; /* CLOCK_MONOTONIC */
    bool is_late;         /* it has passed: the kinds mean nothing */
    uint32_t *queue;
    size_t queue_count;
    size_t queue_capacity;
    char *buffer; /* LEAK_BUFFER_BYTES, for whoever reads */
    bool is_short_of_memory;
    uint64_t last_table; /* the last address that was asked about, and the answer */
    bool is_last_table;
};

/* How a word that is met is taken. */
enum leak_view {
    LEAK_VIEW_REACHED,  /* it lies in a root or in a reachable block */
    LEAK_VIEW_STARTS,   /* the same, but pointers into the middle do not count */
    LEAK_VIEW_POSSIBLE, /* it lies in a block that is possibly lost */
    LEAK_VIEW_LOST,     /* it lies in a lost block */
};

/* Returns 0 or -ENOMEM. The fields that are the caller's are set. */
int leak_marks_init(struct leak_marks *marks);
void leak_marks_fini(struct leak_marks *marks);

/* Takes the aligned words of [address, address + size_bytes) as roots. */
void leak_marks_scan(struct leak_marks *marks, uint64_t address, uint64_t size_bytes,
                     enum leak_view view);

/* Takes words that lie here, such as registers, as roots. */
void leak_marks_see(struct leak_marks *marks, const uint64_t *words, size_t word_count,
                    enum leak_view view);

/* Follows what the roots lead to, and tells the lost ones apart. Returns 0, -ENOMEM or -ETIME. */
int leak_marks_finish(struct leak_marks *marks);

#endif
