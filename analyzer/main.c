#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "commands/cmd.h"

static bool is_any(const char *word, const char *first, const char *second)
{
    return strcmp(word, first) == 0 || strcmp(word, second) == 0;
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "");
    if (argc < 2) {
        cmd_print_overview(stderr);
        return CMD_WRONG_USAGE;
    }

    const char *word = argv[1];
    if (is_any(word, "--help", "-h")) {
        return cmd_help(argc - 1, argv + 1);
    }
    if (is_any(word, "--version", "-V")) {
        return cmd_version(argc - 1, argv + 1);
    }
    const struct cmd *cmd = cmd_find(word);
    if (cmd == NULL) {
        return cmd_refuse_unknown(word);
    }
    return cmd->main(argc - 1, argv + 1);
}
