#include "suppressions.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/vec.h"

static const char prefix[] = "leak:";

/* Where the text matches up to the end of the pattern's part without *, or NULL. */
static const char *find_part(const char *text, const char *part, size_t length, bool is_here)
{
    for (; strlen(text) >= length; text++) {
        if (memcmp(text, part, length) == 0) {
            return text + length;
        }
        if (is_here) {
            break;
        }
    }
    return NULL;
}

static bool ends_like(const char *text, const char *part, size_t length)
{
    size_t text_length = strlen(text);
    return text_length >= length && memcmp(text + text_length - length, part, length) == 0;
}

bool suppression_is_like(const char *pattern, const char *text)
{
    bool is_here = pattern[0] == '^';
    pattern += is_here;
    while (*pattern != '\0') {
        size_t length = strcspn(pattern, "*$");
        bool is_end = pattern[length] == '$' && pattern[length + 1] == '\0';
        if (pattern[length] == '$' && !is_end) {
            length = strcspn(pattern, "*");
        }
        if (is_end) {
            bool is_whole = !is_here || strlen(text) == length;
            return is_whole && ends_like(text, pattern, length);
        }
        text = find_part(text, pattern, length, is_here);
        if (text == NULL) {
            return false;
        }
        is_here = false;
        pattern += length;
        pattern += strspn(pattern, "*");
    }
    return true;
}

static int add(struct suppressions *suppressions, const char *pattern)
{
    int result = vec_reserve((void **)&suppressions->items, &suppressions->capacity,
                             suppressions->count + 1, sizeof(*suppressions->items));
    char *copy = result == 0 ? strdup(pattern) : NULL;
    if (copy == NULL) {
        return -ENOMEM;
    }
    suppressions->items[suppressions->count++] = (struct suppression){.pattern = copy};
    return 0;
}

static int read_line(struct suppressions *suppressions, const char *path, unsigned number,
                     char *line, struct err *err)
{
    line += strspn(line, " \t");
    size_t length = strlen(line);
    while (length > 0 && isspace((unsigned char)line[length - 1])) {
        line[--length] = '\0';
    }
    if (length == 0 || line[0] == '#') {
        return 0;
    }
    if (strncmp(line, prefix, strlen(prefix)) != 0) {
        return err_set(err, EINVAL, "%s:%u: '%.40s' does not begin with 'leak:'", path, number,
                       line);
    }
    if (line[strlen(prefix)] == '\0') {
        return err_set(err, EINVAL, "%s:%u: nothing stands behind 'leak:'", path, number);
    }
    return add(suppressions, line + strlen(prefix)) < 0
               ? err_set_errno(err, ENOMEM, "cannot read '%s'", path)
               : 0;
}

int suppressions_read_stream(struct suppressions *suppressions, FILE *file, const char *path,
                             struct err *err)
{
    *suppressions = (struct suppressions){0};
    char *line = NULL;
    size_t line_bytes = 0;
    unsigned number = 0;
    int result = 0;
    while (result == 0 && getline(&line, &line_bytes, file) >= 0) {
        result = read_line(suppressions, path, ++number, line, err);
    }
    if (result == 0 && ferror(file)) {
        result = err_set_errno(err, errno, "cannot read '%s'", path);
    }
    free(line);
    return result;
}

int suppressions_read(struct suppressions *suppressions, const char *path, struct err *err)
{
    *suppressions = (struct suppressions){0};
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return err_set_errno(err, errno, "cannot read '%s'", path);
    }
    int result = suppressions_read_stream(suppressions, file, path, err);
    fclose(file);
    return result;
}

void suppressions_fini(struct suppressions *suppressions)
{
    for (size_t i = 0; i < suppressions->count; i++) {
        free(suppressions->items[i].pattern);
    }
    free(suppressions->items);
    *suppressions = (struct suppressions){0};
}

static bool is_like_frame(const char *pattern, const struct stack_frame *frame)
{
    const char *const texts[] = {frame->function, frame->file, frame->module};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i] != NULL && suppression_is_like(pattern, texts[i])) {
            return true;
        }
    }
    return false;
}

struct suppression *suppressions_match(const struct suppressions *suppressions,
                                       const struct call_stack *stack)
{
    for (size_t i = 0; i < suppressions->count; i++) {
        for (size_t j = 0; j < stack->count; j++) {
            if (is_like_frame(suppressions->items[i].pattern, stack->frames[j])) {
                return &suppressions->items[i];
            }
        }
    }
    return NULL;
}
