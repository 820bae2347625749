/*
 * Many threads allocate, grow and free at random, hand blocks to each other and free what others
 * made. Every block carries a sum of its contents, which is checked before it goes.
 *
 *   policy_torture THREADS OPERATIONS [SIGNALS]
 *
 * With SIGNALS each thread gets so many a second, whose handler allocates and frees, too. Prints
 * the number of operations, and of signals. Aborts where a block is not what it was.
 *
 * build: -pthread
 */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    PLACES = 1024,
    MAILBOXES = 512,
    EDGE_BYTES = 48, /* of long blocks only both ends are looked at */
    THREADS_MAX = 64,
    HANDLER_BYTES = 200,
};

struct head {
    uint32_t size_bytes;
    uint32_t seed;
};

static _Atomic(unsigned char *) mailboxes[MAILBOXES];
static uint64_t operations_each;

/*
 * Of small blocks that a policy has: where the next allocator was interrupted, a handler must not
 * call it. From the threads to handlers, and back.
 */
static _Atomic(unsigned char *) for_handlers;
static _Atomic(unsigned char *) from_handlers;
static atomic_ulong signal_count;
static long signals_per_s;

static uint32_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

static unsigned char byte_at(uint32_t seed, uint32_t at)
{
    return (unsigned char)(seed + at * 167);
}

/* All bytes of a short block, both ends of a long one. */
static void write_block(unsigned char *block, uint32_t size_bytes, uint32_t seed)
{
    struct head head = {size_bytes, seed};
    memcpy(block, &head, sizeof(head));
    for (uint32_t at = sizeof(head); at < size_bytes; at++) {
        if (at == sizeof(head) + EDGE_BYTES && size_bytes > sizeof(head) + 2 * EDGE_BYTES) {
            at = size_bytes - EDGE_BYTES;
        }
        block[at] = byte_at(seed, at);
    }
}

static uint32_t check_block(const unsigned char *block)
{
    struct head head;
    memcpy(&head, block, sizeof(head));
    for (uint32_t at = sizeof(head); at < head.size_bytes; at++) {
        if (at == sizeof(head) + EDGE_BYTES && head.size_bytes > sizeof(head) + 2 * EDGE_BYTES) {
            at = head.size_bytes - EDGE_BYTES;
        }
        if (block[at] != byte_at(head.seed, at)) {
            fprintf(stderr, "%p: byte %u of %u is not what it was\n", (const void *)block, at,
                    head.size_bytes);
            abort();
        }
    }
    return head.size_bytes;
}

static uint32_t pick_size(uint64_t *random)
{
    unsigned bits = 4 + next_random(random) % 6;
    if (next_random(random) % 256 == 0) {
        bits += 6;
    }
    return (uint32_t)sizeof(struct head) + next_random(random) % (1u << bits);
}

static unsigned char *make_block(uint64_t *random)
{
    uint32_t size_bytes = pick_size(random);
    uint32_t seed = next_random(random);
    unsigned char *block;
    if (seed % 16 == 0) {
        size_t alignment = (size_t)32 << seed / 16 % 4;
        void *aligned = NULL;
        if (posix_memalign(&aligned, alignment, size_bytes) != 0 ||
            (uintptr_t)aligned % alignment != 0) {
            abort();
        }
        block = aligned;
    } else if (seed % 16 == 1) {
        block = calloc(1, size_bytes);
        for (uint32_t at = 0; block != NULL && at < size_bytes && at < EDGE_BYTES; at++) {
            if (block[at] != 0) {
                abort();
            }
        }
    } else {
        block = malloc(size_bytes);
    }
    if (block == NULL) {
        abort();
    }
    write_block(block, size_bytes, seed);
    return block;
}

static unsigned char *grow_block(unsigned char *block, uint64_t *random)
{
    uint32_t old_bytes = check_block(block);
    uint32_t size_bytes = pick_size(random);
    unsigned char first = block[sizeof(struct head) < old_bytes ? sizeof(struct head) : 0];
    block = realloc(block, size_bytes);
    if (block == NULL) {
        abort();
    }
    if (size_bytes > sizeof(struct head) && old_bytes > sizeof(struct head) &&
        block[sizeof(struct head)] != first) {
        abort();
    }
    write_block(block, size_bytes, next_random(random));
    return block;
}

static void end_block(unsigned char *block)
{
    if (block != NULL) {
        check_block(block);
        free(block);
    }
}

/* ---- signals -----------------------------------------------------------------------------------
 */

static unsigned char *make_small(uint32_t seed)
{
    uint32_t size_bytes = (uint32_t)sizeof(struct head) + seed % HANDLER_BYTES;
    unsigned char *block = malloc(size_bytes);
    if (block == NULL) {
        abort();
    }
    write_block(block, size_bytes, seed);
    return block;
}

static void handle(int signal_number)
{
    (void)signal_number;
    uint32_t seed = (uint32_t)atomic_fetch_add(&signal_count, 1) * 2654435761u;
    unsigned char *block = make_small(seed);
    end_block(make_small(seed >> 8));
    end_block(atomic_exchange(&for_handlers, NULL));
    unsigned char *none = NULL;
    if (!atomic_compare_exchange_strong(&from_handlers, &none, block)) {
        end_block(block);
    }
}

static void trade_with_handlers(uint64_t *random)
{
    end_block(atomic_exchange(&from_handlers, NULL));
    unsigned char *none = NULL;
    unsigned char *block = make_small(next_random(random));
    if (!atomic_compare_exchange_strong(&for_handlers, &none, block)) {
        end_block(block);
    }
}

static timer_t start_signals(void)
{
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    long interval_ns = 1000000000 / signals_per_s;
    struct itimerspec every = {{0, interval_ns}, {0, interval_ns}};
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 ||
        timer_settime(timer, 0, &every, NULL) != 0) {
        abort();
    }
    return timer;
}

/* ---- threads -----------------------------------------------------------------------------------
 */

static void *torture(void *argument)
{
    timer_t timer = NULL;
    if (signals_per_s > 0) {
        timer = start_signals();
    }
    uint64_t random = (uint64_t)(uintptr_t)argument * 977 + 1;
    unsigned char *places[PLACES] = {0};
    for (uint64_t i = 0; i < operations_each; i++) {
        if (signals_per_s > 0 && i % 64 == 0) {
            trade_with_handlers(&random);
        }
        unsigned char **place = &places[next_random(&random) % (i / 50000 % 2 ? 64 : PLACES)];
        uint32_t choice = next_random(&random) % 16;
        if (*place == NULL) {
            *place = make_block(&random);
        } else if (choice < 2) {
            *place = grow_block(*place, &random);
        } else if (choice < 6) {
            *place = atomic_exchange(&mailboxes[next_random(&random) % MAILBOXES], *place);
        } else {
            end_block(*place);
            *place = NULL;
        }
    }
    for (int i = 0; i < PLACES; i++) {
        end_block(places[i]);
    }
    if (signals_per_s > 0) {
        timer_delete(timer);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    long thread_count = argc > 1 ? strtol(argv[1], NULL, 10) : 8;
    uint64_t operation_count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
    pthread_t threads[THREADS_MAX];
    signals_per_s = argc > 3 ? strtol(argv[3], NULL, 10) : 0;
    if (thread_count < 1 || thread_count > THREADS_MAX || signals_per_s < 0 || signals_per_s == 1) {
        return 2;
    }
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = handle, .sa_flags = SA_RESTART}, NULL);
    /* In ten rounds, so that threads end and others begin. */
    operations_each = operation_count / (uint64_t)thread_count / 10;
    for (uintptr_t round = 0; round < 10; round++) {
        for (long i = 0; i < thread_count; i++) {
            if (pthread_create(&threads[i], NULL, torture, (void *)(round * 100 + (uintptr_t)i)) !=
                0) {
                return 1;
            }
        }
        for (long i = 0; i < thread_count; i++) {
            pthread_join(threads[i], NULL);
        }
    }
    for (int i = 0; i < MAILBOXES; i++) {
        end_block(mailboxes[i]);
    }
    end_block(for_handlers);
    end_block(from_handlers);
    uint64_t done_count = operations_each * 10 * (uint64_t)thread_count;
    printf("%" PRIu64 " operations, %lu signals\n", done_count, signal_count);
    return 0;
}
