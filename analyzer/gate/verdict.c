#include "verdict.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/vec.h"

static void free_line(struct verdict_line *line)
{
    free(line->name);
    free(line->said);
    free(line->culprit);
    free(line->amount);
    free(line->file);
}

int verdict_add(struct verdict *verdict, struct verdict_line line, struct err *err)
{
    if (line.name == NULL || line.said == NULL ||
        vec_reserve((void **)&verdict->lines, &verdict->capacity, verdict->count + 1,
                    sizeof(*verdict->lines)) < 0) {
        free_line(&line);
        return err_set_errno(err, ENOMEM, "cannot keep a verdict");
    }
    verdict->lines[verdict->count++] = line;
    return 0;
}

size_t verdict_count(const struct verdict *verdict, enum verdict_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < verdict->count; i++) {
        count += verdict->lines[i].kind == kind;
    }
    return count;
}

bool verdict_fails(const struct verdict *verdict, const struct verdict_line *line)
{
    return line->kind == VERDICT_FAIL || (line->kind == VERDICT_BETTER && verdict->is_strict);
}

size_t verdict_failed_count(const struct verdict *verdict)
{
    size_t count = 0;
    for (size_t i = 0; i < verdict->count; i++) {
        count += verdict_fails(verdict, &verdict->lines[i]);
    }
    return count;
}

const char *verdict_file(const struct verdict *verdict, const struct verdict_line *line)
{
    size_t size_bytes = verdict->folder != NULL ? strlen(verdict->folder) : 0;
    bool is_beneath = size_bytes > 0 && strncmp(line->file, verdict->folder, size_bytes) == 0 &&
                      line->file[size_bytes] == '/';
    return is_beneath ? line->file + size_bytes + 1 : line->file;
}

int verdict_append_culprit(const struct verdict *verdict, const struct verdict_line *line,
                           struct str *text)
{
    if (line->culprit == NULL) {
        return 0;
    }
    int result = str_append(text, line->culprit);
    if (result == 0 && line->file != NULL) {
        result = str_printf(text, " (%s:%u)", verdict_file(verdict, line), line->line);
    }
    return result == 0 && line->amount != NULL ? str_printf(text, ": %s", line->amount) : result;
}

void verdict_fini(struct verdict *verdict)
{
    for (size_t i = 0; i < verdict->count; i++) {
        free_line(&verdict->lines[i]);
    }
    free(verdict->lines);
    *verdict = (struct verdict){0};
}
