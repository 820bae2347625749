/*
 * plan_table.h - a plan as the program under test reads it: which calls go to which policy.
 *
 * `allocaudit run --plan` writes it to a file before the program starts. There, functions are code
 * ranges of modules already, so that nothing has to be looked up by name in the program:
 *
 *   struct plan_table | rule_count rules | module_count modules | segment_count segments | levels
 *
 * Functions and parts of paths are steps, numbered through the whole plan. A segment is a range of
 * code with the steps that its functions fulfil, as levels: the innermost inlined function first,
 * the function that has the code last. Segments of a module lie in order and do not overlap.
 *
 * Written and read on one machine by one version of allocaudit. Texts end with NUL.
 */
#ifndef ALLOCAUDIT_PLAN_TABLE_H
#define ALLOCAUDIT_PLAN_TABLE_H

#include <assert.h>
#include <stdint.h>

/* In the program's environment: the path of the file. */
#define PLAN_ENV "ALLOCAUDIT_PLAN"

#define PLAN_MAGIC UINT64_C(0x4e414c5041414c41) /* "ALAAPLAN" */

enum {
    PLAN_VERSION = 1,
    PLAN_RULES_MAX = 32,        /* a set of rules is a word of 32 bits */
    PLAN_STEPS_MAX = 64,        /* different functions in a plan */
    PLAN_PATH_MAX = 16,         /* functions in a rule */
    PLAN_NAME_BYTES = 40,       /* of a rule, with the NUL, as all below */
    PLAN_GLOB_BYTES = 128,      /* of a thread or a module */
    PLAN_SETTINGS_BYTES = 1024, /* of a policy: "pool:chunk_bytes=16384" */
    PLAN_BUILD_ID_BYTES = 64,
};

struct plan_table {
    uint64_t magic;
    uint32_t version;
    uint32_t rule_count;
    uint32_t module_count;
    uint32_t segment_count;
    uint32_t level_count;
    uint32_t reserved;
};

/* The first rule of which all conditions hold serves a call. */
struct plan_table_rule {
    char name[PLAN_NAME_BYTES];
    char settings[PLAN_SETTINGS_BYTES];
    char thread[PLAN_GLOB_BYTES]; /* "": any */
    char module[PLAN_GLOB_BYTES]; /* a frame of the stack lies in such a module; "": any */
    uint64_t size_min_bytes;
    uint64_t size_max_bytes;
    uint32_t step_count;          /* 0: any stack */
    uint8_t steps[PLAN_PATH_MAX]; /* to be met in this order, from the allocation outward */
    uint32_t reserved;
};

struct plan_table_module {
    uint8_t build_id[PLAN_BUILD_ID_BYTES];
    uint32_t build_id_bytes; /* 0: it has none, and is known by its file */
    uint32_t reserved;
    uint64_t device;
    uint64_t inode;
    uint32_t first_segment;
    uint32_t segment_count;
};

struct plan_table_segment {
    uint64_t start; /* code address - load bias */
    uint64_t end;
    uint32_t first_level;
    uint32_t level_count;
};

/* A level is a uint64_t: bit n stands for step n. */

static_assert(sizeof(struct plan_table) % 8 == 0 && sizeof(struct plan_table_rule) % 8 == 0 &&
                  sizeof(struct plan_table_module) % 8 == 0 &&
                  sizeof(struct plan_table_segment) % 8 == 0,
              "the parts follow one another without gaps");

/* Bytes of a table with these counts. */
static inline uint64_t plan_table_bytes(const struct plan_table *table)
{
    return sizeof(*table) + (uint64_t)table->rule_count * sizeof(struct plan_table_rule) +
           (uint64_t)table->module_count * sizeof(struct plan_table_module) +
           (uint64_t)table->segment_count * sizeof(struct plan_table_segment) +
           (uint64_t)table->level_count * sizeof(uint64_t);
}

#endif
