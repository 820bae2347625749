/*
 * plan.h - which calls go to which policy, as the user wrote it.
 *
 *   {
 *     "modules": ["./plugins/x.so"],
 *     "rules": [
 *       {
 *         "name": "nodes",
 *         "match": {"functions": ["make_node", "parse"], "module": "libxml2*", "thread": "worker*",
 *                   "size_min_bytes": 16, "size_max_bytes": 64},
 *         "policy": "pool",
 *         "parameters": {"chunk_bytes": 16384, "sizes": [24, 48]}
 *       }
 *     ]
 *   }
 *
 * All of a rule's conditions must hold; the first rule of which they do serves the call. Functions
 * are met in this order from the allocation outward, with others between them or not; each is a
 * name or a GLOB (plan_names.h), or an address as MODULE+0xOFFSET. With functions, the module is
 * where they are; without, any frame of the stack lies in it. `modules` are those whose functions
 * are to be known beside the program's own and its libraries': they are loaded later, or belong to
 * its children. `note` may stand anywhere, and is for people.
 *
 * Single thread.
 */
#ifndef ALLOCAUDIT_PLAN_H
#define ALLOCAUDIT_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "../../interposer/policy/settings.h"
#include "../../schema/plan_table.h"
#include "../base/err.h"

struct plan_rule {
    char name[PLAN_NAME_BYTES];
    char *functions[PLAN_PATH_MAX];
    size_t function_count;        /* 0: any stack */
    char module[PLAN_GLOB_BYTES]; /* "": any */
    char thread[PLAN_GLOB_BYTES]; /* "": any */
    uint64_t size_min_bytes;
    uint64_t size_max_bytes; /* UINT64_MAX: no limit */
    char settings_text[PLAN_SETTINGS_BYTES];
    struct policy_settings settings;
};

/* Zeroed is an empty one; plan_fini() ends it. */
struct plan {
    char *path; /* of the file */
    struct plan_rule rules[PLAN_RULES_MAX];
    size_t rule_count;
    char **modules;
    size_t module_count;
};

/*
 * Reads the file and checks it. Returns 0, or with a line in *err that names the place: -EINVAL
 * (not a plan), or the negative errno of reading. Ends *plan if it fails.
 */
int plan_read(struct plan *plan, const char *path, struct err *err);

/* The same of a text; `name` stands for the file's in what err says. */
int plan_parse(struct plan *plan, const char *name, const char *text, size_t size_bytes,
               struct err *err);

/* Rules that contradict each other, or of which one can never serve: as plan_read() does last.
 * Returns 0, or -EINVAL and names both. */
int plan_check_overlaps(const struct plan *plan, struct err *err);

void plan_fini(struct plan *plan);

#endif
