#include "leak_scan.h"
#include "../base/str.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leak_marks.h"
#include "leak_roots.h"
#include "leak_threads.h"
#include "recording.h"
#include "target_memory.h"

struct leak_job {
    struct subject *subject;
    const struct leak_scan_settings *settings;
    struct target_memory memory;
    struct leak_marks marks;
    struct leak_threads threads;
    enum leak_outcome outcome;
};

static int compare_blocks(const void *left, const void *right)
{
    const struct leak_block *a = left;
    const struct leak_block *b = right;
    return (a->address > b->address) - (a->address < b->address);
}

static int take_blocks(struct leak_job *job)
{
    const struct live *live = &job->subject->live;
    struct leak_block *blocks = malloc((live->block_count + 1) * sizeof(*blocks));
    if (blocks == NULL) {
        return -ENOMEM;
    }
    size_t count = 0;
    size_t cursor = 0;
    for (const struct block *block; (block = live_next(live, &cursor)) != NULL;) {
        blocks[count++] = (struct leak_block){
            .address = block->address,
            .size_bytes = block->size_bytes,
            .slot = (uint32_t)(block - live->slots),
            .is_array = block->kind == ALLOC_KIND_NEW_ARRAY,
        };
    }
    qsort(blocks, count, sizeof(*blocks), compare_blocks);
    job->marks.blocks = blocks;
    job->marks.block_count = count;
    return 0;
}

static bool is_glibc(const struct subject *subject)
{
    const char *path = subject->allocator != NULL ? subject->allocator : "";
    return strncmp(str_base_name(path), "libc.so", strlen("libc.so")) == 0;
}

static int scan(struct leak_job *job)
{
    const struct leak_situation situation = {
        .is_forked = job->subject->start == SUBJECT_STARTED_BY_FORK,
        .is_glibc = is_glibc(job->subject) && !job->settings->is_routed,
        .recorder_directory = job->subject->recording->directory,
        .threads = &job->threads,
    };
    char path[32];
    snprintf(path, sizeof(path), "/proc/%u/smaps", job->settings->pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return -errno;
    }
    int r = leak_roots_scan(&job->marks, file, &situation);
    fclose(file);
    return r < 0 ? r : leak_marks_finish(&job->marks);
}

static bool is_readable(struct leak_job *job)
{
    uint64_t word;
    return target_memory_read(&job->memory, job->settings->stack_address, &word, sizeof(word)) ==
           (long)sizeof(word);
}

/* On a thread of its own: see leak_threads.h. */
static void *work(void *context)
{
    struct leak_job *job = context;
    const struct leak_scan_settings *settings = job->settings;
    job->outcome = LEAK_OUTCOME_REFUSED;
    if (!is_readable(job) || leak_threads_stop(&job->threads, settings->pid, settings->waiting_tid,
                                               settings->stack_address) < 0) {
        return NULL;
    }
    size_t unknown_count = job->threads.unknown_count;
    int r = scan(job);
    leak_threads_resume(&job->threads);
    job->outcome = r == -ETIME         ? LEAK_OUTCOME_LATE
                   : r < 0             ? LEAK_OUTCOME_REFUSED
                   : unknown_count > 0 ? LEAK_OUTCOME_PARTLY
                                       : LEAK_OUTCOME_DONE;
    return NULL;
}

static void set_kinds(const struct leak_job *job)
{
    for (size_t i = 0; i < job->marks.block_count; i++) {
        const struct leak_block *block = &job->marks.blocks[i];
        job->subject->live.slots[block->slot].leak_kind = block->kind;
    }
}

enum leak_outcome leak_scan(struct subject *subject, const struct leak_scan_settings *settings)
{
    if (subject->live.block_count == 0) {
        return LEAK_OUTCOME_DONE;
    }
    struct leak_job job = {
        .subject = subject, .settings = settings, .outcome = LEAK_OUTCOME_REFUSED};
    pthread_t worker;
    target_memory_open(&job.memory, settings->pid);
    job.marks.memory = &job.memory;
    job.marks.deadline_ns = settings->deadline_ns;
    if (leak_marks_init(&job.marks) == 0 && take_blocks(&job) == 0 &&
        pthread_create(&worker, NULL, work, &job) == 0) {
        pthread_join(worker, NULL);
    }
    if (job.outcome == LEAK_OUTCOME_DONE || job.outcome == LEAK_OUTCOME_PARTLY) {
        set_kinds(&job);
    }
    leak_threads_resume(&job.threads);
    free(job.marks.blocks);
    leak_marks_fini(&job.marks);
    target_memory_close(&job.memory);
    return job.outcome;
}
