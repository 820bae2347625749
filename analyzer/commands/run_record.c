#include "run_record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "../catalog/elf_malloc.h"
#include "../cli/talk.h"
#include "../cli/term.h"
#include "../collect/collector.h"
#include "../collect/target/target.h"
#include "cmd.h"
#include "run_frames.h"
#include "run_output.h"
#include "run_policy.h"
#include "run_summary.h"

int run_fail(const struct err *err, int status)
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
        return run_fail(&err, exit_status(&collector->launch) != 0 ? exit_status(&collector->launch)
                                                                   : CMD_RUN_FAILED);
    }
    run_summarize(collector, settings, plan);
    bool is_passed = !settings->checks_unwind || run_tell_check(collector);
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

/* Go's memory profile is a sample, of sums: so is all that is recorded. --sample 1 is everything.
 */
static void settle_go(struct collector_settings *wanted, const struct run_settings *settings)
{
    if (settings->traces_go_objects) {
        wanted->traces_go_objects = true;
        wanted->leak_when = LEAK_CHECK_NO;
        return;
    }
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
        .unwind = run_unwind_names[settings->unwind],
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
        return run_fail(&err, CMD_RUN_FAILED);
    }
    int status;
    int r = settings->plan != NULL ? run_plan_install(plan, collector.session.directory, &err) : 0;
    r = r == 0 ? collector_launch(&collector, &err) : r;
    if (r < 0) {
        launch_end(&collector.launch);
        status = run_fail(&err, r == -ENOENT                    ? CMD_NOT_FOUND
                                : r == -EACCES || r == -ENOEXEC ? CMD_NOT_EXECUTABLE
                                                                : CMD_RUN_FAILED);
    } else {
        r = collector_run(&collector, settings->is_quiet ? NULL : tell_waiting, NULL, &err);
        status = r < 0 ? run_fail(&err, CMD_RUN_FAILED) : finish(&collector, settings, &plan->plan);
    }
    collector_destroy(&collector);
    return status;
}

/* Returns 0, or the exit status after telling why its objects cannot be traced. */
static int check_go_objects(const struct target *target, const char *command)
{
    struct err err;
    if (!target->is_go) {
        err_set(&err, ENOEXEC, "'%s' is no Go program: --go-objects is for those", command);
        return run_fail(&err, CMD_NOT_EXECUTABLE);
    }
    if (target->go.minor < OBJECT_TRACE_MINOR_FIRST || target->go.minor > OBJECT_TRACE_MINOR_LAST) {
        err_set(&err, ENOTSUP,
                "'%s' is of %s, whose runtime does not tell of each object (Go 1.%d to 1.%d do): "
                "--sample 1 instead of --go-objects gives their sums",
                command, target->go.version, OBJECT_TRACE_MINOR_FIRST, OBJECT_TRACE_MINOR_LAST);
        return run_fail(&err, CMD_NOT_EXECUTABLE);
    }
    return 0;
}

/* It does not come by malloc's name, so nobody else would notice. Of a malloc of its own it is told
 * when the program has ended: a library may bring one, too. */
static void tell_linked_allocator(const char *program, const struct elf_malloc *own)
{
    if (own->is_own) {
        return;
    }
    if (own->function[0] != '\0') {
        talk_note("'%s' has an allocator linked in, with the function %s: calls of that are not "
                  "recorded; build it to use malloc",
                  program, own->function);
    } else if (own->linked[0] != '\0') {
        talk_note("'%s' has %s linked in, under names that were stripped: calls of that are not "
                  "recorded; build it to use malloc",
                  program, own->linked);
    }
    if (own->called[0] != '\0') {
        talk_note("'%s' calls %s: that is not recorded, only calls of malloc are", program,
                  own->called);
    }
}

int run_record(char **command, const struct run_settings *settings,
               const struct allocator *allocator)
{
    struct err err;
    struct run_plan plan = {0};
    struct elf_malloc own = {0};
    struct target target = {.is_go = false};
    int r = target_check(command[0], &target, &err);
    if (r < 0) {
        return run_fail(&err, r == -ENOENT ? CMD_NOT_FOUND : CMD_NOT_EXECUTABLE);
    }
    if (target.is_unreadable) {
        talk_note("'%s' may not be read, so it is not known whether it is a Go program or "
                  "statically linked: only what a preload sees of it is recorded",
                  target.path);
    }
    r = settings->traces_go_objects ? check_go_objects(&target, command[0]) : 0;
    if (r != 0) {
        return r;
    }
    run_frames_advise(&settings->frame_symbols, command[0], target.path);
    elf_malloc_look(target.path, &own);
    tell_linked_allocator(target.path, &own);
    r = settings->plan != NULL ? run_plan_read(&plan, settings->plan, target.path, &err) : 0;
    int status = r == 0         ? record(command, &target, settings, allocator, &own, &plan)
                 : r == -EINVAL ? cmd_misuse(&cmd_run_page, "%s", err.text)
                                : run_fail(&err, CMD_RUN_FAILED);
    run_plan_fini(&plan);
    return status;
}
