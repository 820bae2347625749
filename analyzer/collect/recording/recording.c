#include "recording.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../base/vec.h"

int recording_init(struct recording *recording, struct rowpack *rows)
{
    recording->rows = rows;
    return stacktree_init(&recording->stacks);
}

void recording_fini(struct recording *recording)
{
    for (size_t i = 0; i < recording->subject_count; i++) {
        subject_destroy(recording->subjects[i]);
    }
    free(recording->subjects);
    faults_fini(&recording->faults);
    sanitizer_reports_fini(&recording->reports);
    free(recording->marks);
    words_fini(&recording->mark_names);
    for (size_t i = 0; i < recording->counter_count; i++) {
        free(recording->counters[i].name);
    }
    free(recording->counters);
    for (size_t i = 0; i < recording->fact_count; i++) {
        free(recording->facts[i].name);
    }
    free(recording->facts);
    free(recording->gc_events);
    free(recording->scavenges);
    stacktree_fini(&recording->stacks);
    modules_fini(&recording->modules);
    contexts_fini(&recording->contexts);
    *recording = (struct recording){0};
}

int recording_context(struct recording *recording, const struct context *context, uint32_t *out_id)
{
    size_t count = recording->contexts.count;
    int r = contexts_intern(&recording->contexts, context, out_id);
    if (r == 0 && recording->contexts.count != count) {
        struct journal_context kept = {.context = *context};
        journal_add(recording->journal, JOURNAL_CONTEXT, &kept, sizeof(kept), NULL, 0);
    }
    return r;
}

struct subject *recording_find(const struct recording *recording, uint32_t key)
{
    for (size_t i = recording->subject_count; i-- > 0;) {
        if (recording->subjects[i]->key == key) {
            return recording->subjects[i];
        }
    }
    return NULL;
}

int recording_subject(struct recording *recording, uint32_t key, uint32_t pid, uint64_t now_ns,
                      struct subject **out_subject)
{
    *out_subject = recording_find(recording, key);
    if (*out_subject != NULL) {
        return 0;
    }
    int r = vec_reserve((void **)&recording->subjects, &recording->subject_capacity,
                        recording->subject_count + 1, sizeof(struct subject *));
    if (r < 0) {
        return r;
    }
    struct subject *subject;
    r = subject_create(recording, key, pid, now_ns, &subject);
    if (r < 0) {
        return r;
    }
    recording->subjects[recording->subject_count++] = subject;
    subject->id = (uint32_t)recording->subject_count;
    *out_subject = subject;
    return 0;
}

int recording_add_mark(struct recording *recording, const struct mark *mark, const char *name,
                       size_t name_bytes)
{
    int r = vec_reserve((void **)&recording->marks, &recording->mark_capacity,
                        recording->mark_count + 1, sizeof(*recording->marks));
    uint32_t number = 0;
    r = r == 0 ? words_number(&recording->mark_names, name, name_bytes, &number) : r;
    if (r < 0) {
        return r;
    }
    recording->marks[recording->mark_count] = *mark;
    recording->marks[recording->mark_count++].name = number;
    return 0;
}

uint64_t recording_count_frames(const struct recording *recording, const char *name)
{
    uint64_t count = 0;
    for (size_t i = 0; i < recording->mark_count; i++) {
        const struct mark *mark = &recording->marks[i];
        count += mark->kind == MARK_KIND_FRAME &&
                 strcmp(recording->mark_names.items[mark->name], name) == 0;
    }
    return count;
}

int recording_add_gc(struct recording *recording, const struct gc_event *event)
{
    int r = vec_reserve((void **)&recording->gc_events, &recording->gc_event_capacity,
                        recording->gc_event_count + 1, sizeof(*recording->gc_events));
    if (r == 0) {
        recording->gc_events[recording->gc_event_count++] = *event;
    }
    return r;
}

int recording_add_scavenge(struct recording *recording, const struct scavenge *scavenge)
{
    int r = vec_reserve((void **)&recording->scavenges, &recording->scavenge_capacity,
                        recording->scavenge_count + 1, sizeof(*recording->scavenges));
    if (r == 0) {
        recording->scavenges[recording->scavenge_count++] = *scavenge;
    }
    return r;
}

static struct counter *recording_find_counter(struct recording *recording, uint32_t process_id,
                                              const char *name, size_t name_bytes)
{
    for (size_t i = 0; i < recording->counter_count; i++) {
        struct counter *counter = &recording->counters[i];
        if (counter->process_id == process_id && strlen(counter->name) == name_bytes &&
            memcmp(counter->name, name, name_bytes) == 0) {
            return counter;
        }
    }
    return NULL;
}

int recording_set_counter(struct recording *recording, const struct counter *counter,
                          const char *name, size_t name_bytes)
{
    name_bytes = strnlen(name, name_bytes);
    struct counter *known =
        recording_find_counter(recording, counter->process_id, name, name_bytes);
    if (known == NULL) {
        int r = vec_reserve((void **)&recording->counters, &recording->counter_capacity,
                            recording->counter_count + 1, sizeof(*recording->counters));
        char *copy = r == 0 ? strndup(name, name_bytes) : NULL;
        if (copy == NULL) {
            return -ENOMEM;
        }
        known = &recording->counters[recording->counter_count++];
        known->name = copy;
    }
    known->process_id = counter->process_id;
    known->at_ns = counter->at_ns;
    known->value = counter->value;
    return 0;
}

int recording_add_fact(struct recording *recording, const struct allocator_fact *fact,
                       const char *name, size_t name_bytes)
{
    if (recording->fact_count >= RECORDING_FACTS_MOST) {
        return 0;
    }
    int r = vec_reserve((void **)&recording->facts, &recording->fact_capacity,
                        recording->fact_count + 1, sizeof(*recording->facts));
    char *copy = r == 0 ? strndup(name, name_bytes) : NULL;
    if (copy == NULL) {
        return -ENOMEM;
    }
    recording->facts[recording->fact_count] = *fact;
    recording->facts[recording->fact_count++].name = copy;
    return 0;
}
