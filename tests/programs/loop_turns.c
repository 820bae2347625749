/*
 * loop_turns.c - loops without marks, and programs without a loop: loop_turns KIND COUNT
 *
 * fixed, paced, variable, levels and phases are loops of COUNT turns: alike; with a pause of 1 ms;
 * of random work; begun anew four times; of two kinds in turn, which take different ways. random,
 * either and tree have none: of eight and of two functions one by chance, COUNT times, and trees
 * that branch by chance.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SLOTS = 64,
};

static unsigned seed = 1;
static void *held[SLOTS];

static unsigned random_below(unsigned limit)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % limit;
}

static void touch(size_t size_bytes)
{
    free(malloc(size_bytes));
}

static void load(void)
{
    for (int i = 0; i < 100; i++) {
        free(held[i % SLOTS]);
        held[i % SLOTS] = malloc(10 + random_below(100));
    }
}

static void take_input(void)
{
    free(strdup("key"));
}

static void update(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        free(malloc(24 + i % 8));
        free(malloc(100));
    }
}

static void spawn(void)
{
    unsigned slot = random_below(SLOTS);
    free(held[slot]);
    held[slot] = malloc(200);
}

static void draw(unsigned count)
{
    void *list = NULL;
    for (unsigned i = 1; i <= count; i++) {
        list = realloc(list, i * 64ul);
    }
    free(list);
}

static void save(void)
{
    free(malloc(5000));
}

static void turn(unsigned updates, unsigned draws, long number)
{
    take_input();
    update(updates);
    if (random_below(3) == 0) {
        spawn();
    }
    draw(draws);
    if (number % 10 == 9) {
        save();
    }
}

static void go_fixed(long count)
{
    for (long i = 0; i < count; i++) {
        turn(20, 10, i);
    }
}

static void go_paced(long count)
{
    for (long i = 0; i < count; i++) {
        turn(20, 10, i);
        (void)usleep(1000);
    }
}

static void go_variable(long count)
{
    for (long i = 0; i < count; i++) {
        turn(1 + random_below(200), 1 + random_below(40), i);
    }
}

static void go_levels(long count)
{
    for (int level = 0; level < 4; level++) {
        load();
        go_fixed(count / 4);
    }
}

static void go_phases(long count)
{
    for (long i = 0; i < count; i++) {
        if (i % 2 == 0) {
            turn(50, 3, 0);
        } else {
            update(3);
            draw(60);
        }
    }
}

/* Each has a call of its own, so that the stacks differ. */
static void go_random(long count)
{
    for (long i = 0; i < count; i++) {
        switch (random_below(8)) {
        case 0:
            touch(10);
            touch(20);
            break;
        case 1:
            touch(30);
            break;
        case 2:
            touch(40);
            touch(50);
            touch(60);
            break;
        case 3:
            touch(70);
            break;
        case 4:
            touch(80);
            break;
        case 5:
            touch(90);
            touch(100);
            break;
        case 6:
            touch(110);
            break;
        default:
            touch(120);
        }
    }
}

static void go_either(long count)
{
    for (long i = 0; i < count; i++) {
        if (random_below(2) == 0) {
            touch(10);
        } else {
            touch(20);
        }
    }
}

static void grow(unsigned depth)
{
    void *node = malloc(16 + depth);
    for (unsigned left = depth > 0 ? random_below(4) : 0; left > 0; left--) {
        grow(depth - 1);
    }
    if (random_below(2) == 0) {
        touch(10);
    }
    if (random_below(2) == 0) {
        touch(20);
    }
    free(node);
}

static void go_tree(long count)
{
    for (long i = 0; i < count; i++) {
        grow(8);
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*go)(long count);
    } kinds[] = {{"fixed", go_fixed},   {"paced", go_paced},   {"variable", go_variable},
                 {"levels", go_levels}, {"phases", go_phases}, {"random", go_random},
                 {"either", go_either}, {"tree", go_tree}};
    load();
    for (size_t i = 0; argc == 3 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(argv[1], kinds[i].name) == 0) {
            kinds[i].go(strtol(argv[2], NULL, 10));
            return 0;
        }
    }
    return 2;
}
