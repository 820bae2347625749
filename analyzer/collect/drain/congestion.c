#include "congestion.h"

#include "../recording/clock.h"

enum {
    CHUNKS_PER_LANE = 4,
};

#define EXHAUSTED_NS UINT64_C(3000000000) /* longer than a lane may be busy */

/*
 * More threads than chunks: all are held, nothing is readable, and waiting would never end. The
 * writers are told to give up and count; where chunks come back, they go on.
 */
static void congestion_check_exhaustion(struct congestion *congestion, struct session *session,
                                        int64_t applied)
{
    struct ring_header *ring = session->ring;
    uint64_t now_ns = clock_monotonic_ns();
    bool is_stuck = applied == 0 && atomic_load(&ring->waiting_count) != 0 &&
                    (uint32_t)atomic_load(&ring->free_chunks) == RING_NO_CHUNK;
    if (!is_stuck) {
        congestion->stuck_since_ns = 0;
        if ((uint32_t)atomic_load(&ring->free_chunks) != RING_NO_CHUNK) {
            atomic_store(&ring->is_exhausted, 0);
        }
    } else if (congestion->stuck_since_ns == 0) {
        congestion->stuck_since_ns = now_ns;
    } else if (now_ns - congestion->stuck_since_ns > EXHAUSTED_NS) {
        atomic_store(&ring->is_exhausted, 1);
        session_wake_writers(session, true);
    }
}

/*
 * A larger ring takes up a burst. Where more threads write than there are processors beside ours,
 * it would only fill up, too, and leave work for after the program's end. But each thread holds a
 * chunk, and must be able to get another.
 */
static void congestion_grow_ring(struct congestion *congestion, struct session *session,
                                 size_t reader_count, int64_t applied)
{
    struct ring_header *ring = session->ring;
    if ((uint32_t)atomic_load(&ring->free_chunks) != RING_NO_CHUNK) {
        return;
    }
    uint32_t waiting_count = atomic_load(&ring->waiting_count);
    bool is_narrow = (waiting_count != 0 && applied == 0) ||
                     reader_count * CHUNKS_PER_LANE > session->chunk_count;
    bool is_burst = waiting_count != 0 && waiting_count <= (uint32_t)session->writer_count &&
                    pace_has_processor(&congestion->pace);
    if (is_narrow || is_burst || (ring->flags & RING_DROP_WHEN_FULL) != 0) {
        session_grow(session);
    }
}

void congestion_look(struct congestion *congestion, struct session *session, size_t reader_count,
                     int64_t applied)
{
    if (applied == 0) {
        pace_begin(&congestion->pace);
    }
    congestion_grow_ring(congestion, session, reader_count, applied);
    congestion_check_exhaustion(congestion, session, applied);
}
