#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "../base/str.h"
#include "../cli/talk.h"
#include "../gate/baseline.h"
#include "cmd.h"
#include "gate_page.h"

struct test_settings {
    const char *output;
    uint64_t run_count;
    uint64_t retry_count;
    int detail;
    bool is_leak_checked; /* kinds of leaks are asked for */
    bool is_update;
    struct gate_settings gate;
};

enum {
    RUNS_MAX = 1000,
    UPDATE_RUNS = 5, /* of a baseline, unless told */
    RETRIES = 2,
    RUN_WORDS = 9, /* run -q -o FILE --detail DETAIL --leak-check WORD -- */
};

static const char *const detail_words[] = {"sites", "full", NULL};

enum {
    DETAIL_SITES,
    DETAIL_FULL,
    DETAIL_NOT_GIVEN,
};

static const struct option_spec options[] = {
    {"output", 'o', "FILE", "where the recording goes; it is kept", CMD_DEFAULT_FILE,
     OPTION_TEXT_AT(struct test_settings, output)},
    GATE_OPTIONS(struct test_settings, gate),
    {"update", '\0', NULL, "write the --baseline anew instead of judging", NULL,
     OPTION_FLAG_AT(struct test_settings, is_update)},
    {"runs", 'n', "N", "how many times the command runs for --update, so that what varies is known",
     "5", OPTION_COUNT_AT(struct test_settings, run_count), .min = 1, .max = RUNS_MAX},
    {"retries", '\0', "N",
     "how many times more the command runs where it is worse than the baseline: only what is so "
     "each time counts",
     "2", OPTION_COUNT_AT(struct test_settings, retry_count), .max = RUNS_MAX},
    {"detail", '\0', NULL, "what is recorded, as of 'run'",
     "sites; full where the budget limits scopes or frames",
     OPTION_CHOICE_AT(struct test_settings, detail), .choices = detail_words},
    OUT_OPTIONS(struct test_settings, gate.out),
    {0},
};

static const struct option_example examples[] = {
    {"allocaudit test --max-leaks 0 -- ./tests", "record ./tests, then judge it"},
    {"allocaudit test --baseline allocs.yaml --update -- ./tests", "write the baseline"},
    {"allocaudit test --baseline allocs.yaml -- ./tests", "and hold later runs against it"},
    {NULL, NULL},
};

static const char *const paragraphs[] = {
    "'run' and 'gate' in one. The program's output is its own; the verdict follows it on standard "
    "output. Where the program fails, nothing is judged.",
    "Exit status: the program's, if that is not 0 (as of 'run'); else that of 'gate': 0 all limits "
    "hold, 1 one does not, 2 wrong usage, 3 it cannot be judged, 4 (--strict) better than the "
    "baseline.",
    NULL,
};

const struct option_page cmd_test_page = {
    .command = "test",
    .purpose = "record a command and hold it against limits, for continuous integration",
    .usage = "[options] [--] COMMAND [ARG...]",
    .examples = examples,
    .options = options,
    .paragraphs = paragraphs,
    .is_command_line = true,
};

/* ---- recording ---------------------------------------------------------------------------------
 */

static double cpu_s(int who)
{
    struct rusage usage;
    (void)getrusage(who, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* What recording cost on this side; what it cost inside the program cannot be told from one run. */
static void tell_cost(double own_s, double program_s)
{
    char own[32];
    char program[32];
    talk_note("the program used %s of CPU, writing the recording %s",
              out_format_ns((int64_t)(program_s * 1e9), program),
              out_format_ns((int64_t)(own_s * 1e9), own));
}

/* As 'allocaudit run' would. Returns the status. */
static int record(const struct test_settings *settings, const char *path,
                  const struct option_arguments *command)
{
    char **words = calloc((size_t)RUN_WORDS + (size_t)command->count + 1, sizeof(*words));
    const char *const own[RUN_WORDS] = {
        "run",
        "-q",
        "-o",
        path,
        "--detail",
        detail_words[settings->detail == DETAIL_FULL ? DETAIL_FULL : DETAIL_SITES],
        "--leak-check",
        settings->is_leak_checked ? "yes" : "no",
        "--"};
    if (words == NULL) {
        struct err err;
        (void)err_set_errno(&err, ENOMEM, "cannot record");
        return cmd_fail(&err);
    }
    memcpy(words, own, sizeof(own));
    memcpy(words + RUN_WORDS, command->words, (size_t)command->count * sizeof(*words));
    double own_s = cpu_s(RUSAGE_SELF);
    double program_s = cpu_s(RUSAGE_CHILDREN);
    int status = cmd_run(RUN_WORDS + command->count, words);
    free(words);
    if (status == 0) {
        tell_cost(cpu_s(RUSAGE_SELF) - own_s, cpu_s(RUSAGE_CHILDREN) - program_s);
    }
    return status;
}

/* ---- the baseline ------------------------------------------------------------------------------
 */

static int record_all(const struct test_settings *settings, const struct option_arguments *command,
                      const char *path, struct baseline *baseline)
{
    uint64_t count = settings->run_count != OPTION_NOT_GIVEN ? settings->run_count : UPDATE_RUNS;
    int status = CMD_DONE;
    for (uint64_t i = 0; i < count && status == CMD_DONE; i++) {
        struct err err;
        status = record(settings, path, command);
        if (status == CMD_DONE && baseline_add(baseline, path, &err) < 0) {
            status = cmd_fail(&err);
        }
    }
    return status;
}

static int update(struct test_settings *settings, const struct option_arguments *command,
                  const char *path)
{
    struct baseline baseline = {0};
    struct suppressions suppressions = {0};
    struct err err;
    int status = CMD_DONE;
    settings->is_leak_checked =
        settings->gate.leak_kinds != NULL || settings->gate.suppressions != NULL;
    int result = gate_choose_leaks(settings->gate.leak_kinds, settings->gate.suppressions,
                                   &suppressions, &baseline.leaks, &err);
    if (result < 0) {
        status = result == -EINVAL ? cmd_misuse(&cmd_test_page, "%s", err.text) : cmd_fail(&err);
    } else {
        status = record_all(settings, command, path, &baseline);
    }
    if (status == CMD_DONE) {
        if (baseline_write_file(&baseline, settings->gate.baseline, &err) < 0) {
            status = cmd_fail(&err);
        } else {
            talk_note("wrote %s: %llu recordings of %s", settings->gate.baseline,
                      (unsigned long long)baseline.recording_count, baseline.command);
        }
    }
    baseline_fini(&baseline);
    suppressions_fini(&suppressions);
    return status;
}

/* ---- judging -----------------------------------------------------------------------------------
 */

/* Records, and again where the baseline does not hold. */
static int record_until_held(const struct test_settings *settings,
                             const struct option_arguments *command, const char *path,
                             struct baseline *now)
{
    int status = record(settings, path, command);
    bool is_held = settings->gate.baseline == NULL;
    for (uint64_t i = 0; status == CMD_DONE && !is_held; i++) {
        struct err err;
        int result = baseline_add(now, path, &err);
        if (result == 0) {
            result = gate_is_held(&settings->gate, now, &is_held, &err);
        }
        if (result < 0) {
            return result == -EINVAL ? cmd_misuse(&cmd_test_page, "%s", err.text) : cmd_fail(&err);
        }
        if (is_held || i == settings->retry_count) {
            break;
        }
        talk_note("more than the baseline: running it again, to see what stays");
        status = record(settings, path, command);
    }
    return status;
}

static int test(struct test_settings *settings, const struct option_arguments *command,
                const char *path)
{
    struct baseline now = {0};
    struct suppressions suppressions = {0};
    struct gate_needs needs = {false};
    struct err err;
    int status = gate_check(&settings->gate, &cmd_test_page, &needs);
    if (settings->detail == DETAIL_NOT_GIVEN && needs.calls) {
        settings->detail = DETAIL_FULL;
    }
    settings->is_leak_checked = needs.leak_kinds;
    if (status == CMD_DONE && settings->gate.baseline != NULL &&
        gate_follow_baseline(&settings->gate, &suppressions, &now.leaks, &err) < 0) {
        status = cmd_fail(&err);
    }
    if (status == CMD_DONE) {
        status = record_until_held(settings, command, path, &now);
    }
    if (status == CMD_DONE) {
        status = gate_run(&settings->gate, &cmd_test_page, path,
                          settings->gate.baseline != NULL ? &now : NULL);
    }
    baseline_fini(&now);
    suppressions_fini(&suppressions);
    return status;
}

int cmd_test(int argc, char **argv)
{
    struct test_settings settings = {.run_count = OPTION_NOT_GIVEN,
                                     .retry_count = RETRIES,
                                     .detail = DETAIL_NOT_GIVEN,
                                     .gate = GATE_SETTINGS_NONE};
    struct option_arguments arguments;
    int status = CMD_DONE;
    if (!cmd_begin(&cmd_test_page, argc, argv, &settings, &arguments, &status)) {
        return status;
    }
    if (arguments.count == 0) {
        return cmd_misuse(&cmd_test_page, "no command given");
    }
    if (settings.is_update && settings.gate.baseline == NULL) {
        return cmd_misuse(&cmd_test_page, "--update needs a --baseline to write");
    }
    if (!settings.is_update && settings.run_count != OPTION_NOT_GIVEN) {
        return cmd_misuse(&cmd_test_page, "--runs is for --update");
    }
    const char *path = settings.output != NULL ? settings.output : CMD_DEFAULT_FILE;
    return settings.is_update ? update(&settings, &arguments, path)
                              : test(&settings, &arguments, path);
}
