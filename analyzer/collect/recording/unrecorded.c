#include "unrecorded.h"

#include <string.h>

#include "../../../schema/unrecorded_reason.h"
#include "recording.h"

static const struct {
    const char *word;
    const char *text;
} reasons[UNRECORDED_REASON_COUNT] = {
#define X(name, word, text) {word, text},
    UNRECORDED_REASONS(X)
#undef X
};

/* That of the same program, which two processes may have told of at one time, or a new one. */
static struct unrecorded_program *find(struct unrecorded *unrecorded,
                                       const struct unrecorded_program *program)
{
    for (size_t i = 0; i < unrecorded->program_count; i++) {
        struct unrecorded_program *known = &unrecorded->programs[i];
        if (known->reason == program->reason && strcmp(known->path, program->path) == 0) {
            return known;
        }
    }
    unrecorded->programs[unrecorded->program_count] = *program;
    unrecorded->programs[unrecorded->program_count].process_count = 0;
    return &unrecorded->programs[unrecorded->program_count++];
}

void unrecorded_take(struct recording *recording, struct ring_header *ring)
{
    struct unrecorded *unrecorded = &recording->unrecorded;
    *unrecorded = (struct unrecorded){.more_count = atomic_load(&ring->unrecorded_more)};
    unrecorded->process_count = unrecorded->more_count;
    for (size_t i = 0; i < RING_UNRECORDED_MOST; i++) {
        struct ring_unrecorded *entry = &ring->unrecorded[i];
        if (atomic_load(&entry->state) != UNRECORDED_TOLD) {
            continue;
        }
        const struct subject *parent = recording_find(recording, entry->process_key);
        struct unrecorded_program program = {
            .process_count = atomic_load(&entry->count),
            .at_ns = clock_ns(&recording->clock, entry->ticks),
            .pid = entry->pid,
            .parent_id = parent != NULL ? parent->id : 0,
            .reason = entry->reason,
        };
        memcpy(program.path, entry->path, sizeof(program.path) - 1);
        if (program.process_count > 0 && program.reason < UNRECORDED_REASON_COUNT) {
            find(unrecorded, &program)->process_count += program.process_count;
            unrecorded->process_count += program.process_count;
        }
    }
}

const char *unrecorded_reason_text(uint32_t reason)
{
    return reason < UNRECORDED_REASON_COUNT ? reasons[reason].text : "";
}

void unrecorded_write(struct sqlwriter *writer, const struct recording *recording)
{
    const struct unrecorded *unrecorded = &recording->unrecorded;
    sqlwriter_table(writer, "unrecorded", 6);
    for (size_t i = 0; i < unrecorded->program_count; i++) {
        const struct unrecorded_program *program = &unrecorded->programs[i];
        sqlwriter_text(writer, program->path);
        sqlwriter_text(writer, reasons[program->reason].word);
        sqlwriter_integer(writer, program->process_count);
        sqlwriter_integer_or_null(writer, program->pid);
        sqlwriter_integer_or_null(writer, program->parent_id);
        sqlwriter_integer(writer, program->at_ns);
        sqlwriter_row(writer);
    }
    if (unrecorded->more_count > 0) {
        sqlwriter_null(writer);
        sqlwriter_null(writer);
        sqlwriter_integer(writer, unrecorded->more_count);
        sqlwriter_null(writer);
        sqlwriter_null(writer);
        sqlwriter_null(writer);
        sqlwriter_row(writer);
    }
}
