/*
 * cmd.h - the commands, and what all of them share.
 *
 * A command is `int cmd_NAME(int argc, char **argv)` (argv[0] is NAME; it returns the exit status)
 * and a page that describes it, both in cmd_NAME.c. To add one: its file, and a word in CMD_LIST.
 */
#ifndef ALLOCAUDIT_CMD_H
#define ALLOCAUDIT_CMD_H

#include <stdbool.h>

#include "../base/err.h"
#include "../cli/options.h"
#include "../cli/out.h"

#define CMD_LIST(X)                                                                                \
    X(run)                                                                                         \
    X(report)                                                                                      \
    X(leaks)                                                                                       \
    X(diff)                                                                                        \
    X(export)                                                                                      \
    X(gate)                                                                                        \
    X(baseline)                                                                                    \
    X(test)                                                                                        \
    X(trial)                                                                                       \
    X(replay)                                                                                      \
    X(simulate)                                                                                    \
    X(import)                                                                                      \
    X(recommend)                                                                                   \
    X(tune)                                                                                        \
    X(sql)                                                                                         \
    X(recover)                                                                                     \
    X(help)                                                                                        \
    X(version)

#define CMD_DECLARE(name)                                                                          \
    int cmd_##name(int argc, char **argv);                                                         \
    extern const struct option_page cmd_##name##_page;
CMD_LIST(CMD_DECLARE)
#undef CMD_DECLARE

struct cmd {
    const char *name; /* NULL ends cmd_table */
    int (*main)(int argc, char **argv);
    const struct option_page *page; /* its purpose is the summary */
};

extern const struct cmd cmd_table[];

/* The command of that name, or NULL. */
const struct cmd *cmd_find(const char *name);

enum {
    CMD_MAX = 64, /* more than there will be */
};

enum cmd_exit {
    CMD_DONE = 0,        /* or gate passed */
    CMD_GATE_FAILED = 1, /* only gate */
    CMD_WRONG_USAGE = 2,
    CMD_CANNOT = 3,       /* no file, damaged, wrong version, output not written */
    CMD_GATE_BETTER = 4,  /* only gate --strict: less than the baseline */
    CMD_RUN_FAILED = 125, /* `run` itself failed */
    CMD_NOT_EXECUTABLE = 126,
    CMD_NOT_FOUND = 127,
};

#define CMD_DEFAULT_FILE "./allocaudit.db"

/* The row of -i in a command's option table. */
#define CMD_INPUT_OPTION(settings, member)                                                         \
    {                                                                                              \
        "input", 'i', "FILE", "the recording to read", CMD_DEFAULT_FILE,                           \
            OPTION_TEXT_AT(settings, member)                                                       \
    }

/*
 * The beginning of every command: parses, and answers --help and mistakes (one line and "see
 * 'allocaudit NAME --help'" on stderr). Returns true to go on; false: return *out_status.
 */
bool cmd_begin(const struct option_page *page, int argc, char **argv, void *settings,
               struct option_arguments *out_arguments, int *out_status);

/*
 * The recording that is meant: `input` (of -i) if not NULL; else the first word, if it is a file
 * name (options_is_file_name), which is then taken off the words; else CMD_DEFAULT_FILE.
 */
const char *cmd_take_file(const char *input, struct option_arguments *arguments);

/* Prints "allocaudit: <text>" on stderr, control characters made harmless. Returns CMD_CANNOT. */
int cmd_fail(const struct err *err);

/* The same for a mistake in the command line that parsing could not see, with the hint at --help.
 * Returns CMD_WRONG_USAGE. */
int cmd_misuse(const struct option_page *page, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The end of a command that printed a document: finishes and destroys it. Returns `status`, or
 * CMD_CANNOT after telling why the output could not be written. */
int cmd_finish(struct out *out, int status);

/* The same for a command that printed to stdout itself (help). */
int cmd_flush(int status);

/* Tells that there is no such command, with the nearest that there is. Returns CMD_WRONG_USAGE. */
int cmd_refuse_unknown(const char *name);

/* What `allocaudit help` says: purpose, examples, commands. */
void cmd_print_overview(FILE *stream);

#endif
