#include "leak_scan.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../base/radix.h"
#include "../../base/str.h"
#include "../recording/clock.h"
#include "../recording/recording.h"
#include "leak_roots.h"

enum {
    STOPS_MOST = 50,         /* until no thread is found in the middle of a call */
    STOP_PAUSE_NS = 1000000, /* between them */
};

static int take_blocks(struct leak_scan *scan)
{
    const struct live *live = &scan->subject->live;
    struct radix_pair *pairs = malloc((live->block_count + 1) * sizeof(*pairs));
    scan->blocks = malloc((live->block_count + 1) * sizeof(*scan->blocks));
    size_t count = 0;
    size_t cursor = 0;
    bool is_short = pairs == NULL || scan->blocks == NULL;
    for (const struct block *block; !is_short && (block = live_next(live, &cursor)) != NULL;) {
        pairs[count++] = (struct radix_pair){block->address, (uint64_t)(block - live->slots)};
    }
    int r = is_short ? -ENOMEM : radix_sort(pairs, count);
    for (size_t i = 0; r == 0 && i < count; i++) {
        const struct block *block = &live->slots[pairs[i].value];
        scan->blocks[i] = (struct leak_block){
            .address = block->address,
            .size_bytes = block->size_bytes,
            .born_ns = block->born_ns,
            .slot = (uint32_t)pairs[i].value,
            .is_array = block->kind == ALLOC_KIND_NEW_ARRAY,
        };
    }
    free(pairs);
    if (r == 0) {
        r = leak_marks_init(&scan->marks, scan->blocks, count, &scan->memory);
        scan->marks.deadline_ns = scan->settings.deadline_ns;
        scan->marks.progress = scan->settings.progress;
    }
    /* What is not counted, as blocks of a program that had paused, is no leak. */
    for (size_t i = 0; r == 0 && i < count; i++) {
        if (live->slots[scan->blocks[i].slot].kind == ALLOC_KIND_INTERNAL) {
            leak_marks_hold(&scan->marks, (uint32_t)i);
        }
    }
    return r;
}

static bool is_glibc(const struct subject *subject)
{
    const char *path = subject->allocator != NULL ? subject->allocator : "";
    return strncmp(str_base_name(path), "libc.so", strlen("libc.so")) == 0;
}

static int scan_memory(struct leak_scan *scan)
{
    const struct leak_situation situation = {
        .is_forked = scan->subject->start == SUBJECT_STARTED_BY_FORK,
        .is_glibc = is_glibc(scan->subject) && !scan->settings.is_routed,
        .recorder_directory = scan->subject->recording->directory,
        .threads = &scan->threads,
        .memory_bytes_most = scan->settings.memory_bytes_most,
        .space_bytes_most = scan->settings.space_bytes_most,
    };
    char path[32];
    snprintf(path, sizeof(path), "/proc/%u/smaps", scan->settings.pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return -errno;
    }
    int r = leak_roots_scan(&scan->marks, file, &situation);
    fclose(file);
    return r < 0 ? r : leak_marks_gather(&scan->marks);
}

/* Whether its memory can be read at all; else every block would seem lost. */
static bool is_readable(struct leak_scan *scan)
{
    uint64_t word;
    uint64_t address = scan->settings.stack_address != 0 ? scan->settings.stack_address
                                                         : scan->blocks[0].address & ~(uint64_t)7;
    return target_memory_read(&scan->memory, address, &word, sizeof(word)) == (long)sizeof(word);
}

/* Stops the threads, and again while one of them is in the middle of a call. */
static int stand_still(struct leak_scan *scan)
{
    const struct leak_scan_settings *settings = &scan->settings;
    int r = -EAGAIN;
    for (int i = 0; r == -EAGAIN && i < STOPS_MOST; i++) {
        scan->still_ns = clock_monotonic_ns();
        r = leak_threads_stop(&scan->threads, settings->pid, settings->waiting_tid,
                              settings->stack_address);
        if (r == 0 && settings->settle != NULL) {
            r = settings->settle(settings->settle_context);
            scan->failure = r == -EAGAIN ? 0 : r;
        }
        if (r == -EAGAIN) {
            leak_threads_resume(&scan->threads);
            nanosleep(&(struct timespec){.tv_nsec = STOP_PAUSE_NS}, NULL);
        }
    }
    return r;
}

static enum leak_outcome outcome_of(int r, size_t moving_count)
{
    return r == -ETIME        ? LEAK_OUTCOME_LATE
           : r == -EFBIG      ? LEAK_OUTCOME_LARGE
           : r < 0            ? LEAK_OUTCOME_REFUSED
           : moving_count > 0 ? LEAK_OUTCOME_PARTLY
                              : LEAK_OUTCOME_DONE;
}

/* On a thread of its own: see leak_threads.h. */
static void *look(void *context)
{
    struct leak_scan *scan = context;
    int r = stand_still(scan);
    if (r == 0 && scan->settings.settle != NULL) {
        r = take_blocks(scan);
    }
    if (r == 0 && scan->marks.index.block_count > 0) {
        r = is_readable(scan) ? scan_memory(scan) : -EACCES;
    }
    size_t moving_count =
        scan->threads.unknown_count +
        leak_threads_count_moved(&scan->threads, scan->settings.pid, scan->settings.waiting_tid);
    leak_threads_resume(&scan->threads);
    scan->still_ns = clock_monotonic_ns() - scan->still_ns;
    scan->outcome = outcome_of(r, moving_count);
    return NULL;
}

void leak_scan_look(struct leak_scan *scan, struct subject *subject,
                    const struct leak_scan_settings *settings)
{
    pthread_t worker;
    *scan = (struct leak_scan){.subject = subject, .settings = *settings};
    target_memory_open(&scan->memory, settings->pid);
    scan->memory.deadline_ns = settings->deadline_ns;
    scan->memory.progress = settings->progress;
    if (subject->live.block_count == 0 && settings->settle == NULL) {
        scan->outcome = LEAK_OUTCOME_DONE;
        return;
    }
    scan->outcome = LEAK_OUTCOME_REFUSED;
    int r = settings->settle == NULL ? take_blocks(scan) : 0;
    if (r == 0 && pthread_create(&worker, NULL, look, scan) == 0) {
        pthread_join(worker, NULL);
    }
}

static bool is_known(const struct leak_scan *scan)
{
    return scan->outcome == LEAK_OUTCOME_DONE || scan->outcome == LEAK_OUTCOME_PARTLY;
}

void leak_scan_mark(struct leak_scan *scan, uint64_t deadline_ns)
{
    scan->marks.deadline_ns = deadline_ns;
    scan->marks.progress = NULL;
    if (is_known(scan) && leak_marks_finish(&scan->marks) < 0) {
        scan->outcome = LEAK_OUTCOME_LATE;
    }
}

static uint8_t better_kind(uint8_t kind, uint8_t other)
{
    if (kind == LEAK_UNKNOWN || other == LEAK_UNKNOWN) {
        return LEAK_UNKNOWN;
    }
    return kind > other ? kind : other; /* they are in this order */
}

void leak_scan_agree(struct leak_scan *scan, const struct leak_scan *earlier)
{
    size_t at = 0;
    for (size_t i = 0; i < scan->marks.index.block_count; i++) {
        const struct leak_block *block = &scan->blocks[i];
        while (at < earlier->marks.index.block_count &&
               earlier->blocks[at].address < block->address) {
            at++;
        }
        bool is_same = at < earlier->marks.index.block_count &&
                       earlier->blocks[at].address == block->address &&
                       earlier->blocks[at].born_ns == block->born_ns;
        scan->marks.kinds[i] =
            better_kind(scan->marks.kinds[i], is_same ? earlier->marks.kinds[at] : LEAK_UNKNOWN);
    }
}

void leak_scan_apply(const struct leak_scan *scan)
{
    for (size_t i = 0; is_known(scan) && i < scan->marks.index.block_count; i++) {
        scan->subject->live.slots[scan->blocks[i].slot].leak_kind = scan->marks.kinds[i];
    }
}

void leak_scan_fini(struct leak_scan *scan)
{
    leak_marks_fini(&scan->marks);
    target_memory_close(&scan->memory);
    free(scan->blocks);
}
