/*
 * function_ranges.h - every function of a module that its files tell of, by name, with its code:
 * from the symbol table (all names of a function), and from DWARF, which knows of inlined ones,
 * too.
 *
 * A separate debug file is used as for reports. One function may be told several times. Single
 * thread.
 */
#ifndef ALLOCAUDIT_FUNCTION_RANGES_H
#define ALLOCAUDIT_FUNCTION_RANGES_H

#include <stdbool.h>
#include <stdint.h>

struct function_range {
    const char *name; /* demangled; lives until the sink returns */
    uint64_t start;   /* address in the module */
    uint64_t end;
    uint32_t depth; /* 0: it has the code; else inlined so many functions deep */
};

/* Returns 0, or what function_ranges_each() is to stop with and return. */
typedef int function_range_sink(void *context, const struct function_range *range);

/*
 * Returns 0, what the sink returned, a negative errno of opening the module, or -ENOMEM.
 * *out_is_stripped: only exported functions are known.
 */
int function_ranges_each(const char *path, function_range_sink *sink, void *context,
                         bool *out_is_stripped);

#endif
