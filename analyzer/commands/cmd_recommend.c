#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../model/selection.h"
#include "../trial/interval.h"
#include "cmd.h"
#include "recommend_answer.h"
#include "trial_conditions.h"

static const struct option_spec options[] = {
    CMD_INPUT_OPTION(struct recommend_settings, input),
    {"goal", 'g', NULL,
     "what counts: memory (peak and mean), speed (CPU time), latency (the longest calls), or some "
     "of all but the last",
     "balanced", OPTION_CHOICE_AT(struct recommend_settings, goal),
     .choices = OPTION_WORDS(ADVICE_GOAL_WORDS)},
    {"confirm", '\0', NULL,
     "run the command that follows on both, and withdraw the advice if it does not hold", NULL,
     OPTION_FLAG_AT(struct recommend_settings, is_confirm_wanted)},
    {"rounds", 'n', "N", "with --confirm: how often each runs", "10",
     OPTION_COUNT_AT(struct recommend_settings, round_count), .min = INTERVAL_COUNT_MIN,
     .max = INTERVAL_COUNT_MAX},
    {"stdin", '\0', "FILE", "with --confirm: what the command reads", "/dev/null",
     OPTION_TEXT_AT(struct recommend_settings, stdin_path)},
    {"status", '\0', "N", "with --confirm: the exit status with which the command ends", "0",
     OPTION_COUNT_AT(struct recommend_settings, status), .max = 255},
    {"time-limit", '\0', "SECONDS",
     "for replays: when they are used up, what was not tried is left out", "120",
     OPTION_COUNT_AT(struct recommend_settings, limit_s), .min = 1, .max = 86400},
    {"emit-plan", '\0', "FILE",
     "also look for call sites where a pool would pay even beside the best allocator, and write "
     "them as a plan for 'allocaudit run --plan'",
     NULL, OPTION_TEXT_AT(struct recommend_settings, plan_path)},
    {"process", 'p', "ID",
     "this process: its number in 'report processes', or its pid; without it the one with the "
     "highest peak",
     NULL, OPTION_TEXT_AT(struct recommend_settings, process)},
    OUT_OPTIONS(struct recommend_settings, out),
    {0},
};

static const struct option_example examples[] = {
    {"allocaudit recommend", "which allocator with which settings, or none"},
    {"allocaudit recommend app.db --goal memory", "for less memory, at little cost"},
    {"allocaudit recommend -i app.db --confirm -- ./app input", "and try it on the program"},
    {NULL, NULL},
};

static const char *const paragraphs[] = {
    "Judges whether the recording tells enough, and whether there is anything to win. If so it "
    "replays the program's calls on glibc, jemalloc, tcmalloc and mimalloc, and on those settings "
    "of theirs that suit the program, the best of them several times side by side. It advises one "
    "if it gains what the goal asks for and makes nothing else worse; most programs need no "
    "change, and then it says so, with the figures.",
    "Settings that could end the program, deny it memory or change what its calls mean are never "
    "advised. The settings that the program was recorded with are checked, too: unknown names, "
    "values that were not taken, and what makes jemalloc drop the rest.",
    "Confidence: 'strong' and 'likely' gain what the goal asks for at the worse end of the range, "
    "too (three times over, or once); 'open' gains at least something; 'proven' was confirmed by "
    "running the program. docs/recommendation.md says how often that was right.",
    "Exit status: 0 done, whatever the advice; 2 wrong usage; 3 the recording or the command of "
    "--confirm cannot be run.",
    NULL,
};

const struct option_page cmd_recommend_page = {
    .command = "recommend",
    .purpose = "which allocator and settings suit the recorded program, or none",
    .usage = "[FILE] [options] [--confirm -- COMMAND [ARG...]]",
    .examples = examples,
    .options = options,
    .paragraphs = paragraphs,
};

static void keep_finding(void *context, const struct env_lint_finding *finding)
{
    struct recommend_answer *answer = context;
    if (answer->finding_count < RECOMMEND_FINDINGS_MAX) {
        answer->findings[answer->finding_count++] = *finding;
    }
}

/* Returns 0 or a negative errno. */
static int work_out(struct recommend_answer *answer, struct err *err)
{
    env_lint_recording(answer->trace, answer->process, keep_finding, answer);
    int result = evidence_load(answer->trace, answer->process, &answer->evidence, err);
    if (result < 0) {
        return result;
    }
    int verdict = evidence_judge(&answer->evidence, &answer->why);
    if (verdict < 0) {
        return err_set_errno(err, -verdict, "cannot recommend");
    }
    if (verdict != EVIDENCE_ENOUGH) {
        answer->verdict =
            verdict == EVIDENCE_NOTHING_TO_WIN ? RECOMMEND_NO_CHANGE : RECOMMEND_INSUFFICIENT;
        return 0;
    }
    result = recommend_run(answer, err);
    if (result == 0 && answer->command != NULL && recommend_advised(answer) != NULL) {
        result = recommend_confirm(answer, err);
    }
    if (result == 0 && answer->settings->plan_path != NULL && answer->has_replays) {
        result = recommend_find_sites(answer, err);
        answer->has_sites = result == 0;
    }
    if (result == 0 && answer->site_count > 0) {
        result = recommend_write_plan(answer, answer->settings->plan_path, err);
    }
    return result;
}

/* Says what became of --emit-plan. */
static void note_plan(const struct recommend_answer *answer)
{
    const char *path = answer->settings->plan_path;
    if (path == NULL) {
        return;
    }
    if (answer->site_count > 0) {
        out_note(answer->out,
                 "the plan is in '%s': 'allocaudit run --plan %s' and 'allocaudit simulate --plan "
                 "%s' try it; looking each call up costs time there that a pool in the code does "
                 "not",
                 path, path, path);
    } else {
        out_note(answer->out, "no plan was written: at no call site would a pool of one's own pay");
    }
}

static int answer_all(struct recommend_answer *answer)
{
    struct err err;
    int result =
        selection_find_process(answer->trace, answer->settings->process, &answer->process, &err);
    if (result == -ENOENT || result == -EINVAL) {
        return cmd_misuse(&cmd_recommend_page, "%s", err.text);
    }
    if (result == 0) {
        result = work_out(answer, &err);
    }
    if (result == 0) {
        result = out_create("recommend", &answer->settings->out, stdout, &answer->out, &err);
    }
    if (result < 0) {
        return cmd_fail(&err);
    }
    recommend_print(answer);
    note_plan(answer);
    return cmd_finish(answer->out, CMD_DONE);
}

static int open_and_answer(struct recommend_answer *answer)
{
    struct err err;
    int result = trace_open(answer->path, &answer->trace, &err);
    if (result == 0) {
        result = trace_check_content(answer->trace, &err);
    }
    return result < 0 ? cmd_fail(&err) : answer_all(answer);
}

/* What follows FILE is the command of --confirm. Returns CMD_DONE or the status after telling. */
static int take_command(struct recommend_answer *answer, const struct option_arguments *arguments)
{
    const struct recommend_settings *settings = answer->settings;
    if (!settings->is_confirm_wanted) {
        return arguments->count == 0
                   ? CMD_DONE
                   : cmd_misuse(&cmd_recommend_page,
                                "unexpected '%s' (a file's name ends in .db or holds a '/'; a "
                                "command needs --confirm)",
                                arguments->words[0]);
    }
    if (arguments->count == 0) {
        return cmd_misuse(&cmd_recommend_page, "--confirm needs a command");
    }
    struct elf_malloc own = {0};
    answer->command = arguments->words;
    int status = trial_check_input(settings->stdin_path);
    return status != CMD_DONE ? status : trial_check_command(answer->command[0], &own);
}

/* With a command, FILE is told from it by its ending alone: './app' holds a '/', too. */
static const char *take_file(const struct recommend_settings *settings,
                             struct option_arguments *arguments)
{
    const char *word = arguments->count > 0 ? arguments->words[0] : "";
    size_t length = strlen(word);
    bool is_recording = length > 3 && strcmp(word + length - 3, ".db") == 0;
    if (settings->is_confirm_wanted && settings->input == NULL && !is_recording) {
        return CMD_DEFAULT_FILE;
    }
    return cmd_take_file(settings->input, arguments);
}

static void end_answer(struct recommend_answer *answer)
{
    for (size_t i = 0; i < REPLAY_CANDIDATE_PAIRS_MAX; i++) {
        str_fini(&answer->recorded_pairs[i]);
    }
    str_fini(&answer->why);
    str_fini(&answer->trial.text);
    trace_close(answer->trace);
    free(answer);
}

int cmd_recommend(int argc, char **argv)
{
    struct recommend_settings settings = {.round_count = 10, .limit_s = 120};
    struct option_arguments arguments = {0};
    int status = CMD_DONE;
    if (!cmd_begin(&cmd_recommend_page, argc, argv, &settings, &arguments, &status)) {
        return status;
    }
    struct recommend_answer *answer = calloc(1, sizeof(*answer));
    if (answer == NULL) {
        struct err err;
        (void)err_set_errno(&err, ENOMEM, "cannot recommend");
        return cmd_fail(&err);
    }
    answer->settings = &settings;
    answer->goal = goal_of((enum advice_goal)settings.goal);
    answer->path = take_file(&settings, &arguments);
    status = take_command(answer, &arguments);
    if (status == CMD_DONE) {
        status = open_and_answer(answer);
    }
    end_answer(answer);
    return status;
}
