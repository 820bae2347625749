#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../catalog/allocators.h"
#include "../catalog/policy_option.h"
#include "../collect/collector.h"
#include "cmd.h"
#include "run_frames.h"
#include "run_policy.h"
#include "run_record.h"

/* In the environment, `1`: compare every stack with libunwind's (docs/architecture.md). */
#define CHECK_UNWIND_ENV "ALLOCAUDIT_CHECK_UNWIND"

#define SAMPLE_BYTES_MAX    (UINT64_C(1) << 30)
#define INTROSPECT_NS       UINT64_C(100000000)
#define INTROSPECT_NS_LEAST UINT64_C(1000000)

const char *const run_unwind_names[] = {"auto", "fp", "libunwind", NULL};

static const struct option_spec options[] = {
    {"output", 'o', "FILE", "write the recording here; an older one is kept as FILE.old",
     CMD_DEFAULT_FILE, OPTION_TEXT_AT(struct run_settings, output)},
    {"allocator", '\0', "NAME",
     "run the program on glibc, jemalloc, tcmalloc, mimalloc, or a library given by its path; a "
     "policy's name is the same as --policy",
     "whatever it runs on by itself", OPTION_TEXT_AT(struct run_settings, allocator)},
    {"policy", '\0', "POLICY",
     "serve the program by a pool, frame, buddy or slab allocator, as 'simulate' names them "
     "(pool:chunk_bytes=16384), and what it declines by the usual one",
     NULL, OPTION_TEXT_AT(struct run_settings, policy)},
    {"plan", '\0', "FILE",
     "serve chosen calls (by function, module, size, thread) each by a policy of its own: the JSON "
     "file says which (docs/policies.md)",
     NULL, OPTION_TEXT_AT(struct run_settings, plan)},
    {"frame-symbol", '\0', "FUNCTION",
     "a call of this function of a library ends a frame of its thread (SDL_GL_SwapWindow): see "
     "'report frames'; up to four times",
     NULL, OPTION_LIST_AT(struct run_settings, frame_symbols)},
    {"follow", '\0', NULL, "record child processes, too", "yes",
     OPTION_YES_NO_AT(struct run_settings, follows_children)},
    {"mmap", '\0', NULL, "record the program's own mmap, munmap, mremap, brk and sbrk, too", NULL,
     OPTION_FLAG_AT(struct run_settings, is_mmap_recorded)},
    {"detail", '\0', NULL,
     "full: every allocation is a row; sites: sums only, and the blocks that are never freed (a "
     "small file for very long runs)",
     "full", OPTION_CHOICE_AT(struct run_settings, detail),
     .choices = OPTION_WORDS("full", "sites")},
    {"sample", '\0', "BYTES",
     "record only a sample, for production: each byte allocated is a sample point with a chance of "
     "one in BYTES, and the allocations that hold one are recorded (512KiB costs next to nothing); "
     "all figures are then estimates",
     "record everything", OPTION_BYTES_AT(struct run_settings, sample_bytes), .min = 1,
     .max = SAMPLE_BYTES_MAX},
    {"go-objects", '\0', NULL,
     "of a Go program, record each object with its stack, birth and death, as its runtime tells of "
     "them (allocfreetrace, Go 1.9 to 1.22), for short runs: each takes some 0.4 ms",
     "sums by its memory profile", OPTION_FLAG_AT(struct run_settings, traces_go_objects)},
    {"introspect", '\0', "WHEN",
     "ask the allocator about itself within the program (glibc: mallinfo2, jemalloc: mallctl ...): "
     "no; yes, which is ten times a second at most; or a distance such as 1s",
     "no", OPTION_TEXT_AT(struct run_settings, introspect)},
    {"leak-check", '\0', NULL,
     "when a process ends, look which of its live blocks can still be reached, as memcheck does: "
     "definite, indirect, possible, reachable; auto: only where that takes a few milliseconds (up "
     "to 10,000 blocks, 32 MiB in use, 4 GiB of addresses)",
     "auto", OPTION_CHOICE_AT(struct run_settings, leak_when),
     .choices = OPTION_WORDS("auto", "yes", "no")},
    {"depth", '\0', "N", "frames kept of a call stack, from the allocation outward", "256 frames",
     OPTION_COUNT_AT(struct run_settings, depth_limit), .min = 1, .max = EVENT_STACK_MAX_FRAMES},
    {"unwind", '\0', NULL, "how call stacks are taken", "auto",
     OPTION_CHOICE_AT(struct run_settings, unwind), .choices = run_unwind_names},
    {"on-full", '\0', NULL,
     "what a thread does when events come faster than they can be written: wait, or drop and count",
     "wait", OPTION_CHOICE_AT(struct run_settings, when_full),
     .choices = OPTION_WORDS("wait", "drop")},
    {"ring", '\0', "BYTES", "the most memory that events may take on their way", "256 MiB",
     OPTION_BYTES_AT(struct run_settings, ring_bytes), .min = 4 << 20, .max = UINT64_C(16) << 30},
    {"quiet", 'q', NULL, "no summary at the end", NULL,
     OPTION_FLAG_AT(struct run_settings, is_quiet)},
    {0},
};

static const struct option_example examples[] = {
    {"allocaudit run ./app --its-own-option", "record ./app into ./allocaudit.db"},
    {"allocaudit run -o perl.db -- perl script.pl", "choose the file"},
    {"allocaudit run --frame-symbol SDL_GL_SwapWindow ./game", "what does each frame allocate?"},
    {NULL, NULL},
};

static const char *const paragraphs[] = {
    "The program's input, output, signals and terminal are its own. The exit status is the "
    "program's, 128+N if signal N ended it, 125 if allocaudit itself failed, 126 if the command "
    "cannot be executed or recorded, 127 if it was not found.",
    NULL,
};

const struct option_page cmd_run_page = {
    .command = "run",
    .purpose = "record every allocation of a program",
    .usage = "[options] [--] COMMAND [ARG...]",
    .examples = examples,
    .options = options,
    .paragraphs = paragraphs,
    .is_command_line = true,
};

/* Returns 0, or the exit status after telling why nothing is run. */
static int find_allocator(struct run_settings *settings, struct allocator *allocator)
{
    struct err err;
    if (settings->allocator == NULL) {
        return 0;
    }
    int r = allocators_find(settings->allocator, allocator, &err);
    if (r == -EINVAL) {
        return cmd_misuse(&cmd_run_page, "%s", err.text);
    }
    if (r < 0) {
        return run_fail(&err, CMD_RUN_FAILED);
    }
    if (allocator->kind == ALLOCATOR_POLICY && settings->policy != NULL) {
        return cmd_misuse(&cmd_run_page, "--allocator %s is a policy, as is --policy %s: give one",
                          settings->allocator, settings->policy);
    }
    if (allocator->kind == ALLOCATOR_POLICY) { /* in our own library, which is preloaded anyway */
        settings->policy = settings->allocator;
        allocator->path[0] = '\0';
    }
    return 0;
}

/* The same for --introspect. */
static int read_introspect(struct run_settings *settings)
{
    const char *text = settings->introspect;
    if (text == NULL || strcmp(text, "no") == 0) {
        return 0;
    }
    if (strcmp(text, "yes") == 0) {
        settings->introspect_ns = INTROSPECT_NS;
        return 0;
    }
    struct err err;
    if (options_read_duration(text, &settings->introspect_ns, &err) < 0 ||
        settings->introspect_ns < INTROSPECT_NS_LEAST) {
        return cmd_misuse(&cmd_run_page,
                          "--introspect is '%s', not yes, no or a time of 1ms or more (100ms, 1s)",
                          text);
    }
    return 0;
}

/* Returns 0, or CMD_WRONG_USAGE after telling why. */
static int read_environment(struct run_settings *settings)
{
    const char *text = getenv(CHECK_UNWIND_ENV);
    if (text == NULL || text[0] == '\0' || strcmp(text, "0") == 0) {
        return 0;
    }
    if (strcmp(text, "1") != 0) {
        return cmd_misuse(&cmd_run_page, CHECK_UNWIND_ENV " is '%s', not 1 or 0", text);
    }
    if (settings->unwind != RING_UNWIND_AUTO) {
        return cmd_misuse(&cmd_run_page, CHECK_UNWIND_ENV " checks '--unwind auto', not '%s'",
                          run_unwind_names[settings->unwind]);
    }
    settings->checks_unwind = true;
    return 0;
}

/* The same for --policy, which the library in the program reads from its environment. */
static int route_by(const char *policy)
{
    struct err err;
    struct policy_settings settings;
    if (policy_option_parse(policy, &settings, &err) < 0) {
        return cmd_misuse(&cmd_run_page, "%s", err.text);
    }
    if (setenv(POLICY_ENV, policy, 1) != 0) {
        err_set_errno(&err, errno, "cannot set " POLICY_ENV);
        return run_fail(&err, CMD_RUN_FAILED);
    }
    return 0;
}

static int check_frames(const struct option_list *symbols)
{
    struct err err;
    int r = run_frames_check(symbols, &err);
    return r == 0         ? 0
           : r == -EINVAL ? cmd_misuse(&cmd_run_page, "%s", err.text)
                          : run_fail(&err, CMD_RUN_FAILED);
}

static int run(struct run_settings *settings, char **command)
{
    struct allocator allocator = {.kind = ALLOCATOR_GLIBC};
    int status = read_environment(settings);
    if (status == 0) {
        status = read_introspect(settings);
    }
    if (status == 0) {
        status = find_allocator(settings, &allocator);
    }
    if (status == 0 && settings->policy != NULL && settings->plan != NULL) {
        status = cmd_misuse(&cmd_run_page,
                            "a policy serves all calls, and --plan chosen ones: give one");
    }
    if (status == 0 && settings->policy != NULL) {
        status = route_by(settings->policy);
    }
    if (status == 0 && settings->traces_go_objects && settings->sample_bytes != OPTION_NOT_GIVEN) {
        status = cmd_misuse(&cmd_run_page, "--go-objects records every object, and --sample some: "
                                           "give one");
    }
    if (status == 0) {
        status = check_frames(&settings->frame_symbols);
    }
    return status != 0 ? status : run_record(command, settings, &allocator);
}

int cmd_run(int argc, char **argv)
{
    struct run_settings settings = {
        .output = CMD_DEFAULT_FILE,
        .follows_children = true,
        .depth_limit = 256,
        .ring_bytes = 256 << 20,
        .sample_bytes = OPTION_NOT_GIVEN,
    };
    struct option_arguments arguments;
    int status;
    if (cmd_begin(&cmd_run_page, argc, argv, &settings, &arguments, &status)) {
        status = arguments.count == 0 ? cmd_misuse(&cmd_run_page, "no command to record")
                                      : run(&settings, arguments.words);
    }
    option_list_fini(&settings.frame_symbols);
    return status;
}
