/*
 * collecting.c - what the collector alone costs, with events and rows made in this process.
 *
 *   collecting rows COUNT FOLDER
 *   collecting drain PAIRS LANES RUN LIVE FOLDER
 *
 * rows: appends COUNT rows to a database in FOLDER.
 * drain: PAIRS pairs of an allocation and a free come out of LANES lanes, RUN pairs of one lane
 * before the next one's; each lane's newest block takes the place of one of LIVE live ones, of the
 * oldest up to LIVE_IN_TURN, of a random one beyond. The ring is filled, then drained, in turns of
 * some MiB; only the draining counts. The collector is set up as `allocaudit run` does it.
 *
 * Prints lines "key value": cpu_ns and wall_ns of what counts, row_count, file_bytes. All that
 * counts happens in functions collecting_counts_*, for callgrind's --toggle-collect.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../analyzer/collect/collector.h"
#include "../../schema/event.h"
#include "../unit/ring_writer.h"

enum {
    BATCH_BYTES = 2 << 20, /* of the ring's 8 MiB: more than a processor's own cache, often */
    PAIR_BYTES = 40,
    PAIR_NS = 50,
    LANES_MAX = 64,
    LIVE_IN_TURN = 4096,
    STACK_COUNT = 64, /* of each lane */
    BLOCK_STEP_BYTES = 112,
};

static const uint64_t first_address = UINT64_C(0x555500001000);

/* One thread of a program that does not exist. */
struct actor {
    struct ring_writer writer;
    uint64_t *addresses; /* of the live blocks */
    uint64_t spare;      /* the address freed last, which malloc gives out next */
    uint64_t next;
    uint64_t random;
};

struct collecting {
    struct collector collector;
    struct actor actors[LANES_MAX];
    uint64_t lane_count;
    uint64_t run_pairs;
    uint64_t live_count;
    uint64_t made_pairs;
    uint64_t ticks; /* stamp of the event made last */
    uint64_t step_ticks;
    uint64_t cpu_ns;
    uint64_t wall_ns;
};

static void die(const struct err *err)
{
    fprintf(stderr, "collecting: %s\n", err->text[0] != '\0' ? err->text : strerror(errno));
    exit(1);
}

static void begin(struct collector *collector, const struct collector_settings *settings)
{
    struct err err = {{0}};
    if (collector_create(collector, settings, &err) < 0) {
        die(&err);
    }
    clock_begin_run(&collector->recording.clock);
    clock_calibrate(&collector->recording.clock);
}

/* Draws a random number: xorshift. */
static uint64_t draw(struct actor *actor)
{
    actor->random ^= actor->random << 13;
    actor->random ^= actor->random >> 7;
    actor->random ^= actor->random << 17;
    return actor->random;
}

static uint64_t stamp(struct collecting *collecting)
{
    return collecting->ticks += collecting->step_ticks;
}

/* A site makes blocks of one size, as most do. */
static void put_alloc(struct collecting *collecting, struct actor *actor, uint64_t address)
{
    uint32_t stack = (uint32_t)(draw(actor) % STACK_COUNT) + 1;
    ring_writer_alloc(&actor->writer, stamp(collecting), address, 24 + stack % 8 * 16, stack);
}

static void put_pair(struct collecting *collecting, struct actor *actor)
{
    uint64_t number = actor->next++ % collecting->live_count;
    if (collecting->live_count > LIVE_IN_TURN) {
        number = draw(actor) % collecting->live_count;
    }
    uint64_t *slot = &actor->addresses[number];
    uint64_t old = *slot;
    put_alloc(collecting, actor, actor->spare);
    *slot = actor->spare;
    ring_writer_free(&actor->writer, stamp(collecting), old);
    actor->spare = old;
}

/* Applies all that lies in the ring; what counts is here. */
static __attribute__((noinline)) int64_t collecting_counts_events(struct drain *drain,
                                                                  struct err *err)
{
    int64_t total = 0;
    int64_t applied;
    while ((applied = drain_round(drain, true, err)) > 0) {
        total += applied;
    }
    return applied < 0 ? applied : total;
}

static uint64_t clock_of(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static void drain_all(struct collecting *collecting, uint64_t event_count)
{
    struct err err = {{0}};
    uint64_t cpu_ns = clock_of(CLOCK_THREAD_CPUTIME_ID);
    uint64_t wall_ns = clock_of(CLOCK_MONOTONIC);
    int64_t applied = collecting_counts_events(&collecting->collector.drain, &err);
    collecting->wall_ns += clock_of(CLOCK_MONOTONIC) - wall_ns;
    collecting->cpu_ns += clock_of(CLOCK_THREAD_CPUTIME_ID) - cpu_ns;
    if (applied != (int64_t)event_count) {
        fprintf(stderr, "collecting: %lld of %llu events applied\n", (long long)applied,
                (unsigned long long)event_count);
        die(&err);
    }
}

/* Opens the lanes, with their stacks, and fills the live sets: none of it counts. */
static void open_lanes(struct collecting *collecting)
{
    struct ring_header *ring = collecting->collector.session.ring;
    for (uint64_t i = 0; i < collecting->lane_count; i++) {
        struct actor *actor = &collecting->actors[i];
        actor->addresses = calloc(collecting->live_count, sizeof(uint64_t));
        actor->random = 88172645463325252U + i;
        if (actor->addresses == NULL ||
            !ring_writer_open(&actor->writer, ring, 1, 4000000, (uint32_t)(4000000 + i))) {
            die(&(struct err){{0}});
        }
        for (uint32_t stack = 0; stack < STACK_COUNT; stack++) {
            ring_writer_stack(&actor->writer, stamp(collecting), (i << 16) + stack * 16 + 4096);
        }
        drain_all(collecting, STACK_COUNT);
        uint64_t address = first_address + (i << 36);
        for (uint64_t n = 0, waiting = 1; n < collecting->live_count; n++, waiting++) {
            actor->addresses[n] = address;
            put_alloc(collecting, actor, address);
            address += BLOCK_STEP_BYTES;
            if (waiting == BATCH_BYTES / PAIR_BYTES || n + 1 == collecting->live_count) {
                drain_all(collecting, waiting);
                waiting = 0;
            }
        }
        actor->spare = address;
    }
    collecting->cpu_ns = 0;
    collecting->wall_ns = 0;
}

static void drain_pairs(struct collecting *collecting, uint64_t pair_count)
{
    const struct clock *clock = &collecting->collector.recording.clock;
    collecting->ticks = clock_ticks(clock);
    collecting->step_ticks = clock_span_ticks(clock, PAIR_NS / 2);
    open_lanes(collecting);
    while (collecting->made_pairs < pair_count) {
        uint64_t left = pair_count - collecting->made_pairs;
        uint64_t batch = left < BATCH_BYTES / PAIR_BYTES ? left : BATCH_BYTES / PAIR_BYTES;
        for (uint64_t i = 0; i < batch; i++, collecting->made_pairs++) {
            uint64_t lane = collecting->made_pairs / collecting->run_pairs % collecting->lane_count;
            put_pair(collecting, &collecting->actors[lane]);
        }
        drain_all(collecting, batch * 2);
    }
    for (uint64_t i = 0; i < collecting->lane_count; i++) {
        free(collecting->actors[i].addresses);
    }
}

/* Rows as those pairs give them. */
static __attribute__((noinline)) int collecting_counts_rows(struct rowpack *rows, uint64_t count,
                                                            struct err *err)
{
    struct actor actor = {.random = 88172645463325252U};
    int r = 0;
    for (uint64_t i = 0; i < count && r == 0; i++) {
        uint32_t stack = (uint32_t)(draw(&actor) % STACK_COUNT) + 1;
        uint64_t number = draw(&actor) % LIVE_IN_TURN;
        const struct block_row row = {
            .born_ns = (i + 1) * PAIR_NS,
            .lifetime_ns = number * PAIR_NS,
            .size_bytes = 24 + stack % 8 * 16,
            .address_offset = (uint32_t)(number * BLOCK_STEP_BYTES),
            .context_id = stack,
        };
        uint64_t id;
        r = rowpack_append(rows, &row, &id, err);
    }
    return r;
}

static void time_rows(struct collecting *collecting, uint64_t count)
{
    struct err err = {{0}};
    uint64_t cpu_ns = clock_of(CLOCK_THREAD_CPUTIME_ID);
    uint64_t wall_ns = clock_of(CLOCK_MONOTONIC);
    if (collecting_counts_rows(collecting->collector.rows, count, &err) < 0) {
        die(&err);
    }
    collecting->wall_ns = clock_of(CLOCK_MONOTONIC) - wall_ns;
    collecting->cpu_ns = clock_of(CLOCK_THREAD_CPUTIME_ID) - cpu_ns;
}

static void print_result(struct collecting *collecting)
{
    struct stat status;
    struct err err = {{0}};
    if (rowpack_seal(collecting->collector.rows, &err) < 0 ||
        fstat(collecting->collector.store.fd, &status) != 0) {
        die(&err);
    }
    printf("cpu_ns %llu\n", (unsigned long long)collecting->cpu_ns);
    printf("wall_ns %llu\n", (unsigned long long)collecting->wall_ns);
    printf("row_count %llu\n", (unsigned long long)rowpack_row_count(collecting->collector.rows));
    printf("file_bytes %lld\n", (long long)status.st_size);
}

static uint64_t parse(const char *text, uint64_t max)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number == 0 || number > max) {
        fprintf(stderr, "collecting: '%s' is no number from 1 to %llu\n", text,
                (unsigned long long)max);
        exit(2);
    }
    return number;
}

int main(int argc, char **argv)
{
    static struct collecting collecting;
    char path[PATH_MAX];
    bool is_rows = argc == 4 && strcmp(argv[1], "rows") == 0;
    if (!is_rows && (argc != 7 || strcmp(argv[1], "drain") != 0)) {
        fprintf(stderr, "usage: collecting rows COUNT FOLDER\n"
                        "       collecting drain PAIRS LANES RUN LIVE FOLDER\n");
        return 2;
    }
    uint64_t count = parse(argv[2], UINT32_MAX);
    if (!is_rows) {
        collecting.lane_count = parse(argv[3], LANES_MAX);
        collecting.run_pairs = parse(argv[4], UINT32_MAX);
        collecting.live_count = parse(argv[5], 1 << 24);
    }
    snprintf(path, sizeof(path), "%s/collecting.db", argv[argc - 1]);
    char *command[] = {argv[0], NULL};
    static const struct target program; /* of no file: there is none to look at */
    const struct collector_settings settings = {
        .target = &program,
        .command = command,
        .path = path,
        .unwind = "auto",
        .depth_limit = 64,
        .ring_bytes = 64 << 20,
    };
    begin(&collecting.collector, &settings);
    if (is_rows) {
        time_rows(&collecting, count);
    } else {
        drain_pairs(&collecting, count);
    }
    print_result(&collecting);
    collector_destroy(&collecting.collector);
    unlink(path);
    return 0;
}
