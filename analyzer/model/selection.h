/*
 * selection.h - the part of a recording that a report is about: processes, threads, times,
 * functions.
 */
#ifndef ALLOCAUDIT_SELECTION_H
#define ALLOCAUDIT_SELECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "trace.h"

/* What was asked for, as text; NULL or QUERY_NULL where it was not. */
struct selection_request {
    const char *process;  /* process.id, or the pid if no id is equal */
    const char *thread;   /* thread.id, or a name: then all threads of that name */
    const char *module;   /* GLOB for the path or file name */
    const char *function; /* GLOB for the name; without * ? [ a part of it is enough */
    uint64_t from_ns;     /* allocations made at this time or later */
    uint64_t to_ns;       /* and before this one */
};

struct selection {
    uint32_t process_id; /* 0: all */
    char *thread_ids;    /* JSON array; NULL: all */
    char *module_glob;   /* NULL: any */
    char *function_glob; /* NULL: any */
    uint64_t from_ns;
    uint64_t to_ns;
    bool is_sample;      /* of the run only estimates are known */
    bool is_import;      /* trace_is_import() */
    bool is_part_of_run; /* by thread or time: only the table `block` can tell */
};

/*
 * Makes sense of the request. Returns 0 and *out_selection is to be ended with selection_fini();
 * -ENOENT (no such process or thread: err names those there are), -EINVAL (from is not before to),
 * -ENOTSUP (a part of the run is asked for, but the blocks were not recorded) or -ENOMEM.
 */
int selection_resolve(const struct trace *trace, const struct selection_request *request,
                      struct selection *out_selection, struct err *err);

/*
 * The process that `word` (as in struct selection_request) names; for NULL the one with the highest
 * peak. There is at least one. Returns 0, -ENOENT or -EINVAL for a word that names none, or
 * -ENOMEM.
 */
int selection_find_process(const struct trace *trace, const char *word,
                           const struct process_row **out_process, struct err *err);

/* What a user's word for a function or module means as a GLOB: without * ? [ it matches anywhere in
 * the name. Returns 0 and *out_glob is the caller's to free(), or -ENOMEM. */
int selection_glob(const char *text, char **out_glob, struct err *err);

/* True if only sites with a matching function are meant. */
bool selection_has_frames(const struct selection *selection);

/* A zeroed one is fine. */
void selection_fini(struct selection *selection);

#endif
