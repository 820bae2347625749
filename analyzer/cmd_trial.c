#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "catalog/elf_malloc.h"
#include "cli/talk.h"
#include "cli/term.h"
#include "cmd.h"
#include "collect/target.h"
#include "trial/candidate.h"
#include "trial/trial.h"
#include "trial_report.h"

struct trial_options {
    const char *allocators;
    uint64_t round_count;
    uint64_t warmup_count;
    struct option_list settings;
    const char *input;
    uint64_t status;
    uint64_t timeout_ns; /* OPTION_NOT_GIVEN: none */
    uint64_t threshold_pct;
    bool is_output_shown;
    struct out_settings out;
};

#define DEFAULT_ALLOCATORS "glibc,jemalloc,tcmalloc,mimalloc"

static const struct option_spec options[] = {
    {"allocators", 'a', "LIST",
     "what to run the command on; the first is what the others are compared with: glibc (nothing "
     "is preloaded), jemalloc, tcmalloc, mimalloc, a library by its path (./libmine.so), or "
     "allocaudit's own pool, frame, buddy, slab, also with settings (pool:chunk_bytes=16384); "
     "NAME@WORD lists one once more, for variables of its own",
     DEFAULT_ALLOCATORS, OPTION_TEXT_AT(struct trial_options, allocators)},
    {"rounds", 'n', "N", "how often each runs; an interval takes 6 rounds", "10",
     OPTION_COUNT_AT(struct trial_options, round_count), .min = 1, .max = INTERVAL_COUNT_MAX},
    {"warmup", '\0', "N", "rounds before them that are not counted", "1",
     OPTION_COUNT_AT(struct trial_options, warmup_count), .max = 100},
    {"env", 'e', "[CANDIDATE:]NAME=VALUE",
     "set an environment variable for all, or for the candidate of that name in LIST; may be "
     "repeated",
     NULL, OPTION_LIST_AT(struct trial_options, settings)},
    {"threshold", '\0', "PERCENT", "smaller differences count as none", "2 %",
     OPTION_COUNT_AT(struct trial_options, threshold_pct), .max = 1000},
    {"stdin", '\0', "FILE", "what the command reads, from its beginning in every run", "/dev/null",
     OPTION_TEXT_AT(struct trial_options, input)},
    {"status", '\0', "N", "the exit status with which the command ends if all is well", "0",
     OPTION_COUNT_AT(struct trial_options, status), .max = 255},
    {"timeout", '\0', "TIME", "kill a run after this time; its candidate is then out", "none",
     OPTION_DURATION_AT(struct trial_options, timeout_ns), .min = 1000 * 1000},
    {"show-output", '\0', NULL, "show on stderr what the command writes, instead of nothing", NULL,
     OPTION_FLAG_AT(struct trial_options, is_output_shown)},
    OUT_OPTIONS(struct trial_options, out),
    {0},
};

static const struct option_example examples[] = {
    {"allocaudit trial -- python3 script.py", "what each allocator would change"},
    {"allocaudit trial -a glibc,./libmine.so -n 20 ./app", "a library of one's own, more closely"},
    {"allocaudit trial -a glibc,glibc@two -e glibc@two:MALLOC_ARENA_MAX=2 ./app",
     "two settings of one allocator"},
    {NULL, NULL},
};

static const char *const paragraphs[] = {
    "Runs the command itself, unrecorded, under each candidate in turn, in an order that changes "
    "from round to round. The run is without a terminal; what it writes is thrown away, but a "
    "candidate is named if its output on stdout is not the baseline's. A candidate that is not "
    "installed, or whose run fails, is left out; the others go on.",
    "Wall time is until the command itself ends. CPU time, page faults and context switches are "
    "sums over all processes that it starts, children that it leaves behind included: they are "
    "waited for. Peak memory is the resident memory of the largest process, not of all together.",
    "Figures are medians. A difference is the median of the differences within each round. Both "
    "come with an interval that holds the true median in at least 95 % of all trials, whatever the "
    "noise; docs/trial.md says how. \"No difference\" means none that these rounds can tell from "
    "chance, or one below the threshold: the interval shows how large it could be. The verdict "
    "weighs wall time, CPU time and peak memory; mixed is less of one and more of another.",
    "Exit status: 0 done, 2 wrong usage, 3 it cannot be done (the command fails under the "
    "baseline), 126 the command cannot be executed, or nothing can be preloaded into it, 127 it "
    "was not found, 128+N ended by signal N: the rounds that were whole are then printed.",
    NULL,
};

const struct option_page cmd_trial_page = {
    .command = "trial",
    .purpose = "run a program on other allocators, and tell the difference",
    .usage = "[options] [--] COMMAND [ARG...]",
    .examples = examples,
    .options = options,
    .paragraphs = paragraphs,
    .is_command_line = true,
};

/* ---- what is told while it lasts ----------------------------------------------------------- */

struct teller {
    const struct trial *trial;
    struct term_progress progress;
    bool is_output_shown;
};

static const char *label_of(const struct teller *teller, size_t entry)
{
    return teller->trial->entries[entry].candidate->label;
}

/* Off the screen for a line of another kind; it comes back by itself. */
static void hide_progress(struct teller *teller)
{
    const bool is_enabled = teller->progress.is_enabled;
    term_progress_end(&teller->progress);
    teller->progress.is_enabled = is_enabled;
}

static void tell_run(void *context, size_t entry, uint64_t done_count, uint64_t total_count)
{
    struct teller *teller = context;
    if (teller->is_output_shown) {
        talk_note("run %llu of %llu: %s", (unsigned long long)done_count + 1,
                  (unsigned long long)total_count, label_of(teller, entry));
    } else {
        term_progress_update(&teller->progress, done_count, total_count);
    }
}

static void tell_failure(void *context, size_t entry, const char *reason)
{
    hide_progress(context);
    talk_note("%s is left out: %s", label_of(context, entry), reason);
}

static void tell_waiting(void *context, pid_t pid)
{
    hide_progress(context);
    talk_note("the command has ended; waiting for a process that it left behind (pid %ld); "
              "--timeout would end it",
              (long)pid);
}

/* ---- before it begins ---------------------------------------------------------------------- */

/* What makes the baseline something else than it is called. */
static void note_surroundings(const struct elf_malloc *own, struct out *out)
{
    const char *preload = getenv("LD_PRELOAD");
    if (own->library[0] != '\0') {
        out_note(out, "the program is linked with %s: where nothing is preloaded it runs on that",
                 own->library);
    }
    if (own->function[0] != '\0') {
        out_note(out,
                 "the program has an allocator of its own beside malloc (%s): what it takes from "
                 "that is the same under every candidate",
                 own->function);
    }
    if (preload != NULL && preload[0] != '\0') {
        out_note(out, "LD_PRELOAD is set: '%s' is loaded behind every candidate's own library",
                 preload);
    }
}

/* Returns 0, or the exit status after telling why the command cannot be tried. */
static int check_command(const char *command, struct elf_malloc *out_own)
{
    struct err err;
    char path[PATH_MAX];
    int r = target_find_program(command, path, &err);
    if (r < 0) {
        (void)cmd_fail(&err);
        return r == -ENOENT ? CMD_NOT_FOUND : CMD_NOT_EXECUTABLE;
    }
    elf_malloc_look(path, out_own);
    if (out_own->is_own) {
        err_set(&err, ENOEXEC,
                "cannot try allocators on '%s': it brings its own malloc, and what is preloaded "
                "comes after that; build it without",
                path);
        (void)cmd_fail(&err);
        return CMD_NOT_EXECUTABLE;
    }
    return 0;
}

static int check_input(const char *input)
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

/* Tells who is not installed. Returns 0, or CMD_CANNOT if nothing is left to compare. */
static int check_candidates(const struct candidates *candidates)
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

/* ---- the trial ----------------------------------------------------------------------------- */

static int print_result(const struct trial_options *wanted, const struct trial *trial,
                        const struct candidates *candidates, const struct elf_malloc *own)
{
    struct err err;
    struct trial_report report = {
        .trial = trial,
        .candidates = candidates,
        .threshold_pct = (double)wanted->threshold_pct,
    };
    int r = out_create("trial", &wanted->out, stdout, &report.out, &err);
    if (r == 0) {
        r = trial_report_print(&report, &err);
    }
    if (r < 0) {
        out_destroy(report.out);
        return cmd_fail(&err);
    }
    note_surroundings(own, report.out);
    return cmd_finish(report.out, CMD_DONE);
}

/* What the trial came to, as an exit status. */
static int conclude(const struct trial_options *wanted, const struct trial *trial,
                    const struct candidates *candidates, const struct elf_malloc *own, int result,
                    const struct err *err)
{
    if (result == -EINTR) {
        const int status = 128 + trial->interrupt;
        if (trial->round_count == 0) {
            talk_note("interrupted before the first round was whole");
            return status;
        }
        const int printed = print_result(wanted, trial, candidates, own);
        return printed == CMD_DONE ? status : printed;
    }
    if (result < 0) {
        (void)cmd_fail(err);
        return result == -ENOENT                         ? CMD_NOT_FOUND
               : result == -EACCES || result == -ENOEXEC ? CMD_NOT_EXECUTABLE
                                                         : CMD_CANNOT;
    }
    return print_result(wanted, trial, candidates, own);
}

static int run_trial(char **command, const struct trial_options *wanted,
                     const struct candidates *candidates, const struct elf_malloc *own)
{
    struct err err;
    struct trial trial;
    struct teller teller = {.trial = &trial, .is_output_shown = wanted->is_output_shown};
    const struct trial_settings settings = {
        .command = command,
        .input = wanted->input,
        .round_count = wanted->round_count,
        .warmup_count = wanted->warmup_count,
        .timeout_ns = wanted->timeout_ns == OPTION_NOT_GIVEN ? 0 : wanted->timeout_ns,
        .wanted_status = (int)wanted->status,
        .echo_fd = wanted->is_output_shown ? STDERR_FILENO : -1,
        .listener = {tell_run, tell_failure, tell_waiting, &teller},
    };
    int r = trial_init(&trial, &settings, candidates, &err);
    if (r == 0) {
        term_progress_begin(&teller.progress, stderr, "trial");
        r = trial_run(&trial, &err);
        term_progress_end(&teller.progress);
    }
    const int status = conclude(wanted, &trial, candidates, own, r, &err);
    trial_fini(&trial);
    return status;
}

static int try_candidates(char **command, const struct trial_options *wanted)
{
    struct err err;
    struct elf_malloc own = {0};
    struct candidates candidates = {0};
    int status = 0;
    int r = candidates_parse(&candidates, wanted->allocators, wanted->settings.items,
                             wanted->settings.count, &err);
    if (r < 0) {
        status = r == -EINVAL ? cmd_misuse(&cmd_trial_page, "%s", err.text) : cmd_fail(&err);
    }
    if (status == 0) {
        status = check_input(wanted->input);
    }
    if (status == 0) {
        status = check_command(command[0], &own);
    }
    if (status == 0) {
        status = check_candidates(&candidates);
    }
    if (status == 0) {
        status = run_trial(command, wanted, &candidates, &own);
    }
    candidates_fini(&candidates);
    return status;
}

int cmd_trial(int argc, char **argv)
{
    struct trial_options wanted = {
        .allocators = DEFAULT_ALLOCATORS,
        .round_count = 10,
        .warmup_count = 1,
        .timeout_ns = OPTION_NOT_GIVEN,
        .threshold_pct = 2,
    };
    struct option_arguments arguments;
    int status = CMD_DONE;
    if (!cmd_begin(&cmd_trial_page, argc, argv, &wanted, &arguments, &status)) {
        option_list_fini(&wanted.settings);
        return status;
    }
    if (arguments.count == 0) {
        status = cmd_misuse(&cmd_trial_page, "no command to try");
    } else {
        status = try_candidates(arguments.words, &wanted);
    }
    option_list_fini(&wanted.settings);
    return status;
}
