/*
 * plan_names.h - is a function the one that a plan means?
 *
 * The plan may have its name as reports show it, without parameters (`ns::f` for
 * `ns::f(int) const`), without what the compiler put behind it (`f` for `f.part.0`), or a GLOB for
 * any of these: *, ? and [...], as in SQL. Any thread.
 */
#ifndef ALLOCAUDIT_PLAN_NAMES_H
#define ALLOCAUDIT_PLAN_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PLAN_NAME_FORMS = 4,
    PLAN_NAME_FORM_BYTES = 1024, /* forms longer than that are left out */
};

/* The ways in which a name may be written. */
struct plan_name {
    const char *whole;
    char forms[PLAN_NAME_FORMS][PLAN_NAME_FORM_BYTES];
    size_t form_count;
};

/* `name` is demangled, and must live as long as *out_name. */
void plan_name_init(struct plan_name *out_name, const char *name);

/* Whether one of the forms is the pattern, or like it. */
bool plan_name_matches(const struct plan_name *name, const char *pattern);

/* Whether a module is like the GLOB, by its path or the last part of it; "": any is. */
bool plan_module_matches(const char *path, const char *glob);

/* Whether the pattern is MODULE+0xOFFSET; then *out_length is that of MODULE. */
bool plan_name_is_address(const char *pattern, size_t *out_length, uint64_t *out_offset);

#endif
