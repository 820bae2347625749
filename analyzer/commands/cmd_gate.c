#include "cmd.h"
#include "gate_page.h"

struct gate_command {
    const char *input;
    struct gate_settings gate;
};

static const struct option_spec options[] = {
    CMD_INPUT_OPTION(struct gate_command, input),
    GATE_OPTIONS(struct gate_command, gate),
    {"process", 'p', "ID", "judge only this process: its number in 'report processes', or its pid",
     NULL, OPTION_TEXT_AT(struct gate_command, gate.process)},
    {"allow-incomplete", '\0', NULL,
     "judge a recording that lost events, was cut or sampled: it may pass though the program "
     "would not",
     NULL, OPTION_FLAG_AT(struct gate_command, gate.is_incomplete_allowed)},
    OUT_OPTIONS(struct gate_command, gate.out),
    {0},
};

static const struct option_example examples[] = {
    {"allocaudit gate --max-leaks 0", "no block may be left in use at exit"},
    {"allocaudit gate app.db --max-allocs 250000 --max-peak 64MiB", "two limits at once"},
    {"allocaudit gate --budget limits.yaml --junit gate.xml", "limits that are committed"},
    {"allocaudit gate --baseline allocs.yaml", "nothing may grow"},
    {NULL, NULL},
};

static const char *const paragraphs[] = {
    "For each limit: PASS or FAIL, the limit, what was measured, and how much room is left. For a "
    "limit that failed: the site that contributes most to it, and the command that shows more.",
    "Against a baseline figures of the whole run are judged, and the site that moved most is "
    "named. "
    "A figure that differed between the recordings of the baseline may leave their range by five "
    "times its width. Bytes moved by realloc, and with several threads the peak, vary by "
    "themselves: they are shown, not judged.",
    "Exit status: 0 all limits hold, 1 one does not, 2 wrong usage (also if no limit is given, or "
    "the budget is wrong), 3 the recording cannot be read, is empty, lost events, or was cut "
    "short, "
    "4 (--strict) it is better than the baseline.",
    NULL,
};

const struct option_page cmd_gate_page = {
    .command = "gate",
    .purpose = "hold a recording against limits, for scripts and continuous integration",
    .usage = "[FILE] [options]",
    .examples = examples,
    .options = options,
    .paragraphs = paragraphs,
};

int cmd_gate(int argc, char **argv)
{
    struct gate_command command = {.gate = GATE_SETTINGS_NONE};
    struct option_arguments arguments;
    int status = CMD_DONE;
    if (!cmd_begin(&cmd_gate_page, argc, argv, &command, &arguments, &status)) {
        return status;
    }
    const char *path = cmd_take_file(command.input, &arguments);
    if (arguments.count > 0) {
        return cmd_misuse(&cmd_gate_page,
                          "unexpected '%s' (a file's name ends in .db or holds a '/')",
                          arguments.words[0]);
    }
    return gate_run(&command.gate, &cmd_gate_page, path, NULL);
}
