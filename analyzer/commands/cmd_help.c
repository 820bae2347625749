#include <stdio.h>

#include "../cli/completion.h"
#include "../cli/manual.h"
#include "cmd.h"

struct help_settings {
    bool is_man;
    int shell; /* 0: none, 1: bash */
};

static const struct option_spec options[] = {
    {"man", '\0', NULL, "print the man page as roff, for packagers", NULL,
     OPTION_FLAG_AT(struct help_settings, is_man)},
    {"completion", '\0', NULL, "print a completion script for that shell", "none",
     OPTION_CHOICE_AT(struct help_settings, shell), .choices = OPTION_WORDS("none", "bash")},
    {0},
};

static const struct option_example examples[] = {
    {"allocaudit help", "the commands, a line each"},
    {"allocaudit help report", "all about one command"},
    {"source <(allocaudit help --completion bash)", "complete words in this shell"},
    {NULL, NULL},
};

const struct option_page cmd_help_page = {
    .command = "help",
    .purpose = "explain allocaudit or one of its commands",
    .usage = "[COMMAND]",
    .examples = examples,
    .options = options,
};

void cmd_print_overview(FILE *stream)
{
    fputs("allocaudit: record where a program's memory goes, and explain it\n"
          "usage: allocaudit COMMAND [options]\n"
          "\n"
          "examples:\n"
          "  allocaudit run ./app    record every allocation of ./app into ./allocaudit.db\n"
          "  allocaudit report       hot sites, leaks, sizes, threads and the course of time\n"
          "\n"
          "commands:\n",
          stream);
    for (const struct cmd *cmd = cmd_table; cmd->name != NULL; cmd++) {
        fprintf(stream, "  %-9s %s\n", cmd->name, cmd->page->purpose);
    }
    fputs("\n'allocaudit help COMMAND' says more.\n", stream);
}

static void list_pages(const struct option_page **pages)
{
    size_t count = 0;
    for (const struct cmd *cmd = cmd_table; cmd->name != NULL && count < CMD_MAX; cmd++) {
        pages[count++] = cmd->page;
    }
    pages[count] = NULL;
}

static void print_about_all(const struct help_settings *settings)
{
    const struct option_page *pages[CMD_MAX + 1];
    list_pages(pages);
    if (settings->is_man) {
        manual_print_program(pages, stdout);
    } else if (settings->shell == 1) {
        completion_print_bash(pages, stdout);
    } else {
        cmd_print_overview(stdout);
    }
}

int cmd_help(int argc, char **argv)
{
    struct help_settings settings = {0};
    struct option_arguments arguments;
    int status = CMD_DONE;
    if (!cmd_begin(&cmd_help_page, argc, argv, &settings, &arguments, &status)) {
        return status;
    }
    if (arguments.count > 1) {
        return cmd_misuse(&cmd_help_page, "unexpected '%s'", arguments.words[1]);
    }
    if (arguments.count == 0) {
        print_about_all(&settings);
        return cmd_flush(CMD_DONE);
    }

    const struct cmd *cmd = cmd_find(arguments.words[0]);
    if (cmd == NULL) {
        return cmd_refuse_unknown(arguments.words[0]);
    }
    if (settings.is_man) {
        manual_print_command(cmd->page, stdout);
    } else {
        options_print_help(cmd->page, term_width_columns(stdout), stdout);
    }
    return cmd_flush(CMD_DONE);
}
