/*
 * tune_space.c - which knobs were searched, and which not and why (tune_print_space in
 * tune_answer.h).
 */
#include <string.h>

#include "tune_answer.h"

static void print_searched(const struct tune_answer *tune, struct out *out)
{
    size_t count;
    const struct knob *knobs = knobs_all(&count);
    out_begin_table(out, "searched", "What was searched");
    for (size_t n = 0; n < tune->name_count; n++) {
        const struct tuning_space *space = &tune->spaces[n];
        for (size_t i = 0; i < count; i++) {
            if (knobs[i].family == space->family && tuning_exclusion(space, &knobs[i]) == NULL) {
                bool has_timed = tuning_has_timed(space, &knobs[i]);
                out_begin_row(out);
                out_text(out, "allocator", "allocator", tune->names[n]);
                out_text(out, "knob", "knob", knobs[i].name);
                out_text(out, "values", "values", knobs[i].search);
                out_text(out, "timed_values", "as time passes",
                         has_timed ? knobs[i].search_timed : NULL);
                out_end_row(out);
            }
        }
    }
    out_end_table(out);
}

/* All knobs that are left out for one reason, in one row: the first of them begins it. */
static void print_reason(const struct tune_answer *tune, size_t place, size_t first,
                         const char *reason, struct out *out)
{
    size_t count;
    const struct knob *knobs = knobs_all(&count);
    const struct tuning_space *space = &tune->spaces[place];
    struct str names = {0};
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        const char *other =
            knobs[i].family == space->family ? tuning_exclusion(space, &knobs[i]) : NULL;
        if (other == NULL || strcmp(other, reason) != 0) {
            continue;
        }
        if (i < first) {
            return; /* told already, with the first one */
        }
        result = str_printf(&names, "%s%s", names.size_bytes > 0 ? ", " : "", knobs[i].name);
    }
    out_begin_row(out);
    out_text(out, "allocator", "allocator", tune->names[place]);
    out_text(out, "reason", "why not", reason);
    out_text(out, "knobs", "knobs", str_text(&names));
    out_end_row(out);
    str_fini(&names);
}

static void print_left_out(const struct tune_answer *tune, struct out *out)
{
    size_t count;
    const struct knob *knobs = knobs_all(&count);
    out_begin_table(out, "left_out", "What was not");
    for (size_t n = 0; n < tune->name_count; n++) {
        for (size_t i = 0; i < count; i++) {
            const char *reason = knobs[i].family == tune->spaces[n].family
                                     ? tuning_exclusion(&tune->spaces[n], &knobs[i])
                                     : NULL;
            if (reason != NULL) {
                print_reason(tune, n, i, reason, out);
            }
        }
    }
    out_end_table(out);
}

void tune_print_space(const struct tune_answer *tune, struct out *out)
{
    print_searched(tune, out);
    print_left_out(tune, out);
}
