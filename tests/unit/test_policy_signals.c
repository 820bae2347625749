/*
 * Policies in signal handlers: between any two instructions of a call, and by a timer. Whatever
 * is interrupted, blocks stay apart, each is given back once, and all is counted.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

#include <cmocka.h>

#include "../../interposer/policy/pool.h"

enum {
    SIZE_BYTES = 48,
    OTHER_BYTES = 200,
    CHUNK_BYTES = 4096,
    CHUNK_BLOCKS = CHUNK_BYTES / SIZE_BYTES,
    OTHER_CHUNK_BLOCKS = CHUNK_BYTES / 224, /* the class of those */
    TRAPS_MOST = 40000, /* for calls of more steps than its root some are left out */
    SLOTS = 64,
    STORM_STEPS_MOST = 20000000,
    STORM_SIGNALS = 300,
};

struct tally {
    uint64_t taken_count;
    uint64_t declined_count;
    uint64_t given_count;
};

static struct backing backing;
static struct policy *policy;
static struct policy_heap *heap;
static struct policy_heap *gate;
static bool is_by_gate; /* as the router serves malloc and free; else as it serves all others */
static struct tally of_program;
static struct tally of_handler;

static void begin(const char *text, bool by_gate)
{
    struct policy_settings settings;
    struct policy_mistake mistake;
    assert_true(policy_settings_parse(text, &settings, &mistake));
    assert_true(backing_init(&backing, BACKING_BYTES_LEAST, false));
    policy = policy_create(&settings, &backing);
    assert_non_null(policy);
    heap = policy_heap_open(policy);
    assert_non_null(heap);
    is_by_gate = by_gate;
    if (by_gate) {
        policy_heap_move_gate(heap, &gate);
    }
    memset(&of_program, 0, sizeof(of_program));
    memset(&of_handler, 0, sizeof(of_handler));
}

/* All is counted, and the memory is as it must be. */
static void end(void)
{
    uint64_t counts[POLICY_COUNTER_COUNT];
    policy_count(policy, counts);
    assert_int_equal(counts[COUNT_take_count], of_program.taken_count + of_handler.taken_count);
    assert_int_equal(counts[COUNT_give_count], of_program.given_count + of_handler.given_count);
    assert_int_equal(counts[COUNT_declined_busy_count],
                     of_program.declined_count + of_handler.declined_count);
    const char *wrong = policy_check(policy);
    assert_string_equal(wrong != NULL ? wrong : "sound", "sound");
    backing_fini(&backing);
}

static void *take(size_t size_bytes)
{
    if (!is_by_gate) {
        return policy_take(heap, size_bytes, 0);
    }
    void *block = pool_take_quickly(&gate, size_bytes);
    return block != NULL ? block : pool_take_slowly(heap, size_bytes, 0);
}

static bool give(void *block)
{
    struct policy_chunk *chunk = backing_chunk(&backing, block);
    if (!is_by_gate) {
        return policy_give(heap, chunk, block);
    }
    return pool_give_quickly((uintptr_t)block, chunk, &gate) ||
           pool_give_slowly((uintptr_t)block, chunk, heap);
}

static void *take_counted(struct tally *tally, size_t size_bytes)
{
    void *block = take(size_bytes);
    tally->taken_count += block != NULL;
    tally->declined_count += block == NULL;
    return block;
}

static bool give_counted(struct tally *tally, void *block)
{
    bool is_given = block != NULL && give(block);
    tally->given_count += is_given;
    return is_given;
}

/* ---- between any two instructions --------------------------------------------------------------
 */

#if defined(__x86_64__)

static struct {
    volatile uint64_t step_count;
    uint64_t wanted_step; /* of which the handler calls the policy */
    void *victim;         /* the program gives it back, and so does the handler */
    void *other;          /* only the handler does, twice */
    void *kept;
    bool has_given_victim;
    bool has_given_other;
    bool has_given_twice;
} trap;

static void trap_handle(int signal_number)
{
    (void)signal_number;
    if (++trap.step_count != trap.wanted_step) {
        return;
    }
    trap.kept = take_counted(&of_handler, SIZE_BYTES);
    give_counted(&of_handler, take_counted(&of_handler, SIZE_BYTES));
    give_counted(&of_handler, take_counted(&of_handler, OTHER_BYTES));
    trap.has_given_other = give_counted(&of_handler, trap.other);
    trap.has_given_twice = give_counted(&of_handler, trap.other);
    trap.has_given_victim = give_counted(&of_handler, trap.victim);
}

/* From here to trap_end() each instruction is followed by SIGTRAP. */
static inline void trap_begin(void)
{
    __asm__ volatile("lea -128(%%rsp), %%rsp\n\tpushfq\n\torl $0x100, (%%rsp)\n\tpopfq\n\t"
                     "lea 128(%%rsp), %%rsp"
                     :
                     :
                     : "cc", "memory");
}

static inline void trap_end(void)
{
    __asm__ volatile("lea -128(%%rsp), %%rsp\n\tpushfq\n\tandl $~0x100, (%%rsp)\n\tpopfq\n\t"
                     "lea 128(%%rsp), %%rsp"
                     :
                     :
                     : "cc", "memory");
}

struct before {
    uint32_t count;       /* blocks that were taken before the two calls */
    uint32_t other_count; /* of another size, of which the first is given back */
};

static void take_before(void **blocks, uint32_t count, size_t size_bytes)
{
    for (uint32_t i = 0; i < count; i++) {
        blocks[i] = take_counted(&of_program, size_bytes);
        assert_non_null(blocks[i]);
    }
}

static void give_all(void **blocks, uint32_t begin, uint32_t end)
{
    for (uint32_t i = begin; i < end; i++) {
        assert_true(give_counted(&of_program, blocks[i]));
    }
}

/* False: the calls have fewer steps. */
static bool interrupt_step(uint64_t step, bool by_gate, const struct before *before)
{
    void *blocks[CHUNK_BLOCKS];
    void *others[CHUNK_BLOCKS];
    begin("pool:chunk_bytes=4096,spare_chunks=0", by_gate);
    take_before(blocks, before->count, SIZE_BYTES);
    take_before(others, before->other_count, OTHER_BYTES);
    memset(&trap, 0, sizeof(trap));
    trap.wanted_step = step;
    trap.victim = others[0];
    trap.other = blocks[0];

    trap_begin();
    void *block = take(SIZE_BYTES);
    bool is_given = give(others[0]);
    trap_end();

    of_program.taken_count += block != NULL;
    of_program.given_count += is_given;
    bool was_interrupted = trap.step_count >= step;
    assert_non_null(block);
    assert_ptr_not_equal(block, trap.kept);
    assert_int_equal(is_given + trap.has_given_victim, 1);
    assert_int_equal(trap.has_given_other, was_interrupted);
    assert_false(trap.has_given_twice);
    give_all(blocks, trap.has_given_other, before->count);
    give_all(others, 1, before->other_count);
    give_all(&block, 0, 1);
    give_all(&trap.kept, 0, trap.kept != NULL);
    take_before(blocks, CHUNK_BLOCKS, SIZE_BYTES); /* collects */
    end();
    return was_interrupted;
}

static void pool_interrupted_at_any_instruction_stays_sound(void **state)
{
    (void)state;
    /* The second: the take finds nothing, and the give is to a full chunk. */
    static const struct before rows[] = {{3, 1}, {CHUNK_BLOCKS, OTHER_CHUNK_BLOCKS + 1}};
    struct sigaction action = {.sa_handler = trap_handle};
    struct sigaction old;
    assert_int_equal(sigaction(SIGTRAP, &action, &old), 0);
    for (int by_gate = 0; by_gate <= 1; by_gate++) {
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            assert_false(interrupt_step(UINT64_MAX, by_gate != 0, &rows[i]));
            uint64_t step_count = trap.step_count;
            assert_true(step_count > 40);
            for (uint64_t step = 1; step <= step_count;
                 step += 1 + step_count * step_count / TRAPS_MOST) {
                assert_true(interrupt_step(step, by_gate != 0, &rows[i]));
            }
        }
    }
    sigaction(SIGTRAP, &old, NULL);
}

#endif

/* ---- by a timer --------------------------------------------------------------------------------
 */

static unsigned char *volatile mailbox; /* the handler's last block, which the program gives back */
static volatile sig_atomic_t handled_count;

static void storm_handle(int signal_number)
{
    (void)signal_number;
    unsigned char *block = take_counted(&of_handler, SIZE_BYTES);
    if (block != NULL) {
        block[0] = block[SIZE_BYTES - 1] = 0xA5;
    }
    give_counted(&of_handler, take_counted(&of_handler, OTHER_BYTES));
    if (mailbox == NULL) {
        mailbox = block;
    } else {
        give_counted(&of_handler, block);
    }
    handled_count++;
}

static void storm_step(unsigned char **slot, unsigned char fill)
{
    if (*slot != NULL) {
        assert_int_equal((*slot)[0], (*slot)[SIZE_BYTES - 1]);
        assert_true(give_counted(&of_program, *slot));
        *slot = NULL;
    } else {
        *slot = take_counted(&of_program, SIZE_BYTES);
        assert_non_null(*slot);
        (*slot)[0] = (*slot)[SIZE_BYTES - 1] = fill;
    }
    unsigned char *from_handler = mailbox;
    if (from_handler != NULL) {
        assert_int_equal(from_handler[0] ^ from_handler[SIZE_BYTES - 1], 0);
        assert_true(give_counted(&of_program, from_handler));
        mailbox = NULL;
    }
}

static void policy_in_a_storm_of_signals_counts_all(void **state)
{
    (void)state;
    static const struct {
        const char *policy;
        bool by_gate;
    } rows[] = {{"pool", true},   {"pool", false},  {"pool:chunk_bytes=4096,spare_chunks=0", true},
                {"frame", false}, {"buddy", false}, {"slab", false}};
    struct sigaction action = {.sa_handler = storm_handle, .sa_flags = SA_RESTART};
    struct sigaction old;
    const struct itimerval every_50_us = {{.tv_usec = 50}, {.tv_usec = 50}};
    const struct itimerval never = {{0}, {0}};
    assert_int_equal(sigaction(SIGALRM, &action, &old), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned char *slots[SLOTS] = {0};
        begin(rows[i].policy, rows[i].by_gate);
        handled_count = 0;
        uint32_t step = 0;
        setitimer(ITIMER_REAL, &every_50_us, NULL);
        for (; step < STORM_STEPS_MOST && handled_count < STORM_SIGNALS; step++) {
            storm_step(&slots[step * 37 / 3 % SLOTS], (unsigned char)step);
        }
        setitimer(ITIMER_REAL, &never, NULL);
        assert_true(handled_count > 0);
        storm_step(&slots[0], 0);
        end();
    }
    sigaction(SIGALRM, &old, NULL);
}

/* ---- gates -------------------------------------------------------------------------------------
 */

static void policy_heap_whose_gate_is_moved_is_as_busy_as_before(void **state)
{
    (void)state;
    for (int is_busy = 0; is_busy <= 1; is_busy++) {
        struct policy_heap *other = NULL;
        begin("pool", true);
        assert_ptr_equal(gate, heap);
        assert_null(heap->own_gate);
        if (is_busy) {
            assert_true(policy_enter(heap));
        }

        policy_heap_move_gate(heap, &other);
        assert_null(gate);
        assert_ptr_equal(other, is_busy ? NULL : heap);
        assert_null(pool_take_quickly(&gate, SIZE_BYTES)); /* the place it has left */
        policy_heap_move_gate(heap, NULL);
        policy_heap_move_gate(heap, NULL);
        assert_null(other);
        assert_int_equal(policy_is_busy(heap), is_busy);

        is_by_gate = false;
        assert_int_equal(take_counted(&of_program, SIZE_BYTES) == NULL, is_busy);
        if (is_busy) {
            policy_leave(heap);
        }
        end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#if defined(__x86_64__)
        cmocka_unit_test(pool_interrupted_at_any_instruction_stays_sound),
#endif
        cmocka_unit_test(policy_in_a_storm_of_signals_counts_all),
        cmocka_unit_test(policy_heap_whose_gate_is_moved_is_as_busy_as_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
