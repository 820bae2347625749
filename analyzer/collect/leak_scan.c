#include "leak_scan.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/radix.h"
#include "../base/str.h"
#include "leak_roots.h"
#include "recording.h"

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
            .slot = (uint32_t)pairs[i].value,
            .is_array = block->kind == ALLOC_KIND_NEW_ARRAY,
        };
    }
    free(pairs);
    return r < 0 ? r : leak_marks_init(&scan->marks, scan->blocks, count, &scan->memory);
}

static bool is_glibc(const struct subject *subject)
{
    const char *path = subject->allocator != NULL ? subject->allocator : "";
    return strncmp(str_base_name(path), "libc.so", strlen("libc.so")) == 0;
}

/* Blocks that are not counted, as those of a program that had paused, are no leaks: what they hold
 * is reached. */
static void scan_uncounted(struct leak_scan *scan)
{
    size_t cursor = 0;
    for (const struct block *b; (b = live_next(&scan->subject->live, &cursor)) != NULL;) {
        if (b->kind == ALLOC_KIND_INTERNAL) {
            leak_marks_scan(&scan->marks, b->address, b->size_bytes, LEAK_VIEW_REACHED);
        }
    }
}

static int scan_memory(struct leak_scan *scan)
{
    const struct leak_situation situation = {
        .is_forked = scan->subject->start == SUBJECT_STARTED_BY_FORK,
        .is_glibc = is_glibc(scan->subject) && !scan->settings.is_routed,
        .recorder_directory = scan->subject->recording->directory,
        .threads = &scan->threads,
    };
    char path[32];
    snprintf(path, sizeof(path), "/proc/%u/smaps", scan->settings.pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return -errno;
    }
    int r = leak_roots_scan(&scan->marks, file, &situation);
    fclose(file);
    scan_uncounted(scan);
    return r < 0 ? r : leak_marks_gather(&scan->marks);
}

static bool is_readable(struct leak_scan *scan)
{
    uint64_t word;
    return target_memory_read(&scan->memory, scan->settings.stack_address, &word, sizeof(word)) ==
           (long)sizeof(word);
}

/* On a thread of its own: see leak_threads.h. */
static void *look(void *context)
{
    struct leak_scan *scan = context;
    const struct leak_scan_settings *settings = &scan->settings;
    scan->outcome = LEAK_OUTCOME_REFUSED;
    if (!is_readable(scan) ||
        leak_threads_stop(&scan->threads, settings->pid, settings->waiting_tid,
                          settings->stack_address) < 0) {
        return NULL;
    }
    size_t unknown_count = scan->threads.unknown_count;
    int r = scan_memory(scan);
    leak_threads_resume(&scan->threads);
    scan->outcome = r == -ETIME         ? LEAK_OUTCOME_LATE
                    : r < 0             ? LEAK_OUTCOME_REFUSED
                    : unknown_count > 0 ? LEAK_OUTCOME_PARTLY
                                        : LEAK_OUTCOME_DONE;
    return NULL;
}

void leak_scan_look(struct leak_scan *scan, struct subject *subject,
                    const struct leak_scan_settings *settings)
{
    pthread_t worker;
    *scan = (struct leak_scan){.subject = subject, .settings = *settings};
    target_memory_open(&scan->memory, settings->pid);
    if (subject->live.block_count == 0) {
        scan->outcome = LEAK_OUTCOME_DONE;
        return;
    }
    scan->outcome = LEAK_OUTCOME_REFUSED;
    int r = take_blocks(scan);
    scan->marks.deadline_ns = settings->deadline_ns;
    if (r == 0 && pthread_create(&worker, NULL, look, scan) == 0) {
        pthread_join(worker, NULL);
    }
    leak_threads_resume(&scan->threads);
}

static void set_kinds(const struct leak_scan *scan)
{
    for (size_t i = 0; i < scan->marks.index.block_count; i++) {
        scan->subject->live.slots[scan->blocks[i].slot].leak_kind = scan->marks.kinds[i];
    }
}

enum leak_outcome leak_scan_finish(struct leak_scan *scan, uint64_t deadline_ns)
{
    enum leak_outcome outcome = scan->outcome;
    scan->marks.deadline_ns = deadline_ns;
    if (outcome == LEAK_OUTCOME_DONE || outcome == LEAK_OUTCOME_PARTLY) {
        if (leak_marks_finish(&scan->marks) == 0) {
            set_kinds(scan);
        } else {
            outcome = LEAK_OUTCOME_LATE;
        }
    }
    leak_marks_fini(&scan->marks);
    target_memory_close(&scan->memory);
    free(scan->blocks);
    return outcome;
}
