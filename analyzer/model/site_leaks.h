/*
 * site_leaks.h - the blocks of each site that were live at the end, by whether they could be
 * reached. Single thread.
 */
#ifndef ALLOCAUDIT_SITE_LEAKS_H
#define ALLOCAUDIT_SITE_LEAKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "../db/query_leak.h"
#include "trace.h"

#define LEAK_LOST (LEAK_BIT(LEAK_DEFINITE) | LEAK_BIT(LEAK_INDIRECT))

struct site_leak {
    uint32_t stack_id;
    uint64_t leaked_count[LEAK_KIND_COUNT]; /* [LEAK_UNKNOWN] is not used */
    uint64_t leaked_bytes[LEAK_KIND_COUNT];
};

struct site_leaks {
    struct site_leak *items; /* by stack_id */
    size_t count;
    size_t capacity;
    uint64_t known_process_count;   /* of those with leaked blocks */
    uint64_t unknown_process_count; /* no kinds are known of their blocks */
    uint64_t unknown_leaked_count;
    char unknown_reason[16]; /* of the first of them, as process.leak_check has it */
    bool is_partly;          /* threads ran on meanwhile */
};

/* Of the process, or of all for 0. Returns 0, or a negative errno. site_leaks_fini() in any case.
 */
int site_leaks_load(struct site_leaks *leaks, const struct trace *trace, uint32_t process_id,
                    struct err *err);
void site_leaks_fini(struct site_leaks *leaks);

/* NULL: no kinds are known of that site. */
const struct site_leak *site_leaks_find(const struct site_leaks *leaks, uint32_t stack_id);

/* The sums over a set of kinds (LEAK_BIT). NULL is fine. */
uint64_t site_leak_count(const struct site_leak *leak, unsigned kinds);
uint64_t site_leak_bytes(const struct site_leak *leak, unsigned kinds);

/* Whether a block counts where those of a set of kinds do (0: all); of unknown kind it does. */
static inline bool site_leaks_count(enum leak_kind kind, unsigned kinds)
{
    return kind == LEAK_UNKNOWN || kinds == 0 || (kinds & LEAK_BIT(kind)) != 0;
}

/* Why the kinds of a process are not known, for people. */
const char *site_leaks_reason(const struct site_leaks *leaks);

/* True if somebody would expect them to be known: nobody asked for less, and the program ended. */
bool site_leaks_is_unexpected(const struct site_leaks *leaks);

enum {
    LEAK_KINDS_TEXT_BYTES = 64,
};

/* A set (LEAK_BIT) as "definite, indirect". Returns text. */
const char *site_leaks_name(unsigned kinds, char text[LEAK_KINDS_TEXT_BYTES]);

/* "definite,indirect" to a set. Returns 0 or -EINVAL, with the word and the nearest right one. */
int site_leaks_parse(const char *text, unsigned *out_kinds, struct err *err);

#endif
