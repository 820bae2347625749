#include "trial_teller.h"

#include "../cli/talk.h"

static const char *label_of(const struct trial_teller *teller, size_t entry)
{
    return teller->trial->entries[entry].candidate->label;
}

/* Off the screen for a line of another kind; it comes back by itself. */
static void hide_progress(struct trial_teller *teller)
{
    const bool is_enabled = teller->progress.is_enabled;
    term_progress_end(&teller->progress);
    teller->progress.is_enabled = is_enabled;
}

static void tell_run(void *context, size_t entry, uint64_t done_count, uint64_t total_count)
{
    struct trial_teller *teller = context;
    if (teller->is_output_shown) {
        talk_note("run %llu of %llu: %s", (unsigned long long)done_count + 1,
                  (unsigned long long)total_count, label_of(teller, entry));
    } else {
        term_progress_update(&teller->progress, done_count, total_count);
    }
}

static void tell_failure(void *context, size_t entry, const char *reason)
{
    hide_progress(context);
    talk_note("%s is left out: %s", label_of(context, entry), reason);
}

static void tell_waiting(void *context, pid_t pid)
{
    hide_progress(context);
    talk_note("the command has ended; waiting for a process that it left behind (pid %ld); "
              "--timeout would end it",
              (long)pid);
}

struct trial_listener trial_teller_listener(struct trial_teller *teller)
{
    return (struct trial_listener){tell_run, tell_failure, tell_waiting, teller};
}
