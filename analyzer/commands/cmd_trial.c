#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "../cli/talk.h"
#include "../cli/term.h"
#include "../trial/candidate.h"
#include "../trial/setting_grid.h"
#include "../trial/trial.h"
#include "cmd.h"
#include "trial_conditions.h"
#include "trial_report.h"
#include "trial_teller.h"

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
#define GRID_ALLOCATORS    "glibc" /* where settings are tried */

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
     "set an environment variable for all, or for the candidate of that name in LIST; several "
     "values (GOGC=50,100,200) make a candidate of each, and of each combination with those of "
     "another one, on glibc if there is no LIST; may be repeated",
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
    {"allocaudit trial -e GOGC=50,100,200 -e GOMEMLIMIT=off,1GiB ./service",
     "six settings of a Go program"},
    {NULL, NULL},
};

static const char *const paragraphs[] = {
    "Runs the command itself, unrecorded, under each candidate in turn, in an order that changes "
    "from round to round. The run is without a terminal; what it writes is thrown away, but a "
    "candidate is named if its output on stdout is not the baseline's. A candidate that is not "
    "installed, or whose run fails, is left out; the others go on.",
    "Values of --env with commas in between are tried one by one, unless they hold ':', '=' or "
    "'/', "
    "as those of MALLOC_CONF do: then a comma is part of the value.",
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
    trial_note_surroundings(own, report.out);
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
    struct trial_teller teller = {.trial = &trial, .is_output_shown = wanted->is_output_shown};
    const struct trial_settings settings = {
        .command = command,
        .input = wanted->input,
        .round_count = wanted->round_count,
        .warmup_count = wanted->warmup_count,
        .timeout_ns = wanted->timeout_ns == OPTION_NOT_GIVEN ? 0 : wanted->timeout_ns,
        .wanted_status = (int)wanted->status,
        .echo_fd = wanted->is_output_shown ? STDERR_FILENO : -1,
        .listener = trial_teller_listener(&teller),
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

static const char *choose_allocators(const struct trial_options *wanted)
{
    bool has_list = false;
    for (size_t i = 0; i < wanted->settings.count; i++) {
        has_list = has_list || setting_is_list(wanted->settings.items[i]);
    }
    return wanted->allocators != NULL ? wanted->allocators
           : has_list                 ? GRID_ALLOCATORS
                                      : DEFAULT_ALLOCATORS;
}

static int try_candidates(char **command, const struct trial_options *wanted)
{
    struct err err;
    struct elf_malloc own = {0};
    struct candidates candidates = {0};
    int status = 0;
    int r = candidates_parse(&candidates, choose_allocators(wanted), wanted->settings.items,
                             wanted->settings.count, &err);
    if (r < 0) {
        status = r == -EINVAL ? cmd_misuse(&cmd_trial_page, "%s", err.text) : cmd_fail(&err);
    }
    if (status == 0) {
        status = trial_check_input(wanted->input);
    }
    if (status == 0) {
        status = trial_check_command(command[0], &own);
    }
    if (status == 0) {
        status = trial_check_candidates(&candidates);
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
