/*
 * parser.c - a small JSON parser that makes one block per value, per string and per array growth.
 *
 * It generates a document, parses it into a tree, adds up the numbers in it and frees the tree:
 * many small blocks of a few sizes that all live equally long, as compilers and parsers make them.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../options.h"

enum value_kind {
    VALUE_NULL,
    VALUE_BOOL,
    VALUE_NUMBER,
    VALUE_STRING,
    VALUE_ARRAY,
    VALUE_OBJECT
};

struct value {
    enum value_kind kind;
    double number;
    char *text;             /* of a string */
    struct value **members; /* of an array or object */
    char **keys;            /* of an object, as many as members */
    size_t member_count, member_capacity;
};

struct parser {
    const char *at;
    uint64_t allocations;
    uint64_t value_count;
};

static struct value *parse_value(struct parser *parser);

static void fail(const char *what)
{
    fprintf(stderr, "parser: %s\n", what);
    exit(3);
}

static void skip_space(struct parser *parser)
{
    while (isspace((unsigned char)*parser->at)) {
        parser->at++;
    }
}

static struct value *value_create(struct parser *parser, enum value_kind kind)
{
    struct value *value = calloc(1, sizeof(*value));
    if (value == NULL) {
        fail("out of memory");
    }
    value->kind = kind;
    parser->allocations++;
    parser->value_count++;
    return value;
}

static char *parse_text(struct parser *parser)
{
    const char *start = ++parser->at;
    while (*parser->at != '"') {
        if (*parser->at == '\0') {
            fail("a string does not end");
        }
        parser->at++;
    }
    size_t length = (size_t)(parser->at - start);
    char *text = malloc(length + 1);
    if (text == NULL) {
        fail("out of memory");
    }
    memcpy(text, start, length);
    text[length] = '\0';
    parser->at++;
    parser->allocations++;
    return text;
}

static void members_grow(struct parser *parser, struct value *value)
{
    if (value->member_count < value->member_capacity) {
        return;
    }
    value->member_capacity = value->member_capacity == 0 ? 4 : value->member_capacity * 2;
    value->members = realloc(value->members, value->member_capacity * sizeof(*value->members));
    parser->allocations++;
    if (value->kind == VALUE_OBJECT) {
        value->keys = realloc(value->keys, value->member_capacity * sizeof(*value->keys));
        parser->allocations++;
    }
    if (value->members == NULL || (value->kind == VALUE_OBJECT && value->keys == NULL)) {
        fail("out of memory");
    }
}

static struct value *parse_members(struct parser *parser, enum value_kind kind, char end)
{
    struct value *value = value_create(parser, kind);
    parser->at++;
    for (skip_space(parser); *parser->at != end; skip_space(parser)) {
        members_grow(parser, value);
        if (kind == VALUE_OBJECT) {
            if (*parser->at != '"') {
                fail("a key is missing");
            }
            value->keys[value->member_count] = parse_text(parser);
            skip_space(parser);
            if (*parser->at++ != ':') {
                fail("a colon is missing");
            }
        }
        value->members[value->member_count++] = parse_value(parser);
        skip_space(parser);
        if (*parser->at == ',') {
            parser->at++;
        } else if (*parser->at != end) {
            fail("a comma is missing");
        }
    }
    parser->at++;
    return value;
}

static struct value *parse_word(struct parser *parser, const char *word, enum value_kind kind)
{
    if (strncmp(parser->at, word, strlen(word)) != 0) {
        fail("an unknown word");
    }
    parser->at += strlen(word);
    return value_create(parser, kind);
}

static struct value *parse_value(struct parser *parser)
{
    skip_space(parser);
    switch (*parser->at) {
    case '{':
        return parse_members(parser, VALUE_OBJECT, '}');
    case '[':
        return parse_members(parser, VALUE_ARRAY, ']');
    case '"': {
        struct value *value = value_create(parser, VALUE_STRING);
        value->text = parse_text(parser);
        return value;
    }
    case 't':
        return parse_word(parser, "true", VALUE_BOOL);
    case 'f':
        return parse_word(parser, "false", VALUE_BOOL);
    case 'n':
        return parse_word(parser, "null", VALUE_NULL);
    default:
        break;
    }
    char *end = NULL;
    double number = strtod(parser->at, &end);
    if (end == parser->at) {
        fail("a value is missing");
    }
    parser->at = end;
    struct value *value = value_create(parser, VALUE_NUMBER);
    value->number = number;
    return value;
}

static double value_sum(const struct value *value)
{
    double sum = value->number;
    for (size_t i = 0; i < value->member_count; i++) {
        sum += value_sum(value->members[i]);
    }
    return sum;
}

static void value_free(struct value *value)
{
    for (size_t i = 0; i < value->member_count; i++) {
        if (value->keys != NULL) {
            free(value->keys[i]);
        }
        value_free(value->members[i]);
    }
    free(value->keys);
    free(value->members);
    free(value->text);
    free(value);
}

static char *document_generate(size_t items)
{
    enum {
        ITEM_BYTES = 160
    };
    size_t capacity = items * ITEM_BYTES + 3;
    char *document = malloc(capacity);
    if (document == NULL) {
        fail("out of memory");
    }
    size_t used = 0;
    document[used++] = '[';
    for (size_t i = 0; i < items; i++) {
        used += (size_t)snprintf(
            document + used, capacity - used,
            "%s{\"id\": %zu, \"name\": \"item %zu\", \"tags\": [\"a\", \"%zu\"], "
            "\"price\": %zu.5, \"in stock\": %s, \"note\": null}",
            i == 0 ? "" : ",\n", i, i, i % 10, i % 100, i % 3 == 0 ? "true" : "false");
    }
    document[used++] = ']';
    document[used] = '\0';
    return document;
}

static const char help[] =
    "parser - parses a generated JSON document into a tree of small blocks\n\n"
    "usage: parser [--items N]\n"
    "  --items N   objects in the document (default 1000)\n";

int main(int argc, char **argv)
{
    uint64_t items = 1000;
    const struct app_option options[] = {
        {"items", .number = &items},
        {NULL},
    };
    app_read_options(argc, argv, help, options);

    char *document = document_generate(items);
    struct parser parser = {.at = document, .allocations = 1};
    struct value *tree = parse_value(&parser);
    printf("values %llu, sum %.1f\n", (unsigned long long)parser.value_count, value_sum(tree));
    value_free(tree);
    free(document);
    printf("allocations: %llu, leaked: 0 blocks, 0 bytes\n",
           (unsigned long long)parser.allocations);
    return 0;
}
