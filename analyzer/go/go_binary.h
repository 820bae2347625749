/*
 * go_binary.h - what a program's file says about its being a Go program: the version, and where in
 * memory its runtime keeps what is read and set from outside.
 *
 * Addresses are those of the file (ELF addresses); 0: not known, as in a stripped file. Nothing in
 * the file is trusted. Single thread.
 */
#ifndef ALLOCAUDIT_GO_BINARY_H
#define ALLOCAUDIT_GO_BINARY_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/err.h"

enum {
    GO_VERSION_BYTES = 48,
    GO_MINOR_UNKNOWN = -1,
};

struct go_binary {
    char version[GO_VERSION_BYTES]; /* "go1.19.8" */
    int minor;                      /* 19; GO_MINOR_UNKNOWN: no version go1.N */
    bool is_static;                 /* has no loader: nothing can be preloaded */
    bool has_symbols;               /* a symbol table with the runtime's names in it */
    uint64_t entry_address;         /* where the kernel starts it */
    uint64_t buckets_address;       /* runtime.mbuckets: the first bucket of the memory profile */
    uint64_t rate_address;          /* runtime.MemProfileRate */
    uint64_t unlinked_address;      /* runtime.disableMemoryProfiling: 1 where it was linked out */
    uint64_t ready_address;         /* runtime.gcenable: called once the runtime is initialised */
    uint64_t environment_address;   /* runtime.envs: a slice of strings */
    uint64_t text_start;            /* of all code, Go's or not */
    uint64_t text_end;
};

/* Returns 0; -ENOENT (no Go program, or no program at all: nothing is told in *err); or another
 * negative errno. */
int go_binary_read(const char *path, struct go_binary *out_binary, struct err *err);

/* go1.N as N; GO_MINOR_UNKNOWN of anything else, such as a development version. */
int go_version_minor(const char *version);

#endif
