#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "../base/str.h"
#include "../cli/out.h"
#include "../cli/talk.h"
#include "../collect/profile_import.h"
#include "cmd.h"

struct import_settings {
    const char *output;
};

static const struct option_spec options[] = {
    {"output", 'o', "FILE", "write the recording here; it must not exist yet", CMD_DEFAULT_FILE,
     OPTION_TEXT_AT(struct import_settings, output)},
    {0},
};

static const struct option_example examples[] = {
    {"allocaudit import heap.pb.gz", "a profile as a recording, for 'report', 'gate' and the rest"},
    {"curl -o heap.pb.gz localhost:6060/debug/pprof/heap",
     "from a running service with net/http/pprof"},
    {NULL, NULL},
};

static const char *const paragraphs[] = {
    "Takes a heap profile of a Go program, as runtime/pprof, net/http/pprof and 'go tool pprof' "
    "write it, packed or not. What was in use when it was taken counts as leaked; there are no "
    "rows "
    "of single objects, no times, and no garbage collections. Where the profile is a sample, which "
    "it is unless runtime.MemProfileRate was 1, all figures are estimates.",
    "Exit status: 0 done, 2 wrong usage, 3 the profile cannot be read or the recording not "
    "written.",
    NULL,
};

const struct option_page cmd_import_page = {
    .command = "import",
    .purpose = "turn a heap profile of Go's pprof into a recording",
    .usage = "PROFILE [options]",
    .examples = examples,
    .options = options,
    .paragraphs = paragraphs,
};

static int import_profile(const char *path, const char *output)
{
    struct err err;
    struct str command = {0};
    struct stat status;
    char count[32];
    char bytes[32];
    if (lstat(output, &status) == 0) {
        err_set(&err, EEXIST, "'%s' exists: choose another file with -o", output);
        return cmd_fail(&err);
    }
    if (str_append(&command, "allocaudit import ") < 0 || str_append_quoted(&command, path) < 0) {
        str_fini(&command);
        err_set(&err, ENOMEM, "out of memory");
        return cmd_fail(&err);
    }
    struct profile_import import = {
        .profile_path = path,
        .output_path = output,
        .command = str_text(&command),
    };
    int r = profile_import_run(&import, &err);
    str_fini(&command);
    if (r < 0) {
        return cmd_fail(&err);
    }
    talk_note("%llu sites, %s allocations, %s in use", (unsigned long long)import.site_count,
              out_format_count((int64_t)import.allocation_count, count),
              out_format_bytes((int64_t)import.live_bytes, bytes));
    talk_note("recorded in %s", output);
    return CMD_DONE;
}

int cmd_import(int argc, char **argv)
{
    struct import_settings settings = {.output = CMD_DEFAULT_FILE};
    struct option_arguments arguments;
    int status;
    if (!cmd_begin(&cmd_import_page, argc, argv, &settings, &arguments, &status)) {
        return status;
    }
    if (arguments.count != 1) {
        return cmd_misuse(&cmd_import_page, "%s",
                          arguments.count == 0 ? "no profile to import" : "one profile at a time");
    }
    return import_profile(arguments.words[0], settings.output);
}
