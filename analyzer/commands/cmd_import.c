#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "../base/str.h"
#include "../cli/out.h"
#include "../cli/talk.h"
#include "../cli/term.h"
#include "../collect/import/heaptrack_file.h"
#include "../collect/import/heaptrack_import.h"
#include "../collect/import/profile_import.h"
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
    {"allocaudit import heaptrack.app.4711.zst -o app.db", "what heaptrack has recorded"},
    {NULL, NULL},
};

static const char *const paragraphs[] = {
    "Takes a heap profile of a Go program, as runtime/pprof, net/http/pprof and 'go tool pprof' "
    "write it, packed or not; or a file of heaptrack, packed by gzip or zstd or not. Which it is, "
    "its content tells. There are no rows of single blocks.",
    "Go: what was in use when the profile was taken counts as leaked; there are no times and no "
    "garbage collections. Where the profile is a sample, which it is unless runtime.MemProfileRate "
    "was 1, all figures are estimates.",
    "heaptrack: sites, sizes, leaks, the peak and who had it, and the course of live and resident "
    "bytes are exact. Its files tell of sizes and stacks, not of blocks, threads and calls: "
    "lifetimes, temporary blocks, reallocs and times are not known, and sections that need them "
    "say so. Versions 1 to 3 of its format are read, not raw data (heaptrack --raw).",
    "Exit status: 0 done, 2 wrong usage, 3 the file cannot be read or the recording not "
    "written.",
    NULL,
};

const struct option_page cmd_import_page = {
    .command = "import",
    .purpose = "turn a heap profile of Go's pprof, or of heaptrack, into a recording",
    .usage = "FILE [options]",
    .examples = examples,
    .options = options,
    .paragraphs = paragraphs,
};

static void show_progress(void *context, uint64_t done, uint64_t total)
{
    term_progress_update(context, done, total);
}

static int import_heaptrack(const char *path, const char *output, const char *command,
                            struct import_sums *out_sums, struct err *err)
{
    struct term_progress progress;
    struct heaptrack_import import = {
        .path = path,
        .output_path = output,
        .command = command,
        .progress = show_progress,
        .progress_context = &progress,
    };
    term_progress_begin(&progress, stderr, "reading");
    int r = heaptrack_import_run(&import, err);
    term_progress_end(&progress);
    if (r == 0 && import.is_attached) {
        talk_note("heaptrack was attached to it while it ran: what it had allocated before, and "
                  "its frees, are missing");
    }
    *out_sums = import.sums;
    return r;
}

static int import_profile(const char *path, const char *output, const char *command,
                          struct import_sums *out_sums, struct err *err)
{
    struct profile_import import = {
        .profile_path = path,
        .output_path = output,
        .command = command,
    };
    int r = profile_import_run(&import, err);
    *out_sums = import.sums;
    return r;
}

static int import_file(const char *path, const char *output)
{
    struct err err;
    struct str command = {0};
    struct import_sums sums;
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
    int r = heaptrack_file_is(path)
                ? import_heaptrack(path, output, str_text(&command), &sums, &err)
                : import_profile(path, output, str_text(&command), &sums, &err);
    str_fini(&command);
    if (r < 0) {
        return cmd_fail(&err);
    }
    talk_note("%llu sites, %s allocations, %s in use at the end",
              (unsigned long long)sums.site_count,
              out_format_count((int64_t)sums.allocation_count, count),
              out_format_bytes((int64_t)sums.live_bytes, bytes));
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
                          arguments.count == 0 ? "no file to import" : "one file at a time");
    }
    return import_file(arguments.words[0], settings.output);
}
