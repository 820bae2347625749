#include "go_objects.h"

#include <errno.h>

#include "../recording/blocks.h"

static const char thread_name[16] = "Go's heap";

int go_objects_begin(struct go_process *process, uint64_t at_ns)
{
    struct subject *subject = process->subject;
    const struct journal_go_objects kept = {.at_ns = at_ns};
    int r = subject_open_thread(subject, 0, at_ns, &process->object_thread);
    if (r == 0) {
        thread_take_name(&subject->threads[process->object_thread], thread_name);
        process->has_objects = true;
        process->recording->go.site_source = "objects";
        journal_add(process->recording->journal, JOURNAL_GO_OBJECTS, &kept, sizeof(kept), NULL, 0);
    }
    return r;
}

static int add_birth(struct go_process *process, const struct traced_object *object,
                     uint64_t load_bias, uint64_t at_ns, struct err *err)
{
    struct subject *subject = process->subject;
    uint64_t offsets[OBJECT_TRACE_FRAMES];
    uint32_t site;
    for (uint32_t i = 0; i < object->frame_count; i++) {
        offsets[i] = object->frames[i] - load_bias;
    }
    int r = go_process_site(process, offsets, object->frame_count, &site);
    struct block *slot = r == 0 ? live_reserve(&subject->live) : NULL;
    if (slot == NULL) {
        return -ENOMEM;
    }
    slot->born_ns = at_ns;
    slot->size_bytes = object->size_bytes;
    slot->slack_bytes = 0;
    slot->realloc_of_id = 0;
    slot->site = site;
    slot->thread = process->object_thread;
    slot->alignment = 0;
    slot->chain_length = 0;
    slot->kind = ALLOC_KIND_GO;
    return blocks_add(subject, slot, object->address, false, 0, err);
}

static int add_death(struct go_process *process, const struct traced_object *object, uint64_t at_ns,
                     struct err *err)
{
    struct subject *subject = process->subject;
    struct death death = {.died_ns = at_ns, .kind = FREE_KIND_SWEPT};
    uint64_t id;
    if (live_find(&subject->live, object->address) == NULL) {
        return 0; /* of the runtime's own first ones, before it began to tell */
    }
    return blocks_free(subject, object->address, FREE_KIND_SWEPT, process->object_thread, &death,
                       NULL, &id, err);
}

int go_objects_add(struct go_process *process, const struct traced_object *object,
                   uint64_t load_bias, uint64_t at_ns, struct err *err)
{
    struct subject *subject = process->subject;
    subject->last_event_ns = at_ns > subject->last_event_ns ? at_ns : subject->last_event_ns;
    subject->threads[process->object_thread].ended_ns = at_ns;
    return object->is_freed != 0 ? add_death(process, object, at_ns, err)
                                 : add_birth(process, object, load_bias, at_ns, err);
}
