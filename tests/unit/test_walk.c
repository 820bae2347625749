/*
 * Stacks as the walker sees them, and as they are recognised again, against those of glibc's
 * backtrace(), at thousands of points of a random walk through functions of all shapes.
 */
#include "../../interposer/chain.h"
#include "../../interposer/walk.h"

#include <alloca.h>
#include <execinfo.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    FRAMES = 200,
    PROBES = 4000,
    DEPTH = 40,
    LEARNT_MAX = 65536,
    GENERATION = 1,
};

#if defined(__clang__)
#    define NOT_INLINED __attribute__((noinline))
#else
#    define NOT_INLINED __attribute__((noinline, noclone))
#endif

static struct walk rule_walk;
static struct chain_table chains;
static uint64_t random_state;
static unsigned probe_count;
static unsigned hit_count;
static unsigned learnt_count;
static uintptr_t (*learnt)[FRAMES]; /* frames of what was learnt, under its number; ends with 0 */
static volatile int sink;

static uint32_t pick(uint32_t count)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)((random_state >> 33) % count);
}

static void compare(const char *how, const uintptr_t *found, size_t found_count,
                    const uintptr_t *expected, size_t expected_count)
{
    for (size_t i = 0; i < found_count && i < expected_count; i++) {
        if (found[i] != expected[i]) {
            fail_msg("%s: frame %zu of %zu is %#lx instead of %#lx", how, i, found_count, found[i],
                     expected[i]);
        }
    }
    if (found_count != expected_count) {
        fail_msg("%s: %zu frames instead of %zu", how, found_count, expected_count);
    }
}

/* A hook's caller comes first; what stands before it are this function and the sanitizer's own. */
static const uintptr_t *skip_to_caller(void *const *reference, size_t *count, const void *frame)
{
    const uintptr_t *frames = (const uintptr_t *)reference;
    uintptr_t caller = ((const uintptr_t *)frame)[1];
    while (*count > 0 && *frames != caller) {
        frames++;
        --*count;
    }
    assert_true(*count > 0);
    return frames;
}

/* Either the stack is remembered, and rightly, or it is from now on. */
static void recognise_or_learn(const void *frame, const uintptr_t *expected, size_t count)
{
    const struct chain *chain =
        chain_find(&chains, frame, GENERATION, rule_walk.stack_low, rule_walk.stack_high);
    if (chain != NULL) {
        const uintptr_t *frames = learnt[chain->stack_id];
        size_t known_count = 0;
        while (frames[known_count] != 0) {
            known_count++;
        }
        compare("chain_find", frames, known_count, expected, count);
        hit_count++;
        return;
    }
    const struct walk_words *words = walk_list_words(&rule_walk, frame);
    assert_non_null(words);
    assert_true(++learnt_count < LEARNT_MAX);
    memcpy(learnt[learnt_count], expected, count * sizeof(*expected));
    learnt[learnt_count][count] = 0;
    chain_learn(&chains, frame, GENERATION, words, learnt_count);
}

/* Stands where a hook would: all three ways must see the same callers. */
static NOT_INLINED void probe(void)
{
    void *reference[FRAMES];
    uintptr_t frames[FRAMES];
    bool is_sure;
    const void *frame = __builtin_frame_address(0);
    size_t count = (size_t)backtrace(reference, FRAMES);
    const uintptr_t *expected = skip_to_caller(reference, &count, frame);

    size_t found = walk_frames(&rule_walk, frames, FRAMES, frame, true, &is_sure);
    assert_true(is_sure);
    compare("walk_frames", frames, found, expected, count);
    recognise_or_learn(frame, expected, count);
    probe_count++;
}

static void wander(unsigned depth);

static NOT_INLINED void plain(unsigned depth)
{
    wander(depth);
    sink++;
}

static NOT_INLINED void with_registers(unsigned depth)
{
    int a = sink;
    int b = sink + 1;
    int c = sink + 2;
    int d = sink + 3;
    int e = sink + 4;
    wander(depth);
    sink = a ^ b ^ c ^ d ^ e;
}

static NOT_INLINED void with_alloca(unsigned depth)
{
    char *block = alloca(1 + pick(300)); /* needs a frame pointer */
    block[0] = (char)depth;
    wander(depth);
    sink += block[0];
}

static NOT_INLINED void with_aligned_locals(unsigned depth)
{
    _Alignas(64) volatile char local[128];
    local[0] = (char)depth;
    wander(depth);
    sink += local[0];
}

static NOT_INLINED void with_aligned_locals_and_alloca(unsigned depth)
{
    _Alignas(64) volatile char local[64];
    char *block = alloca(1 + pick(100));
    local[0] = (char)depth;
    block[0] = 1;
    wander(depth);
    sink += local[0] + block[0];
}

static NOT_INLINED void with_large_frame(unsigned depth)
{
    volatile char local[9000];
    local[0] = (char)depth;
    wander(depth);
    sink += local[0];
}

static NOT_INLINED void with_many_arguments(unsigned depth, int a, int b, int c, int d, int e,
                                            int f, int g, int h)
{
    wander(depth);
    sink += a + b + c + d + e + f + g + h;
}

static int compare_and_wander(const void *left, const void *right)
{
    (void)left, (void)right;
    wander(DEPTH);
    return 0;
}

/* Through a function of libc, compiled by others. */
static NOT_INLINED void through_qsort(unsigned depth)
{
    int numbers[2] = {(int)depth, 2};
    qsort(numbers, 2, sizeof(numbers[0]), compare_and_wander);
    sink += numbers[0];
}

static void wander_once(unsigned depth)
{
    switch (pick(8)) {
    case 0:
        plain(depth + 1);
        break;
    case 1:
        with_registers(depth + 1);
        break;
    case 2:
        with_alloca(depth + 1);
        break;
    case 3:
        with_aligned_locals(depth + 1);
        break;
    case 4:
        with_aligned_locals_and_alloca(depth + 1);
        break;
    case 5:
        with_large_frame(depth + 1);
        break;
    case 6:
        with_many_arguments(depth + 1, 1, 2, 3, 4, 5, 6, 7, 8);
        break;
    default:
        through_qsort(depth + 1);
        break;
    }
}

/* Probes, perhaps twice in a row, and goes deeper now and then. */
static NOT_INLINED void wander(unsigned depth)
{
    for (uint32_t steps = 1 + pick(3); steps > 0 && probe_count < PROBES; steps--) {
        if (depth < DEPTH && pick(5) != 0) {
            wander_once(depth);
        }
        for (uint32_t probes = pick(3); probes > 0; probes--) {
            probe();
        }
    }
    sink++;
}

static void wander_for_long(uint64_t seed)
{
    random_state = seed;
    probe_count = 0;
    while (probe_count < PROBES) {
        wander(0);
    }
}

static void walk_of_random_stacks_equals_backtrace(void **state)
{
    (void)state;
    hit_count = 0;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        wander_for_long(seed);
    }
    assert_true(hit_count > 0); /* or nothing was remembered */
}

static ucontext_t main_context;
static ucontext_t other_context;
static uint64_t other_seed;

/* The outermost frame but one: it returns to a function's first byte, put there by makecontext. */
static NOT_INLINED void wander_in_context(void)
{
    wander_for_long(other_seed);
    sink++;
}

/* Stacks one after the other, of many sizes and often at one place, as threads and coroutines have.
 */
static void walk_on_other_stacks_equals_backtrace(void **state)
{
    (void)state;
    for (other_seed = 10; other_seed < 16; other_seed++) {
        size_t bytes = (size_t)(1 + other_seed % 3) << 20;
        void *stack = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(stack != MAP_FAILED);
        assert_int_equal(getcontext(&other_context), 0);
        other_context.uc_stack = (stack_t){.ss_sp = stack, .ss_size = bytes};
        other_context.uc_link = &main_context;
        makecontext(&other_context, wander_in_context, 0);

        assert_int_equal(swapcontext(&main_context, &other_context), 0);

        assert_true(probe_count >= PROBES);
        munmap(stack, bytes);
    }
}

/* A chain must not be believed where only what lies in between has changed. */
static NOT_INLINED void middle_one(void)
{
    probe();
    sink++;
}

static NOT_INLINED void middle_two(void)
{
    probe();
    sink++;
}

static void chain_find_other_callers_at_the_same_depth_are_seen(void **state)
{
    (void)state;
    void (*volatile functions[])(void) = {middle_one, middle_two};
    unsigned hits_before = hit_count;
    for (int i = 0; i < 200; i++) {
        functions[i * i / 3 % 2](); /* frames of one size, called from one place */
    }
    assert_true(hit_count - hits_before >= 190); /* both are remembered, side by side */
}

static volatile sig_atomic_t handled_count;

static NOT_INLINED void probe_in_handler(void)
{
    void *reference[FRAMES];
    uintptr_t frames[FRAMES];
    bool is_sure;
    const void *frame = __builtin_frame_address(0);
    size_t count = (size_t)backtrace(reference, FRAMES);
    const uintptr_t *expected = skip_to_caller(reference, &count, frame);

    size_t found = walk_frames(&rule_walk, frames, FRAMES, frame, true, &is_sure);
    assert_true(is_sure);
    compare("in a handler", frames, found, expected, count);
    handled_count++;
}

static void handle(int signal)
{
    (void)signal;
    probe_in_handler();
    sink++;
}

static void walk_frames_through_a_signal_handler_equals_backtrace(void **state)
{
    (void)state;
    char *alternate = malloc(65536);
    const stack_t stack = {.ss_sp = alternate, .ss_size = 65536};
    const stack_t none = {.ss_flags = SS_DISABLE};
    assert_int_equal(sigaltstack(&stack, NULL), 0);
    for (int is_alternate = 0; is_alternate < 2; is_alternate++) {
        struct sigaction action = {.sa_handler = handle, .sa_flags = is_alternate ? SA_ONSTACK : 0};
        struct sigaction old;
        assert_int_equal(sigaction(SIGUSR1, &action, &old), 0);
        assert_int_equal(raise(SIGUSR1), 0);
        assert_int_equal(kill(getpid(), SIGUSR1), 0);
        assert_int_equal(sigaction(SIGUSR1, &old, NULL), 0);
    }
    assert_int_equal(sigaltstack(&none, NULL), 0);
    free(alternate);

    assert_int_equal(handled_count, 4);
}

static NOT_INLINED void probe_limited(size_t limit)
{
    uintptr_t all[FRAMES];
    uintptr_t some[FRAMES];
    bool is_sure;
    const void *frame = __builtin_frame_address(0);
    size_t count = walk_frames(&rule_walk, all, FRAMES, frame, true, &is_sure);
    assert_true(count > limit);

    assert_int_equal(walk_frames(&rule_walk, some, limit, frame, true, &is_sure), limit);
    assert_memory_equal(all, some, limit * sizeof(all[0]));
    const struct walk_words *words = walk_list_words(&rule_walk, frame);
    assert_non_null(words); /* a stack that was cut can be remembered, too */
    assert_in_range(words->count, limit, 3 * limit);
}

static NOT_INLINED void descend(unsigned depth)
{
    if (depth > 0) {
        descend(depth - 1);
    } else {
        probe_limited(1);
        probe_limited(20);
        probe_limited(50);
    }
    sink++;
}

static void walk_of_a_stack_beyond_the_limit_keeps_the_inner_frames(void **state)
{
    (void)state;
    descend(60);
}

static int have_unwinder(void **state)
{
    (void)state;
#if defined(__x86_64__)
    void *frames[4];
    learnt = malloc(LEARNT_MAX * sizeof(*learnt));
    return learnt != NULL && backtrace(frames, 4) > 0 ? 0 : -1; /* loads what it needs */
#else
    return 0;
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#if defined(__x86_64__)
        cmocka_unit_test(walk_of_random_stacks_equals_backtrace),
        cmocka_unit_test(walk_on_other_stacks_equals_backtrace),
        cmocka_unit_test(chain_find_other_callers_at_the_same_depth_are_seen),
        cmocka_unit_test(walk_frames_through_a_signal_handler_equals_backtrace),
        cmocka_unit_test(walk_of_a_stack_beyond_the_limit_keeps_the_inner_frames),
#endif
    };
    return cmocka_run_group_tests(tests, have_unwinder, NULL);
}
