#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../interposer/policy/settings.h"
#include "../catalog/allocators.h"
#include "../model/completeness.h"
#include "../model/selection.h"
#include "../model/trace.h"
#include "cmd.h"
#include "replay_answer.h"

enum {
    REPETITIONS_MAX = 1000,
};

static const struct option_spec options[] = {
    CMD_INPUT_OPTION(struct replay_settings, input),
    {"allocator", 'a', "NAMES",
     "what to replay on, separated by commas: glibc, jemalloc, tcmalloc, mimalloc, one of our own "
     "(pool, frame, buddy, slab, also with settings: pool:chunk_bytes=16384), or the path of a "
     "library",
     REPLAY_DEFAULT_ALLOCATORS, OPTION_TEXT_AT(struct replay_settings, allocators)},
    {"mode", 'm', NULL,
     "serial: one thread makes all calls in the recorded order. deps: a thread for each recorded "
     "one, at full speed, that waits only for blocks that others hand to it. paced: the same at "
     "the recorded times. virtual: as serial, but clocks show the recorded time (jemalloc alone). "
     "auto: serial if one thread was recorded, else deps",
     "auto", OPTION_CHOICE_AT(struct replay_settings, mode),
     .choices = OPTION_WORDS("auto", "serial", "deps", "paced", "virtual")},
    {"speed", '\0', "N", "with --mode paced: recorded time passes N times as fast", "1",
     OPTION_COUNT_AT(struct replay_settings, speed), .min = 1, .max = 1000000},
    {"touch", '\0', NULL,
     "first: write a byte to each page of a block after allocating it. none: write nothing. "
     "calibrated: to the part of each block that meets the recorded resident set best",
     "first", OPTION_CHOICE_AT(struct replay_settings, touch),
     .choices = OPTION_WORDS("first", "none", "calibrated")},
    {"env", 'e', "K=V",
     "a variable for the allocators, such as MALLOC_CONF=dirty_decay_ms:0; may be repeated", NULL,
     OPTION_LIST_AT(struct replay_settings, variables)},
    {"repetitions", 'n', "N", "how often each is run; the medians are shown", "3",
     OPTION_COUNT_AT(struct replay_settings, repetition_count), .min = 1, .max = REPETITIONS_MAX},
    {"process", 'p', "ID",
     "this process: its number in 'report processes', or its pid; without it the one with the "
     "highest peak",
     NULL, OPTION_TEXT_AT(struct replay_settings, process)},
    OUT_OPTIONS(struct replay_settings, out),
    {0},
};

static const struct option_example examples[] = {
    {"allocaudit replay", "what the recorded program would need on four allocators"},
    {"allocaudit replay app.db --allocator glibc --env MALLOC_ARENA_MAX=1", "with one arena"},
    {"allocaudit replay --allocator jemalloc,./libmine.so -n 5", "with a library of one's own"},
    {NULL, NULL},
};

static const char *const paragraphs[] = {
    "Makes the recorded calls again, in fresh processes, under each allocator. Shown are the "
    "memory of the heap alone (resident set, less what the replay itself has in use), faults, "
    "processor time, and how long calls take. 'program peak' is the recorded program's peak, with "
    "its heap replaced by this one's; it needs the allocator that was recorded among those "
    "replayed. Peaks in units of the most bytes requested at one time tell fragmentation.",
    "An allocator that is missing, crashes, or did not take an option that --env gives it loses "
    "its own row only. What the program does between its calls is not replayed: docs/replay.md "
    "says what that means.",
    "Exit status: 0 at least one allocator was replayed, 2 wrong usage, 3 none was, or the "
    "recording cannot be read or holds not every call (a sample, --detail sites, lost events).",
    NULL,
};

const struct option_page cmd_replay_page = {
    .command = "replay",
    .purpose = "make a recorded program's allocations again, on other allocators",
    .usage = "[FILE] [options]",
    .examples = examples,
    .options = options,
    .paragraphs = paragraphs,
};

/* Returns CMD_DONE, or the status after telling what is wrong. */
static int select_process(struct replay_answer *replay)
{
    struct err err;
    int result =
        selection_find_process(replay->trace, replay->settings->process, &replay->process, &err);
    if (result < 0) {
        bool is_misuse = result == -ENOENT || result == -EINVAL;
        return is_misuse ? cmd_misuse(&cmd_replay_page, "%s", err.text) : cmd_fail(&err);
    }
    const struct completeness_need need = {
        .verb = "replay",
        .process_id = replay->process->id,
        .has_each_call = true,
    };
    return completeness_check(replay->trace, &need, &err) < 0 ? cmd_fail(&err) : CMD_DONE;
}

static int check_variables(const struct replay_settings *settings)
{
    for (size_t i = 0; i < settings->variables.count; i++) {
        const char *pair = settings->variables.items[i];
        const char *assign = strchr(pair, '=');
        if (assign == NULL || assign == pair) {
            return cmd_misuse(&cmd_replay_page, "--env takes NAME=VALUE, not '%s'", pair);
        }
        if (strncmp(pair, POLICY_ENV "=", strlen(POLICY_ENV "=")) == 0) {
            return cmd_misuse(&cmd_replay_page,
                              "--env cannot set " POLICY_ENV ": name the policy with --allocator");
        }
        if (strncmp(pair, "LD_", 3) == 0) {
            return cmd_misuse(&cmd_replay_page,
                              "--env cannot set %.*s: name the library with "
                              "--allocator",
                              (int)(assign - pair), pair);
        }
    }
    if (settings->variables.count > REPLAY_CANDIDATE_PAIRS_MAX) {
        return cmd_misuse(&cmd_replay_page, "--env can be given %d times",
                          REPLAY_CANDIDATE_PAIRS_MAX);
    }
    return CMD_DONE;
}

/* Fills the candidates from the words of --allocator, which are cut apart in `names`. */
static int name_candidates(struct replay_answer *replay, char *names, const char *const *pairs)
{
    struct err err;
    for (char *word = names; word != NULL;) {
        char *end = word + allocators_name_length(word);
        bool is_last = *end == '\0';
        *end = '\0';
        if (replay->count == REPLAY_CANDIDATES_MAX) {
            return cmd_misuse(&cmd_replay_page, "--allocator takes up to %d names",
                              REPLAY_CANDIDATES_MAX);
        }
        for (size_t i = 0; i < replay->count; i++) {
            if (strcmp(replay->candidates[i].name, word) == 0) {
                return cmd_misuse(&cmd_replay_page, "--allocator names '%s' twice", word);
            }
        }
        if (replay_candidate_init(&replay->candidates[replay->count++], word, pairs, &err) < 0) {
            return cmd_misuse(&cmd_replay_page, "%s", err.text);
        }
        word = is_last ? NULL : end + 1;
    }
    return CMD_DONE;
}

static int answer(struct replay_answer *replay)
{
    struct err err;
    int result = replay_run(replay, &err);
    if (result < 0) {
        return cmd_fail(&err);
    }
    size_t lost_count = 0;
    for (size_t i = 0; i < replay->count; i++) {
        lost_count += replay->candidates[i].is_lost;
    }
    result = out_create("replay", &replay->settings->out, stdout, &replay->out, &err);
    if (result < 0) {
        return cmd_fail(&err);
    }
    replay_print(replay);
    return cmd_finish(replay->out, lost_count == replay->count ? CMD_CANNOT : CMD_DONE);
}

static int replay_recording(struct replay_answer *replay)
{
    struct err err;
    int result = trace_open(replay->path, &replay->trace, &err);
    if (result == 0) {
        result = trace_check_content(replay->trace, &err);
    }
    int status = result < 0 ? cmd_fail(&err) : select_process(replay);
    if (status == CMD_DONE) {
        status = answer(replay);
    }
    trace_close(replay->trace);
    return status;
}

static int prepare_and_replay(struct replay_answer *replay)
{
    const struct replay_settings *settings = replay->settings;
    const char *pairs[REPLAY_CANDIDATE_PAIRS_MAX + 1] = {NULL};
    char *names = strdup(settings->allocators);
    struct err err;
    if (names == NULL) {
        (void)err_set_errno(&err, ENOMEM, "cannot replay");
        return cmd_fail(&err);
    }
    int status = check_variables(settings);
    for (size_t i = 0; status == CMD_DONE && i < settings->variables.count; i++) {
        pairs[i] = settings->variables.items[i];
    }
    if (status == CMD_DONE) {
        status = name_candidates(replay, names, pairs);
    }
    if (status == CMD_DONE) {
        status = replay_recording(replay);
    }
    free(names);
    return status;
}

int cmd_replay(int argc, char **argv)
{
    struct replay_settings settings = {
        .allocators = REPLAY_DEFAULT_ALLOCATORS,
        .speed = 1,
        .repetition_count = 3,
    };
    struct option_arguments arguments = {0};
    int status = CMD_DONE;
    if (!cmd_begin(&cmd_replay_page, argc, argv, &settings, &arguments, &status)) {
        option_list_fini(&settings.variables);
        return status;
    }
    struct replay_answer *replay = calloc(1, sizeof(*replay));
    if (replay == NULL) {
        struct err err;
        (void)err_set_errno(&err, ENOMEM, "cannot replay");
        status = cmd_fail(&err);
    } else {
        replay->settings = &settings;
        replay->mode = settings.mode;
        replay->path = cmd_take_file(settings.input, &arguments);
        status = arguments.count > 0
                     ? cmd_misuse(&cmd_replay_page,
                                  "unexpected '%s' (a file's name ends in .db or holds a '/')",
                                  arguments.words[0])
                     : prepare_and_replay(replay);
    }
    free(replay);
    option_list_fini(&settings.variables);
    return status;
}
