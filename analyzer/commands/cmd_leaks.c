#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../base/str.h"
#include "../cli/talk.h"
#include "../collect/leaks/leak_request.h"
#include "cmd.h"
#include "run_output.h"

struct leaks_settings {
    const char *input;
    const char *output;
    const char *suppressions;
    uint64_t pid;       /* OPTION_NOT_GIVEN: a finished recording */
    uint64_t top_count; /* the same: as 'report leaks' has it */
    int format;         /* index in format_words */
};

enum {
    TOP_MAX = 10000000,
    PID_MAX = 1 << 22, /* of Linux */
    REPORT_WORDS = 16, /* more than 'report' is given */
    NUMBER_BYTES = 24,
};

static const char *const format_words[] = {"table", "json", NULL};

static const struct option_spec options[] = {
    {"now", '\0', "PID",
     "ask the running recording of this process which of its blocks can be reached at the moment; "
     "without it, a finished recording is shown",
     NULL, OPTION_COUNT_AT(struct leaks_settings, pid), .min = 1, .max = PID_MAX},
    {"output", 'o', "FILE",
     "with --now: write what was found here, a recording of its own; an older one is kept as "
     "FILE.old",
     "./allocaudit-PID.db", OPTION_TEXT_AT(struct leaks_settings, output)},
    CMD_INPUT_OPTION(struct leaks_settings, input),
    {"top", 'n', "N", "show the N largest rows", "20",
     OPTION_COUNT_AT(struct leaks_settings, top_count), .min = 1, .max = TOP_MAX},
    {"suppressions", '\0', "FILE",
     "leaks that do not count, as LeakSanitizer reads them (lines of leak:PATTERN)", NULL,
     OPTION_TEXT_AT(struct leaks_settings, suppressions)},
    {"format", '\0', NULL, "a table for people, or JSON for scripts", "table",
     OPTION_CHOICE_AT(struct leaks_settings, format), .choices = format_words},
    {0},
};

static const struct option_example examples[] = {
    {"allocaudit leaks --now 4711", "what does the program leak that runs as 4711?"},
    {"allocaudit leaks --now 4711 --format json", "the same for a script"},
    {"allocaudit leaks app.db", "the section 'leaks' of a finished recording"},
    {NULL, NULL},
};

static const char *const paragraphs[] = {
    "The process must have been started by 'allocaudit run', of the same user. Its threads stand "
    "still while its memory is read (about a second for each gigabyte of live blocks); where the "
    "kernel does not allow to stop them, it is looked at three times while it runs, and a block "
    "counts as lost only if nothing led to it each time. docs/leaks.md says more.",
    "Kinds: definite (nothing points to the block), indirect (only lost blocks do), possible (only "
    "pointers into its middle), reachable (the rest). 'report', 'gate' and 'diff' read the file, "
    "too: it holds all sites as they are now, and the blocks that are live.",
    "Exit status: 0 done, 2 wrong usage, 3 it cannot be done: the process is not recorded, or may "
    "not be looked at.",
    NULL,
};

const struct option_page cmd_leaks_page = {
    .command = "leaks",
    .purpose = "show which blocks nothing points to any more, also of a running program",
    .usage = "[FILE] [options]",
    .examples = examples,
    .options = options,
    .paragraphs = paragraphs,
};

/* The section of the report. A process is named only where there may be several. */
static int show(const struct leaks_settings *settings, const char *path)
{
    char top[NUMBER_BYTES];
    char pid[NUMBER_BYTES];
    char *argv[REPORT_WORDS];
    const char *words[REPORT_WORDS] = {
        "report", "-i", path, "leaks", "--format", format_words[settings->format],
    };
    int count = 6;
    if (settings->pid != OPTION_NOT_GIVEN) {
        (void)snprintf(pid, sizeof(pid), "%llu", (unsigned long long)settings->pid);
        words[count++] = "--process";
        words[count++] = pid;
    }
    if (settings->top_count != OPTION_NOT_GIVEN) {
        (void)snprintf(top, sizeof(top), "%llu", (unsigned long long)settings->top_count);
        words[count++] = "--top";
        words[count++] = top;
    }
    if (settings->suppressions != NULL) {
        words[count++] = "--suppressions";
        words[count++] = settings->suppressions;
    }
    memcpy(argv, words, sizeof(argv));
    return cmd_report(count, argv);
}

static void tell(const struct leaks_settings *settings, const struct leak_reply *reply,
                 const char *path)
{
    char still[32];
    if (reply->is_moving) {
        talk_note("process %llu could not be stopped: it was looked at %u times while it ran, and "
                  "lost is what was lost each time",
                  (unsigned long long)settings->pid, reply->looked_count);
    } else {
        talk_note("process %llu stood still for %s", (unsigned long long)settings->pid,
                  out_format_ns((int64_t)reply->still_ns, still));
    }
    talk_note("written to %s", path);
}

static int look_now(const struct leaks_settings *settings)
{
    struct err err;
    struct leak_reply reply = {0};
    struct str path = {0};
    int r = settings->output != NULL
                ? str_append(&path, settings->output)
                : str_printf(&path, "./allocaudit-%llu.db", (unsigned long long)settings->pid);
    r = r < 0 ? err_set(&err, ENOMEM, "out of memory") : run_output_keep_old(str_text(&path), &err);
    if (r == 0) {
        r = leak_request_make((uint32_t)settings->pid, str_text(&path), &reply, &err);
    }
    int status;
    if (r < 0) {
        status = cmd_fail(&err);
    } else {
        tell(settings, &reply, str_text(&path));
        status = show(settings, str_text(&path));
    }
    str_fini(&path);
    return status;
}

int cmd_leaks(int argc, char **argv)
{
    struct leaks_settings settings = {.pid = OPTION_NOT_GIVEN, .top_count = OPTION_NOT_GIVEN};
    struct option_arguments arguments;
    int status;
    if (!cmd_begin(&cmd_leaks_page, argc, argv, &settings, &arguments, &status)) {
        return status;
    }
    bool is_now = settings.pid != OPTION_NOT_GIVEN;
    const char *path = cmd_take_file(settings.input, &arguments);
    if (arguments.count > 0) {
        return cmd_misuse(&cmd_leaks_page, "'%s' is no file of a recording (write ./%s)",
                          arguments.words[0], arguments.words[0]);
    }
    if (is_now && settings.input != NULL) {
        return cmd_misuse(&cmd_leaks_page, "--now asks a running recording: not with --input");
    }
    if (!is_now && settings.output != NULL) {
        return cmd_misuse(&cmd_leaks_page, "--output goes with --now");
    }
    return is_now ? look_now(&settings) : show(&settings, path);
}
