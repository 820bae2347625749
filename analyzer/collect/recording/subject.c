#include "subject.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../base/vec.h"
#include "blocks.h"
#include "recording.h"

int subject_create(struct recording *recording, uint32_t key, uint32_t pid, uint64_t started_ns,
                   struct subject **out_subject)
{
    struct subject *subject = calloc(1, sizeof(*subject));
    if (subject == NULL) {
        return -ENOMEM;
    }
    if (tally_init(&subject->tally, started_ns) < 0) {
        free(subject);
        return -ENOMEM;
    }
    subject->recording = recording;
    subject->leak_outcome = recording->leak_outcome;
    subject->key = key;
    subject->pid = pid;
    subject->pid_fd = -1;
    subject->resident = (struct resident){.statm_fd = -1, .page_map_fd = -1};
    subject->started_ns = started_ns;
    subject->last_event_ns = started_ns;
    subject->live.directory = recording->directory;
    subject->live.file_id = (uint32_t)recording->subject_count + 1;
    *out_subject = subject;
    return 0;
}

static void subject_close_files(struct subject *subject)
{
    if (subject->pid_fd >= 0) {
        close(subject->pid_fd);
        subject->pid_fd = -1;
    }
    resident_close(&subject->resident);
}

void subject_destroy(struct subject *subject)
{
    if (subject == NULL) {
        return;
    }
    subject_close_files(subject);
    free(subject->executable);
    free(subject->command);
    free(subject->allocator);
    free(subject->allocator_version);
    tally_fini(&subject->tally);
    live_fini(&subject->live);
    ranges_fini(&subject->ranges);
    memory_samples_fini(&subject->memory);
    free(subject->leak_sums);
    free(subject->threads);
    free(subject->loads);
    map_fini(&subject->frame_of_address);
    free(subject->parked);
    free(subject->early);
    free(subject);
}

int subject_open_thread(struct subject *subject, uint32_t tid, uint64_t now_ns,
                        uint32_t *out_thread)
{
    for (size_t i = subject->thread_count; i-- > 0;) {
        if (subject->threads[i].tid == tid && subject->threads[i].open_lanes > 0) {
            subject->threads[i].open_lanes++;
            *out_thread = (uint32_t)i;
            return 0;
        }
    }
    int r = vec_reserve((void **)&subject->threads, &subject->thread_capacity,
                        subject->thread_count + 1, sizeof(*subject->threads));
    if (r < 0) {
        return r;
    }
    subject->threads[subject->thread_count] = (struct thread){
        .id = ++subject->recording->thread_count,
        .tid = tid,
        .started_ns = now_ns,
        .ended_ns = now_ns,
        .open_lanes = 1,
    };
    *out_thread = (uint32_t)subject->thread_count++;
    return 0;
}

void thread_take_name(struct thread *thread, const char name[16])
{
    if (name[0] == '\0') {
        return;
    }
    memcpy(thread->name, name, sizeof(thread->name));
    thread->name[sizeof(thread->name) - 1] = '\0';
    if (thread->kept != NULL) {
        memcpy(thread->kept->name, thread->name, sizeof(thread->name));
    }
}

int subject_finish(struct subject *subject, struct err *err)
{
    if (subject->is_finished) {
        return 0;
    }
    subject->is_finished = true;
    if (subject->ended_ns < subject->last_event_ns) {
        subject->ended_ns = subject->last_event_ns;
    }
    subject_close_files(subject);
    int settled = blocks_settle(subject, UINT64_MAX, err); /* may still move the peak */
    tally_finish(&subject->tally);
    subject->recording->live_bytes -= subject->tally.live_bytes;
    map_fini(&subject->frame_of_address);
    int written = blocks_write_live(subject, err);
    return settled < 0 ? settled : written;
}

const char *subject_start_name(enum subject_start start)
{
    static const char *const names[] = {"run", "fork", "exec"};
    return names[start];
}

const char *subject_end_name(enum subject_end end)
{
    static const char *const names[] = {NULL, "exited", "signalled", "exec", "gone", "detached"};
    return names[end];
}

int subject_define_site(struct lane_context *lane, uint32_t local_id, uint32_t site)
{
    int r = vec_reserve((void **)&lane->sites, &lane->site_capacity, (size_t)local_id + 1,
                        sizeof(*lane->sites));
    if (r < 0) {
        return r;
    }
    while (lane->site_count <= local_id) {
        lane->sites[lane->site_count++] = UINT32_MAX;
    }
    lane->sites[local_id] = site;
    return 0;
}
