/*
 * recommend_answer.h - what `allocaudit recommend` was asked, what it tried and decided, and how it
 * is printed. For cmd_recommend.c, recommend_*.c, and `tune`, which begins in the same way.
 */
#ifndef ALLOCAUDIT_RECOMMEND_ANSWER_H
#define ALLOCAUDIT_RECOMMEND_ANSWER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../advice/arena_choice.h"
#include "../advice/decision.h"
#include "../advice/env_lint.h"
#include "../advice/evidence.h"
#include "../advice/remedy.h"
#include "../analyses/own_arenas.h"
#include "../cli/options.h"
#include "../cli/out.h"
#include "../cli/term.h"
#include "../model/trace.h"
#include "../replay/rounds.h"
#include "../report/report.h"
#include "../trial/comparison.h"
#include "cmd.h"

enum {
    RECOMMEND_TRIED_MAX = 24,
    RECOMMEND_FINDINGS_MAX = 32,
    RECOMMEND_SITES_MAX = 5,
    RECOMMEND_FUNCTION_BYTES = 256,
    RECOMMEND_CAUSES_MAX = 5,
    RECOMMEND_ADVICE_MAX = 9, /* three of a kind */
};

struct recommend_settings {
    const char *input;
    const char *process;
    int goal; /* enum advice_goal */
    bool is_confirm_wanted;
    uint64_t round_count; /* of --confirm */
    const char *stdin_path;
    uint64_t status;
    uint64_t limit_s;         /* for replays */
    uint64_t container_bytes; /* that a Go program has; OPTION_NOT_GIVEN: not said */
    const char *plan_path;    /* NULL: no plan is wanted */
    bool is_why_wanted;
    const char *html; /* where to write a page; NULL: nowhere */
    struct out_settings out;
};

/* The rows for a command's option table, but for those of its output: RECOMMEND_OPTIONS(struct
 * tune_settings, base.), */
#define RECOMMEND_OPTIONS(settings, at)                                                            \
    CMD_INPUT_OPTION(settings, at input),                                                          \
        {"goal",                                                                                   \
         'g',                                                                                      \
         NULL,                                                                                     \
         "what counts: memory (peak and mean), speed (CPU time), balanced (some of both), "        \
         "latency "                                                                                \
         "(the malloc that one in a thousand exceeds), realtime (the longest call of all), "       \
         "embedded (the most that the heap ever holds)",                                           \
         "balanced",                                                                               \
         OPTION_CHOICE_AT(settings, at goal),                                                      \
         .choices = OPTION_WORDS(ADVICE_GOAL_WORDS)},                                              \
        {"confirm",                                                                                \
         '\0',                                                                                     \
         NULL,                                                                                     \
         "run the command that follows on both, and withdraw the advice if it does not hold",      \
         NULL,                                                                                     \
         OPTION_FLAG_AT(settings, at is_confirm_wanted)},                                          \
        {"rounds",                                                                                 \
         'n',                                                                                      \
         "N",                                                                                      \
         "with --confirm: how often each runs",                                                    \
         "10",                                                                                     \
         OPTION_COUNT_AT(settings, at round_count),                                                \
         .min = INTERVAL_COUNT_MIN,                                                                \
         .max = INTERVAL_COUNT_MAX},                                                               \
        {"stdin",     '\0',                                                                        \
         "FILE",      "with --confirm: what the command reads",                                    \
         "/dev/null", OPTION_TEXT_AT(settings, at stdin_path)},                                    \
        {"status",  '\0',                                                                          \
         "N",       "with --confirm: the exit status with which the command ends",                 \
         "0",       OPTION_COUNT_AT(settings, at status),                                          \
         .max = 255},                                                                              \
        {"time-limit",                                                                             \
         '\0',                                                                                     \
         "SECONDS",                                                                                \
         "for replays, and for reading the calls after them: when they are used up, "              \
         "what was not tried is left out (0: all but the recorded allocator)",                     \
         "120",                                                                                    \
         OPTION_COUNT_AT(settings, at limit_s),                                                    \
         .max = 86400},                                                                            \
    {                                                                                              \
        "process", 'p', "ID",                                                                      \
            "this process: its number in 'report processes', or its pid; without it the one with " \
            "the "                                                                                 \
            "highest peak",                                                                        \
            NULL, OPTION_TEXT_AT(settings, at process)                                             \
    }

#define RECOMMEND_SETTINGS_DEFAULT                                                                 \
    {                                                                                              \
        .round_count = 10, .limit_s = 120, .container_bytes = OPTION_NOT_GIVEN                     \
    }

/* An allocator with settings that was replayed. */
struct recommend_tried {
    const struct remedy *remedy; /* NULL: as recorded, or of a search */
    const char *label;           /* "jemalloc, one arena" */
    const char *setting;         /* NAME=VALUE; NULL: none */
    double effort;               /* as in remedy.h */
    char name[PATH_MAX];         /* for the catalog */
    const char *pairs[REPLAY_CANDIDATE_PAIRS_MAX + 1];
    struct replay_candidate candidate;
    struct outcome outcome;
    struct round_spread worst_ns;   /* the longest call; 0: not looked for, or not known */
    struct round_spread held_bytes; /* by the heap at most; 0: not looked for */
    struct contender contender;
    bool is_final; /* was replayed several times, side by side with the recorded one */
};

enum recommend_verdict {
    RECOMMEND_CHANGE,
    RECOMMEND_NO_CHANGE,
    RECOMMEND_INSUFFICIENT,
    RECOMMEND_WITHDRAWN, /* a trial has shown that it does not hold */
};

/* What --confirm has shown. */
struct recommend_trial {
    bool is_done;
    size_t round_count;
    struct comparison comparisons[METRIC_COUNT];
    bool holds;
    bool is_unseen;  /* what was promised is nothing that a trial can see */
    bool is_lost;    /* the program failed under the advice */
    struct str text; /* in words */
};

/* Where a pool in the program's own code would pay. */
struct recommend_site {
    uint32_t stack_id;
    uint64_t size_bytes;
    uint64_t allocation_count;
    uint64_t live_count_max;
    double saved_ns; /* of CPU time; beside the best stock allocator, if one is advised */
    int64_t saved_peak_bytes;
    char function[RECOMMEND_FUNCTION_BYTES];
};

/* A feature of the program, and what the advised one still gains where it is taken out. */
struct recommend_cause {
    const char *feature; /* "small_blocks" */
    const char *text;    /* "blocks of up to 64 bytes" */
    uint32_t stack_id;   /* of a call site; 0: it is none */
    char function[RECOMMEND_FUNCTION_BYTES];
    bool is_known;       /* false: it was not replayed */
    const char *problem; /* why not */
    double gain_without;
    double explained; /* of the gain: 1 if nothing is left, below 0 if it is larger without */
    double explained_low;
    double explained_high;
};

enum recommend_advice_kind {
    RECOMMEND_RESERVE,     /* ask for a buffer's later size at once */
    RECOMMEND_OWN_ARENA,   /* keep the blocks apart from the others */
    RECOMMEND_FRAME_ARENA, /* take them from an arena that is reset when the frame ends */
};

/* Sites whose blocks die in the frame in which they are made. */
struct recommend_frames {
    char *series_name; /* frame_series.name; the answer's */
    uint32_t stack_ids[ARENA_SITES_MAX];
    size_t stack_count;
    uint64_t chunk_bytes; /* of the arena that was measured */
    uint64_t spare_count; /* chunks that it keeps empty */
    uint64_t allocation_count;
    uint64_t frame_count;
};

/* A change of the code at one call site, and what it gains on top of the base. */
struct recommend_advice {
    enum recommend_advice_kind kind;
    uint32_t stack_id;
    uint64_t size_bytes; /* to reserve; this and the next two: 0 of an arena */
    uint64_t spared_step_count;
    uint64_t spared_copied_bytes;   /* as recorded */
    struct own_arena arena;         /* of an own arena */
    struct recommend_frames frames; /* of a frame arena; stack_id is its first */
    char function[RECOMMEND_FUNCTION_BYTES];
    char file[RECOMMEND_FUNCTION_BYTES]; /* "": not known */
    uint32_t line;
    bool is_known; /* false: it could not be replayed, or there was no time to */
    bool is_worth_it;
    struct contender contender; /* to the base; shares of the whole program, as elsewhere */
};

struct recommend_answer {
    const struct recommend_settings *settings;
    const char *path;
    char **command; /* of --confirm; NULL: none */
    struct trace *trace;
    const struct process_row *process;
    bool is_go; /* its heap is Go's: replaying it on other allocators would say nothing */
    const struct goal *goal;
    struct evidence evidence;
    enum recommend_verdict verdict;
    struct str why;
    struct env_lint_finding findings[RECOMMEND_FINDINGS_MAX];
    size_t finding_count;
    bool has_bad_settings;
    struct str recorded_pairs[REPLAY_CANDIDATE_PAIRS_MAX];
    struct script_head head;
    bool has_replays;
    bool has_threads; /* several allocate: replayed with a thread for each */
    bool has_mean;    /* the replay's time is the recorded one, so that a mean over it counts */
    bool has_clock;   /* clocks show the recorded time to the allocator, or it really passes */
    double touch_share;
    struct headroom headroom;
    struct recommend_tried tried[RECOMMEND_TRIED_MAX]; /* the first: as recorded */
    size_t tried_count;
    size_t untried_count;                  /* for want of time, variants aside */
    unsigned repetition_count;             /* of the finals */
    struct decision decision;              /* places count from tried[1] */
    const struct recommend_tried *advised; /* NULL: none */
    struct recommend_trial trial;
    bool has_sites;                                   /* they were looked at */
    struct recommend_site sites[RECOMMEND_SITES_MAX]; /* most saved first */
    size_t site_count;
    size_t plan_rule_count;                              /* of --emit-plan */
    struct recommend_cause causes[RECOMMEND_CAUSES_MAX]; /* that explain most first */
    size_t cause_count;
    bool has_advice;                           /* it was looked for */
    bool is_advice_cut;                        /* but the time was up */
    const struct recommend_tried *advice_base; /* the stock allocator that it is on top of */
    struct recommend_advice advice[RECOMMEND_ADVICE_MAX];
    size_t advice_count; /* also what is not worth it */
    struct term_progress progress;
    struct out *out;
};

/* A command that makes an answer. */
struct recommend_job {
    const struct option_page *page;
    /* Where the evidence is enough. Returns 0 or a negative errno. */
    int (*work)(struct recommend_answer *answer, void *context, struct err *err);
    void (*print)(struct recommend_answer *answer, void *context);
    /* Of a Go program, into answer->out; NULL: the command is not for those. 0 or a negative errno
     */
    int (*print_go)(struct recommend_answer *answer, struct err *err);
    void *context;
};

/* Does the job on what the words of the command line name, and returns its exit status. */
int recommend_answer_job(const struct recommend_job *job, const struct recommend_settings *settings,
                         struct option_arguments *arguments);

/* Replays and decides: fills what follows `findings`. Returns 0 or a negative errno. */
int recommend_run(struct recommend_answer *answer, struct err *err);

/* The one advised, or NULL. */
const struct recommend_tried *recommend_advised(const struct recommend_answer *answer);

/* Adds what is to be put before the command: "MALLOC_CONF=... LD_PRELOAD=... ". 0 or -ENOMEM. */
int recommend_append_line(const struct recommend_tried *tried, struct str *line);

/* Runs the command itself on both, and says whether the advice holds. Returns 0, or a negative
 * errno if nothing could be run. */
int recommend_confirm(struct recommend_answer *answer, struct err *err);

struct stacks;

/* The function of a call site that one would change. Returns 0 or a negative errno. */
int recommend_name_function(struct stacks *stacks, uint32_t stack_id,
                            char out_name[RECOMMEND_FUNCTION_BYTES], struct err *err);

/* Fills sites: measures what pairs of calls cost on this machine, and reads the recording once. */
int recommend_find_sites(struct recommend_answer *answer, struct err *err);

/* Writes a plan for `run --plan`, with a frame policy for each site of a frame arena that is worth
 * it and a pool for each of `sites`, and counts its rules; no file if there is none. Returns 0 or a
 * negative errno. */
int recommend_write_plan(struct recommend_answer *answer, const char *path, struct err *err);

/* Fills is_go. Returns 0 or a negative errno. */
int recommend_find_go(struct recommend_answer *answer, struct err *err);

/* Of a Go program: prints what to set and what to pool, into answer->out. Returns 0 or a negative
 * errno. */
/* Writes the report's page with an answer before it. Returns the exit status, what is wrong is
 * told. */
int recommend_write_page(const struct recommend_answer *answer, const char *html,
                         const struct report_extra *extra);

int recommend_print_go(struct recommend_answer *answer, struct err *err);

/* Prints what is often said of such programs, and whether it holds for this one. */
void recommend_print_folklore(struct recommend_answer *answer);

/* Prints what to change at single call sites, or that none is worth it. */
void recommend_print_advice(struct recommend_answer *answer);

/* Prints the whole answer. */
void recommend_print(struct recommend_answer *answer);

#endif
