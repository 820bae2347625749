/*
 * kin.h - forked processes that have not allocated yet, and so are no subjects yet.
 *
 * A daemon may outlive its parents in silence: without this the run would be over before its first
 * allocation. Single thread.
 */
#ifndef ALLOCAUDIT_KIN_H
#define ALLOCAUDIT_KIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../../schema/ring.h"
#include "../recording/recording.h"

struct kin {
    struct {
        uint32_t pid;
        int pid_fd;
    } * items;
    size_t count;
    size_t capacity;
    uint32_t seen_forks; /* of ring->done_forks */
    uint32_t seen_begun; /* ring->begun_forks at the last look */
    uint64_t changed_ns; /* when one of them last went up */
};

/* Takes up new ones; lets go of those that have ended or become subjects. */
void kin_look(struct kin *kin, struct ring_header *ring, const struct recording *recording);

/* How many there are; *out_pid is one of them. */
uint32_t kin_count(const struct kin *kin, uint32_t *out_pid);

/* True while a fork was begun whose child has not told its number yet (at most a second: it may
 * have failed), or one has told it that was not looked at. */
bool kin_is_due(const struct kin *kin, const struct ring_header *ring);

void kin_fini(struct kin *kin);

#endif
