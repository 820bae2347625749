/*
 * replayer_main.c - allocaudit-replay: carries out a compiled recording on whatever allocator this
 * process has, and says what that cost. `allocaudit replay` starts it; it is of no use alone.
 *
 *   allocaudit-replay probe NAME...            which library serves malloc; jemalloc's options
 *   allocaudit-replay ready FD MODE            maps everything, and says what is resident
 *   allocaudit-replay memory FD MODE TOUCH SPEED   replays with the gauge read
 *   allocaudit-replay curve FD MODE TOUCH SPEED    the same, and says each reading (serial alone)
 *   allocaudit-replay latency FD MODE TOUCH SPEED  replays with each call timed
 *   allocaudit-replay worst FD serial TOUCH SPEED  the longest call that is long in each of several
 * replays allocaudit-replay lap FD serial TOUCH SPEED    one of those, which `worst` starts
 *   allocaudit-replay pairs malloc|list SIZE...    what a pair of malloc and free costs, in ps
 *   allocaudit-replay blocks SIZE              what blocks of up to SIZE bytes take of memory
 *
 * FD is the script, MODE serial, virtual or threads, TOUCH the part of each block that is written
 * to (0: nothing, 1: all), SPEED a number, 0: at full speed. Answers are lines "key value" on
 * stdout; the status is 0, or 1 after a line on stderr.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "block_growth.h"
#include "pairs.h"
#include "perform.h"
#include "stopwatch.h"
#include "worst_call.h"

enum {
    STACK_BYTES = 65536, /* touched before it is measured what is resident */
    BLOCK_CLASSES_MAX = 1024,
};

struct reading {
    uint64_t wall_ns;
    uint64_t ticks;
    uint64_t cpu_ns;
    uint64_t fault_count;
};

static int refuse(const char *what, int code)
{
    (void)dprintf(STDERR_FILENO, "allocaudit-replay: %s: %s\n", what, strerror(code));
    return 1;
}

static void say(const char *key, uint64_t value)
{
    (void)dprintf(STDOUT_FILENO, "%s %llu\n", key, (unsigned long long)value);
}

static struct reading read_clocks(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (struct reading){
        .wall_ns = stopwatch_ns(CLOCK_MONOTONIC),
        .ticks = stopwatch_ticks(),
        .cpu_ns = stopwatch_ns(CLOCK_PROCESS_CPUTIME_ID),
        .fault_count = (uint64_t)usage.ru_minflt,
    };
}

/* Pages of the stack that will be needed are there from the start. */
static __attribute__((noinline)) void touch_stack(void)
{
    volatile char room[STACK_BYTES];
    for (size_t i = 0; i < sizeof(room); i += 1024) {
        room[i] = 0;
    }
}

static void say_latencies(const struct perform_result *result, double ns_of_tick)
{
    static const char *const names[PERFORM_CALL_COUNT] = {
        [PERFORM_MALLOC] = "malloc",   [PERFORM_CALLOC] = "calloc", [PERFORM_ALIGNED] = "aligned",
        [PERFORM_REALLOC] = "realloc", [PERFORM_FREE] = "free",
    };
    for (unsigned call = 0; call < PERFORM_CALL_COUNT; call++) {
        const struct histogram *histogram = &result->latencies[call];
        (void)dprintf(STDOUT_FILENO, "latency %s %llu %.1f %.1f %.1f %.1f\n", names[call],
                      (unsigned long long)histogram->count,
                      (double)histogram_quantile(histogram, 0.5) * ns_of_tick,
                      (double)histogram_quantile(histogram, 0.99) * ns_of_tick,
                      (double)histogram_quantile(histogram, 0.999) * ns_of_tick,
                      (double)histogram->max * ns_of_tick);
    }
}

static void say_result(const struct perform_result *result, const struct gauge *gauge,
                       const struct reading *before, const struct reading *after)
{
    uint64_t cpu_ns = after->cpu_ns - before->cpu_ns;
    uint64_t wall_ns = after->wall_ns - before->wall_ns;
    uint64_t kernel_peak_bytes = gauge_kernel_peak_bytes();
    uint64_t peak_bytes =
        kernel_peak_bytes > gauge->peak_bytes ? kernel_peak_bytes : gauge->peak_bytes;
    say("call_count", result->call_count);
    say("failed_count", result->failed_count);
    say("missed_count", result->missed_count);
    say("rss_peak_bytes", peak_bytes);
    say("private_peak_bytes", gauge->private_peak_bytes);
    say("rss_mean_bytes", gauge_mean_bytes(gauge));
    say("rss_end_bytes", gauge->last_bytes);
    say("rss_at_peak_bytes", result->at_peak_bytes);
    say("reading_count", gauge->reading_count);
    say("fault_count", after->fault_count - before->fault_count);
    say("cpu_ns", cpu_ns > result->own_ns ? cpu_ns - result->own_ns : 0);
    say("wall_ns", wall_ns > result->held_ns ? wall_ns - result->held_ns : 0);
    if (result->latencies != NULL) {
        uint64_t ticks = after->ticks - before->ticks;
        say_latencies(result, ticks > 0 ? (double)wall_ns / (double)ticks : 1);
    }
}

static void say_readings(const struct gauge *gauge)
{
    for (size_t i = 0; gauge->points != NULL && i < gauge->point_count; i++) {
        (void)dprintf(STDOUT_FILENO, "reading %llu %llu\n", (unsigned long long)gauge->points[i].at,
                      (unsigned long long)gauge->points[i].bytes);
    }
}

static int replay(struct stage *stage, bool is_serial, const struct perform_settings *settings,
                  struct gauge *gauge)
{
    struct perform_result result = {0};
    struct gauge *read_gauge = settings->is_timed ? NULL : gauge;
    gauge_reset_peak();
    struct reading before = read_clocks();
    int code = is_serial ? perform_serially(stage, settings, read_gauge, &result)
                         : perform_by_threads(stage, settings, read_gauge, &result);
    struct reading after = read_clocks();
    if (code < 0) {
        return refuse("cannot replay", -code);
    }
    say_result(&result, gauge, &before, &after);
    return 0;
}

/* Ticks become ns by what both said over all of it. */
static int find_worst(const struct stage *stage, char **words)
{
    char name[] = "allocaudit-replay";
    char what[] = "lap";
    char *lap[] = {name, what, words[0], words[1], words[2], words[3], NULL};
    uint64_t worst_ticks;
    struct reading before = read_clocks();
    int code = worst_call_find(&stage->head, lap, &worst_ticks);
    struct reading after = read_clocks();
    if (code < 0) {
        return refuse("cannot find the longest call", -code);
    }
    say("worst_ns", (uint64_t)((double)worst_ticks * (double)(after.wall_ns - before.wall_ns) /
                               (double)(after.ticks - before.ticks)));
    return 0;
}

static int run_lap(struct stage *stage, const struct perform_settings *settings)
{
    struct perform_settings timed = *settings;
    struct perform_result result = {0};
    timed.is_timed = true;
    timed.least = worst_call_table(&stage->head, &timed.least_count);
    int code = timed.least == NULL ? -EINVAL : perform_serially(stage, &timed, NULL, &result);
    return code < 0 ? refuse("cannot replay", -code) : 0;
}

static int play(const char *what, char **words)
{
    struct stage stage;
    struct gauge gauge = {0};
    bool is_virtual = strcmp(words[1], "virtual") == 0;
    bool is_serial = is_virtual || strcmp(words[1], "serial") == 0;
    touch_stack();
    int code = stage_open(&stage, (int)strtol(words[0], NULL, 10));
    if (code == 0) {
        code = gauge_open(&gauge);
    }
    if (code < 0) {
        return refuse("cannot open the script", -code);
    }
    /* Said later: pages of the C library that only we need must not be there before the replay. */
    uint64_t ready_bytes = gauge_resident_bytes(&gauge);
    uint64_t private_ready_bytes = gauge_private_bytes(&gauge);
    if (strcmp(what, "ready") == 0) {
        say("rss_ready_bytes", ready_bytes);
        say("private_ready_bytes", private_ready_bytes);
        return 0;
    }
    const struct perform_settings settings = {
        .touch_share = (uint32_t)(strtod(words[2], NULL) * PERFORM_TOUCH_WHOLE + 0.5),
        .is_timed = strcmp(what, "latency") == 0,
        .is_virtual = is_virtual,
        .speed = strtod(words[3], NULL),
    };
    if (strcmp(what, "worst") == 0) {
        return find_worst(&stage, words);
    }
    if (strcmp(what, "lap") == 0) {
        return run_lap(&stage, &settings);
    }
    if (strcmp(what, "curve") == 0) {
        gauge.point_capacity = 2 * PERFORM_READINGS;
        gauge.points = stage_map(gauge.point_capacity * sizeof(*gauge.points));
        gauge.point_capacity = gauge.points != NULL ? gauge.point_capacity : 0;
    }
    code = replay(&stage, is_serial, &settings, &gauge);
    say("rss_ready_bytes", ready_bytes);
    say_readings(&gauge);
    return code;
}

typedef int mallctl_function(const char *name, void *old, size_t *old_bytes, void *new,
                             size_t new_bytes);

/* An option of jemalloc, as far as its size tells its type. */
static void say_option(mallctl_function *mallctl, const char *name)
{
    char path[128];
    union {
        bool flag;
        unsigned number;
        long long size;
        const char *text;
    } value = {.size = 0};
    size_t value_bytes = sizeof(value);
    (void)snprintf(path, sizeof(path), "opt.%s", name);
    if (mallctl(path, &value, &value_bytes, NULL, 0) != 0) {
        (void)dprintf(STDOUT_FILENO, "no_option %s\n", name);
        return;
    }
    static const char *const texts[] = {"dss",  "metadata_thp",     "percpu_arena",
                                        "thp",  "stats_print_opts", "zero_realloc",
                                        "junk", "prof_prefix",      "stats_interval_opts"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strcmp(texts[i], name) == 0) {
            (void)dprintf(STDOUT_FILENO, "option %s %s\n", name, value.text);
            return;
        }
    }
    if (value_bytes == sizeof(value.flag)) {
        (void)dprintf(STDOUT_FILENO, "option %s %s\n", name, value.flag ? "true" : "false");
    } else {
        (void)dprintf(STDOUT_FILENO, "option %s %lld\n", name,
                      value_bytes == sizeof(value.number) ? (long long)value.number : value.size);
    }
}

static int probe(char **names)
{
    Dl_info info;
    void *found = (void *)(uintptr_t)malloc; /* as calls find it: dlsym takes any version */
    free(malloc(1));
    bool is_known = dladdr(found, &info) != 0 && info.dli_fname != NULL;
    (void)dprintf(STDOUT_FILENO, "library %s\n", is_known ? info.dli_fname : "?");
    mallctl_function *mallctl;
    *(void **)&mallctl = dlsym(RTLD_DEFAULT, "mallctl");
    for (; mallctl != NULL && *names != NULL; names++) {
        say_option(mallctl, *names);
    }
    return 0;
}

static int measure_pairs(const char *what, char **sizes)
{
    for (; *sizes != NULL; sizes++) {
        double pair_ps = pairs_measure_ps(strtoul(*sizes, NULL, 10), strcmp(what, "list") == 0);
        (void)dprintf(STDOUT_FILENO, "pair_ps %s %.0f\n", *sizes, pair_ps);
    }
    return 0;
}

/* Starts anew if there may be huge pages: the allocator may already have taken some. */
static int measure_blocks(char **argv)
{
    static struct block_class classes[BLOCK_CLASSES_MAX];
    if (prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 0 && prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0) {
        (void)execv("/proc/self/exe", argv);
        return refuse("cannot measure blocks", errno);
    }
    int count = block_growth_measure(strtoul(argv[2], NULL, 10), classes, BLOCK_CLASSES_MAX);
    if (count < 0) {
        return refuse("cannot measure blocks", -count);
    }
    for (int i = 0; i < count; i++) {
        (void)dprintf(STDOUT_FILENO, "block %zu %zu %.2f\n", classes[i].size_max_bytes,
                      classes[i].usable_bytes, classes[i].growth_bytes);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "blocks") == 0) {
        return measure_blocks(argv);
    }
    if (argc >= 4 && strcmp(argv[1], "pairs") == 0) {
        return measure_pairs(argv[2], argv + 3);
    }
    if (argc >= 2 && strcmp(argv[1], "probe") == 0) {
        return probe(argv + 2);
    }
    if ((argc == 4 && strcmp(argv[1], "ready") == 0) || argc == 6) {
        return play(argv[1], argv + 2);
    }
    return refuse("this is a part of 'allocaudit replay', which starts it", EINVAL);
}
