#include "yaml_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suggest.h"

enum {
    PAIRS_MAX = 10000, /* each is compared with those before */
};

static int fail_at(const char *name, const yaml_mark_t *mark, const char *text, struct err *err)
{
    return err_set(err, EINVAL, "%s:%zu:%zu: %s", name, mark->line + 1, mark->column + 1, text);
}

int yaml_file_fail(const struct yaml_file *file, const yaml_node_t *node, struct err *err,
                   const char *format, ...)
{
    char text[384];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return fail_at(file->name, &node->start_mark, text, err);
}

int yaml_file_refuse(const struct yaml_file *file, const yaml_node_t *node, const char *what,
                     const char *const *words, struct err *err)
{
    const char *word = yaml_file_word(node);
    const char *nearest = suggest_nearest(word, words);
    return nearest != NULL
               ? yaml_file_fail(file, node, err, "unknown %s '%.80s': did you mean '%s'?", what,
                                word, nearest)
               : yaml_file_fail(file, node, err, "unknown %s '%.80s'", what, word);
}

const char *yaml_file_word(const yaml_node_t *node)
{
    if (node->type != YAML_SCALAR_NODE) {
        return NULL;
    }
    const char *word = (const char *)node->data.scalar.value;
    return strlen(word) == node->data.scalar.length ? word : NULL;
}

static int check_key(struct yaml_file *file, const yaml_node_t *mapping,
                     const yaml_node_pair_t *pair, struct err *err)
{
    const yaml_node_t *key = yaml_document_get_node(&file->document, pair->key);
    const char *word = yaml_file_word(key);
    if (word == NULL || word[0] == '\0') {
        return yaml_file_fail(file, key, err, "a name was expected here");
    }
    for (const yaml_node_pair_t *other = mapping->data.mapping.pairs.start; other < pair; other++) {
        const yaml_node_t *first = yaml_document_get_node(&file->document, other->key);
        if (strcmp(yaml_file_word(first), word) == 0) {
            return yaml_file_fail(file, key, err, "'%.80s' stands already in line %zu", word,
                                  first->start_mark.line + 1);
        }
    }
    return 0;
}

int yaml_file_each(const struct yaml_file *file, const yaml_node_t *node, const char *what,
                   yaml_pair_taker *take, void *context, struct err *err)
{
    struct yaml_file *same = (struct yaml_file *)file; /* libyaml's getter takes no const */
    if (node->type != YAML_MAPPING_NODE) {
        return yaml_file_fail(file, node, err, "%s must be 'name: value' lines", what);
    }
    if (node->data.mapping.pairs.top - node->data.mapping.pairs.start > PAIRS_MAX) {
        return yaml_file_fail(file, node, err, "%s has more than %d entries", what, PAIRS_MAX);
    }
    int result = 0;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top && result == 0; pair++) {
        result = check_key(same, node, pair, err);
        if (result == 0) {
            const yaml_node_t *key = yaml_document_get_node(&same->document, pair->key);
            result = take(file, key, yaml_file_word(key),
                          yaml_document_get_node(&same->document, pair->value), context, err);
        }
    }
    return result;
}

int yaml_file_each_item(const struct yaml_file *file, const yaml_node_t *node, const char *what,
                        yaml_item_taker *take, void *context, struct err *err)
{
    struct yaml_file *same = (struct yaml_file *)file;
    if (node->type == YAML_SCALAR_NODE && node->data.scalar.length == 0) {
        return 0;
    }
    if (node->type != YAML_SEQUENCE_NODE) {
        return yaml_file_fail(file, node, err, "%s must be a list", what);
    }
    int result = 0;
    for (const yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top && result == 0; item++) {
        result = take(file, yaml_document_get_node(&same->document, *item), context, err);
    }
    return result;
}

static int fail_parse(const char *name, const yaml_parser_t *parser, struct err *err)
{
    char why[256];
    if (parser->error == YAML_MEMORY_ERROR) {
        return err_set_errno(err, ENOMEM, "cannot read '%s'", name);
    }
    (void)snprintf(why, sizeof(why), "no valid YAML: %s",
                   parser->problem != NULL ? parser->problem : "damaged");
    return fail_at(name, &parser->problem_mark, why, err);
}

/* Whatever follows the document would be passed over silently. */
static int check_end(const char *name, yaml_parser_t *parser, struct err *err)
{
    yaml_document_t next;
    if (!yaml_parser_load(parser, &next)) {
        return fail_parse(name, parser, err);
    }
    const yaml_node_t *root = yaml_document_get_root_node(&next);
    int result =
        root != NULL ? fail_at(name, &root->start_mark, "nothing more was expected here", err) : 0;
    yaml_document_delete(&next);
    return result;
}

int yaml_file_parse(const char *name, const char *text, size_t size_bytes,
                    struct yaml_file *out_file, struct err *err)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) {
        return err_set_errno(err, ENOMEM, "cannot read '%s'", name);
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size_bytes);
    bool is_loaded = yaml_parser_load(&parser, &out_file->document) != 0;
    int result = is_loaded ? 0 : fail_parse(name, &parser, err);
    out_file->name = name;
    out_file->root = is_loaded ? yaml_document_get_root_node(&out_file->document) : NULL;
    if (is_loaded && out_file->root == NULL) {
        result = err_set(err, EINVAL, "%s: it is empty", name);
    } else if (is_loaded) {
        result = check_end(name, &parser, err);
    }
    yaml_parser_delete(&parser);
    if (is_loaded && result < 0) {
        yaml_file_fini(out_file);
    }
    return result;
}

static int read_text(FILE *file, const char *path, char *text, size_t size_max, size_t *out_size,
                     struct err *err)
{
    *out_size = fread(text, 1, size_max, file);
    if (ferror(file) != 0) {
        return err_set_errno(err, errno, "cannot read '%s'", path);
    }
    return *out_size < size_max ? 0
                                : err_set(err, EFBIG, "cannot read '%s': it is larger than %zu KiB",
                                          path, size_max / 1024);
}

int yaml_file_read(const char *path, size_t size_max, struct yaml_file *out_file, struct err *err)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return err_set_errno(err, errno, "cannot open '%s'", path);
    }
    size_t size_bytes = 0;
    char *text = malloc(size_max);
    int result = text != NULL ? read_text(file, path, text, size_max, &size_bytes, err)
                              : err_set_errno(err, ENOMEM, "cannot read '%s'", path);
    (void)fclose(file);
    if (result == 0) {
        result = yaml_file_parse(path, text, size_bytes, out_file, err);
    }
    free(text);
    return result;
}

void yaml_file_fini(struct yaml_file *file)
{
    yaml_document_delete(&file->document);
    *file = (struct yaml_file){0};
}
