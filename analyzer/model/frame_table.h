/*
 * frame_table.h - every frame of a recording in memory, for what concerns all stacks: exports, and
 * comparing two recordings. Together with stack_tree.h; stacks.h looks up single ones.
 *
 * Some 100 bytes a frame. Entries and texts live until frame_table_destroy(). Single thread.
 */
#ifndef ALLOCAUDIT_FRAME_TABLE_H
#define ALLOCAUDIT_FRAME_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "../base/intern.h"
#include "../db/open.h"
#include "stack_tree.h"

struct frame_entry {
    const char *function;   /* "module+0xoffset" where unknown */
    const char *file;       /* NULL: not known */
    const char *module;     /* path; NULL: not known */
    uint64_t offset;        /* return address - load bias */
    uint32_t frame_id;      /* FRAME_CUT: callers beyond the depth limit */
    uint32_t module_id;     /* 0: not known */
    uint32_t line;          /* 0: not known */
    uint32_t function_text; /* numbers in the texts of the table */
    uint32_t file_text;
    uint32_t inlined_by_id; /* 0: not inlined */
};

struct frame_table; /* opaque */

/* The functions of one stack. Zeroed is an empty one, and may be filled again and again. */
struct frame_chain {
    const struct frame_entry **frames; /* [0] is nearest to the allocation */
    size_t count;
    size_t capacity;
};

/* Returns 0 and *out_table is the caller's; -EBADMSG where frames are inlined in a circle; or
 * another negative errno. */
int frame_table_load(struct db *db, struct frame_table **out_table, struct err *err);

size_t frame_table_count(const struct frame_table *table);

/* Entries by place, in the order of their ids. */
const struct frame_entry *frame_table_at(const struct frame_table *table, size_t place);

/* The place of a frame; SIZE_MAX: there is none. */
size_t frame_table_place(const struct frame_table *table, uint32_t frame_id);

/* The function that this one was inlined into; NULL: none. */
const struct frame_entry *frame_table_outer(const struct frame_table *table,
                                            const struct frame_entry *entry);

/* All distinct texts; number 0 is "". The caller may add its own. */
struct intern *frame_table_texts(struct frame_table *table);

/* Spells out the stack at a place of the tree. Returns 0, -EBADMSG (a frame is missing) or
 * -ENOMEM. */
int frame_table_spell(const struct frame_table *table, const struct stack_tree *tree, size_t place,
                      struct frame_chain *chain, struct err *err);

/* The same for the functions at one frame alone. */
int frame_table_spell_frame(const struct frame_table *table, uint32_t frame_id,
                            struct frame_chain *chain, struct err *err);

/* The frame to show for the whole stack: the first that is no wrapper of an allocator, else the
 * outermost. NULL if the chain is empty. */
const struct frame_entry *frame_chain_shown(const struct frame_chain *chain);

/* A zeroed one is fine. */
void frame_chain_fini(struct frame_chain *chain);

/* NULL is fine. */
void frame_table_destroy(struct frame_table *table);

#endif
