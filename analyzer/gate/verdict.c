#include "verdict.h"

#include <errno.h>
#include <stdlib.h>

#include "../base/vec.h"

static void free_line(struct verdict_line *line)
{
    free(line->name);
    free(line->said);
    free(line->culprit);
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

void verdict_fini(struct verdict *verdict)
{
    for (size_t i = 0; i < verdict->count; i++) {
        free_line(&verdict->lines[i]);
    }
    free(verdict->lines);
    *verdict = (struct verdict){0};
}
