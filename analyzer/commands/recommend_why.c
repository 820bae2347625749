/*
 * recommend_why.c - because of what the advised allocator gains: it and the recorded one, replayed
 * without single features of the program (recommend_find_causes in recommend_replay.h).
 *
 * Both replays of a pair lack the feature, and the gain that is left is of the same program's
 * figures as before: what is gone is what the feature brought.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../analyses/heap_pages.h"
#include "../model/sites.h"
#include "../model/stacks.h"
#include "recommend_replay.h"

#define SHARE_LEAST 0.05 /* of the calls or bytes; less explains nothing */
#define SHARE_MOST  0.95 /* more, and nothing is left to replay */
#define SMALL_BYTES 64
#define LARGE_BYTES 131072
#define LARGE_RATE  (1 << 20)

enum {
    REPETITIONS_MAX = 3,
    REPETITIONS_MIN = 2,
};

struct why_job {
    struct recommend_replay *replay;
    struct recommend_answer *answer;
    double gain;
    double gain_low;
    double gain_high;
};

/* A feature that the program has. */
struct feature {
    const char *word;
    const char *text;
    struct neutral neutral;
    bool is_threads; /* nothing is taken out, but one thread does it all */
};

/* ---- what there is ----------------------------------------------------------------------------
 */

struct features {
    struct feature items[RECOMMEND_CAUSES_MAX];
    size_t count;
};

static bool is_part(double share)
{
    return share >= SHARE_LEAST && share <= SHARE_MOST;
}

static void add_feature(struct features *features, const struct feature *feature)
{
    for (size_t i = 0; i < features->count; i++) {
        const struct feature *other = &features->items[i];
        if (feature->neutral.stack_id != 0 &&
            other->neutral.stack_id == feature->neutral.stack_id) {
            return;
        }
    }
    if (features->count < RECOMMEND_CAUSES_MAX) {
        features->items[features->count++] = *feature;
    }
}

static void add_site(struct features *features, const char *word, const char *text,
                     uint32_t stack_id)
{
    add_feature(features, &(struct feature){.word = word,
                                            .text = text,
                                            .neutral = {NEUTRAL_SITE, .stack_id = stack_id}});
}

/* Unless next to nothing would be left without it. */
static int add_pin(const struct recommend_answer *answer, struct features *features,
                   const char *word, const char *text, uint32_t stack_id, struct err *err)
{
    struct site_row row;
    int result = query_site(answer->trace->db, answer->process->id, stack_id, &row, err);
    if (result == 0 &&
        (double)row.allocation_count <= SHARE_MOST * (double)answer->evidence.allocation_count) {
        add_site(features, word, text, stack_id);
    }
    return result;
}

/* The site that holds the top of glibc's heap, or else most pages alone. */
static int add_pinning_site(const struct recommend_answer *answer, struct features *features,
                            struct err *err)
{
    struct analysis_run run = {.analysis = &heap_pages_analysis};
    int result = analyses_run(answer->trace, answer->process->id, &run, 1, NULL, NULL, err);
    const struct heap_pages *pages = run.state;
    if (result == 0 && heap_top_is_pinned(&pages->worst_top)) {
        const struct heap_top *top = &pages->worst_top;
        uint32_t stack_id = top->is_cached ? top->cached.stack_id : pages->top_block.stack_id;
        if (stack_id != 0) {
            result = add_pin(answer, features, "top_site",
                             "the site whose block lies at the heap's end", stack_id, err);
        }
    } else if (result == 0 && pages->pin_count > 0) {
        result = add_pin(answer, features, "pinning_site",
                         "the site that keeps most pages from being given back",
                         pages->pins[0].stack_id, err);
    }
    analyses_end(&run, 1);
    return result;
}

/* The site with the most of a figure, if that is a part of the whole worth a look. */
static int add_top_site(struct features *features, const struct sites *sites, enum site_key key,
                        const char *word, const char *text, struct err *err)
{
    size_t *places = NULL;
    int count = sites_top(sites, key, 1, &places, err);
    if (count > 0 &&
        is_part((double)sites_value(sites, places[0], key) / (double)sites_total(sites, key))) {
        add_site(features, word, text, sites_stack_id(sites, places[0]));
    }
    free(places);
    return count < 0 ? count : 0;
}

static int add_sites(const struct recommend_answer *answer, struct features *features,
                     struct err *err)
{
    const struct selection selection = {.process_id = answer->process->id};
    struct sites *sites = NULL;
    int result = add_pinning_site(answer, features, err);
    if (result == 0) {
        result =
            sites_load(answer->trace, &selection,
                       SITE_KEY_BIT(SITE_KEY_COUNT) | SITE_KEY_BIT(SITE_KEY_PEAK), 1, &sites, err);
    }
    if (result == 0) {
        result = add_top_site(features, sites, SITE_KEY_COUNT, "busiest_site",
                              "the site with most allocations", err);
    }
    if (result == 0) {
        result = add_top_site(features, sites, SITE_KEY_PEAK, "largest_site",
                              "the site with most bytes at the peak", err);
    }
    sites_destroy(sites);
    return result;
}

static int find_features(const struct recommend_answer *answer, struct features *features,
                         struct err *err)
{
    const struct evidence *evidence = &answer->evidence;
    if (answer->has_threads) {
        add_feature(features, &(struct feature){.word = "threads",
                                                .text = "several threads at a time",
                                                .is_threads = true});
    }
    if (answer->has_threads && evidence->remote_free_share >= SHARE_LEAST) {
        add_feature(features, &(struct feature){.word = "remote_frees",
                                                .text = "frees by another thread",
                                                .neutral = {.kind = NEUTRAL_HANDOFFS}});
    }
    if (evidence->large_rate > LARGE_RATE) {
        add_feature(features,
                    &(struct feature){.word = "large_blocks",
                                      .text = "blocks of 128 KiB and more",
                                      .neutral = {NEUTRAL_SIZES, .size_min_bytes = LARGE_BYTES,
                                                  .size_max_bytes = UINT64_MAX}});
    }
    if (is_part(evidence->small_share)) {
        add_feature(features,
                    &(struct feature){.word = "small_blocks",
                                      .text = "blocks of up to 64 bytes",
                                      .neutral = {NEUTRAL_SIZES, .size_max_bytes = SMALL_BYTES}});
    }
    return add_sites(answer, features, err);
}

/* ---- without one of them ----------------------------------------------------------------------
 */

static void judge(const struct why_job *job, const struct contender *without,
                  struct recommend_cause *cause)
{
    const struct goal *goal = job->answer->goal;
    double gain_low = -decision_worst_score(goal, without);
    double gain_high = -decision_best_score(goal, without);
    cause->is_known = true;
    cause->gain_without = -decision_score(goal, without);
    cause->explained = (job->gain - cause->gain_without) / job->gain;
    cause->explained_low = (job->gain_low - gain_high) / job->gain;
    cause->explained_high = (job->gain_high - gain_low) / job->gain;
}

/* Both on that script, side by side. */
static int play_pair(const struct why_job *job, const struct script_head *head, int script_fd,
                     bool is_serial, struct recommend_cause *cause, struct err *err)
{
    uint64_t whole_ns = 2 * REPETITIONS_MAX * job->replay->round_ns;
    unsigned repetitions =
        recommend_is_time_left(job->replay, whole_ns) ? REPETITIONS_MAX : REPETITIONS_MIN;
    struct recommend_replay pair = *job->replay;
    struct recommend_tried *both = calloc(2, sizeof(*both));
    if (both == NULL) {
        return err_set_errno(err, ENOMEM, "cannot recommend");
    }
    struct recommend_tried *tried[] = {&both[0], &both[1]};
    both[0] = job->answer->tried[0];
    both[1] = *job->answer->advised;
    pair.rounds.head = head;
    pair.rounds.script_fd = script_fd;
    pair.rounds.watcher = NULL;
    if (is_serial) {
        pair.rounds.mode = ROUNDS_SERIAL;
    }
    int result = recommend_play_several(&pair, tried, 2, repetitions, err);
    if (result == 0 && !both[0].candidate.is_lost) {
        recommend_compare_to(job->answer, &both[0], &both[1]);
        if (!both[1].contender.is_lost) {
            judge(job, &both[1].contender, cause);
        }
    }
    free(both);
    return result;
}

static int try_without(const struct why_job *job, const struct feature *feature,
                       struct recommend_cause *cause, struct err *err)
{
    struct script_head head = job->answer->head;
    uint64_t needed_ns = 2 * REPETITIONS_MIN * job->replay->round_ns;
    *cause = (struct recommend_cause){
        .feature = feature->word, .text = feature->text, .stack_id = feature->neutral.stack_id};
    cause->problem = "the time was up";
    if (!recommend_is_time_left(job->replay, needed_ns)) {
        return 0;
    }
    cause->problem = "the replay failed";
    if (feature->is_threads) {
        return play_pair(job, &head, job->replay->script_fd, true, cause, err);
    }
    int fd = recommend_compile(
        job->answer, (struct recommend_variant){.neutral = &feature->neutral}, &head, err);
    if (fd == -ENODATA) {
        cause->problem = "nothing is left without it";
        return 0;
    }
    if (fd < 0) {
        return fd;
    }
    int result = play_pair(job, &head, fd, false, cause, err);
    (void)close(fd);
    return result;
}

static int name_causes(struct recommend_answer *answer, struct err *err)
{
    struct stacks *stacks;
    int result = stacks_create(answer->trace->db, &stacks, err);
    if (result < 0) {
        return result;
    }
    for (size_t i = 0; i < answer->cause_count && result == 0; i++) {
        struct recommend_cause *cause = &answer->causes[i];
        if (cause->stack_id != 0) {
            result = recommend_name_function(stacks, cause->stack_id, cause->function, err);
        }
    }
    stacks_destroy(stacks);
    return result;
}

static int compare_causes(const void *a, const void *b)
{
    const struct recommend_cause *one = a;
    const struct recommend_cause *other = b;
    if (one->is_known != other->is_known) {
        return one->is_known ? -1 : 1;
    }
    return (one->explained < other->explained) - (one->explained > other->explained);
}

int recommend_find_causes(struct recommend_replay *replay, struct err *err)
{
    struct recommend_answer *answer = replay->answer;
    const struct contender *advised = &answer->advised->contender;
    const struct why_job job = {
        .replay = replay,
        .answer = answer,
        .gain = -decision_score(answer->goal, advised),
        .gain_low = -decision_worst_score(answer->goal, advised),
        .gain_high = -decision_best_score(answer->goal, advised),
    };
    struct features features = {.count = 0};
    replay->extra_ns = answer->settings->limit_s * 1000000000 / 2; /* half as long again */
    int result = find_features(answer, &features, err);
    for (size_t i = 0; i < features.count && result == 0; i++) {
        result = try_without(&job, &features.items[i], &answer->causes[i], err);
        answer->cause_count++;
    }
    qsort(answer->causes, answer->cause_count, sizeof(answer->causes[0]), compare_causes);
    return result == 0 ? name_causes(answer, err) : result;
}
