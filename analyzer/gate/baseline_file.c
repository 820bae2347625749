/*
 * Baselines as text. Lines are as few as they can be and sorted, so that a change shows as what it
 * is in a diff.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../base/str.h"
#include "../base/vec.h"
#include "../base/whole_file.h"
#include "../base/yaml_file.h"
#include "../cli/options.h"
#include "../model/site_leaks.h"
#include "baseline.h"

enum {
    BASELINE_FORMAT = 1,
    BASELINE_BYTES_MAX = 16 << 20,
    SHARE_LEAST = 500, /* sites with less than one in so many of every figure are left out */
};

/* ---- writing -----------------------------------------------------------------------------------
 */

/* In double quotes, as YAML (and JSON) has it. */
static int append_quoted(struct str *text, const char *word)
{
    int result = str_append_char(text, '"');
    for (; *word != '\0' && result == 0; word++) {
        unsigned char c = (unsigned char)*word;
        if (c == '"' || c == '\\') {
            result = str_printf(text, "\\%c", c);
        } else if (c < 0x20 || c == 0x7f) {
            result = str_printf(text, "\\x%02x", c);
        } else {
            result = str_append_char(text, (char)c);
        }
    }
    return result == 0 ? str_append_char(text, '"') : result;
}

static int append_figure(struct str *text, const struct baseline_figure *figure)
{
    return figure->least == figure->most
               ? str_printf(text, "%" PRIu64, figure->least)
               : str_printf(text, "%" PRIu64 "..%" PRIu64, figure->least, figure->most);
}

static int append_run(struct str *text, const struct baseline *baseline)
{
    int result = str_append(text, "run:\n");
    for (unsigned i = 0; i < GATE_METRIC_COUNT && result == 0; i++) {
        result = str_printf(text, "  %s: ", gate_metrics[i].name);
        result = result == 0 ? append_figure(text, &baseline->run[i]) : result;
        result = result == 0 ? str_append_char(text, '\n') : result;
    }
    return result;
}

static bool is_notable(const struct baseline *baseline, const struct baseline_site *site)
{
    for (unsigned i = 0; i < GATE_METRIC_COUNT; i++) {
        uint64_t most = site->figures[i].most;
        if (most > 0 && most >= baseline->run[i].most / SHARE_LEAST) {
            return true;
        }
    }
    return false;
}

/* A path is a value, not a key: YAML has no keys of more than 1024 characters. */
static int append_site(struct str *text, const struct baseline_site *site)
{
    int result = str_append(text, "  - {path: ");
    result = result == 0 ? append_quoted(text, site->path) : result;
    for (unsigned i = 0; i < GATE_METRIC_COUNT && result == 0; i++) {
        if (site->figures[i].most > 0) {
            result = str_printf(text, ", %s: ", gate_metrics[i].name);
            result = result == 0 ? append_figure(text, &site->figures[i]) : result;
        }
    }
    return result == 0 ? str_append(text, "}\n") : result;
}

static int append_all(struct str *text, const struct baseline *baseline)
{
    int result = str_printf(text,
                            "# Written by 'allocaudit baseline'; 'allocaudit gate --baseline' "
                            "holds recordings against it.\n"
                            "baseline: %d\ncommand: ",
                            BASELINE_FORMAT);
    result = result == 0 ? append_quoted(text, baseline->command) : result;
    result = result == 0
                 ? str_printf(text, "\nrecording_count: %" PRIu64 "\nthread_count: %" PRIu64 "\n",
                              baseline->recording_count, baseline->thread_count)
                 : result;
    if (result == 0 && baseline->is_leak_checked) {
        char kinds[LEAK_KINDS_TEXT_BYTES];
        result =
            str_printf(text, "leak_kinds: %s\n", site_leaks_name(baseline->leaks.kinds, kinds));
    }
    result = result == 0 ? append_run(text, baseline) : result;
    result = result == 0 ? str_append(text, "sites:\n") : result;
    for (size_t i = 0; i < baseline->site_count && result == 0; i++) {
        if (is_notable(baseline, &baseline->sites[i])) {
            result = append_site(text, &baseline->sites[i]);
        }
    }
    return result;
}

int baseline_write(const struct baseline *baseline, FILE *stream, struct err *err)
{
    struct str text = {0};
    int result = append_all(&text, baseline);
    if (result < 0) {
        result = err_set_errno(err, -result, "cannot write the baseline");
    } else if (fwrite(text.text, 1, text.size_bytes, stream) != text.size_bytes ||
               fflush(stream) != 0) {
        result = err_set_errno(err, errno != 0 ? errno : EIO, "cannot write the baseline");
    }
    str_fini(&text);
    return result;
}

int baseline_write_file(const struct baseline *baseline, const char *path, struct err *err)
{
    struct whole_file file;
    int result = whole_file_open(path, &file, err);
    if (result < 0) {
        return result;
    }
    result = baseline_write(baseline, file.stream, err);
    if (result < 0) {
        whole_file_discard(&file);
        return result;
    }
    return whole_file_keep(&file, err);
}

/* ---- reading -----------------------------------------------------------------------------------
 */

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
    if (metric == GATE_METRIC_COUNT) {
        return yaml_file_refuse(file, key, "figure", gate_metric_names, err);
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
    return yaml_file_refuse(file, key, "word", words, err);
}

static bool is_database(const char *path)
{
    char head[16] = "";
    FILE *file = fopen(path, "re");
    bool is_one = file != NULL && fread(head, 1, sizeof(head), file) == sizeof(head) &&
                  memcmp(head, "SQLite format 3", sizeof(head)) == 0;
    if (file != NULL) {
        (void)fclose(file);
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
