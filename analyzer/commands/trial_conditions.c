#include "trial_conditions.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "../cli/talk.h"
#include "../collect/target/target.h"
#include "cmd.h"

void trial_note_surroundings(const struct elf_malloc *own, struct out *out)
{
    const char *preload = getenv("LD_PRELOAD");
    if (own->library[0] != '\0') {
        out_note(out, "the program is linked with %s: where nothing is preloaded it runs on that",
                 own->library);
    }
    const char *beside = own->function[0] != '\0' ? own->function
                         : own->called[0] != '\0' ? own->called
                                                  : own->linked;
    if (beside[0] != '\0') {
        out_note(out,
                 "the program has an allocator of its own beside malloc (%s): what it takes from "
                 "that is the same under every candidate",
                 beside);
    }
    if (preload != NULL && preload[0] != '\0') {
        out_note(out, "LD_PRELOAD is set: '%s' is loaded behind every candidate's own library",
                 preload);
    }
}

int trial_check_command(const char *command, struct elf_malloc *out_own)
{
    struct err err;
    struct target target = {.is_go = false};
    int r = target_check(command, &target, &err);
    if (r < 0) {
        (void)cmd_fail(&err);
        return r == -ENOENT ? CMD_NOT_FOUND : CMD_NOT_EXECUTABLE;
    }
    elf_malloc_look(target.path, out_own);
    if (out_own->is_own) {
        err_set(&err, ENOEXEC,
                "cannot try allocators on '%s': it brings its own malloc, and what is preloaded "
                "comes after that; build it without",
                target.path);
        (void)cmd_fail(&err);
        return CMD_NOT_EXECUTABLE;
    }
    return 0;
}

int trial_check_input(const char *input)
{
    struct err err;
    const int fd = input != NULL ? open(input, O_RDONLY | O_CLOEXEC) : -1;
    if (input != NULL && fd < 0) {
        err_set_errno(&err, errno, "cannot read '%s'", input);
        return cmd_fail(&err);
    }
    if (fd >= 0) {
        close(fd);
    }
    return 0;
}

int trial_check_candidates(const struct candidates *candidates)
{
    struct err err;
    size_t absent_count = 0;
    for (size_t i = 0; i < candidates->count; i++) {
        const struct candidate *candidate = &candidates->items[i];
        if (candidate->absence != NULL) {
            talk_note("%s is left out: %s", candidate->label, candidate->absence);
            absent_count++;
        }
    }
    if (candidates->items[0].absence != NULL) {
        err_set(&err, ENOPKG, "nothing to compare with: the baseline '%s' is not installed",
                candidates->items[0].label);
        return cmd_fail(&err);
    }
    if (absent_count > 0 && absent_count + 1 == candidates->count) {
        err_set(&err, ENOPKG, "nothing to compare with '%s'", candidates->items[0].label);
        return cmd_fail(&err);
    }
    return 0;
}
