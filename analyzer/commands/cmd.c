#include "cmd.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../base/suggest.h"
#include "../cli/talk.h"

#define CMD_ROW(name) {#name, cmd_##name, &cmd_##name##_page},
const struct cmd cmd_table[] = {CMD_LIST(CMD_ROW){NULL, NULL, NULL}};
#undef CMD_ROW

const struct cmd *cmd_find(const char *name)
{
    for (const struct cmd *cmd = cmd_table; cmd->name != NULL; cmd++) {
        if (strcmp(cmd->name, name) == 0) {
            return cmd;
        }
    }
    return NULL;
}

int cmd_fail(const struct err *err)
{
    talk_error(err->text);
    return CMD_CANNOT;
}

static int refuse(const struct option_page *page, const struct err *err)
{
    talk_error(err->text);
    talk_hint("see 'allocaudit %s --help'", page->command);
    return CMD_WRONG_USAGE;
}

int cmd_misuse(const struct option_page *page, const char *format, ...)
{
    struct err err;
    va_list args;
    va_start(args, format);
    vsnprintf(err.text, sizeof(err.text), format, args);
    va_end(args);
    return refuse(page, &err);
}

int cmd_refuse_unknown(const char *name)
{
    const char *names[CMD_MAX + 3] = {"--help", "--version"};
    size_t count = 2;
    for (const struct cmd *cmd = cmd_table; cmd->name != NULL && count < CMD_MAX + 2; cmd++) {
        names[count++] = cmd->name;
    }

    struct err err;
    const char *what = name[0] == '-' ? "option" : "command";
    const char *nearest = suggest_nearest(name, names);
    if (nearest != NULL) {
        err_set(&err, EINVAL, "unknown %s '%s': did you mean '%s'?", what, name, nearest);
    } else {
        err_set(&err, EINVAL, "unknown %s '%s'", what, name);
    }
    talk_error(err.text);
    talk_hint("see 'allocaudit help'");
    return CMD_WRONG_USAGE;
}

bool cmd_begin(const struct option_page *page, int argc, char **argv, void *settings,
               struct option_arguments *out_arguments, int *out_status)
{
    struct err err;
    struct option_arguments arguments = {0};
    int r = options_parse(page, argc, argv, settings, &arguments, &err);
    if (r < 0) {
        *out_status = r == -EINVAL ? refuse(page, &err) : cmd_fail(&err);
        return false;
    }
    if (arguments.is_help_wanted) {
        options_print_help(page, term_width_columns(stdout), stdout);
        *out_status = cmd_flush(CMD_DONE);
        return false;
    }

    *out_arguments = arguments;
    return true;
}

const char *cmd_take_file(const char *input, struct option_arguments *arguments)
{
    if (input != NULL) {
        return input;
    }
    if (arguments->count == 0 || !options_is_file_name(arguments->words[0])) {
        return CMD_DEFAULT_FILE;
    }

    const char *file = arguments->words[0];
    arguments->words++;
    arguments->count--;
    return file;
}

int cmd_finish(struct out *out, int status)
{
    struct err err;
    int r = out_finish(out, &err);
    out_destroy(out);
    if (r < 0 && r != -EPIPE) {
        return cmd_fail(&err);
    }
    return status;
}

int cmd_flush(int status)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) {
        return status;
    }
    if (errno == EPIPE) {
        return status;
    }

    struct err err;
    err_set_errno(&err, errno != 0 ? errno : EIO, "cannot write the output");
    return cmd_fail(&err);
}
