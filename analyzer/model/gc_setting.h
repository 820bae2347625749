/*
 * gc_setting.h - GOGC and GOMEMLIMIT: what they say, and how they are written. Pure functions.
 */
#ifndef ALLOCAUDIT_GC_SETTING_H
#define ALLOCAUDIT_GC_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GC_GOGC_OFF    UINT64_MAX
#define GC_LIMIT_NONE  UINT64_MAX
#define GC_GOGC_COMMON UINT64_C(100) /* where GOGC is not set */

enum {
    GC_SETTING_BYTES = 96 /* room for gc_setting_describe() */
};

struct gc_setting {
    uint64_t gogc_pct;    /* GC_GOGC_OFF: collects only because of the limit */
    uint64_t limit_bytes; /* GOMEMLIMIT; GC_LIMIT_NONE */
};

/* What GOGC= and GOMEMLIMIT= say; NULL or "": the default. False: no such value. */
bool gc_gogc_parse(const char *text, uint64_t *out_gogc_pct);
bool gc_limit_parse(const char *text, uint64_t *out_limit_bytes);

/* "GOGC=200 GOMEMLIMIT=1GiB", either of them alone, in any order. False: it says something else. */
bool gc_setting_parse(const char *text, struct gc_setting *out_setting);

bool gc_setting_equals(const struct gc_setting *left, const struct gc_setting *right);

/* As one would write it before a command: "GOGC=off GOMEMLIMIT=460MiB". Returns text. */
const char *gc_setting_describe(const struct gc_setting *setting, char text[GC_SETTING_BYTES]);

#endif
