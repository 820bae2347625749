#include "baseline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/vec.h"
#include "../db/query_leak.h"
#include "../model/completeness.h"
#include "../model/stacks.h"
#include "../model/trace.h"

/* A recording while it is counted in. */
struct addition {
    const char *path;
    struct trace *trace;
    struct sites *sites;
    struct site_paths paths;
    bool is_leak_checked;
};

static int check(const struct addition *addition, struct err *err)
{
    const struct completeness_need need = {.verb = "make a baseline of"};
    int result = trace_check_content(addition->trace, err);
    return result == 0 ? completeness_check(addition->trace, &need, err) : result;
}

/* Leaves the leaks that count. */
static int count_leaks(struct addition *addition, const struct counted_leaks *counted,
                       struct err *err)
{
    struct site_leaks leaks = {0};
    struct stacks *stacks = NULL;
    int result = query_leak_is_checked(addition->trace->db, &addition->is_leak_checked, err);
    if (result < 0 || counted->kinds == 0 || !addition->is_leak_checked) {
        addition->is_leak_checked = false;
        return result;
    }
    result = site_leaks_load(&leaks, addition->trace, 0, err);
    result = result == 0 ? stacks_create(addition->trace->db, &stacks, err) : result;
    if (result == 0) {
        result = counted_leaks_apply(counted, &leaks, stacks, addition->sites, err);
    }
    stacks_destroy(stacks);
    site_leaks_fini(&leaks);
    return result;
}

static int load(struct addition *addition, const struct counted_leaks *counted, struct err *err)
{
    const struct selection all = {.to_ns = UINT64_MAX};
    unsigned key_set = 0;
    for (unsigned i = 0; i < GATE_METRIC_COUNT; i++) {
        key_set |= gate_metric_key_bit((enum gate_metric)i);
    }
    int result = sites_load(addition->trace, &all, key_set, 1, &addition->sites, err);
    result = result == 0 ? count_leaks(addition, counted, err) : result;
    return result == 0
               ? site_paths_make(addition->trace, addition->sites, NULL, &addition->paths, err)
               : result;
}

static void widen(struct baseline_figure *figure, uint64_t value, bool is_first)
{
    figure->least = is_first || value < figure->least ? value : figure->least;
    figure->most = is_first || value > figure->most ? value : figure->most;
}

static void add_run(struct baseline *baseline, const struct addition *addition)
{
    struct totals totals;
    trace_totals(addition->trace, 0, &totals);
    for (unsigned i = 0; i < GATE_METRIC_COUNT; i++) {
        enum gate_metric metric = (enum gate_metric)i;
        uint64_t value = addition->is_leak_checked && gate_metric_is_leak(metric)
                             ? sites_total(addition->sites, gate_metrics[i].key)
                             : gate_metric_total(&totals, addition->sites, metric);
        widen(&baseline->run[i], value != QUERY_NULL ? value : 0, baseline->recording_count == 0);
    }
    for (size_t i = 0; i < addition->trace->process_count; i++) {
        uint64_t count = 0;
        for (size_t j = 0; j < addition->trace->thread_count; j++) {
            count += addition->trace->threads[j].process_id == addition->trace->processes[i].id;
        }
        baseline->thread_count = count > baseline->thread_count ? count : baseline->thread_count;
    }
}

static void widen_site(struct baseline_site *site, const struct site_path *path, bool is_first)
{
    for (unsigned i = 0; i < GATE_METRIC_COUNT; i++) {
        bool is_known = path != NULL && gate_metric_is_of_sites((enum gate_metric)i);
        widen(&site->figures[i], is_known ? path->values[gate_metrics[i].key] : 0, is_first);
        if (is_known) {
            site->stack_ids[i] = path->most[gate_metrics[i].key].stack_id;
        }
    }
    if (path != NULL) {
        site->is_seen = true;
    }
}

static struct baseline_site *find(const struct baseline *baseline, size_t count, const char *path)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(baseline->sites[middle].path, path);
        if (order == 0) {
            return &baseline->sites[middle];
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return NULL;
}

const struct baseline_site *baseline_find(const struct baseline *baseline, const char *path)
{
    return find(baseline, baseline->site_count, path);
}

static int compare_sites(const void *left, const void *right)
{
    return strcmp(((const struct baseline_site *)left)->path,
                  ((const struct baseline_site *)right)->path);
}

void baseline_sort(struct baseline *baseline)
{
    if (baseline->site_count > 0) {
        qsort(baseline->sites, baseline->site_count, sizeof(*baseline->sites), compare_sites);
    }
}

static int append_site(struct baseline *baseline, const struct site_path *path)
{
    if (vec_reserve((void **)&baseline->sites, &baseline->site_capacity, baseline->site_count + 1,
                    sizeof(*baseline->sites)) < 0) {
        return -ENOMEM;
    }
    struct baseline_site *site = &baseline->sites[baseline->site_count];
    *site = (struct baseline_site){.path = strdup(path->text)};
    if (site->path == NULL) {
        return -ENOMEM;
    }
    widen_site(site, path, true);
    if (baseline->recording_count > 0) {
        widen_site(site, NULL, false); /* the recordings before did not have it */
        site->is_seen = true;
    }
    baseline->site_count++;
    return 0;
}

static int add_sites(struct baseline *baseline, const struct site_paths *paths, struct err *err)
{
    size_t sorted_count = baseline->site_count;
    for (size_t i = 0; i < paths->count; i++) {
        struct baseline_site *site = find(baseline, sorted_count, paths->items[i].text);
        if (site != NULL) {
            widen_site(site, &paths->items[i], false);
        } else if (append_site(baseline, &paths->items[i]) < 0) {
            return err_set_errno(err, ENOMEM, "cannot make a baseline");
        }
    }
    for (size_t i = 0; i < baseline->site_count; i++) {
        if (!baseline->sites[i].is_seen) {
            widen_site(&baseline->sites[i], NULL, false);
        }
        baseline->sites[i].is_seen = false;
    }
    baseline_sort(baseline);
    return 0;
}

static int add_command(struct baseline *baseline, const struct addition *addition, struct err *err)
{
    const char *command = addition->trace->run.command;
    if (baseline->command == NULL) {
        baseline->command = strdup(command);
        return baseline->command != NULL ? 0 : err_set_errno(err, ENOMEM, "cannot make a baseline");
    }
    return strcmp(baseline->command, command) == 0
               ? 0
               : err_set(err, EINVAL, "'%s' is of another command: %.100s, not %.100s",
                         addition->path, command, baseline->command);
}

static int add_leak_check(struct baseline *baseline, const struct addition *addition,
                          struct err *err)
{
    if (baseline->recording_count > 0 && baseline->is_leak_checked != addition->is_leak_checked) {
        return err_set(err, EINVAL, "'%s' was recorded with another --leak-check than those before",
                       addition->path);
    }
    baseline->is_leak_checked = addition->is_leak_checked;
    return 0;
}

int baseline_add(struct baseline *baseline, const char *path, struct err *err)
{
    struct addition addition = {.path = path};
    int result = trace_open(path, &addition.trace, err);
    if (result == 0) {
        result = check(&addition, err);
    }
    if (result == 0) {
        result = load(&addition, &baseline->leaks, err);
    }
    if (result == 0) {
        result = add_command(baseline, &addition, err);
    }
    if (result == 0) {
        result = add_leak_check(baseline, &addition, err);
    }
    if (result == 0) {
        add_run(baseline, &addition);
        result = add_sites(baseline, &addition.paths, err);
        baseline->recording_count++;
    }
    site_paths_fini(&addition.paths);
    sites_destroy(addition.sites);
    trace_close(addition.trace);
    return result;
}

void baseline_fini(struct baseline *baseline)
{
    for (size_t i = 0; i < baseline->site_count; i++) {
        free(baseline->sites[i].path);
    }
    free(baseline->sites);
    free(baseline->command);
    *baseline = (struct baseline){0};
}
