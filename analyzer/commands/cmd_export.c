#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/whole_file.h"
#include "../export/export.h"
#include "cmd.h"

enum {
    FORMAT_NOT_GIVEN = -1,
};

struct export_settings {
    const char *input;
    const char *output;
    const char *process;
    const char *module;
    const char *function;
    int format; /* index in export_formats */
    int value;  /* enum export_value; EXPORT_VALUE_COUNT: not given */
};

static const struct option_spec options[] = {
    CMD_INPUT_OPTION(struct export_settings, input),
    {"to", '\0', NULL, "the format: see below", NULL,
     OPTION_CHOICE_AT(struct export_settings, format),
     .choices = OPTION_WORDS("pprof", "folded", "speedscope", "csv", "json")},
    {"output", 'o', "FILE", "where to write; it replaces an older file only once it is complete",
     "stdout", OPTION_TEXT_AT(struct export_settings, output)},
    {"value", '\0', NULL,
     "what a stack is worth in 'folded' and 'speedscope': allocations, bytes allocated, bytes live "
     "at the peak, bytes never freed",
     "bytes; all in speedscope", OPTION_CHOICE_AT(struct export_settings, value),
     .choices = OPTION_WORDS("count", "bytes", "peak", "leaked")},
    {"process", 'p', "ID", "only this process: its number in 'report processes', or its pid", NULL,
     OPTION_TEXT_AT(struct export_settings, process)},
    {"module", '\0', "GLOB", "only sites with a function of this program or library in their stack",
     NULL, OPTION_TEXT_AT(struct export_settings, module)},
    {"function", '\0', "GLOB",
     "only sites with this function in their stack; without * or ? a part of the name is enough",
     NULL, OPTION_TEXT_AT(struct export_settings, function)},
    {0},
};

static const struct option_example examples[] = {
    {"allocaudit export --to pprof -o app.pb.gz", "then: go tool pprof -http : app.pb.gz"},
    {"allocaudit export --to folded --value peak | flamegraph.pl > peak.svg", "a flame graph"},
    {"allocaudit export app.db --to speedscope -o app.json", "open it in speedscope.app"},
    {"allocaudit export --to csv -o sites.csv", "all sites for a spreadsheet"},
    {NULL, NULL},
};

static const char *const paragraphs[] = {
    "pprof: profile.proto, compressed, with allocated, never freed (inuse) and live at the peak, "
    "each as objects and bytes. folded: a line per stack for flame graph tools. speedscope: a "
    "profile per value. csv and json: a row per site with every figure and its whole stack.",
    "Figures are those of the table 'site' (schema/README.md). docs/export.md says what each "
    "format holds.",
    "Exit status: 0 done, 2 wrong usage, 3 the file cannot be read or the output not be written.",
    NULL,
};

const struct option_page cmd_export_page = {
    .command = "export",
    .purpose = "write a recording for pprof, flame graphs, speedscope or a spreadsheet",
    .usage = "[FILE] --to FORMAT [options]",
    .examples = examples,
    .options = options,
    .paragraphs = paragraphs,
};

/* What the format is for, and whether the options fit it. */
static int check_settings(struct export_settings *settings)
{
    if (settings->format == FORMAT_NOT_GIVEN) {
        return cmd_misuse(&cmd_export_page,
                          "--to is missing: pprof, folded, speedscope, csv or json");
    }
    const struct export_format *format = &export_formats[settings->format];
    bool has_value = settings->value != EXPORT_VALUE_COUNT;
    if (has_value && format->value_use == EXPORT_VALUE_NONE) {
        return cmd_misuse(&cmd_export_page, "--to %s holds all values: not with --value",
                          format->word);
    }
    if (!has_value && format->value_use == EXPORT_VALUE_ONE) {
        settings->value = EXPORT_BYTES;
    }
    bool is_to_stdout = settings->output == NULL || strcmp(settings->output, "-") == 0;
    if (is_to_stdout && format->is_binary && isatty(STDOUT_FILENO)) {
        return cmd_misuse(&cmd_export_page, "%s is not for a terminal: give -o FILE", format->word);
    }
    return CMD_DONE;
}

/* Two names of one file. */
static bool is_same_file(const char *left, const char *right)
{
    struct stat a;
    struct stat b;
    return stat(left, &a) == 0 && stat(right, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

static int write_export(const struct export_settings *settings, struct export *export)
{
    const struct export_format *format = &export_formats[settings->format];
    struct whole_file file = {0};
    struct err err;
    int result = whole_file_open(settings->output, &file, &err);
    if (result < 0) {
        return cmd_fail(&err);
    }
    export->stream = file.stream;
    export->value = (enum export_value)settings->value;
    term_progress_begin(export->progress, stderr, "exporting");
    result = format->write(export, &err);
    term_progress_end(export->progress);
    if (result < 0) {
        whole_file_discard(&file);
    } else {
        result = whole_file_keep(&file, &err);
    }
    return result < 0 && result != -EPIPE ? cmd_fail(&err) : CMD_DONE;
}

static int export_trace(const struct export_settings *settings, const struct trace *trace)
{
    const struct selection_request request = {
        .process = settings->process,
        .module = settings->module,
        .function = settings->function,
        .from_ns = QUERY_NULL,
        .to_ns = QUERY_NULL,
    };
    struct selection selection = {0};
    struct export export = {0};
    struct term_progress progress;
    struct err err;
    int result = selection_resolve(trace, &request, &selection, &err);
    if (result < 0) {
        bool is_misuse = result == -ENOENT || result == -EINVAL;
        return is_misuse ? cmd_misuse(&cmd_export_page, "%s", err.text) : cmd_fail(&err);
    }
    result = export_init(trace, &selection, &export, &err);
    export.progress = &progress;
    int status = result < 0 ? cmd_fail(&err) : write_export(settings, &export);
    export_fini(&export);
    selection_fini(&selection);
    return status;
}

int cmd_export(int argc, char **argv)
{
    struct export_settings settings = {.format = FORMAT_NOT_GIVEN, .value = EXPORT_VALUE_COUNT};
    struct option_arguments arguments;
    int status = CMD_DONE;
    if (!cmd_begin(&cmd_export_page, argc, argv, &settings, &arguments, &status)) {
        return status;
    }
    const char *path = cmd_take_file(settings.input, &arguments);
    if (arguments.count > 0) {
        return cmd_misuse(&cmd_export_page,
                          "unexpected '%s' (a file's name ends in .db or holds a '/')",
                          arguments.words[0]);
    }
    status = check_settings(&settings);
    if (status != CMD_DONE) {
        return status;
    }
    if (settings.output != NULL && is_same_file(path, settings.output)) {
        return cmd_misuse(&cmd_export_page, "-o would overwrite the recording itself");
    }
    struct trace *trace = NULL;
    struct err err;
    int result = trace_open(path, &trace, &err);
    if (result == 0) {
        result = trace_check_content(trace, &err);
    }
    status = result < 0 ? cmd_fail(&err) : export_trace(&settings, trace);
    trace_close(trace);
    return status;
}
