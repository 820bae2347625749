#include "../report/html_page.h"
#include "recommend_answer.h"

static const struct option_spec options[] = {
    RECOMMEND_OPTIONS(struct recommend_settings, ),
    {"why", '\0', NULL,
     "also replay without single features of the program (its small blocks, its busiest call site "
     "...): how much of the gain is because of each; takes up to half as long again",
     NULL, OPTION_FLAG_AT(struct recommend_settings, is_why_wanted)},
    {"emit-plan", '\0', "FILE",
     "also look for call sites where a pool would pay even beside the best allocator, and write "
     "them, and those where a frame arena does, as a plan for 'allocaudit run --plan'",
     NULL, OPTION_TEXT_AT(struct recommend_settings, plan_path)},
    {"limit", '\0', "BYTES", "the memory of the container that a Go program is for (512MiB)",
     "none: up to twice the memory that was used",
     OPTION_BYTES_AT(struct recommend_settings, container_bytes), .min = 1 << 20},
    {"html", '\0', "OUT",
     "also write a page for a browser: the answer, with the report of the recording", NULL,
     OPTION_TEXT_AT(struct recommend_settings, html)},
    OUT_OPTIONS(struct recommend_settings, out),
    {0},
};

static const struct option_example examples[] = {
    {"allocaudit recommend", "which allocator with which settings, or none"},
    {"allocaudit recommend app.db --goal memory", "for less memory, at little cost"},
    {"allocaudit recommend service.db --limit 512MiB",
     "GOGC and GOMEMLIMIT for a Go program in a container"},
    {"allocaudit recommend app.db --html app.html", "with the report, as a page for a browser"},
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
    "Of a Go program it is GOGC and GOMEMLIMIT that are advised, for a container of --limit bytes, "
    "by a model of Go's garbage collector fitted to the recording (docs/go.md), and what to take "
    "from a sync.Pool: the section gc-advice of the report. --goal memory is for less memory, any "
    "other for less CPU time. 'allocaudit trial -e GOGC=50,100' measures it.",
    "Confidence: 'strong' and 'likely' gain what the goal asks for at the worse end of the range, "
    "too (three times over, or once); 'open' gains at least something; 'proven' was confirmed by "
    "running the program. docs/recommendation.md says how often that was right.",
    "Exit status: 0 done, whatever the advice; 2 wrong usage; 3 the recording or the command of "
    "--confirm cannot be run.",
    NULL,
};

const struct option_page cmd_recommend_page = {
    .command = "recommend",
    .purpose = "tell which allocator and settings suit a recorded program, if any",
    .usage = "[FILE] [options] [--confirm -- COMMAND [ARG...]]",
    .examples = examples,
    .options = options,
    .paragraphs = paragraphs,
};

static int work_out(struct recommend_answer *answer, void *context, struct err *err)
{
    (void)context;
    int result = recommend_run(answer, err);
    if (result == 0 && answer->command != NULL && recommend_advised(answer) != NULL) {
        result = recommend_confirm(answer, err);
    }
    if (result == 0 && answer->settings->plan_path != NULL && answer->has_replays) {
        result = recommend_find_sites(answer, err);
        answer->has_sites = result == 0;
    }
    if (result == 0 && answer->has_sites) {
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
    if (answer->plan_rule_count > 0) {
        out_note(answer->out,
                 "the plan is in '%s': 'allocaudit run --plan %s' and 'allocaudit simulate --plan "
                 "%s' try it; looking each call up costs time there that a pool or an arena in "
                 "the code does not",
                 path, path, path);
    } else {
        out_note(answer->out,
                 "no plan was written: at no call site would a pool or a frame arena pay");
    }
}

/* Without the sites of a plan, whose key is that of the report's own table. */
static void print_into(void *context, struct out *out)
{
    struct recommend_answer *answer = context;
    bool has_sites = answer->has_sites;
    answer->out = out;
    answer->has_sites = false;
    recommend_print(answer);
    answer->has_sites = has_sites;
}

/* context: the status of writing the page. */
static void print(struct recommend_answer *answer, void *context)
{
    int *page_status = context;
    struct out *out = answer->out;
    recommend_print(answer);
    note_plan(answer);
    if (answer->settings->html != NULL) {
        const struct report_extra extra = {print_into, answer};
        *page_status = recommend_write_page(answer, answer->settings->html, &extra);
        answer->out = out;
    }
}

int cmd_recommend(int argc, char **argv)
{
    struct recommend_settings settings = RECOMMEND_SETTINGS_DEFAULT;
    int page_status = CMD_DONE;
    const struct recommend_job job = {
        .page = &cmd_recommend_page,
        .work = work_out,
        .print = print,
        .print_go = recommend_print_go,
        .context = &page_status,
    };
    struct option_arguments arguments = {0};
    struct err err;
    int status = CMD_DONE;
    if (!cmd_begin(&cmd_recommend_page, argc, argv, &settings, &arguments, &status)) {
        return status;
    }
    if (settings.html != NULL && html_page_check(&err) < 0) {
        return cmd_fail(&err);
    }
    status = recommend_answer_job(&job, &settings, &arguments);
    return status == CMD_DONE ? page_status : status;
}
