#include "missing_programs.h"

#include <inttypes.h>
#include <string.h>

enum {
    PROGRAMS_NAMED = 4,
};

/* By the name of the file. */
static const char *const launchers[] = {
    "sh",      "ash",   "bash",    "busybox", "dash", "fish",  "ksh",    "mksh",    "zsh",
    "env",     "make",  "gmake",   "ninja",   "nice", "nohup", "setsid", "stdbuf",  "time",
    "timeout", "xargs", "taskset", "ionice",  "chrt", "sudo",  "su",     "unshare", "chroot",
};

static bool is_meant(const struct unrecorded_row *row, uint32_t process_id)
{
    return process_id == 0 || row->parent_id == process_id;
}

uint64_t missing_programs_count(const struct trace *trace, uint32_t process_id)
{
    uint64_t count = 0;
    for (size_t i = 0; i < trace->unrecorded_count; i++) {
        const struct unrecorded_row *row = &trace->unrecorded[i];
        count += is_meant(row, process_id) ? row->process_count : 0;
    }
    return count;
}

static int describe_program(const struct unrecorded_row *row, bool is_first, struct str *text)
{
    int result = str_append(text, is_first ? ": " : ", ");
    if (result == 0 && row->process_count > 1) {
        result = str_printf(text, "%" PRIu64 " times ", row->process_count);
    }
    return result < 0 ? result
                      : str_printf(text, "%s (%s)", row->path, query_unrecorded_why(row->reason));
}

int missing_programs_describe(const struct trace *trace, uint32_t process_id, struct str *text)
{
    uint64_t left = missing_programs_count(trace, process_id);
    if (left == 0) {
        return 0;
    }
    int result = str_printf(text, "%" PRIu64 " process%s not recorded", left,
                            left == 1 ? " was" : "es were");
    size_t named_count = 0;
    for (size_t i = 0; i < trace->unrecorded_count && result == 0; i++) {
        const struct unrecorded_row *row = &trace->unrecorded[i];
        if (is_meant(row, process_id) && row->path != NULL && named_count < PROGRAMS_NAMED) {
            result = describe_program(row, named_count == 0, text);
            named_count++;
            left -= row->process_count;
        }
    }
    return result == 0 && left > 0 && named_count > 0 ? str_printf(text, ", %" PRIu64 " more", left)
                                                      : result;
}

static bool is_launcher(const char *path)
{
    const char *name = str_base_name(path);
    for (size_t i = 0; i < sizeof(launchers) / sizeof(launchers[0]); i++) {
        if (strcmp(launchers[i], name) == 0) {
            return true;
        }
    }
    return false;
}

bool missing_programs_are_all(const struct trace *trace)
{
    bool are_all = trace->unrecorded_count > 0;
    for (size_t i = 0; i < trace->process_count && are_all; i++) {
        are_all = is_launcher(trace->processes[i].executable);
    }
    return are_all;
}
