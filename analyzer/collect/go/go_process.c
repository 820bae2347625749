#include "go_process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../base/str.h"

#define RECORDER_KILLED "its recorder was killed"

static int go_process_make(struct go_process *process, const struct go_process_start *start)
{
    struct subject *subject;
    int r = recording_subject(process->recording, 0, start->pid, 0, &subject);
    if (r < 0) {
        return r;
    }
    subject->is_announced = true;
    subject->executable = strdup(start->path);
    subject->command = strdup(start->command);
    subject->allocator = strdup("Go");
    subject->allocator_version = strdup(process->recording->go.version);
    process->subject = subject;
    return subject->executable == NULL || subject->command == NULL || subject->allocator == NULL ||
                   subject->allocator_version == NULL
               ? -ENOMEM
               : 0;
}

static int go_process_keep(struct go_process *process, const struct go_process_start *start,
                           bool is_made)
{
    struct str texts = {0};
    struct journal_go_process kept = {
        .pid = start->pid,
        .is_made = is_made,
        .path_bytes = (uint32_t)strlen(start->path) + 1,
        .command_bytes = (uint32_t)strlen(start->command) + 1,
        .has_gc = strcmp(process->recording->go.gc_source, "none") != 0,
    };
    memcpy(kept.version, process->recording->go.version, sizeof(kept.version));
    int r = str_append_bytes(&texts, start->path, kept.path_bytes);
    if (r == 0) {
        r = str_append_bytes(&texts, start->command, kept.command_bytes);
    }
    if (r == 0) {
        r = str_append_repeated(&texts, '\0', -texts.size_bytes % 8);
    }
    if (r == 0) {
        process->kept = journal_add(process->recording->journal, JOURNAL_GO_PROCESS, &kept,
                                    sizeof(kept), texts.text, texts.size_bytes);
        go_process_keep_facts(process);
    }
    str_fini(&texts);
    return r;
}

int go_process_meet(struct go_process *process, const struct go_process_start *start, bool may_make)
{
    struct recording *recording = process->recording;
    for (size_t i = 0; process->subject == NULL && i < recording->subject_count; i++) {
        if (recording->subjects[i]->pid == start->pid) {
            process->subject = recording->subjects[i];
        }
    }
    bool is_made = process->subject == NULL && may_make;
    int r = is_made ? go_process_make(process, start) : 0;
    if (r < 0 || process->subject == NULL) {
        return r;
    }
    process->subject->memory.is_regular = true;
    recording->go.process_id = process->subject->id;
    r = modules_intern(&recording->modules, start->path, strlen(start->path),
                       (const unsigned char *)"", 0, &process->module);
    if (r == 0) {
        modules_hold(&recording->modules, process->module);
    }
    return r < 0 || recording->journal == NULL ? r : go_process_keep(process, start, is_made);
}

int go_process_meet_again(struct go_process *process, const struct journal_go_process *kept)
{
    const char *texts = (const char *)(kept + 1);
    const struct go_process_start start = {
        .pid = kept->pid,
        .path = texts,
        .command = texts + kept->path_bytes,
    };
    struct go_facts *facts = &process->recording->go;
    memcpy(facts->version, kept->version, sizeof(facts->version));
    memcpy(facts->site_reason, kept->site_reason, sizeof(facts->site_reason));
    memcpy(facts->gc_reason, kept->gc_reason, sizeof(facts->gc_reason));
    facts->version[sizeof(facts->version) - 1] = '\0';
    facts->site_reason[sizeof(facts->site_reason) - 1] = '\0';
    facts->gc_reason[sizeof(facts->gc_reason) - 1] = '\0';
    if (facts->site_reason[0] == '\0') {
        memcpy(facts->site_reason, RECORDER_KILLED, sizeof(RECORDER_KILLED));
    }
    facts->site_source = "none";
    facts->gc_source = kept->has_gc != 0 ? "gctrace" : "none";
    facts->unread_line_count = kept->unread_line_count;
    facts->foreign_line_count = kept->foreign_line_count;
    facts->lost_line_count = kept->lost_line_count;
    facts->damaged_object_count = kept->damaged_object_count;
    int r = go_process_meet(process, &start, kept->is_made != 0);
    return r == 0 && process->subject == NULL ? -EINVAL : r;
}

void go_process_keep_facts(struct go_process *process)
{
    const struct go_facts *facts = &process->recording->go;
    struct journal_go_process *kept = process->kept;
    if (kept != NULL) {
        memcpy(kept->site_reason, facts->site_reason, sizeof(kept->site_reason));
        memcpy(kept->gc_reason, facts->gc_reason, sizeof(kept->gc_reason));
        kept->unread_line_count = facts->unread_line_count;
        kept->foreign_line_count = facts->foreign_line_count;
        kept->lost_line_count = facts->lost_line_count;
        kept->damaged_object_count = facts->damaged_object_count;
    }
}

int go_process_site(struct go_process *process, const uint64_t *offsets, uint32_t frame_count,
                    uint32_t *out_site)
{
    struct recording *recording = process->recording;
    const struct journal_go_site kept = {.frame_count = frame_count};
    struct tally *tally = &process->subject->tally;
    size_t known_count = tally->site_count;
    uint32_t node = STACK_ROOT;
    int r = 0;
    for (uint32_t i = frame_count; r == 0 && i-- > 0;) {
        uint32_t frame;
        struct code_address address = {process->module, offsets[i]};
        r = stacktree_frame(&recording->stacks, address, &frame);
        if (r == 0) {
            r = stacktree_child(&recording->stacks, node, frame, &node);
        }
    }
    r = r < 0 ? r : tally_site(tally, node, out_site);
    if (tally->site_count > known_count) {
        journal_add(recording->journal, JOURNAL_GO_SITE, &kept, sizeof(kept), offsets,
                    frame_count * sizeof(*offsets));
    }
    return r;
}

static void go_process_note_reading(struct go_process *process,
                                    const struct journal_go_reading *reading)
{
    struct go_facts *facts = &process->recording->go;
    facts->site_source = reading->is_last != 0 ? "exit" : "reading";
    if (reading->is_last != 0) {
        facts->site_reason[0] = '\0'; /* there is no better */
    }
    facts->profile_rate_bytes = reading->rate_bytes;
    facts->profile_read_ns = reading->at_ns;
    facts->profile_reading_count++;
    if (reading->at_ns > process->subject->last_event_ns) {
        process->subject->last_event_ns = reading->at_ns;
    }
}

int go_process_add_reading(struct go_process *process, const struct journal_go_reading *reading,
                           const struct tally_change *changes)
{
    struct recording *recording = process->recording;
    struct subject *subject = process->subject;
    uint64_t before_bytes = subject->tally.live_bytes;
    journal_add(recording->journal, JOURNAL_GO_READING, reading, sizeof(*reading), changes,
                reading->change_count * sizeof(*changes));
    go_process_note_reading(process, reading);
    int r = tally_add_reading(&subject->tally, changes, reading->change_count, reading->at_ns);
    for (uint32_t i = 0; r == 0 && i < reading->change_count; i++) {
        uint64_t more = changes[i].birth_count - changes[i].death_count; /* may be negative */
        subject->leaked_count += more;
        subject->leaked_bytes += more * changes[i].size_bytes;
    }
    recording->live_bytes += subject->tally.live_bytes - before_bytes;
    if (recording->live_bytes > recording->peak_bytes) {
        recording->peak_bytes = recording->live_bytes;
        recording->peak_ns = reading->at_ns;
    }
    return r;
}

int go_process_add_gc(struct go_process *process, const struct gc_event *event)
{
    journal_add(process->recording->journal, JOURNAL_GC, event, sizeof(*event), NULL, 0);
    if (process->subject != NULL && event->at_ns > process->subject->last_event_ns) {
        process->subject->last_event_ns = event->at_ns;
    }
    return recording_add_gc(process->recording, event);
}

int go_process_add_scavenge(struct go_process *process, const struct scavenge *scavenge)
{
    journal_add(process->recording->journal, JOURNAL_SCAVENGE, scavenge, sizeof(*scavenge), NULL,
                0);
    return recording_add_scavenge(process->recording, scavenge);
}
