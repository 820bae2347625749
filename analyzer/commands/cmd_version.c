#include <stdio.h>

#include "cmd.h"

static const struct option_example examples[] = {
    {"allocaudit version", "the version, as \"allocaudit 1.2.3\""},
    {"allocaudit --version", "the same"},
    {NULL, NULL},
};

const struct option_page cmd_version_page = {
    .command = "version",
    .purpose = "print the version of allocaudit",
    .usage = "",
    .examples = examples,
};

int cmd_version(int argc, char **argv)
{
    struct option_arguments arguments;
    int status = CMD_DONE;
    if (!cmd_begin(&cmd_version_page, argc, argv, NULL, &arguments, &status)) {
        return status;
    }
    if (arguments.count > 0) {
        return cmd_misuse(&cmd_version_page, "unexpected '%s'", arguments.words[0]);
    }

    puts("allocaudit " ALLOCAUDIT_VERSION);
    return cmd_flush(CMD_DONE);
}
