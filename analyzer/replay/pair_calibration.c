#include "pair_calibration.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../catalog/preload.h"
#include "block_calibration.h"
#include "replay_candidate.h"

enum {
    ROUNDS = 5,
};

/* What is measured; a name for a row, and for whom it is looked up. */
static const struct measured {
    const char *name;
    enum pair_cost_kind kind;
} measured[] = {
    {"glibc", PAIR_COST_STOCK},    {"jemalloc", PAIR_COST_STOCK}, {"tcmalloc", PAIR_COST_STOCK},
    {"mimalloc", PAIR_COST_STOCK}, {"pool", PAIR_COST_POLICY},    {"list", PAIR_COST_LIST},
};

enum {
    MEASURED_COUNT = sizeof(measured) / sizeof(measured[0]),
};
_Static_assert(MEASURED_COUNT + 1 <= (int)PAIR_COST_ROWS_MAX, "one more may be in use");

struct pair_calibrating {
    const char *program;
    struct pair_costs *costs;
    struct replay_candidate candidates[PAIR_COST_ROWS_MAX];
    double runs_ns[PAIR_COST_ROWS_MAX][PAIR_COST_SIZES][ROUNDS];
};

static const char *const no_pairs[] = {NULL};

static int add(struct pair_calibrating *calibrating, const char *name, const char *path,
               enum pair_cost_kind kind, struct err *err)
{
    size_t place = calibrating->costs->count;
    struct replay_candidate *candidate = &calibrating->candidates[place];
    struct pair_cost_row *row = &calibrating->costs->rows[place];
    int result = replay_candidate_init(candidate, path, no_pairs, err);
    if (result < 0 || candidate->is_lost) {
        return result;
    }
    *row = (struct pair_cost_row){.kind = kind};
    (void)snprintf(row->name, sizeof(row->name), "%s", name);
    calibrating->costs->count++;
    return 0;
}

/* "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2" is the library of the row "jemalloc". */
static bool is_same_library(const struct allocator *allocator, const char *in_use)
{
    char mine[PATH_MAX];
    char theirs[PATH_MAX];
    if (allocator->kind == ALLOCATOR_GLIBC) {
        const char *name = strrchr(in_use, '/');
        name = name != NULL ? name + 1 : in_use;
        return strncmp(name, "libc.so", 7) == 0 || strncmp(name, "libc-", 5) == 0 ||
               strcmp(name, "glibc") == 0;
    }
    return realpath(allocator->path, mine) != NULL && realpath(in_use, theirs) != NULL &&
           strcmp(mine, theirs) == 0;
}

static int add_all(struct pair_calibrating *calibrating, const char *in_use, struct err *err)
{
    struct pair_costs *costs = calibrating->costs;
    int result = 0;
    for (size_t i = 0; i < MEASURED_COUNT && result == 0; i++) {
        bool is_list = measured[i].kind == PAIR_COST_LIST;
        result = add(calibrating, measured[i].name, is_list ? "glibc" : measured[i].name,
                     measured[i].kind, err);
    }
    for (size_t i = 0; i < costs->count && result == 0; i++) {
        struct pair_cost_row *row = &costs->rows[i];
        row->is_in_use = row->kind == PAIR_COST_STOCK &&
                         is_same_library(&calibrating->candidates[i].allocator, in_use);
    }
    struct err ignored;
    if (result == 0 && pair_costs_in_use(costs) == NULL && strchr(in_use, '/') != NULL &&
        add(calibrating, strrchr(in_use, '/') + 1, in_use, PAIR_COST_STOCK, &ignored) == 0 &&
        strcmp(costs->rows[costs->count - 1].name, strrchr(in_use, '/') + 1) == 0) {
        costs->rows[costs->count - 1].is_in_use = true;
    }
    return result;
}

/* Lines "pair_ps SIZE VALUE", one for each size. */
static bool read_answer(const char *answer, size_t round, double runs_ns[PAIR_COST_SIZES][ROUNDS])
{
    for (size_t i = 0; i < PAIR_COST_SIZES; i++) {
        char key[40];
        (void)snprintf(key, sizeof(key), "pair_ps %llu ", (unsigned long long)pair_cost_size(i));
        const char *line = strstr(answer, key);
        if (line == NULL) {
            return false;
        }
        runs_ns[i][round] = strtod(line + strlen(key), NULL) / 1000;
        if (!(runs_ns[i][round] > 0)) {
            return false;
        }
    }
    return true;
}

static int run(struct pair_calibrating *calibrating, size_t place, size_t round, struct err *err)
{
    const struct replay_candidate *candidate = &calibrating->candidates[place];
    bool is_list = calibrating->costs->rows[place].kind == PAIR_COST_LIST;
    char sizes[PAIR_COST_SIZES][24];
    const char *words[PAIR_COST_SIZES + 4] = {"allocaudit-replay", "pairs",
                                              is_list ? "list" : "malloc"};
    for (size_t i = 0; i < PAIR_COST_SIZES; i++) {
        (void)snprintf(sizes[i], sizeof(sizes[i]), "%llu", (unsigned long long)pair_cost_size(i));
        words[3 + i] = sizes[i];
    }
    struct str answer = {0};
    int result = replay_candidate_run(candidate, calibrating->program, words, &answer, err);
    if (result == 0 && !read_answer(str_text(&answer), round, calibrating->runs_ns[place])) {
        result = err_set(err, ECHILD, "gave no memory");
    }
    str_fini(&answer);
    return result;
}

static void drop(struct pair_calibrating *calibrating, size_t place)
{
    struct pair_costs *costs = calibrating->costs;
    size_t behind = costs->count - place - 1;
    memmove(&costs->rows[place], &costs->rows[place + 1], behind * sizeof(*costs->rows));
    memmove(&calibrating->candidates[place], &calibrating->candidates[place + 1],
            behind * sizeof(*calibrating->candidates));
    memmove(&calibrating->runs_ns[place], &calibrating->runs_ns[place + 1],
            behind * sizeof(*calibrating->runs_ns));
    costs->count--;
}

static int compare_runs(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

static void sum_up(struct pair_calibrating *calibrating)
{
    for (size_t i = 0; i < calibrating->costs->count; i++) {
        for (size_t j = 0; j < PAIR_COST_SIZES; j++) {
            double *runs_ns = calibrating->runs_ns[i][j];
            qsort(runs_ns, ROUNDS, sizeof(*runs_ns), compare_runs);
            calibrating->costs->rows[i].costs[j] = (struct pair_cost){
                .median_ns = runs_ns[ROUNDS / 2],
                .low_ns = runs_ns[0],
                .high_ns = runs_ns[ROUNDS - 1],
            };
        }
    }
    calibrating->costs->run_count = ROUNDS;
}

/* Round by round: a machine that is slow for a while is slow for all of them. */
static int run_all(struct pair_calibrating *calibrating, pair_calibration_watcher *watcher,
                   void *context, struct err *err)
{
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < calibrating->costs->count;) {
            if (watcher != NULL) {
                watcher(context, round * calibrating->costs->count + i,
                        ROUNDS * calibrating->costs->count);
            }
            if (run(calibrating, i, round, err) == 0) {
                i++;
            } else {
                drop(calibrating, i);
            }
        }
    }
    if (calibrating->costs->count > 0) {
        return 0;
    }
    err_prepend(err, "cannot measure what allocators cost");
    return -ECHILD;
}

static void measure_blocks(struct pair_calibrating *calibrating)
{
    for (size_t i = 0; i < calibrating->costs->count; i++) {
        struct pair_cost_row *row = &calibrating->costs->rows[i];
        if (row->kind != PAIR_COST_LIST) {
            block_calibration_measure(calibrating->program, &calibrating->candidates[i],
                                      &row->blocks);
        }
    }
}

int pair_calibration_measure(const char *in_use, pair_calibration_watcher *watcher, void *context,
                             struct pair_costs *out_costs, struct err *err)
{
    char program[PATH_MAX];
    struct pair_calibrating *calibrating = calloc(1, sizeof(*calibrating));
    if (calibrating == NULL) {
        return err_set_errno(err, ENOMEM, "cannot measure what allocators cost");
    }
    *out_costs = (struct pair_costs){0};
    calibrating->program = program;
    calibrating->costs = out_costs;
    int result = preload_find_file("allocaudit-replay", program, sizeof(program), err);
    if (result == 0) {
        result = add_all(calibrating, in_use, err);
    }
    if (result == 0) {
        result = run_all(calibrating, watcher, context, err);
    }
    if (result == 0) {
        sum_up(calibrating);
        measure_blocks(calibrating);
    }
    free(calibrating);
    return result;
}
