#include <errno.h>
#include <stdio.h>

#include "../cli/talk.h"
#include "../gate/baseline.h"
#include "cmd.h"
#include "gate_page.h"

struct baseline_settings {
    struct option_list inputs;
    const char *output;
    const char *leak_kinds;
    const char *suppressions;
};

static const struct option_spec options[] = {
    {"input", 'i', "FILE", "a recording to count in; may be repeated", CMD_DEFAULT_FILE,
     OPTION_LIST_AT(struct baseline_settings, inputs)},
    {"output", 'o', "FILE", "write it there instead of printing it", NULL,
     OPTION_TEXT_AT(struct baseline_settings, output)},
    {"leak-kinds", '\0', "KINDS",
     "which blocks count as leaked, of recordings with --leak-check yes: definite, indirect, "
     "possible, reachable; of others all that were live at the end count",
     GATE_LEAK_KINDS, OPTION_TEXT_AT(struct baseline_settings, leak_kinds)},
    {"suppressions", '\0', "FILE",
     "leaks that do not count, as LeakSanitizer reads them (lines of leak:PATTERN)", NULL,
     OPTION_TEXT_AT(struct baseline_settings, suppressions)},
    {0},
};

static const struct option_example examples[] = {
    {"allocaudit baseline -o allocs.yaml", "what ./allocaudit.db counted, to be committed"},
    {"allocaudit baseline 1.db 2.db 3.db -o allocs.yaml", "three runs: what varies is known, too"},
    {"allocaudit gate --baseline allocs.yaml", "hold a later recording against it"},
    {NULL, NULL},
};

static const char *const paragraphs[] = {
    "Writes what recordings of one command have counted as a small sorted text, made for being "
    "committed and compared line by line: the figures of the run, and those of the sites that "
    "matter, by the functions that lead to them.",
    "A figure that differed between the recordings stands as a range, to which 'gate' adds room.",
    "Exit status: 0 done, 2 wrong usage, 3 a recording cannot be read, is incomplete or a sample.",
    NULL,
};

const struct option_page cmd_baseline_page = {
    .command = "baseline",
    .purpose = "write what a program allocates as a small text to commit",
    .usage = "[FILE...] [options]",
    .examples = examples,
    .options = options,
    .paragraphs = paragraphs,
};

static int add_all(struct baseline *baseline, const struct baseline_settings *settings,
                   const struct option_arguments *arguments, struct err *err)
{
    int result = 0;
    for (size_t i = 0; i < settings->inputs.count && result == 0; i++) {
        result = baseline_add(baseline, settings->inputs.items[i], err);
    }
    for (int i = 0; i < arguments->count && result == 0; i++) {
        result = baseline_add(baseline, arguments->words[i], err);
    }
    if (settings->inputs.count == 0 && arguments->count == 0) {
        result = baseline_add(baseline, CMD_DEFAULT_FILE, err);
    }
    return result;
}

int cmd_baseline(int argc, char **argv)
{
    struct baseline_settings settings = {0};
    struct option_arguments arguments;
    struct baseline baseline = {0};
    struct err err;
    int status = CMD_DONE;
    if (!cmd_begin(&cmd_baseline_page, argc, argv, &settings, &arguments, &status)) {
        return status;
    }
    struct suppressions suppressions = {0};
    int result = gate_choose_leaks(settings.leak_kinds, settings.suppressions, &suppressions,
                                   &baseline.leaks, &err);
    bool is_misuse = result == -EINVAL;
    result = result == 0 ? add_all(&baseline, &settings, &arguments, &err) : result;
    if (result == 0) {
        result = settings.output != NULL ? baseline_write_file(&baseline, settings.output, &err)
                                         : baseline_write(&baseline, stdout, &err);
    }
    if (result < 0) {
        status = is_misuse ? cmd_misuse(&cmd_baseline_page, "%s", err.text) : cmd_fail(&err);
    } else if (settings.output != NULL) {
        talk_note("wrote %s: %llu recording%s of %s", settings.output,
                  (unsigned long long)baseline.recording_count,
                  baseline.recording_count == 1 ? "" : "s", baseline.command);
    }
    baseline_fini(&baseline);
    suppressions_fini(&suppressions);
    option_list_fini(&settings.inputs);
    return status;
}
