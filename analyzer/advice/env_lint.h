/*
 * env_lint.h - reads MALLOC_CONF, GLIBC_TUNABLES, MALLOC_..., MIMALLOC_... and TCMALLOC_... as the
 * allocators do, and says what of it takes no effect or is dangerous.
 *
 * Allocators are silent about most mistakes, or say a line that nobody reads, and run on with what
 * they had. Nothing is started here: what cannot be told from the text (whether a value took) is
 * for replay/effective.h. No state. Any thread.
 */
#ifndef ALLOCAUDIT_ENV_LINT_H
#define ALLOCAUDIT_ENV_LINT_H

#include <stddef.h>

#include "../db/query_run.h"
#include "../model/trace.h"

enum env_lint_effect {
    ENV_LINT_DROPPED,  /* this setting and all behind it */
    ENV_LINT_IGNORED,  /* this one alone */
    ENV_LINT_RISKY,    /* it takes, and can end, slow or damage the program */
    ENV_LINT_OUTDATED, /* it takes, or may; there is a better name for it */
};

/* "dropped", "ignored", "risky", "outdated". */
const char *env_lint_effect_word(enum env_lint_effect effect);

/* Whose settings count. */
enum env_lint_allocator {
    ENV_LINT_OTHER, /* not known: nothing is said about who would read a variable */
    ENV_LINT_GLIBC,
    ENV_LINT_JEMALLOC,
    ENV_LINT_TCMALLOC,
    ENV_LINT_MIMALLOC,
};

/* From the path of the library that serves malloc. */
enum env_lint_allocator env_lint_allocator_of(const char *library);

enum {
    ENV_LINT_NAME_BYTES = 64,
    ENV_LINT_TEXT_BYTES = 256,
};

struct env_lint_finding {
    enum env_lint_effect effect;
    char variable[ENV_LINT_NAME_BYTES];
    char text[ENV_LINT_TEXT_BYTES]; /* one line, lower case */
};

/* Gets one finding; texts live until it returns. */
typedef void env_lint_sink(void *context, const struct env_lint_finding *finding);

struct env_lint {
    enum env_lint_allocator allocator;
    const char *version; /* of the allocator, "5.3.0-0-g54eaed1"; "" or NULL: not known */
    env_lint_sink *sink;
    void *context;
};

/* Checks one variable; those of no allocator are passed over. */
void env_lint_check(const struct env_lint *lint, const char *name, const char *value);

/* Checks all variables that a recording holds, as the allocator beneath that process reads them. */
void env_lint_recording(const struct trace *trace, const struct process_row *process,
                        env_lint_sink *sink, void *context);

#endif
