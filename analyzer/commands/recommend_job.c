/*
 * recommend_job.c - from the command line to an answer: the recording, the process, whether the
 * evidence is enough, and the command of --confirm (recommend_answer_job in recommend_answer.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../model/selection.h"
#include "cmd.h"
#include "recommend_answer.h"
#include "trial_conditions.h"

static void keep_finding(void *context, const struct env_lint_finding *finding)
{
    struct recommend_answer *answer = context;
    if (answer->finding_count < RECOMMEND_FINDINGS_MAX) {
        answer->findings[answer->finding_count++] = *finding;
    }
}

/* True in *out_is_enough: there is something to replay. Returns 0 or a negative errno. */
static int judge_evidence(struct recommend_answer *answer, bool *out_is_enough, struct err *err)
{
    env_lint_recording(answer->trace, answer->process, keep_finding, answer);
    int result = evidence_load(answer->trace, answer->process, &answer->evidence, err);
    if (result < 0) {
        return result;
    }
    int verdict = evidence_judge(&answer->evidence, answer->goal, &answer->why);
    if (verdict < 0) {
        return err_set_errno(err, -verdict, "cannot recommend");
    }
    *out_is_enough = verdict == EVIDENCE_ENOUGH;
    if (verdict != EVIDENCE_ENOUGH) {
        answer->verdict =
            verdict == EVIDENCE_NOTHING_TO_WIN ? RECOMMEND_NO_CHANGE : RECOMMEND_INSUFFICIENT;
    }
    return 0;
}

static int answer_go(const struct recommend_job *job, struct recommend_answer *answer)
{
    struct err err;
    if (job->print_go == NULL) {
        return cmd_misuse(job->page, "a Go program has its own allocator: see 'allocaudit "
                                     "recommend' for GOGC and GOMEMLIMIT");
    }
    if (answer->settings->is_confirm_wanted || answer->settings->plan_path != NULL) {
        return cmd_misuse(job->page,
                          "a Go program has its own allocator: no --confirm and no --emit-plan "
                          "('allocaudit trial -e GOGC=50,100 -- COMMAND' measures its settings)");
    }
    if (answer->settings->html != NULL) {
        return cmd_misuse(job->page, "of a Go program 'allocaudit report --html' has the advice: "
                                     "no --html here");
    }
    int result = job->print_go(answer, &err);
    return result < 0 ? cmd_fail(&err) : cmd_finish(answer->out, CMD_DONE);
}

static int answer_all(const struct recommend_job *job, struct recommend_answer *answer)
{
    struct err err;
    bool is_enough = false;
    int result =
        selection_find_process(answer->trace, answer->settings->process, &answer->process, &err);
    if (result == -ENOENT || result == -EINVAL) {
        return cmd_misuse(job->page, "%s", err.text);
    }
    if (result == 0) {
        result = recommend_find_go(answer, &err);
    }
    if (result == 0 && answer->is_go) {
        return answer_go(job, answer);
    }
    if (result == 0 && answer->settings->container_bytes != OPTION_NOT_GIVEN) {
        return cmd_misuse(job->page, "--limit is for Go programs, which this is not");
    }
    if (result == 0) {
        result = judge_evidence(answer, &is_enough, &err);
    }
    if (result == 0 && is_enough) {
        result = job->work(answer, job->context, &err);
    }
    if (result == 0) {
        result = out_create(job->page->command, &answer->settings->out, stdout, &answer->out, &err);
    }
    if (result < 0) {
        return cmd_fail(&err);
    }
    job->print(answer, job->context);
    return cmd_finish(answer->out, CMD_DONE);
}

static int open_and_answer(const struct recommend_job *job, struct recommend_answer *answer)
{
    struct err err;
    int result = trace_open(answer->path, &answer->trace, &err);
    if (result == 0) {
        result = trace_check_content(answer->trace, &err);
    }
    return result < 0 ? cmd_fail(&err) : answer_all(job, answer);
}

/* What follows FILE is the command of --confirm. Returns CMD_DONE or the status after telling. */
static int take_command(const struct option_page *page, struct recommend_answer *answer,
                        const struct option_arguments *arguments)
{
    const struct recommend_settings *settings = answer->settings;
    if (!settings->is_confirm_wanted) {
        return arguments->count == 0
                   ? CMD_DONE
                   : cmd_misuse(page,
                                "unexpected '%s' (a file's name ends in .db or holds a '/'; a "
                                "command needs --confirm)",
                                arguments->words[0]);
    }
    if (arguments->count == 0) {
        return cmd_misuse(page, "--confirm needs a command");
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
    for (size_t i = 0; i < answer->advice_count; i++) {
        free(answer->advice[i].frames.series_name);
    }
    str_fini(&answer->why);
    str_fini(&answer->trial.text);
    trace_close(answer->trace);
    free(answer);
}

int recommend_answer_job(const struct recommend_job *job, const struct recommend_settings *settings,
                         struct option_arguments *arguments)
{
    struct recommend_answer *answer = calloc(1, sizeof(*answer));
    if (answer == NULL) {
        struct err err;
        (void)err_set_errno(&err, ENOMEM, "cannot recommend");
        return cmd_fail(&err);
    }
    answer->settings = settings;
    answer->goal = goal_of((enum advice_goal)settings->goal);
    answer->path = take_file(settings, arguments);
    int status = take_command(job->page, answer, arguments);
    if (status == CMD_DONE) {
        status = open_and_answer(job, answer);
    }
    end_answer(answer);
    return status;
}
