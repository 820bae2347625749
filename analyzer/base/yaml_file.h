/*
 * yaml_file.h - a YAML file as nodes that know their places, read by libyaml.
 *
 * Callers walk a fixed, shallow shape, so an alias cannot blow anything up. Single thread.
 */
#ifndef ALLOCAUDIT_YAML_FILE_H
#define ALLOCAUDIT_YAML_FILE_H

#include <stddef.h>

#include <yaml.h>

#include "err.h"

struct yaml_file {
    const char *name; /* of the file, for errors; the caller's */
    yaml_document_t document;
    const yaml_node_t *root;
};

/* Reads the file, which must be smaller than size_max bytes. Returns 0 and *out_file is to be ended
 * with yaml_file_fini(); the negative errno of opening or reading it; -EFBIG; or -EINVAL:
 * "FILE:LINE:COLUMN: what is wrong". */
int yaml_file_read(const char *path, size_t size_max, struct yaml_file *out_file, struct err *err);

/* The same of a text. */
int yaml_file_parse(const char *name, const char *text, size_t size_bytes,
                    struct yaml_file *out_file, struct err *err);

/* Returns -EINVAL with "FILE:LINE:COLUMN: <text>", of a node's place. */
int yaml_file_fail(const struct yaml_file *file, const yaml_node_t *node, struct err *err,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The same: "unknown <what> '<word>': did you mean ...?". words: NULL-ended. */
int yaml_file_refuse(const struct yaml_file *file, const yaml_node_t *node, const char *what,
                     const char *const *words, struct err *err);

/* The word that a node is; NULL if it is none (a list, a mapping) or holds a NUL. */
const char *yaml_file_word(const yaml_node_t *node);

/* Takes one "key: value". `word` is the key's. Returns 0 or a negative errno. */
typedef int yaml_pair_taker(const struct yaml_file *file, const yaml_node_t *key, const char *word,
                            const yaml_node_t *value, void *context, struct err *err);

/* Hands each pair of a mapping to `take`. Keys that are no words, or stand twice, are refused, and
 * anything else than a mapping ("<what> must be 'name: value' lines"). */
int yaml_file_each(const struct yaml_file *file, const yaml_node_t *node, const char *what,
                   yaml_pair_taker *take, void *context, struct err *err);

typedef int yaml_item_taker(const struct yaml_file *file, const yaml_node_t *item, void *context,
                            struct err *err);

/* Hands each item of a list to `take`; nothing at all is an empty list. */
int yaml_file_each_item(const struct yaml_file *file, const yaml_node_t *node, const char *what,
                        yaml_item_taker *take, void *context, struct err *err);

void yaml_file_fini(struct yaml_file *file);

#endif
