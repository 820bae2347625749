/*
 * settings.h - a policy and its settings as text: "pool", "pool:chunk_bytes=131072,sizes=24+64".
 *
 * The same words serve the command line, a plan, and the environment of the program under test.
 */
#ifndef ALLOCAUDIT_POLICY_SETTINGS_H
#define ALLOCAUDIT_POLICY_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy_list.h"

enum policy_kind {
#define X(identifier, name, text) POLICY_##identifier,
    POLICY_KINDS(X)
#undef X
    POLICY_KIND_COUNT
};

/* In the program's environment: the policy that serves it (route.h). */
#define POLICY_ENV "ALLOCAUDIT_POLICY"

/* Positions in values[] of struct policy_settings. */
enum policy_setting {
#define X(kind, name, standard, least, most, text) kind##_##name,
    POLICY_SETTINGS(X)
#undef X
    POLICY_SETTING_COUNT
};

enum {
    POLICY_SIZES_MAX = 64,
    POLICY_SIZE_LIMIT = 1 << 18, /* no size class is larger */
};

struct policy_settings {
    enum policy_kind kind;
    uint64_t values[POLICY_SETTING_COUNT];
    uint32_t sizes[POLICY_SIZES_MAX]; /* block sizes in rising order; pool and slab */
    uint32_t size_count;              /* 0: the policy's own */
};

/* What is wrong with a text, and where. */
struct policy_mistake {
    const char *what;   /* a constant: "unknown policy", ... */
    const char *word;   /* in the text */
    size_t word_length; /* of it */
    uint64_t least;     /* of a number that is out of range; else both are 0 */
    uint64_t most;
};

/* "pool" and so on; NULL for a number that is no kind. */
const char *policy_kind_name(unsigned kind);

struct policy_setting_row {
    enum policy_kind kind;
    const char *name;
    uint64_t standard;
    uint64_t least;
    uint64_t most;
    const char *text;
};

extern const struct policy_setting_row policy_setting_rows[POLICY_SETTING_COUNT];

/* The standard settings of a kind. */
void policy_settings_init(struct policy_settings *settings, enum policy_kind kind);

/* False: *out_mistake says why, and *out_settings is not to be used. Allocates nothing. */
bool policy_settings_parse(const char *text, struct policy_settings *out_settings,
                           struct policy_mistake *out_mistake);

#endif
