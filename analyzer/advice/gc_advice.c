#include "gc_advice.h"

#include <errno.h>
#include <string.h>

enum {
    LIMIT_PCT = 90, /* of a container's memory that GOMEMLIMIT may have: the Go guide's rule */
    CPU_SHARE_MOST_PCT = 15, /* that less memory may cost, of all processors */
};

static const uint64_t gogc_choices[] = {10,  15,  20,  25,  35,  50,  75,         100,
                                        150, 200, 300, 400, 600, 800, GC_GOGC_OFF};

enum {
    CHOICE_COUNT = sizeof(gogc_choices) / sizeof(gogc_choices[0])
};

static const char *find_variable(const struct trace *trace, const char *name)
{
    for (size_t i = 0; i < trace->variable_count; i++) {
        if (strcmp(trace->variables[i].name, name) == 0) {
            return trace->variables[i].value;
        }
    }
    return NULL;
}

static void read_setting(const struct trace *trace, struct gc_advice *advice)
{
    advice->recorded = (struct gc_setting){GC_GOGC_COMMON, GC_LIMIT_NONE};
    bool is_read = gc_gogc_parse(find_variable(trace, "GOGC"), &advice->recorded.gogc_pct);
    is_read = gc_limit_parse(find_variable(trace, "GOMEMLIMIT"), &advice->recorded.limit_bytes) &&
              is_read;
    advice->has_misread = !is_read;
}

int gc_advice_load(const struct trace *trace, const struct process_row *process,
                   struct gc_advice *out_advice, struct err *err)
{
    *out_advice = (struct gc_advice){.process = process};
    int result = gc_history_load(trace->db, process->id, &out_advice->history, err);
    if (result < 0 || out_advice->history.count == 0) {
        return result;
    }
    if (process->ended_ns != QUERY_NULL) {
        out_advice->duration_ns = (double)(process->ended_ns - process->started_ns);
    }
    read_setting(trace, out_advice);
    uint64_t rss_bytes = process->rss_peak_bytes != QUERY_NULL ? process->rss_peak_bytes : 0;
    int fitted = gc_model_fit(&out_advice->history, &out_advice->recorded, rss_bytes,
                              &out_advice->model, &out_advice->why);
    out_advice->has_model = fitted == 0;
    if (fitted == -ENOMEM) {
        *err = out_advice->why;
        gc_advice_fini(out_advice);
        return -ENOMEM;
    }
    return 0;
}

uint64_t gc_advice_limit(uint64_t container_bytes)
{
    return container_bytes / 100 * LIMIT_PCT;
}

double gc_advice_cpu_pct(const struct gc_advice *advice, double cpu_ns)
{
    double all_ns = advice->duration_ns * (double)advice->history.processor_count;
    return all_ns > 0 ? cpu_ns / all_ns * 100 : 0;
}

static bool is_better(const struct gc_advice *advice, enum gc_goal goal, double room_bytes,
                      const struct gc_choice *choice, const struct gc_choice *now,
                      const struct gc_choice *best)
{
    const struct gc_prediction *predicted = &choice->prediction;
    if (predicted->is_starved) {
        return false;
    }
    if (goal == GC_GOAL_CPU) {
        return predicted->memory_bytes <= room_bytes && predicted->cpu_ns < best->prediction.cpu_ns;
    }
    double now_pct = gc_advice_cpu_pct(advice, now->prediction.cpu_ns);
    double most_pct = now_pct > CPU_SHARE_MOST_PCT ? now_pct : CPU_SHARE_MOST_PCT;
    return gc_advice_cpu_pct(advice, predicted->cpu_ns) <= most_pct &&
           predicted->memory_bytes < best->prediction.memory_bytes;
}

void gc_advice_choose(const struct gc_advice *advice, enum gc_goal goal, uint64_t container_bytes,
                      struct gc_choice *out_now, struct gc_choice *out_best)
{
    bool is_contained = container_bytes != GC_CONTAINER_NONE;
    uint64_t limit_bytes = is_contained ? gc_advice_limit(container_bytes) : GC_LIMIT_NONE;
    *out_now = (struct gc_choice){.setting = advice->recorded};
    gc_model_predict(&advice->model, &out_now->setting, &out_now->prediction);
    *out_best = *out_now;
    double room_bytes = is_contained ? (double)limit_bytes : out_now->prediction.memory_bytes * 2;
    for (size_t i = 0; i < CHOICE_COUNT; i++) {
        struct gc_choice choice = {.setting = {gogc_choices[i], limit_bytes}};
        if (gogc_choices[i] == GC_GOGC_OFF && !is_contained) {
            continue; /* nothing would ever be collected */
        }
        gc_model_predict(&advice->model, &choice.setting, &choice.prediction);
        if (is_better(advice, goal, room_bytes, &choice, out_now, out_best)) {
            *out_best = choice;
        }
    }
}

double gc_advice_saved_pct(enum gc_goal goal, const struct gc_choice *now,
                           const struct gc_choice *best)
{
    double before = goal == GC_GOAL_MEMORY ? now->prediction.memory_bytes : now->prediction.cpu_ns;
    double after = goal == GC_GOAL_MEMORY ? best->prediction.memory_bytes : best->prediction.cpu_ns;
    return before > 0 ? (1 - after / before) * 100 : 0;
}

void gc_advice_fini(struct gc_advice *advice)
{
    gc_model_fini(&advice->model);
    gc_history_fini(&advice->history);
}
