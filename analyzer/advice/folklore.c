#include "folklore.h"

#include <string.h>

#define SERVER_HEAP_BYTES (16.0 * 1048576)
#define SERVER_BUSY_SHARE 0.9 /* a server waits for requests */
#define SMALL_SHARE       0.5

enum {
    MANY_THREADS = 3,
};

static bool is_bounded(const struct evidence *evidence, enum advice_goal goal)
{
    (void)evidence;
    return goal == ADVICE_REALTIME;
}

static bool is_embedded(const struct evidence *evidence, enum advice_goal goal)
{
    (void)evidence;
    return goal == ADVICE_EMBEDDED;
}

static bool has_usual_goal(enum advice_goal goal)
{
    return goal != ADVICE_REALTIME && goal != ADVICE_EMBEDDED;
}

static bool has_frames(const struct evidence *evidence, enum advice_goal goal)
{
    return has_usual_goal(goal) && evidence->has_frames;
}

static bool has_many_threads(const struct evidence *evidence, enum advice_goal goal)
{
    return has_usual_goal(goal) && evidence->thread_count >= MANY_THREADS;
}

static bool is_server(const struct evidence *evidence, enum advice_goal goal)
{
    return has_usual_goal(goal) && (double)evidence->rss_peak_bytes >= SERVER_HEAP_BYTES &&
           evidence->duration_ns > 0 &&
           (double)evidence->cpu_time_ns < SERVER_BUSY_SHARE * (double)evidence->duration_ns;
}

static bool has_small_blocks(const struct evidence *evidence, enum advice_goal goal)
{
    return has_usual_goal(goal) && evidence->small_share >= SMALL_SHARE;
}

static const struct saying sayings[] = {
    {"real time", "pool", is_bounded},
    {"a small fixed heap", "buddy", is_embedded},
    {"a game, or what else has frames", "frame", has_frames},
    {"many threads", "tcmalloc", has_many_threads},
    {"a server, with idle times", "jemalloc", is_server},
    {"many small objects", "mimalloc", has_small_blocks},
};

const struct saying *folklore_sayings(size_t *out_count)
{
    *out_count = sizeof(sayings) / sizeof(sayings[0]);
    return sayings;
}

bool saying_means(const struct saying *saying, const char *allocator)
{
    size_t length = strlen(saying->allocator);
    return strncmp(saying->allocator, allocator, length) == 0 &&
           (allocator[length] == '\0' || allocator[length] == ':');
}

bool saying_holds(const struct goal *goal, const struct contender *said,
                  const struct contender *best)
{
    double least = best == NULL ? 0 : decision_score(goal, best);
    return decision_breach(goal, said) == ADVICE_MEASURE_COUNT &&
           decision_score(goal, said) <= least + FOLKLORE_TOLERANCE;
}
