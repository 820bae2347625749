/*
 * replay_answer.h - what `allocaudit replay` was asked, what it found, and how it is printed.
 */
#ifndef ALLOCAUDIT_REPLAY_ANSWER_H
#define ALLOCAUDIT_REPLAY_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../cli/options.h"
#include "../cli/out.h"
#include "../cli/term.h"
#include "../model/trace.h"
#include "../replay/calibration.h"
#include "../replay/rounds.h"

#define REPLAY_DEFAULT_ALLOCATORS "glibc,jemalloc,tcmalloc,mimalloc"

enum {
    REPLAY_CANDIDATES_MAX = 32,
};

enum replay_mode {
    REPLAY_AUTO,
    REPLAY_SERIAL,
    REPLAY_DEPS,
    REPLAY_PACED,
    REPLAY_VIRTUAL,
};

enum replay_touch {
    REPLAY_TOUCH_FIRST,
    REPLAY_TOUCH_NONE,
    REPLAY_TOUCH_CALIBRATED,
};

struct replay_settings {
    const char *input;
    const char *allocators;
    const char *process;
    struct option_list variables;
    uint64_t speed;
    uint64_t repetition_count;
    int mode;
    int touch;
    struct out_settings out;
};

struct replay_answer {
    const struct replay_settings *settings;
    const char *path;
    struct trace *trace;
    const struct process_row *process;
    int mode; /* enum replay_mode, not REPLAY_AUTO once it has run */
    struct script_head head;
    struct replay_candidate candidates[REPLAY_CANDIDATES_MAX];
    struct outcome outcomes[REPLAY_CANDIDATES_MAX];
    struct calibration calibration; /* with REPLAY_TOUCH_CALIBRATED */
    size_t count;
    struct out *out;
    struct term_progress progress;
};

/*
 * Fills head and outcomes. Returns 0 or a negative errno; an allocator that cannot be replayed is
 * lost, which is no error.
 */
int replay_run(struct replay_answer *replay, struct err *err);

/*
 * Which candidate is the allocator that the program was recorded on, as it was then; `count`: none
 * is, or it is lost.
 */
size_t replay_recorded_place(const struct replay_answer *replay);

/* Prints the whole answer. */
void replay_print(struct replay_answer *replay);

#endif
