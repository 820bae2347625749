#include "cmd.h"

struct recover_settings {
    const char *input;
};

static const struct option_spec options[] = {
    CMD_INPUT_OPTION(struct recover_settings, input),
    {0},
};

static const struct option_example examples[] = {
    {"allocaudit recover", "finish ./allocaudit.db after its recorder was killed"},
    {"allocaudit recover app.db", "the same for another file"},
    {NULL, NULL},
};

const struct option_page cmd_recover_page = {
    .command = "recover",
    .purpose = "finish a recording whose recorder was killed",
    .usage = "[FILE] [options]",
    .examples = examples,
    .options = options,
};

int cmd_recover(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return CMD_CANNOT;
}
