#include <errno.h>
#include <string.h>

#include "performer.h"

enum {
    OVERHEAD_TRIES = 10000,
};

struct serial {
    struct stage *stage;
    struct gauge *gauge; /* NULL: not read */
    struct performer performer;
    struct thread_arena *arenas; /* by stream; NULL: none */
    bool is_virtual;
    uint64_t now_ns;     /* as recorded */
    uint64_t done_count; /* records */
    uint64_t step;       /* records between two readings */
    uint64_t next_reading;
    uint64_t at_peak_bytes;
    uint64_t own_ns;
};

uint64_t performer_overhead(void)
{
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < OVERHEAD_TRIES; i++) {
        uint64_t started = stopwatch_ticks();
        __asm__ volatile("" ::: "memory");
        uint64_t ticks = stopwatch_ticks() - started;
        least = ticks < least ? ticks : least;
    }
    return least;
}

static void take_reading(struct serial *serial)
{
    uint64_t started_ns = stopwatch_ns(CLOCK_PROCESS_CPUTIME_ID);
    uint64_t peak_record = serial->stage->head.peak_record;
    uint64_t bytes = gauge_read(serial->gauge, serial->now_ns);
    if (serial->done_count == peak_record) {
        serial->at_peak_bytes = bytes;
    }
    serial->next_reading = serial->done_count + serial->step;
    if (serial->done_count < peak_record && peak_record < serial->next_reading) {
        serial->next_reading = peak_record;
    }
    serial->own_ns += stopwatch_ns(CLOCK_PROCESS_CPUTIME_ID) - started_ns;
}

static inline __attribute__((always_inline)) int
perform_run(struct serial *serial, const struct script_record *run, bool is_timed)
{
    struct stage_stream *stream = &serial->stage->streams[run->slot];
    serial->performer.arena = serial->arenas != NULL ? &serial->arenas[run->slot] : NULL;
    for (uint64_t i = 0; i < run->value; i++) {
        const struct script_record *record = stage_stream_next(stream);
        if (record == NULL) {
            return -EINVAL;
        }
        if (record->code == SCRIPT_TIME) {
            serial->now_ns = record->value;
            if (serial->is_virtual) {
                trace_clock_set(record->value);
            }
        } else if (record->code == SCRIPT_FRAME) {
            thread_arena_end_frame(serial->performer.arena);
        } else if (record->code != SCRIPT_WAIT && record->code != SCRIPT_JOIN) {
            performer_do(&serial->performer, record, is_timed);
        }
        if (++serial->done_count == serial->next_reading) {
            take_reading(serial);
        }
    }
    return 0;
}

static int perform_runs(struct serial *serial, bool is_timed)
{
    struct stage *stage = serial->stage;
    struct stage_stream *order = &stage->streams[stage->head.thread_count];
    const struct script_record *run;
    int result = 0;
    while (result == 0 && (run = stage_stream_next(order)) != NULL) {
        if (run->code != SCRIPT_RUN || run->slot >= stage->head.began_count) {
            return -EINVAL;
        }
        result = is_timed ? perform_run(serial, run, true) : perform_run(serial, run, false);
    }
    return result == 0 && serial->done_count != stage->head.record_count ? -EINVAL : result;
}

int perform_serially(struct stage *stage, const struct perform_settings *settings,
                     struct gauge *gauge, struct perform_result *out_result)
{
    struct serial serial = {
        .stage = stage,
        .gauge = gauge,
        .performer = {.slots = stage->slots,
                      .touch_share = settings->touch_share,
                      .least = settings->least,
                      .least_count = settings->is_timed && settings->least != NULL
                                         ? settings->least_count
                                         : 0},
        .is_virtual = settings->is_virtual,
        .step = stage->head.record_count / PERFORM_READINGS + 1,
        .next_reading = UINT64_MAX,
    };
    int result = thread_arenas_open(&stage->head, &serial.arenas);
    if (result < 0) {
        return result;
    }
    if (settings->is_timed) {
        serial.performer.latencies = stage_map(PERFORM_CALL_COUNT * sizeof(struct histogram));
        serial.performer.overhead_ticks = performer_overhead();
        if (serial.performer.latencies == NULL) {
            return -ENOMEM;
        }
    }
    if (gauge != NULL) {
        take_reading(&serial);
    }
    result = perform_runs(&serial, settings->is_timed);
    if (gauge != NULL) {
        take_reading(&serial);
    }
    *out_result = (struct perform_result){
        .call_count = serial.performer.call_count,
        .failed_count = serial.performer.failed_count,
        .missed_count = serial.performer.missed_count,
        .at_peak_bytes = serial.at_peak_bytes,
        .own_ns = serial.own_ns,
        .held_ns = serial.own_ns,
        .latencies = serial.performer.latencies,
    };
    return result;
}
