/*
 * Turns of a loop, from rows of allocations written by hand. Of the fixture's stacks 2, 4 and 5 are
 * called from three places of stack 1 (4 through stack 3), and stack 7 lies elsewhere.
 */
#include "fixture_recording.h"

#include "../../analyzer/analyses/turn_nodes.h"
#include "../../analyzer/analyses/turn_trial.h"
#include "../../analyzer/db/open.h"

enum {
    CALLS_MAX = 4096,
    CALL_NS = 100,
};

struct turns_fixture {
    struct fixture_recording recording;
    struct db *db;
    struct stack_tree *tree;
    uint32_t stack_ids[CALLS_MAX]; /* an allocation each CALL_NS */
    size_t count;
    struct turn_nodes nodes;
    struct turn_level levels[TURN_LEVELS_MAX];
    size_t level_count;
    struct turn_trials trials;
    const struct turn_trial *chosen;
    bool is_loop;
};

static int set_up(void **state)
{
    static struct turns_fixture fixture;
    struct err err;
    fixture = (struct turns_fixture){.count = 0};
    fixture_recording_make(&fixture.recording);
    if (db_open(fixture.recording.path, &fixture.db, &err) < 0 ||
        stack_tree_load(fixture.db, &fixture.tree, &err) < 0) {
        fail_msg("%s", err.text);
    }
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct turns_fixture *fixture = *state;
    turn_trials_fini(&fixture->trials);
    for (size_t i = 0; i < fixture->level_count; i++) {
        free(fixture->levels[i].kid_of);
    }
    turn_nodes_fini(&fixture->nodes);
    stack_tree_destroy(fixture->tree);
    db_close(fixture->db);
    fixture_recording_remove(&fixture->recording);
    return 0;
}

/* word: digits, a stack each. */
static void add(struct turns_fixture *fixture, const char *word)
{
    for (; *word != '\0'; word++) {
        assert_true(fixture->count < CALLS_MAX);
        fixture->stack_ids[fixture->count++] = (uint32_t)(*word - '0');
    }
}

static void add_times(struct turns_fixture *fixture, const char *word, int times)
{
    for (int i = 0; i < times; i++) {
        add(fixture, word);
    }
}

/* Both readings; the outermost level alone is tried. */
static void look(struct turns_fixture *fixture)
{
    assert_int_equal(turn_nodes_init(&fixture->nodes, fixture->tree), 0);
    for (size_t i = 0; i < fixture->count; i++) {
        turn_nodes_note(&fixture->nodes, stack_tree_find(fixture->tree, fixture->stack_ids[i]),
                        i * CALL_NS);
    }
    assert_int_equal(
        turn_nodes_find_levels(&fixture->nodes, fixture->levels, &fixture->level_count), 0);
    if (fixture->level_count == 0) {
        return;
    }
    assert_int_equal(turn_trials_init(&fixture->trials, &fixture->levels[0]), 0);
    for (size_t i = 0; i < fixture->count; i++) {
        turn_trials_note(&fixture->trials, stack_tree_find(fixture->tree, fixture->stack_ids[i]),
                         i * CALL_NS);
    }
    fixture->chosen = turn_trials_choose(&fixture->trials, &fixture->nodes, &fixture->is_loop);
}

static void turns_are_runs_of_what_comes_once_in_each(void **state)
{
    struct turns_fixture *fixture = *state;
    add_times(fixture, "2445", 9);
    add(fixture, "24457"); /* something else, once */
    add_times(fixture, "2445", 30);

    look(fixture);

    assert_int_equal(fixture->level_count, 1);
    assert_non_null(fixture->chosen);
    assert_int_equal(fixture->chosen->turn_count, 39);
    assert_int_equal(fixture->chosen->allocation_count, 39 * 4 + 1);
    assert_int_equal(histogram_quantile(&fixture->chosen->allocations, 0.5), 4);
    assert_int_equal(turn_trial_evenness(fixture->chosen), TURNS_ARE_EVEN);
}

static void turns_may_lack_a_part(void **state)
{
    struct turns_fixture *fixture = *state;
    add_times(fixture, "2424244425", 15); /* 5 in every fourth; 4 once or more */

    look(fixture);

    assert_null(fixture->chosen); /* the fourth lacks 4: it comes in three of four only */
    assert_false(fixture->is_loop);
}

static void turns_with_a_part_now_and_then(void **state)
{
    struct turns_fixture *fixture = *state;
    add_times(fixture, "24242444245", 15);

    look(fixture);

    assert_non_null(fixture->chosen);
    assert_int_equal(fixture->chosen->turn_count, 59);
}

static void turns_need_an_order(void **state)
{
    struct turns_fixture *fixture = *state;
    add_times(fixture, "245254", 30);

    look(fixture);

    assert_int_equal(fixture->level_count, 1);
    assert_null(fixture->chosen);
}

static void turns_do_not_repeat_a_part(void **state)
{
    struct turns_fixture *fixture = *state;
    add_times(fixture, "2454", 30);

    look(fixture);

    assert_int_equal(fixture->level_count, 1);
    assert_null(fixture->chosen);
}

static void turns_of_two_parts_must_be_alike(void **state)
{
    struct turns_fixture *fixture = *state;
    add_times(fixture, "24", 5);
    add_times(fixture, "224422222444", 20);

    look(fixture);

    assert_null(fixture->chosen);
    assert_true(fixture->is_loop); /* it looks like one, but so does chance */
}

static void turns_of_two_equal_parts_are_some(void **state)
{
    struct turns_fixture *fixture = *state;
    add_times(fixture, "24", 40);

    look(fixture);

    assert_non_null(fixture->chosen);
    assert_int_equal(fixture->chosen->turn_count, 39);
}

static void turns_must_be_many(void **state)
{
    struct turns_fixture *fixture = *state;
    add_times(fixture, "2445", 20);

    look(fixture);

    assert_int_equal(fixture->level_count, 0);
}

static void turns_must_fill_the_thread_s_life(void **state)
{
    struct turns_fixture *fixture = *state;
    add_times(fixture, "2445", 15);
    add_times(fixture, "7", 800);
    add_times(fixture, "2445", 15);

    look(fixture);

    assert_null(fixture->chosen);
}

int main(void)
{
#define TURNS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TURNS_TEST(turns_are_runs_of_what_comes_once_in_each),
        TURNS_TEST(turns_may_lack_a_part),
        TURNS_TEST(turns_with_a_part_now_and_then),
        TURNS_TEST(turns_need_an_order),
        TURNS_TEST(turns_do_not_repeat_a_part),
        TURNS_TEST(turns_of_two_parts_must_be_alike),
        TURNS_TEST(turns_of_two_equal_parts_are_some),
        TURNS_TEST(turns_must_be_many),
        TURNS_TEST(turns_must_fill_the_thread_s_life),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
