#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../diff/diff_report.h"
#include "cmd.h"

enum {
    DIFF_TOP = 20,
    DIFF_TOP_MAX = 10000000,
};

struct diff_settings {
    const char *process;
    uint64_t top_count;
    int sort; /* enum site_key */
    struct out_settings out;
};

static const struct option_spec options[] = {
    {"sort", 's', NULL, "whose change the table of sites is sorted by", "count",
     OPTION_CHOICE_AT(struct diff_settings, sort), .choices = site_key_words},
    {"top", 'n', "N", "show the N largest rows of each table", "20",
     OPTION_COUNT_AT(struct diff_settings, top_count), .min = 1, .max = DIFF_TOP_MAX},
    {"process", 'p', "ID",
     "only this process of both recordings: its number in 'report processes', or OLD:NEW where the "
     "numbers differ",
     NULL, OPTION_TEXT_AT(struct diff_settings, process)},
    OUT_OPTIONS(struct diff_settings, out),
    {0},
};

static const struct option_example examples[] = {
    {"allocaudit diff allocaudit.db.old allocaudit.db", "this run against the one before it"},
    {"allocaudit diff before.db after.db --sort leaked", "what leaks now and did not"},
    {"allocaudit diff before.db after.db --format json", "for a script"},
    {NULL, NULL},
};

static const char *const paragraphs[] = {
    "Sites are matched by the functions of their stacks, from the root to the allocation, whatever "
    "became of lines, addresses and ids; recursion counts once. Where the recordings were made "
    "differently (another build, allocator, setting, a sample) that is told first.",
    "Of samples only a change beyond its margin means something: the rest is marked as chance. "
    "docs/analyses.md explains the tables.",
    "Exit status: 0 done, whatever differs ('allocaudit gate' judges); 2 wrong usage, 3 a file "
    "cannot be read or nothing was recorded in it.",
    NULL,
};

const struct option_page cmd_diff_page = {
    .command = "diff",
    .purpose = "show what two recordings do differently, site by site",
    .usage = "OLD NEW [options]",
    .examples = examples,
    .options = options,
    .paragraphs = paragraphs,
};

static int open_sides(char *const *paths, struct trace *traces[SIDE_COUNT], struct err *err)
{
    int result = 0;
    for (unsigned side = 0; side < SIDE_COUNT && result == 0; side++) {
        result = trace_open(paths[side], &traces[side], err);
        if (result == 0) {
            result = trace_check_content(traces[side], err);
        }
    }
    return result;
}

/* "3", or "3:5" for the old and the new one. */
static int select_sides(const char *process, struct trace *const traces[SIDE_COUNT],
                        struct selection selections[SIDE_COUNT], struct err *err)
{
    char *old_process = process != NULL ? strdup(process) : NULL;
    if (process != NULL && old_process == NULL) {
        return err_set_errno(err, ENOMEM, "cannot compare");
    }
    char *colon = process != NULL ? strchr(old_process, ':') : NULL;
    const char *words[SIDE_COUNT] = {old_process, old_process};
    if (colon != NULL) {
        *colon = '\0';
        words[SIDE_NEW] = colon + 1;
    }
    int result = 0;
    for (unsigned side = 0; side < SIDE_COUNT && result == 0; side++) {
        const struct selection_request request = {
            .process = words[side], .from_ns = QUERY_NULL, .to_ns = QUERY_NULL};
        result = selection_resolve(traces[side], &request, &selections[side], err);
        if (result < 0) {
            err_prepend(err, side == SIDE_OLD ? "in the old recording" : "in the new recording");
        }
    }
    free(old_process);
    return result;
}

static int load_diff(struct diff *diff, struct err *err)
{
    int result = 0;
    for (unsigned side = 0; side < SIDE_COUNT && result == 0; side++) {
        trace_totals(diff->sides[side].trace, diff->sides[side].selection->process_id,
                     &diff->totals[side]);
        result = stacks_create(diff->sides[side].trace->db, &diff->stacks[side], err);
    }
    if (result == 0) {
        result = provenance_compare(diff->sides, &diff->provenance, err);
    }
    return result < 0 ? result : matched_sites_load(diff->sides, &diff->matched, err);
}

static int print_diff(struct diff *diff, const struct diff_settings *settings)
{
    struct err err;
    if ((diff->matched.key_set & SITE_KEY_BIT(diff->sort)) == 0) {
        return cmd_misuse(&cmd_diff_page, "--sort %s needs every allocation: not of a sample",
                          site_key_word(diff->sort));
    }
    int result = out_create("diff", &settings->out, stdout, &diff->out, &err);
    if (result < 0) {
        return cmd_fail(&err);
    }
    result = diff_print(diff, &err);
    if (result < 0) {
        out_destroy(diff->out);
        return cmd_fail(&err);
    }
    return cmd_finish(diff->out, CMD_DONE);
}

static int compare(const struct diff_settings *settings, struct trace *const traces[SIDE_COUNT])
{
    struct err err;
    struct selection selections[SIDE_COUNT] = {0};
    struct diff diff = {.sort = (enum site_key)settings->sort,
                        .top_count = (size_t)settings->top_count};
    int status = CMD_DONE;
    int result = select_sides(settings->process, traces, selections, &err);
    if (result == -ENOENT || result == -EINVAL) {
        status = cmd_misuse(&cmd_diff_page, "%s", err.text);
        goto out;
    }
    for (unsigned side = 0; side < SIDE_COUNT && result == 0; side++) {
        diff.sides[side] = (struct matched_side){traces[side], &selections[side]};
    }
    if (result == 0) {
        result = load_diff(&diff, &err);
    }
    status = result < 0 ? cmd_fail(&err) : print_diff(&diff, settings);

out:
    matched_sites_fini(&diff.matched);
    provenance_fini(&diff.provenance);
    for (unsigned side = 0; side < SIDE_COUNT; side++) {
        stacks_destroy(diff.stacks[side]);
        selection_fini(&selections[side]);
    }
    return status;
}

int cmd_diff(int argc, char **argv)
{
    struct diff_settings settings = {.top_count = DIFF_TOP, .sort = SITE_KEY_COUNT};
    struct option_arguments arguments;
    int status = CMD_DONE;
    if (!cmd_begin(&cmd_diff_page, argc, argv, &settings, &arguments, &status)) {
        return status;
    }
    if (arguments.count != SIDE_COUNT) {
        return cmd_misuse(&cmd_diff_page, "two recordings are needed, the old and the new one");
    }
    struct trace *traces[SIDE_COUNT] = {NULL};
    struct err err;
    int result = open_sides(arguments.words, traces, &err);
    status = result < 0 ? cmd_fail(&err) : compare(&settings, traces);
    for (unsigned side = 0; side < SIDE_COUNT; side++) {
        trace_close(traces[side]);
    }
    return status;
}
