#include "imported.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../base/vec.h"
#include "../tables/store.h"

int imported_init(struct imported *imported, const struct imported_process *process)
{
    *imported = (struct imported){0};
    int r = recording_init(&imported->recording, NULL);
    if (r == 0) {
        r = recording_subject(&imported->recording, 0, 0, 0, &imported->subject);
    }
    if (r < 0) {
        return r;
    }
    struct subject *subject = imported->subject;
    subject->is_announced = true;
    subject->end = process->end;
    subject->executable = strdup(process->executable);
    subject->command = strdup(process->command);
    subject->allocator = strdup(process->allocator);
    subject->allocator_version = strdup("");
    return subject->executable == NULL || subject->command == NULL || subject->allocator == NULL ||
                   subject->allocator_version == NULL
               ? -ENOMEM
               : 0;
}

void imported_fini(struct imported *imported)
{
    recording_fini(&imported->recording);
    free(imported->names);
}

int imported_add_name(struct imported *imported, const struct given_name *name,
                      uint64_t *out_offset)
{
    int r = vec_reserve((void **)&imported->names, &imported->name_capacity,
                        imported->name_count + 1, sizeof(*imported->names));
    if (r == 0) {
        imported->names[imported->name_count++] = *name;
        *out_offset = imported->name_count;
    }
    return r;
}

/* Leaks as such a file has them: what was in use at its end. */
static void settle(struct imported *imported, struct import_sums *sums)
{
    struct recording *recording = &imported->recording;
    struct subject *subject = imported->subject;
    const struct tally *tally = &subject->tally;
    subject->leaked_count = tally->live_count;
    subject->leaked_bytes = tally->live_bytes;
    subject->is_finished = true;
    tally_finish(&subject->tally);
    recording->peak_bytes = tally->peak_bytes;
    recording->peak_ns = tally->peak_ns;
    recording->given_names = imported->names;
    *sums = (struct import_sums){.site_count = tally->site_count,
                                 .allocation_count = tally->allocation_count,
                                 .live_bytes = tally->live_bytes};
}

int imported_write(struct imported *imported, const struct imported_run *run,
                   struct import_sums *out_sums, struct err *err)
{
    struct run_facts facts = {
        .command = run->command,
        .detail = "import",
        .unwind = "auto",
        .sample_bytes = run->sample_bytes,
        .depth_limit = run->depth_limit,
        .started_unix_ns = run->started_unix_ns,
        .duration_ns = run->duration_ns,
        .exit_status = -1,
    };
    struct store_finish_options options = {0};
    struct store store;
    settle(imported, out_sums);
    imported->recording.sample_bytes = run->sample_bytes;
    int r = store_create(run->output_path, &facts, &store, err);
    if (r < 0) {
        return r;
    }
    r = store_finish(&store, &facts, &imported->recording, &options, err);
    if (r < 0) {
        unlink(run->output_path);
    }
    store_close(&store);
    return r;
}
