/*
 * Reads baselines: the texts that are committed, or recordings.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/sqlite_head.h"
#include "../base/vec.h"
#include "../base/yaml_file.h"
#include "../cli/options.h"
#include "../model/site_leaks.h"
#include "baseline.h"
#include "budget.h"

enum {
    BASELINE_BYTES_MAX = 16 << 20,
};

static int take_number(const struct yaml_file *file, const yaml_node_t *value, uint64_t *out_value,
                       struct err *err)
{
    struct err why;
    const char *text = yaml_file_word(value);
    if (text == NULL || options_read_count(text, out_value, &why) < 0) {
        return yaml_file_fail(file, value, err, "a count was expected here");
    }
    return 0;
}

static int take_figure(const struct yaml_file *file, const yaml_node_t *key, const char *word,
                       const yaml_node_t *value, void *context, struct err *err)
{
    struct baseline_figure *figures = context;
    enum gate_metric metric = gate_metric_find(word);
    if (metric >= GATE_METRIC_COUNT) {
        return metric != GATE_METRIC_NONE
                   ? yaml_file_fail(file, key, err, "%s is in no baseline", word)
                   : yaml_file_refuse(file, key, "figure", gate_metric_names, err);
    }
    char least[24] = "";
    const char *text = yaml_file_word(value);
    const char *dots = text != NULL ? strstr(text, "..") : NULL;
    if (dots == NULL) {
        int result = take_number(file, value, &figures[metric].least, err);
        figures[metric].most = figures[metric].least;
        return result;
    }
    struct err why;
    (void)snprintf(least, sizeof(least), "%.*s", (int)(dots - text < 23 ? dots - text : 23), text);
    if (options_read_count(least, &figures[metric].least, &why) < 0 ||
        options_read_count(dots + 2, &figures[metric].most, &why) < 0 ||
        figures[metric].least > figures[metric].most) {
        return yaml_file_fail(file, value, err, "a range was expected here, such as 12..15");
    }
    return 0;
}

static int take_site_entry(const struct yaml_file *file, const yaml_node_t *key, const char *word,
                           const yaml_node_t *value, void *context, struct err *err)
{
    struct baseline_site *site = context;
    if (strcmp(word, "path") != 0) {
        return take_figure(file, key, word, value, site->figures, err);
    }
    const char *path = yaml_file_word(value);
    site->path = path != NULL ? strdup(path) : NULL;
    return site->path != NULL ? 0 : yaml_file_fail(file, value, err, "a path was expected here");
}

static int take_site(const struct yaml_file *file, const yaml_node_t *node, void *context,
                     struct err *err)
{
    struct baseline *baseline = context;
    if (vec_reserve((void **)&baseline->sites, &baseline->site_capacity, baseline->site_count + 1,
                    sizeof(*baseline->sites)) < 0) {
        return err_set_errno(err, ENOMEM, "cannot read '%s'", file->name);
    }
    struct baseline_site *site = &baseline->sites[baseline->site_count++];
    *site = (struct baseline_site){0};
    int result = yaml_file_each(file, node, "a site", take_site_entry, site, err);
    return result == 0 && site->path == NULL
               ? yaml_file_fail(file, node, err, "a site needs its path")
               : result;
}

static int take_format(const struct yaml_file *file, const yaml_node_t *value, struct err *err)
{
    uint64_t format = 0;
    int result = take_number(file, value, &format, err);
    if (result == 0 && format != BASELINE_FORMAT) {
        result = yaml_file_fail(file, value, err,
                                "a baseline of format %" PRIu64 "; this allocaudit knows %d: "
                                "write it anew",
                                format, BASELINE_FORMAT);
    }
    return result;
}

static int take_leak_kinds(const struct yaml_file *file, const yaml_node_t *value,
                           struct baseline *baseline, struct err *err)
{
    struct err why;
    const char *text = yaml_file_word(value);
    if (text == NULL || site_leaks_parse(text, &baseline->leaks.kinds, &why) < 0) {
        return yaml_file_fail(file, value, err, "%s",
                              text != NULL ? why.text : "kinds of leaks were expected here");
    }
    baseline->is_leak_checked = true;
    return 0;
}

static int take_entry(const struct yaml_file *file, const yaml_node_t *key, const char *word,
                      const yaml_node_t *value, void *context, struct err *err)
{
    static const char *const words[] = {"baseline",   "command", "recording_count", "thread_count",
                                        "leak_kinds", "run",     "sites",           NULL};
    struct baseline *baseline = context;
    if (strcmp(word, "baseline") == 0) {
        return take_format(file, value, err);
    }
    if (strcmp(word, "command") == 0) {
        const char *command = yaml_file_word(value);
        baseline->command = command != NULL ? strdup(command) : NULL;
        return baseline->command != NULL
                   ? 0
                   : yaml_file_fail(file, value, err, "a command was expected here");
    }
    if (strcmp(word, "recording_count") == 0) {
        return take_number(file, value, &baseline->recording_count, err);
    }
    if (strcmp(word, "thread_count") == 0) {
        return take_number(file, value, &baseline->thread_count, err);
    }
    if (strcmp(word, "leak_kinds") == 0) {
        return take_leak_kinds(file, value, baseline, err);
    }
    if (strcmp(word, "run") == 0) {
        return yaml_file_each(file, value, "'run'", take_figure, baseline->run, err);
    }
    if (strcmp(word, "sites") == 0) {
        return yaml_file_each_item(file, value, "'sites'", take_site, baseline, err);
    }
    return budget_is_word(word)
               ? yaml_file_fail(file, key, err,
                                "'%s' stands in budgets, this should be a baseline: is --budget "
                                "meant?",
                                word)
               : yaml_file_refuse(file, key, "word", words, err);
}

static bool is_database(const char *path)
{
    uint32_t application_id;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    bool is_one = fd >= 0 && sqlite_head_read(fd, &application_id);
    if (fd >= 0) {
        (void)close(fd);
    }
    return is_one;
}

/* Ends the file, too. */
static int take_file(struct yaml_file *file, struct baseline *baseline, struct err *err)
{
    baseline->leaks.kinds = 0;
    int result = yaml_file_each(file, file->root, "a baseline", take_entry, baseline, err);
    if (result == 0 && (baseline->command == NULL || baseline->recording_count == 0)) {
        result = err_set(err, EINVAL, "%s: no baseline: 'command' or 'recording_count' is missing",
                         file->name);
    }
    if (result == 0) {
        baseline_sort(baseline);
    }
    yaml_file_fini(file);
    return result;
}

int baseline_read(struct baseline *baseline, const char *path, struct err *err)
{
    if (is_database(path)) {
        baseline->is_recording = true;
        return baseline_add(baseline, path, err);
    }
    struct yaml_file file;
    int result = yaml_file_read(path, BASELINE_BYTES_MAX, &file, err);
    return result < 0 ? result : take_file(&file, baseline, err);
}

int baseline_parse(struct baseline *baseline, const char *name, const char *text, size_t size_bytes,
                   struct err *err)
{
    struct yaml_file file;
    int result = yaml_file_parse(name, text, size_bytes, &file, err);
    return result < 0 ? result : take_file(&file, baseline, err);
}
