/*
 * Remembered stacks, on a made-up stack: an array whose words the test writes itself. It always
 * lies at the same address: which chains have to share a bucket, and may push each other out,
 * depends on the addresses, and one time in some hundred too many of a test's do.
 */
#include "../../interposer/chain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    STACK_WORDS = 4096,
    GENERATION = 7,
};

#define STACK_ADDRESS UINT64_C(0x30000000)

static uintptr_t *const stack = (uintptr_t *)STACK_ADDRESS;
static struct chain_table table;
static struct walk_words words;

static int map_stack(void **state)
{
    (void)state;
    void *mapped = mmap(stack, STACK_WORDS * sizeof(*stack), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    return mapped == stack ? 0 : -1;
}

static int clear(void **state)
{
    (void)state;
    chain_retire(&table);
    memset(stack, 0, STACK_WORDS * sizeof(*stack));
    memset(&words, 0, sizeof(words));
    return 0;
}

/* The next word of the chain is stack[base + at], as it is now. */
static void add(size_t base, uint32_t at)
{
    words.offsets[words.count] = at * (uint32_t)sizeof(stack[0]);
    words.values[words.count++] = stack[base + at];
}

/* Learns the chain of `count` words that begins at stack[base + 1] and has every second word. */
static void learn(size_t base, uint32_t count, uint32_t stack_id)
{
    words.count = 0;
    for (uint32_t i = 0; i < count; i++) {
        add(base, 1 + 2 * i);
    }
    chain_learn(&table, &stack[base], GENERATION, &words, stack_id);
}

static uint32_t find_within(size_t base, const uintptr_t *low, const uintptr_t *high)
{
    const struct chain *chain =
        chain_find(&table, &stack[base], GENERATION, (uintptr_t)low, (uintptr_t)high);
    return chain != NULL ? chain->stack_id : 0;
}

static uint32_t find(size_t base)
{
    return find_within(base, stack, stack + STACK_WORDS);
}

static void fill(uintptr_t seed)
{
    for (size_t i = 0; i < STACK_WORDS; i++) {
        stack[i] = (i + 1) * 1000003 + seed;
    }
}

static void chain_find_unchanged_stack_is_found(void **state)
{
    (void)state;
    fill(0);
    assert_int_equal(find(100), 0);
    for (uint32_t count = 1; count <= 40; count++) {
        learn(100 + 2 * count, count, 1000 + count);
    }
    for (uint32_t count = 1; count <= 40; count++) {
        assert_int_equal(find(100 + 2 * count), 1000 + count);
    }
    stack[100 + 2] = 5; /* lies between the words */
    assert_int_equal(find(100 + 2), 1001);
}

static void chain_find_any_changed_word_is_noticed(void **state)
{
    (void)state;
    for (uint32_t count = 1; count <= 33; count++) {
        fill(count);
        learn(100, count, count);
        for (uint32_t i = 0; i < count; i++) {
            stack[100 + 1 + 2 * i] ^= (uintptr_t)1 << i % 64;
            assert_int_equal(find(100), 0);
            stack[100 + 1 + 2 * i] ^= (uintptr_t)1 << i % 64;
        }
        assert_int_equal(find(100), count);
    }
}

static void chain_find_elsewhere_on_the_stack_is_not_found(void **state)
{
    (void)state;
    memset(stack, 0x41, STACK_WORDS * sizeof(*stack)); /* the same words everywhere */
    learn(100, 10, 1);
    assert_int_equal(find(100), 1);
    assert_int_equal(find(102), 0);
}

static void chain_find_other_generation_is_not_found(void **state)
{
    (void)state;
    fill(0);
    learn(100, 10, 1);
    assert_null(chain_find(&table, &stack[100], GENERATION + 1, (uintptr_t)stack,
                           (uintptr_t)(stack + STACK_WORDS)));
    words.count = 0;
    add(200, 1);
    chain_learn(&table, &stack[200], GENERATION + 1, &words, 2);
    assert_int_equal(find(100), 0);
    chain_learn(&table, &stack[200], GENERATION, &words, 2);
    assert_int_equal(find(100), 0); /* what was forgotten does not come back */
    assert_int_equal(find(200), 2);
}

static void chain_forget_leaves_nothing(void **state)
{
    (void)state;
    fill(0);
    learn(100, 10, 1);
    chain_forget(&table);
    assert_int_equal(find(100), 0);
    learn(200, 10, 2);
    assert_int_equal(find(100), 0);
    assert_int_equal(find(200), 2);
}

/* Only the page with the hook and two words of its chain may be read now. */
static void chain_find_words_that_may_not_be_readable_are_left_alone(void **state)
{
    (void)state;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uintptr_t *pages =
        mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    uintptr_t *end = pages + page / sizeof(*pages);
    uintptr_t *frame = end - 4;
    for (uint32_t last = 4; last <= 6; last++) { /* in the second page, at its branch, too */
        frame[1] = 11;
        frame[3] = 22;
        frame[last] = last;
        words = (struct walk_words){
            .count = 3,
            .offsets = {8, 24, 8 * last},
            .values = {11, 22, last},
        };
        chain_learn(&table, frame, GENERATION, &words, last);
        frame[last] = 0;
    }
    frame[6] = 6;
    const struct chain *chain =
        chain_find(&table, frame, GENERATION, (uintptr_t)pages, (uintptr_t)end + page);
    assert_non_null(chain);
    assert_int_equal(chain->stack_id, 6);

    assert_int_equal(munmap(end, page), 0);

    assert_null(chain_find(&table, frame, GENERATION, (uintptr_t)pages, (uintptr_t)end));
    assert_null(chain_find(&table, frame, GENERATION, (uintptr_t)end, (uintptr_t)end));
    assert_null(chain_find(&table, frame, GENERATION, 0, 0));
    munmap(pages, page);
}

static void set_path(uint32_t path)
{
    for (uint32_t bit = 0; bit < 12; bit++) {
        stack[100 + 3 + 2 * bit] = 5000 + (path >> bit & 1);
    }
}

/* As many as there are ways through twelve choices, from one call site at one depth. */
static void chain_find_stacks_that_begin_alike_are_all_remembered(void **state)
{
    (void)state;
    uint32_t found_count = 0;
    for (uint32_t round = 0; round < 12; round++) {
        for (uint32_t i = 0; i < 4096; i++) {
            uint32_t path = i * 2654435761u % 4096;
            set_path(path);
            uint32_t id = find(100);
            if (id == 0) {
                learn(100, 27, path + 1);
            } else {
                assert_int_equal(id, path + 1);
                found_count += round == 11;
            }
        }
    }
    assert_in_range(found_count, 4096 * 95 / 100, 4096);
}

/* Chains of all lengths, with frame pointers here and there, until the memory was used many times
 * over: whatever is found must be what was learnt. */
static void chain_find_after_the_arena_was_used_up_is_right(void **state)
{
    (void)state;
    static uint32_t checks[1 << 16];
    uint32_t id = 0;
    uint32_t hit_count = 0;
    uint64_t random = 1;
    for (uint32_t i = 0; i < 400000; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        uint32_t pick = (uint32_t)(random >> 33);
        size_t base = 2 * (pick % 64);
        uint32_t count = 1 + (pick >> 6) % 60;
        uint32_t variant = pick >> 12 & 255;
        for (uint32_t word = 0; word < count; word++) {
            stack[base + 1 + 2 * word] = word == variant % count ? 1000 + variant : 77;
        }
        uint32_t sum = (uint32_t)base * 31 + count * 65537 + variant % count * 7 + variant;
        stack[base + 1 + 2 * count] = i; /* noise above the chain's end */
        words.count = 0;
        for (uint32_t word = 0; word < count; word++) {
            add(base, 1 + 2 * word);
        }
        stack[base + 1] = count; /* the call site says how the stack goes on */
        words.values[0] = count;
        uint32_t found = find(base);
        if (found != 0) {
            assert_int_equal(checks[found & 65535], sum - (variant % count == 0 ? variant : 0));
            hit_count++;
            continue;
        }
        id++;
        checks[id & 65535] = sum - (variant % count == 0 ? variant : 0);
        chain_learn(&table, &stack[base], GENERATION, &words, id);
    }
    assert_true(hit_count > 1000);
    assert_true(id > 65536);
}

static void chain_learn_longer_than_the_arena_allows_is_not_remembered(void **state)
{
    (void)state;
    fill(0);
    learn(0, 2000, 1);
    assert_int_equal(find(0), 0);
    learn(0, 200, 2);
    assert_int_equal(find(0), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(chain_find_unchanged_stack_is_found, clear),
        cmocka_unit_test_setup(chain_find_any_changed_word_is_noticed, clear),
        cmocka_unit_test_setup(chain_find_elsewhere_on_the_stack_is_not_found, clear),
        cmocka_unit_test_setup(chain_find_other_generation_is_not_found, clear),
        cmocka_unit_test_setup(chain_forget_leaves_nothing, clear),
        cmocka_unit_test_setup(chain_find_words_that_may_not_be_readable_are_left_alone, clear),
        cmocka_unit_test_setup(chain_find_stacks_that_begin_alike_are_all_remembered, clear),
        cmocka_unit_test_setup(chain_find_after_the_arena_was_used_up_is_right, clear),
        cmocka_unit_test_setup(chain_learn_longer_than_the_arena_allows_is_not_remembered, clear),
    };
    return cmocka_run_group_tests(tests, map_stack, clear);
}
