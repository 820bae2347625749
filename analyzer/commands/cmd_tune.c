#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../report/html_page.h"
#include "tune_answer.h"

enum {
    NAME_BYTES = 32,
};

static const struct option_spec options[] = {
    RECOMMEND_OPTIONS(struct tune_settings, base.),
    {"allocators", 'a', "NAMES",
     "whose settings to search, at most two of glibc, jemalloc, tcmalloc and mimalloc, separated "
     "by "
     "a comma; without it the two that do best as they come",
     NULL, OPTION_TEXT_AT(struct tune_settings, allocators)},
    {"paced", '\0', NULL,
     "replay at the recorded times, so that settings count that work as time passes or by threads "
     "in the background; each replay then takes as long as the program did",
     NULL, OPTION_FLAG_AT(struct tune_settings, is_paced)},
    {"html", '\0', "OUT",
     "also write a page for a browser: the front, drawn, with the report of the recording", NULL,
     OPTION_TEXT_AT(struct tune_settings, html)},
    OUT_OPTIONS(struct tune_settings, base.out),
    {0},
};

static const struct option_example examples[] = {
    {"allocaudit tune", "which settings of the two best allocators are worth a choice"},
    {"allocaudit tune app.db --goal memory --allocators jemalloc", "of one allocator, for memory"},
    {"allocaudit tune app.db --html tune.html", "and draw them"},
    {"allocaudit tune -i app.db --confirm -- ./app input", "and try the best on the program"},
    {NULL, NULL},
};

static const char *const paragraphs[] = {
    "Replays the recording with one setting after the other of the two allocators that do best, "
    "each once, then the better half of them again, combined with each other, and so on, until a "
    "few are left, which run several times beside the recorded allocator. What no other one beats "
    "in memory, CPU time or the time of the longest calls is the front; of those the one is "
    "advised that gains most of what --goal asks for, if it gains enough and harms nothing. If "
    "none does, it says so.",
    "Settings that can end the program, deny it memory or damage it are never tried; which were "
    "not, and why, stands in the answer. A setting that an allocator did not take is told, and "
    "counts for nothing.",
    "The search goes on for --time-limit seconds at most.",
    "Exit status: 0 done, whatever came out; 2 wrong usage; 3 the recording or the command of "
    "--confirm cannot be run.",
    NULL,
};

const struct option_page cmd_tune_page = {
    .command = "tune",
    .purpose = "search the settings of the best allocators for a recorded program",
    .usage = "[FILE] [options] [--confirm -- COMMAND [ARG...]]",
    .examples = examples,
    .options = options,
    .paragraphs = paragraphs,
};

static int work_out(struct recommend_answer *answer, void *context, struct err *err)
{
    struct tune_answer *tune = context;
    tune->answer = answer;
    return tune_run(tune, err);
}

static void print_into(void *context, struct out *out)
{
    tune_print(context, out);
}

static void print(struct recommend_answer *answer, void *context)
{
    struct tune_answer *tune = context;
    struct out *out = answer->out;
    tune->answer = answer;
    tune_print(tune, out);
    if (tune->settings->html != NULL) {
        const struct report_extra extra = {print_into, tune};
        tune->page_status = recommend_write_page(answer, tune->settings->html, &extra);
        answer->out = out;
    }
}

static int check_allocator(const char *name)
{
    struct allocator allocator;
    struct err err;
    if (tuning_family(name) == KNOB_FAMILY_COUNT) {
        return cmd_misuse(&cmd_tune_page,
                          "--allocators takes glibc, jemalloc, tcmalloc and mimalloc, not '%s'",
                          name);
    }
    return allocators_find(name, &allocator, &err) < 0 ? cmd_fail(&err) : CMD_DONE;
}

/* Returns CMD_DONE, or the status after telling what is wrong with --allocators. */
static int check_allocators(const char *list)
{
    char names[TUNE_ALLOCATORS_MAX][NAME_BYTES];
    size_t count = 0;
    int status = CMD_DONE;
    while (list != NULL && *list != '\0' && status == CMD_DONE) {
        size_t length = strcspn(list, ",");
        if (count == TUNE_ALLOCATORS_MAX) {
            return cmd_misuse(&cmd_tune_page, "--allocators takes %d names at most",
                              TUNE_ALLOCATORS_MAX);
        }
        (void)snprintf(names[count], NAME_BYTES, "%.*s", (int)length, list);
        for (size_t i = 0; i < count; i++) {
            if (strcmp(names[i], names[count]) == 0) {
                return cmd_misuse(&cmd_tune_page, "--allocators names '%s' twice", names[i]);
            }
        }
        status = check_allocator(names[count++]);
        list += length + (list[length] == ',');
    }
    return status;
}

int cmd_tune(int argc, char **argv)
{
    struct tune_settings settings = {.base = RECOMMEND_SETTINGS_DEFAULT};
    struct option_arguments arguments = {0};
    int status = CMD_DONE;
    if (!cmd_begin(&cmd_tune_page, argc, argv, &settings, &arguments, &status)) {
        return status;
    }
    struct err err;
    if (settings.html != NULL && html_page_check(&err) < 0) {
        return cmd_fail(&err);
    }
    status = check_allocators(settings.allocators);
    if (status != CMD_DONE) {
        return status;
    }
    struct tune_answer *tune = calloc(1, sizeof(*tune));
    if (tune == NULL) {
        (void)err_set_errno(&err, ENOMEM, "cannot tune");
        return cmd_fail(&err);
    }
    tune->settings = &settings;
    const struct recommend_job job = {
        .page = &cmd_tune_page, .work = work_out, .print = print, .context = tune};
    status = recommend_answer_job(&job, &settings.base, &arguments);
    status = status == CMD_DONE ? tune->page_status : status;
    tune_end_entries(tune);
    free(tune);
    return status;
}
