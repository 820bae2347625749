/*
 * sanitizer_text.h - what a report of AddressSanitizer or LeakSanitizer says, read from its text.
 *
 * The text is the program's, so anything may stand in it: what is not understood is left out, and
 * everything is bounded. Single thread.
 */
#ifndef ALLOCAUDIT_SANITIZER_TEXT_H
#define ALLOCAUDIT_SANITIZER_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SANITIZER_WORD_BYTES = 64,
    SANITIZER_NAMED_MAX = 10000,  /* what one report names */
    SANITIZER_FRAMES_MAX = 65536, /* of all its stacks */
};

/* What a report names beside the address of the error; names are those of the column `role`. */
#define SANITIZER_ROLES(X)                                                                         \
    X(BLOCK, "block")                 /* that the address lies in, or beside */                    \
    X(DIRECT_LEAK, "direct_leak")     /* blocks of one stack that nothing leads to */              \
    X(INDIRECT_LEAK, "indirect_leak") /* that only leaked blocks lead to */                        \
    X(LEAKED_BLOCK, "leaked_block")   /* one of them (LSAN_OPTIONS=report_objects=1) */

enum sanitizer_role {
#define X(name, text) SANITIZER_##name,
    SANITIZER_ROLES(X)
#undef X
    SANITIZER_ROLE_COUNT
};

/* A call stack: part of sanitizer_text.frames, innermost first. */
struct sanitizer_stack {
    size_t first;
    size_t count;
};

struct sanitizer_named {
    enum sanitizer_role role;
    uint64_t address; /* 0: none is told */
    uint64_t size_bytes;
    uint64_t block_count;
    struct sanitizer_stack allocated;
    struct sanitizer_stack freed; /* count 0: it was not */
};

struct sanitizer_text {
    char tool[SANITIZER_WORD_BYTES];   /* "AddressSanitizer"; "": this is no report */
    char kind[SANITIZER_WORD_BYTES];   /* "heap-use-after-free", "leak" */
    char access[SANITIZER_WORD_BYTES]; /* "read", "write"; "": it is no access */
    uint64_t access_bytes;
    uint64_t address;
    bool has_address;
    struct sanitizer_stack error;
    struct sanitizer_named *named;
    size_t named_count;
    size_t named_capacity;
    uint64_t *frames; /* code addresses as return addresses */
    size_t frame_count;
    size_t frame_capacity;
};

/* Returns 0 or -ENOMEM; sanitizer_text_fini() in any case. */
int sanitizer_text_parse(const char *text, size_t size_bytes, struct sanitizer_text *out_text);

void sanitizer_text_fini(struct sanitizer_text *text);

const char *sanitizer_role_name(enum sanitizer_role role);

#endif
