/*
 * A budget file: nothing in it nests deeper than three levels.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/vec.h"
#include "../base/yaml_file.h"
#include "../model/site_leaks.h"
#include "amount.h"
#include "budget.h"

enum {
    BUDGET_BYTES_MAX = 1 << 20,
    WORDS_MAX = 32, /* more than any mapping here has of fixed words */
};

/* ---- limits ------------------------------------------------------------------------------------
 */

struct subject_context {
    struct budget *budget;
    enum budget_subject subject;
    const char *pattern;
};

/* A limit while its amounts are read. */
struct limit_context {
    struct budget *budget;
    struct budget_limit limit;
};

static int take_amount(const struct yaml_file *file, const yaml_node_t *key,
                       const yaml_node_t *value, struct limit_context *context, struct err *err)
{
    enum gate_metric metric = context->limit.metric;
    bool is_bytes = gate_metrics[metric].is_bytes;
    const char *name = gate_metrics[metric].name;
    const char *text = yaml_file_word(value);
    if (text == NULL) {
        return yaml_file_fail(file, value, err, "%s takes an amount, such as %s", name,
                              is_bytes ? "64MiB + 5%" : "250000");
    }
    struct amount_range range;
    struct err why;
    if (amount_parse(text, is_bytes, &range, &why) < 0) {
        return yaml_file_fail(file, value, err, "%s: %s", name, why.text);
    }
    context->limit.at_least = range.at_least;
    context->limit.at_most = range.at_most;
    context->limit.line = (unsigned)key->start_mark.line + 1;
    return budget_add(context->budget, &context->limit, err);
}

static int take_kind(const struct yaml_file *file, const yaml_node_t *key, const char *word,
                     const yaml_node_t *value, void *context, struct err *err)
{
    struct limit_context *limit = context;
    struct err why;
    if (site_leaks_parse(word, &limit->limit.leak_kinds, &why) < 0) {
        return yaml_file_fail(file, key, err, "%s", why.text);
    }
    return take_amount(file, key, value, limit, err);
}

/* Of scopes and frames; of scopes a kind of leaks stands here, too. */
static int take_statistic(const struct yaml_file *file, const yaml_node_t *key, const char *word,
                          const yaml_node_t *value, void *context, struct err *err)
{
    struct limit_context *limit = context;
    limit->limit.leak_kinds = 0;
    limit->limit.statistic = BUDGET_MAX;
    for (unsigned i = 0; budget_statistic_words[i] != NULL; i++) {
        if (strcmp(word, budget_statistic_words[i]) == 0) {
            limit->limit.statistic = (enum budget_statistic)i;
            return take_amount(file, key, value, limit, err);
        }
    }
    bool has_kinds =
        limit->limit.subject == BUDGET_SCOPE && gate_metric_is_leak(limit->limit.metric);
    return has_kinds ? take_kind(file, key, word, value, context, err)
                     : yaml_file_refuse(file, key, "statistic", budget_statistic_words, err);
}

static int take_metric(const struct yaml_file *file, const yaml_node_t *key, const char *word,
                       const yaml_node_t *value, void *context, struct err *err)
{
    const struct subject_context *subject = context;
    enum gate_metric metric = gate_metric_find(word);
    if (metric == GATE_METRIC_NONE) {
        return yaml_file_refuse(file, key, "figure", gate_metric_names, err);
    }
    struct err why;
    if (budget_check_metric(subject->subject, metric, &why) < 0) {
        return yaml_file_fail(file, key, err, "%s", why.text);
    }
    struct limit_context limit = {
        .budget = subject->budget,
        .limit = {.subject = subject->subject,
                  .pattern = (char *)subject->pattern,
                  .metric = metric},
    };
    bool is_entry = budget_is_entry(subject->subject);
    if (value->type == YAML_MAPPING_NODE && (is_entry || gate_metric_is_leak(metric))) {
        return yaml_file_each(file, value, word, is_entry ? take_statistic : take_kind, &limit,
                              err);
    }
    return take_amount(file, key, value, &limit, err);
}

static int take_subject(const struct yaml_file *file, const yaml_node_t *key, const char *word,
                        const yaml_node_t *value, void *context, struct err *err)
{
    struct subject_context *subject = context;
    (void)key;
    subject->pattern = word;
    return yaml_file_each(file, value, "limits", take_metric, subject, err);
}

/* ---- what is ignored ---------------------------------------------------------------------------
 */

static int add_pattern(const struct yaml_file *file, const yaml_node_t *node, void *context,
                       struct err *err)
{
    struct budget_patterns *patterns = context;
    const char *word = yaml_file_word(node);
    if (word == NULL || word[0] == '\0') {
        return yaml_file_fail(file, node, err, "a name was expected here");
    }
    char *copy = strdup(word);
    if (copy == NULL || vec_reserve((void **)&patterns->items, &patterns->capacity,
                                    patterns->count + 1, sizeof(*patterns->items)) < 0) {
        free(copy);
        return err_set_errno(err, ENOMEM, "cannot read '%s'", file->name);
    }
    patterns->items[patterns->count++] = copy;
    return 0;
}

static int take_ignored(const struct yaml_file *file, const yaml_node_t *key, const char *word,
                        const yaml_node_t *value, void *context, struct err *err)
{
    static const char *const words[] = {"functions", "modules", NULL};
    struct budget *budget = context;
    bool is_function = strcmp(word, "functions") == 0;
    if (!is_function && strcmp(word, "modules") != 0) {
        return yaml_file_refuse(file, key, "word", words, err);
    }
    struct budget_patterns *patterns =
        is_function ? &budget->ignored_functions : &budget->ignored_modules;
    return value->type == YAML_SCALAR_NODE
               ? add_pattern(file, value, patterns, err)
               : yaml_file_each_item(file, value, word, add_pattern, patterns, err);
}

/* ---- leaks -------------------------------------------------------------------------------------
 */

static int take_leak_kind(const struct yaml_file *file, const yaml_node_t *node, void *context,
                          struct err *err)
{
    struct budget *budget = context;
    struct err why;
    unsigned kinds = 0;
    const char *word = yaml_file_word(node);
    if (word == NULL || site_leaks_parse(word, &kinds, &why) < 0) {
        return yaml_file_fail(file, node, err, "%s",
                              word != NULL ? why.text : "a kind of leak was expected here");
    }
    budget->file_leak_kinds |= kinds;
    return 0;
}

static int take_suppressions(const struct yaml_file *file, const yaml_node_t *value,
                             struct budget *budget, struct err *err)
{
    const char *word = yaml_file_word(value);
    const char *slash = strrchr(file->name, '/');
    int folder_bytes = slash != NULL ? (int)(slash + 1 - file->name) : 0;
    if (word == NULL || word[0] == '\0') {
        return yaml_file_fail(file, value, err, "a file was expected here");
    }
    size_t size_bytes = (size_t)folder_bytes + strlen(word) + 1;
    budget->suppressions_path = malloc(size_bytes);
    if (budget->suppressions_path == NULL) {
        return err_set_errno(err, ENOMEM, "cannot read '%s'", file->name);
    }
    (void)snprintf(budget->suppressions_path, size_bytes, "%.*s%s",
                   word[0] == '/' ? 0 : folder_bytes, file->name, word);
    return 0;
}

/* ---- the whole ---------------------------------------------------------------------------------
 */

/* All that may stand at the left margin, NULL-ended. */
static void list_top_words(const char *words[WORDS_MAX])
{
    size_t count = 0;
    words[count++] = "ignore";
    words[count++] = "leak_kinds";
    words[count++] = "suppressions";
    for (size_t i = BUDGET_RUN + 1; i < BUDGET_SUBJECT_COUNT; i++) {
        words[count++] = budget_subject_words[i];
    }
    for (size_t i = 0; i < GATE_METRIC_RUN_COUNT; i++) {
        words[count++] = gate_metric_names[i];
    }
    words[count] = NULL;
}

bool budget_is_word(const char *word)
{
    const char *words[WORDS_MAX];
    bool is_one = false;
    list_top_words(words);
    for (size_t i = 0; words[i] != NULL && !is_one; i++) {
        is_one = strcmp(words[i], word) == 0;
    }
    return is_one;
}

static int refuse_top(const struct yaml_file *file, const yaml_node_t *key, const char *word,
                      struct err *err)
{
    const char *words[WORDS_MAX];
    if (strcmp(word, "baseline") == 0) {
        return yaml_file_fail(file, key, err,
                              "this is a baseline, not a budget: is --baseline meant?");
    }
    list_top_words(words);
    return yaml_file_refuse(file, key, "word", words, err);
}

static int take_top(const struct yaml_file *file, const yaml_node_t *key, const char *word,
                    const yaml_node_t *value, void *context, struct err *err)
{
    struct subject_context subject = {context, BUDGET_RUN, NULL};
    if (gate_metric_find(word) != GATE_METRIC_NONE) {
        return take_metric(file, key, word, value, &subject, err);
    }
    if (strcmp(word, "ignore") == 0) {
        return yaml_file_each(file, value, "'ignore'", take_ignored, context, err);
    }
    if (strcmp(word, "leak_kinds") == 0) {
        return value->type == YAML_SCALAR_NODE
                   ? take_leak_kind(file, value, context, err)
                   : yaml_file_each_item(file, value, word, take_leak_kind, context, err);
    }
    if (strcmp(word, "suppressions") == 0) {
        return take_suppressions(file, value, context, err);
    }
    for (unsigned i = BUDGET_RUN + 1; i < BUDGET_SUBJECT_COUNT; i++) {
        if (strcmp(word, budget_subject_words[i]) == 0) {
            subject.subject = (enum budget_subject)i;
            return yaml_file_each(file, value, budget_subject_words[i],
                                  i == BUDGET_FRAME ? take_metric : take_subject, &subject, err);
        }
    }
    return refuse_top(file, key, word, err);
}

static int take_file(struct budget *budget, struct yaml_file *file, struct err *err)
{
    int result = yaml_file_each(file, file->root, "a budget file", take_top, budget, err);
    yaml_file_fini(file);
    return result;
}

int budget_parse(struct budget *budget, const char *name, const char *text, size_t size_bytes,
                 struct err *err)
{
    struct yaml_file file;
    int result = yaml_file_parse(name, text, size_bytes, &file, err);
    return result == 0 ? take_file(budget, &file, err) : result;
}

int budget_read(struct budget *budget, const char *path, struct err *err)
{
    struct yaml_file file;
    int result = yaml_file_read(path, BUDGET_BYTES_MAX, &file, err);
    return result == 0 ? take_file(budget, &file, err) : result;
}
