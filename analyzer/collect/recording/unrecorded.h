/*
 * unrecorded.h - processes that recorded ones have started, and that nothing could be preloaded
 * into (table `unrecorded`).
 *
 * The library in the program tells of them in the ring (interposer/exec_note.h), where they stay,
 * so that a recovery finds them as well. Single thread.
 */
#ifndef ALLOCAUDIT_UNRECORDED_H
#define ALLOCAUDIT_UNRECORDED_H

#include <stddef.h>
#include <stdint.h>

#include "../../../schema/ring.h"
#include "../rows/sqlwriter.h"

struct recording;

/* Of one program, for one reason. */
struct unrecorded_program {
    uint64_t process_count;
    uint64_t at_ns;     /* of the first */
    uint32_t pid;       /* of the first; 0: not known */
    uint32_t parent_id; /* the subject that started it; 0: not known */
    uint32_t reason;    /* enum unrecorded_reason */
    char path[RING_UNRECORDED_PATH_BYTES];
};

struct unrecorded {
    struct unrecorded_program programs[RING_UNRECORDED_MOST];
    size_t program_count;
    uint64_t process_count; /* of all programs */
    uint64_t more_count;    /* of those, the processes whose programs are not known */
};

/* Takes up what the ring tells; once, at the end. What cannot be is left out. */
void unrecorded_take(struct recording *recording, struct ring_header *ring);

/* "statically linked" */
const char *unrecorded_reason_text(uint32_t reason);

void unrecorded_write(struct sqlwriter *writer, const struct recording *recording);

#endif
