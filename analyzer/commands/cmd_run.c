#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "../base/str.h"
#include "../catalog/allocators.h"
#include "../catalog/elf_malloc.h"
#include "../catalog/policy_option.h"
#include "../cli/out_value.h"
#include "../cli/talk.h"
#include "../cli/term.h"
#include "../collect/collector.h"
#include "../collect/selfcheck.h"
#include "../collect/target.h"
#include "cmd.h"
#include "run_frames.h"
#include "run_output.h"
#include "run_policy.h"
/* In the environment, `1`: compare every stack with libunwind's (docs/architecture.md). */
#define CHECK_UNWIND_ENV "ALLOCAUDIT_CHECK_UNWIND"

struct run_settings {
    const char *output;
    const char *allocator;
    const char *policy;
    const char *plan;
    struct option_list frame_symbols;
    const char *introspect;
    uint64_t introspect_ns; /* 0: never */
    int detail;
    int unwind;
    int when_full;
    uint64_t depth_limit;
    uint64_t ring_bytes;
    uint64_t sample_bytes; /* OPTION_NOT_GIVEN: everything is recorded */
    bool is_mmap_recorded;
    bool follows_children;
    int leak_when; /* enum leak_when */
    bool is_quiet;
    bool checks_unwind;
};

#define SAMPLE_BYTES_MAX    (UINT64_C(1) << 30)
#define INTROSPECT_NS       UINT64_C(100000000)
#define INTROSPECT_NS_LEAST UINT64_C(1000000)

static const char *const unwind_names[] = {"auto", "fp", "libunwind", NULL};

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
    {"introspect", '\0', "WHEN",
     "ask the allocator about itself within the program (glibc: mallinfo2, jemalloc: mallctl ...): "
     "no; yes, which is ten times a second at most; or a distance such as 1s",
     "no", OPTION_TEXT_AT(struct run_settings, introspect)},
    {"leak-check", '\0', NULL,
     "when a process ends, look which of its live blocks can still be reached, as memcheck does: "
     "definite, indirect, possible, reachable; auto: only where that takes a few milliseconds (up "
     "to "
     "10,000 blocks, 32 MiB)",
     "auto", OPTION_CHOICE_AT(struct run_settings, leak_when),
     .choices = OPTION_WORDS("auto", "yes", "no")},
    {"depth", '\0', "N", "frames kept of a call stack, from the allocation outward", "256 frames",
     OPTION_COUNT_AT(struct run_settings, depth_limit), .min = 1, .max = EVENT_STACK_MAX_FRAMES},
    {"unwind", '\0', NULL, "how call stacks are taken", "auto",
     OPTION_CHOICE_AT(struct run_settings, unwind), .choices = unwind_names},
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

static int fail(const struct err *err, int status)
{
    talk_error(err->text);
    return status;
}

static void tell_waiting(void *context, uint32_t count, uint32_t pid)
{
    (void)context;
    talk_note("the command has ended; waiting for %u recorded process%s still running (pid %u); "
              "interrupt to stop recording",
              count, count == 1 ? "" : "es", pid);
}

static void show_progress(void *context, uint64_t done, uint64_t total)
{
    term_progress_update(context, done, total);
}

static void append_scaled(struct str *text, enum out_kind kind, uint64_t number)
{
    struct out_value value = {.kind = kind, .number = (int64_t)number};
    (void)out_value_append_table(&value, text);
}

static void summarize_figures(bool is_sample, uint64_t allocation_count, uint64_t peak_bytes,
                              uint64_t leaked_count, uint64_t leaked_bytes)
{
    struct str text = {0};
    str_append(&text, is_sample ? "about " : "");
    append_scaled(&text, OUT_KIND_COUNT, allocation_count);
    str_append(&text, " allocations, peak ");
    append_scaled(&text, OUT_KIND_BYTES, peak_bytes);
    str_append(&text, ", live at the end: ");
    append_scaled(&text, OUT_KIND_COUNT, leaked_count);
    str_append(&text, " blocks, ");
    append_scaled(&text, OUT_KIND_BYTES, leaked_bytes);
    talk_note("%s", str_text(&text));
    str_fini(&text);
}

static void summarize_pauses(const struct recording *recording)
{
    uint64_t allocation_count = 0;
    uint64_t allocated_bytes = 0;
    struct str text = {0};
    for (size_t i = 0; i < recording->subject_count; i++) {
        allocation_count += recording->subjects[i]->paused_allocation_count;
        allocated_bytes += recording->subjects[i]->paused_allocated_bytes;
    }
    if (allocation_count > 0) {
        append_scaled(&text, OUT_KIND_COUNT, allocation_count);
        str_append(&text, " allocations, ");
        append_scaled(&text, OUT_KIND_BYTES, allocated_bytes);
        talk_note("not counted, as the program had paused: %s", str_text(&text));
    }
    str_fini(&text);
}

static void summarize_go(const struct recording *recording)
{
    const struct go_facts *go = &recording->go;
    struct str text = {0};
    str_printf(&text, "%s: ", go->version);
    if (strcmp(go->gc_source, "none") != 0) {
        append_scaled(&text, OUT_KIND_COUNT, recording->gc_event_count);
        str_append(&text, " garbage collections");
    } else {
        str_printf(&text, "garbage collections are not known (%s)", go->gc_reason);
    }
    if (strcmp(go->site_source, "none") != 0) {
        str_append(&text, "; sites from its memory profile, ");
        if (go->profile_rate_bytes > 1) {
            str_append(&text, "a sample in ");
            append_scaled(&text, OUT_KIND_BYTES, go->profile_rate_bytes);
        } else {
            str_append(&text, "every object");
        }
        str_append(&text, strcmp(go->site_source, "exit") == 0
                              ? ", read as it ended"
                              : ", as it was before the end: what came after is missing");
    } else {
        str_printf(&text, "; sites are not known (%s)",
                   go->site_reason[0] != '\0' ? go->site_reason : "nothing could be read");
    }
    talk_note("%s", str_text(&text));
    str_fini(&text);
}

static void summarize(const struct collector *collector, const struct run_settings *settings,
                      const struct plan *plan)
{
    const struct recording *recording = &collector->recording;
    uint64_t allocation_count = 0;
    uint64_t leaked_count = 0;
    uint64_t leaked_bytes = 0;
    uint64_t lost_count = collector->facts.lost_event_count;
    for (size_t i = 0; i < recording->subject_count; i++) {
        const struct subject *subject = recording->subjects[i];
        allocation_count += subject->tally.allocation_count;
        leaked_count += subject->leaked_count;
        leaked_bytes += subject->leaked_bytes;
        lost_count += subject->lost_event_count;
        if (subject->is_malloc_replaced) {
            talk_note("process %u brings its own malloc, which cannot be seen", subject->pid);
        }
    }
    if (lost_count > 0) {
        talk_note("%llu events were lost", (unsigned long long)lost_count);
    }
    uint32_t unmapped_count = atomic_load(&collector->session.ring->unmapped_process_count);
    if (unmapped_count > 0) {
        talk_note(
            "%u programs were not recorded: the limit of their address space (ulimit -v) left "
            "no room for the ring; a smaller --ring may help",
            unmapped_count);
    }
    if (recording->subject_count == 0) {
        talk_note("nothing was recorded: no process loaded liballocaudit.so");
    }
    run_plan_warn(recording, plan);
    run_frames_tell(&settings->frame_symbols, recording);
    if (!settings->is_quiet) {
        bool is_default = strcmp(settings->output, CMD_DEFAULT_FILE) == 0;
        summarize_figures(recording->sample_bytes != 0, allocation_count, recording->peak_bytes,
                          leaked_count, leaked_bytes);
        if (recording->sample_bytes == 0) {
            summarize_pauses(recording);
        }
        if (recording->go.process_id != 0) {
            summarize_go(recording);
        }
        if (settings->policy != NULL) {
            run_policy_summarize(recording, settings->policy);
        }
        run_plan_summarize(recording, plan);
        talk_note("recorded in %s", settings->output);
        talk_note("next: allocaudit report%s%s", is_default ? "" : " ",
                  is_default ? "" : settings->output);
    }
}

/* False if a stack differed, or none could be compared. */
static bool tell_check(const struct collector *collector)
{
    struct str text = {0};
    bool is_passed = false;
    if (selfcheck_describe(&collector->session.ring->check, &collector->recording, &text,
                           &is_passed) < 0) {
        talk_error("out of memory");
    }
    for (const char *line = str_text(&text); *line != '\0';) {
        size_t length = strcspn(line, "\n");
        talk_note("%.*s", (int)length, line);
        line += length + (line[length] == '\n');
    }
    str_fini(&text);
    return is_passed;
}

static int exit_status(const struct launch *launch)
{
    return launch->exit_signal != 0 ? 128 + launch->exit_signal : launch->exit_status;
}

static int finish(struct collector *collector, const struct run_settings *settings,
                  const struct plan *plan)
{
    struct err err;
    struct term_progress progress;
    if (collector->is_failed) {
        talk_error(collector->failure.text);
        talk_note("recording stopped there; the program was not disturbed");
    }
    term_progress_begin(&progress, stderr, "resolving symbols");
    int r = collector_finish(collector, show_progress, &progress, &err);
    term_progress_end(&progress);
    launch_end(&collector->launch);
    if (r < 0) {
        err_prepend(&err, "the recording is not complete");
        talk_note("'allocaudit recover %s' completes it once the cause is mended",
                  settings->output);
        return fail(&err, exit_status(&collector->launch) != 0 ? exit_status(&collector->launch)
                                                               : CMD_RUN_FAILED);
    }
    summarize(collector, settings, plan);
    bool is_passed = !settings->checks_unwind || tell_check(collector);
    if ((collector->is_failed || !is_passed) && exit_status(&collector->launch) == 0) {
        return CMD_RUN_FAILED;
    }
    return exit_status(&collector->launch);
}

/* Tests need the same sample twice. */
static uint64_t sample_seed(void)
{
    const char *text = getenv("ALLOCAUDIT_SEED");
    uint64_t seed = 0;
    if (text != NULL) {
        return strtoull(text, NULL, 0);
    }
    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed)) {
        seed = (uint64_t)getpid();
    }
    return seed;
}

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
        return fail(&err, CMD_RUN_FAILED);
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

/* Go's memory profile is a sample, of sums: so is all that is recorded. --sample 1 is everything.
 */
static void settle_go(struct collector_settings *wanted, const struct run_settings *settings)
{
    wanted->is_sites_only = true;
    wanted->sample_bytes = settings->sample_bytes == OPTION_NOT_GIVEN ? GO_RATE_BYTES
                           : settings->sample_bytes == 1              ? 0
                                                                      : settings->sample_bytes;
}

/* Makes what is needed, starts the command, and sees it through. Returns the exit status. */
static int record(char **command, const struct target *target, const struct run_settings *settings,
                  const struct allocator *allocator, const struct elf_malloc *own,
                  const struct run_plan *plan)
{
    struct err err;
    struct collector collector;
    struct collector_settings wanted = {
        .command = command,
        .path = settings->output,
        .allocator = allocator->path,
        .sanitizer = own->sanitizer,
        .unwind = unwind_names[settings->unwind],
        .depth_limit = settings->depth_limit,
        .ring_bytes = settings->ring_bytes,
        .checks_unwind = settings->checks_unwind,
        .is_mmap_recorded = settings->is_mmap_recorded,
        .follows_children = settings->follows_children,
        .leak_when = settings->sample_bytes == OPTION_NOT_GIVEN
                         ? (enum leak_when)settings->leak_when
                         : LEAK_CHECK_NO,
        .is_routed = settings->policy != NULL || settings->plan != NULL,
        .drops_when_full = settings->when_full == 1,
        .is_sites_only = settings->detail == 1,
        .sample_bytes = settings->sample_bytes == OPTION_NOT_GIVEN ? 0 : settings->sample_bytes,
        .sample_seed = sample_seed(),
        .frame_symbols = settings->frame_symbols.items,
        .frame_symbol_count = settings->frame_symbols.count,
        .introspect_ns = settings->introspect_ns,
        .target = target,
    };
    if (target->is_go) {
        settle_go(&wanted, settings);
    }
    if (run_output_keep_old(settings->output, &err) < 0 ||
        collector_create(&collector, &wanted, &err) < 0) {
        return fail(&err, CMD_RUN_FAILED);
    }
    int status;
    int r = settings->plan != NULL ? run_plan_install(plan, collector.session.directory, &err) : 0;
    r = r == 0 ? collector_launch(&collector, &err) : r;
    if (r < 0) {
        launch_end(&collector.launch);
        status = fail(&err, r == -ENOENT                    ? CMD_NOT_FOUND
                            : r == -EACCES || r == -ENOEXEC ? CMD_NOT_EXECUTABLE
                                                            : CMD_RUN_FAILED);
    } else {
        r = collector_run(&collector, settings->is_quiet ? NULL : tell_waiting, NULL, &err);
        status = r < 0 ? fail(&err, CMD_RUN_FAILED) : finish(&collector, settings, &plan->plan);
    }
    collector_destroy(&collector);
    return status;
}

/* It does not come by malloc's name, so nobody else would notice. */
static void tell_linked_allocator(const char *program, const struct elf_malloc *own)
{
    if (own->function[0] != '\0') {
        talk_note("'%s' has an allocator linked in, with the function %s: calls of that are not "
                  "recorded; build it to use malloc",
                  program, own->function);
    }
}

static int record_checked(char **command, const struct run_settings *settings,
                          const struct allocator *allocator)
{
    struct err err;
    struct run_plan plan = {0};
    struct elf_malloc own = {0};
    struct target target = {.is_go = false};
    int r = target_check(command[0], &target, &err);
    if (r < 0) {
        return fail(&err, r == -ENOENT ? CMD_NOT_FOUND : CMD_NOT_EXECUTABLE);
    }
    if (target.is_unreadable) {
        talk_note("'%s' may not be read, so it is not known whether it is a Go program or "
                  "statically linked: only what a preload sees of it is recorded",
                  target.path);
    }
    run_frames_advise(&settings->frame_symbols, command[0], target.path);
    elf_malloc_look(target.path, &own);
    tell_linked_allocator(target.path, &own);
    r = settings->plan != NULL ? run_plan_read(&plan, settings->plan, target.path, &err) : 0;
    int status = r == 0         ? record(command, &target, settings, allocator, &own, &plan)
                 : r == -EINVAL ? cmd_misuse(&cmd_run_page, "%s", err.text)
                                : fail(&err, CMD_RUN_FAILED);
    run_plan_fini(&plan);
    return status;
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
                          unwind_names[settings->unwind]);
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
        return fail(&err, CMD_RUN_FAILED);
    }
    return 0;
}

static int check_frames(const struct option_list *symbols)
{
    struct err err;
    int r = run_frames_check(symbols, &err);
    return r == 0         ? 0
           : r == -EINVAL ? cmd_misuse(&cmd_run_page, "%s", err.text)
                          : fail(&err, CMD_RUN_FAILED);
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
    if (status == 0) {
        status = check_frames(&settings->frame_symbols);
    }
    return status != 0 ? status : record_checked(command, settings, &allocator);
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
