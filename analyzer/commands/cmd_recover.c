#include <errno.h>
#include <stdio.h>

#include "../cli/talk.h"
#include "../cli/term.h"
#include "../collect/recover/recover.h"
#include "../db/open.h"
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

static const char *const paragraphs[] = {
    "For a recording whose 'allocaudit run' was killed or could not write its end. Takes over what "
    "the "
    "recorder had not come to, counts everything again and resolves the names. The program's own "
    "run is "
    "not touched; where it still runs, it is no longer recorded. Times in malloc cannot be "
    "recovered. Of a Go program there are the garbage collections up to the kill, and the sites as "
    "of "
    "the last reading of its memory profile.",
    NULL,
};

const struct option_page cmd_recover_page = {
    .command = "recover",
    .purpose = "finish a recording whose recorder was killed",
    .usage = "[FILE] [options]",
    .examples = examples,
    .options = options,
    .paragraphs = paragraphs,
};

/* Readers say best what is wrong with a file; damage is what we are here for. */
static int check_file(const char *path, struct err *err)
{
    struct db *db = NULL;
    int r = db_open(path, &db, err);
    db_close(db);
    return r == -EBADMSG || r == -EBUSY ? 0 : r;
}

static void show_progress(void *context, uint64_t done, uint64_t total)
{
    term_progress_update(context, done, total);
}

static void tell(const char *path, const struct recover_result *result)
{
    if (result->is_complete_already) {
        talk_note("'%s' needs no recovery", path);
        return;
    }
    if (result->is_ring_lost) {
        talk_note("of '%s' only rows are left: names, threads and live blocks were lost with the "
                  "machine's memory",
                  path);
    } else if (result->is_journal_cut) {
        talk_note("there was no room to keep everything: late stacks have no names");
    }
    if (result->is_go) {
        talk_note(
            "'%s' is of a Go program: %llu garbage collections and %llu readings of its memory "
            "profile were kept; what was allocated after the last reading, and what C code "
            "in it had freed before the kill, is not counted",
            path, (unsigned long long)result->gc_count, (unsigned long long)result->reading_count);
    } else if (result->is_sites_only) {
        talk_note("'%s' was recorded with --detail sites: what had been freed before the kill is "
                  "not counted",
                  path);
    }
    if (result->missing_live_count > 0) {
        talk_note("the live blocks of %llu process%s could not be read",
                  (unsigned long long)result->missing_live_count,
                  result->missing_live_count == 1 ? "" : "es");
    }
    if (result->running_count > 0) {
        talk_note("%u recorded process%s still run%s; recording has stopped", result->running_count,
                  result->running_count == 1 ? "" : "es", result->running_count == 1 ? "s" : "");
    }
    talk_note("recovered '%s': %llu rows, %llu events that were not read yet; times in malloc are "
              "missing",
              path, (unsigned long long)result->row_count,
              (unsigned long long)result->unread_count);
}

int cmd_recover(int argc, char **argv)
{
    struct recover_settings settings = {0};
    struct option_arguments arguments;
    int status;
    if (!cmd_begin(&cmd_recover_page, argc, argv, &settings, &arguments, &status)) {
        return status;
    }
    const char *path = cmd_take_file(settings.input, &arguments);
    if (arguments.count > 0) {
        return cmd_misuse(&cmd_recover_page, "unexpected argument '%s'", arguments.words[0]);
    }
    struct err err;
    if (check_file(path, &err) < 0) {
        return cmd_fail(&err);
    }
    volatile bool is_cancelled = false;
    struct term_progress progress;
    struct recover_result result;
    struct store_finish_options finish = {
        .is_cancelled = &is_cancelled,
        .progress = show_progress,
        .progress_context = &progress,
    };
    term_progress_begin(&progress, stderr, "recovering");
    int r = recover_file(path, &finish, &result, &err);
    term_progress_end(&progress);
    if (r < 0) {
        err_prepend(&err, "cannot recover '%s'", path);
        return cmd_fail(&err);
    }
    tell(path, &result);
    return CMD_DONE;
}
