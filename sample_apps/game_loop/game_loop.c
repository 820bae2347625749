/*
 * game_loop.c - the memory pattern of a small shooter.
 *
 * Enemies, bullets and particles are separate blocks that come and go by the hundred, and every
 * frame builds a draw list that dies with the frame. Nothing leaks: the point is the churn, which
 * pools (three fixed sizes) and a frame allocator (the draw list) would take away. With --pooled it
 * does that itself, and no frame allocates once the pools are large enough; --log spoils it again.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../interposer/allocaudit.h"
#include "../options.h"

struct particle {
    float x, y, speed_x, speed_y;
    uint32_t colour;
    uint32_t frames_left;
    struct particle *next;
};

struct bullet {
    float x, y, speed;
    uint32_t frames_left;
    uint32_t damage;
    struct bullet *next;
};

struct enemy {
    float x, y;
    uint32_t health;
    uint32_t kind;
    char name[24];
    uint64_t path[6];
    struct enemy *next;
};

struct draw_command {
    float x, y;
    uint32_t sprite;
    uint32_t layer;
};

/* Blocks of one size that are kept for reuse. Chunks double, so that growing soon ends. */
struct pool {
    size_t block_bytes;
    size_t capacity;
    void *unused; /* each begins with a pointer to the next */
    void *chunks;
};

struct world {
    struct pool particle_pool, bullet_pool, enemy_pool;
    struct draw_command *draw_list; /* kept from frame to frame if pooled */
    uint64_t draw_capacity;
    bool is_pooled;
    bool is_logging;
    struct particle *particles;
    struct bullet *bullets;
    struct enemy *enemies;
    uint64_t particle_count, bullet_count, enemy_count;
    uint64_t kills;
    uint64_t drawn;
    uint64_t logged; /* letters */
    uint64_t allocations;
    uint32_t random;
};

enum {
    PARTICLES_PER_HIT = 12,
    BULLET_FRAMES = 40,
    ENEMY_HEALTH = 5,
    POOL_FIRST = 16 /* blocks of a pool's first chunk */
};

static uint32_t random_next(struct world *world)
{
    world->random = world->random * 1664525u + 1013904223u;
    return world->random >> 8;
}

static void *not_null(void *block)
{
    if (block == NULL) {
        fputs("game_loop: out of memory\n", stderr);
        exit(3);
    }
    return block;
}

static void pool_grow(struct world *world, struct pool *pool)
{
    size_t count = pool->capacity == 0 ? POOL_FIRST : pool->capacity;
    char *chunk = not_null(malloc(sizeof(max_align_t) + count * pool->block_bytes));
    world->allocations++;
    memcpy(chunk, &pool->chunks, sizeof(pool->chunks));
    pool->chunks = chunk;
    for (size_t i = 0; i < count; i++) {
        char *block = chunk + sizeof(max_align_t) + i * pool->block_bytes;
        memcpy(block, &pool->unused, sizeof(pool->unused));
        pool->unused = block;
    }
    pool->capacity += count;
}

static void *pool_take(struct world *world, struct pool *pool)
{
    if (pool->unused == NULL) {
        pool_grow(world, pool);
    }
    void *block = pool->unused;
    memcpy(&pool->unused, block, sizeof(pool->unused));
    return block;
}

static void block_give(struct world *world, struct pool *pool, void *block)
{
    if (!world->is_pooled) {
        free(block);
        return;
    }
    memcpy(block, &pool->unused, sizeof(pool->unused));
    pool->unused = block;
}

static void pool_clear(struct pool *pool)
{
    while (pool->chunks != NULL) {
        void *chunk = pool->chunks;
        memcpy(&pool->chunks, chunk, sizeof(pool->chunks));
        free(chunk);
    }
}

static void particle_spawn(struct world *world, float x, float y)
{
    struct particle *particle = world->is_pooled ? pool_take(world, &world->particle_pool)
                                                 : not_null(malloc(sizeof(*particle)));
    world->allocations += !world->is_pooled;
    *particle = (struct particle){.x = x,
                                  .y = y,
                                  .speed_x = (float)(random_next(world) % 9) - 4,
                                  .frames_left = 10 + random_next(world) % 20,
                                  .next = world->particles};
    world->particles = particle;
    world->particle_count++;
}

static void bullet_spawn(struct world *world)
{
    struct bullet *bullet = world->is_pooled ? pool_take(world, &world->bullet_pool)
                                             : not_null(malloc(sizeof(*bullet)));
    world->allocations += !world->is_pooled;
    *bullet = (struct bullet){.x = (float)(random_next(world) % 640),
                              .speed = 8,
                              .frames_left = BULLET_FRAMES,
                              .damage = 1,
                              .next = world->bullets};
    world->bullets = bullet;
    world->bullet_count++;
}

static void enemy_spawn(struct world *world, uint64_t frame)
{
    struct enemy *enemy = world->is_pooled ? pool_take(world, &world->enemy_pool)
                                           : not_null(calloc(1, sizeof(*enemy)));
    world->allocations += !world->is_pooled;
    *enemy = (struct enemy){.x = (float)(random_next(world) % 640), .health = ENEMY_HEALTH};
    snprintf(enemy->name, sizeof(enemy->name), "drone-%u", (unsigned)frame);
    enemy->next = world->enemies;
    world->enemies = enemy;
    world->enemy_count++;
}

static void particles_update(struct world *world)
{
    struct particle **link = &world->particles;
    while (*link != NULL) {
        struct particle *particle = *link;
        particle->x += particle->speed_x;
        if (--particle->frames_left > 0) {
            link = &particle->next;
            continue;
        }
        *link = particle->next;
        block_give(world, &world->particle_pool, particle);
        world->particle_count--;
    }
}

/* What a careless change looks like: a copy for a line that could have been printed at once. */
static void kill_log(struct world *world, const struct enemy *enemy)
{
    char *name = not_null(strdup(enemy->name));
    world->allocations++;
    world->logged += strlen(name);
    free(name);
}

/* A bullet at the end of its way hits the first enemy, if there is one. */
static void bullet_hit(struct world *world)
{
    struct enemy *enemy = world->enemies;
    if (enemy == NULL) {
        return;
    }
    for (int i = 0; i < PARTICLES_PER_HIT; i++) {
        particle_spawn(world, enemy->x, enemy->y);
    }
    if (--enemy->health == 0) {
        world->enemies = enemy->next;
        world->enemy_count--;
        world->kills++;
        if (world->is_logging) {
            kill_log(world, enemy);
        }
        block_give(world, &world->enemy_pool, enemy);
    }
}

static void bullets_update(struct world *world)
{
    struct bullet **link = &world->bullets;
    while (*link != NULL) {
        struct bullet *bullet = *link;
        bullet->y += bullet->speed;
        if (--bullet->frames_left > 0) {
            link = &bullet->next;
            continue;
        }
        *link = bullet->next;
        block_give(world, &world->bullet_pool, bullet);
        world->bullet_count--;
        bullet_hit(world);
    }
}

static struct draw_command *draw_list_take(struct world *world, uint64_t count)
{
    if (world->is_pooled && count <= world->draw_capacity) {
        return world->draw_list;
    }
    free(world->draw_list);
    world->draw_list = NULL;
    uint64_t capacity = world->is_pooled ? 2 * count : count;
    struct draw_command *list = not_null(malloc(capacity * sizeof(*list)));
    world->allocations++;
    if (world->is_pooled) {
        world->draw_list = list;
        world->draw_capacity = capacity;
    }
    return list;
}

static void frame_draw(struct world *world)
{
    uint64_t count = world->particle_count + world->bullet_count + world->enemy_count + 1;
    struct draw_command *list = draw_list_take(world, count);
    uint64_t used = 0;
    list[used++] = (struct draw_command){.sprite = 1};
    for (const struct particle *particle = world->particles; particle; particle = particle->next) {
        list[used++] = (struct draw_command){.x = particle->x, .y = particle->y, .sprite = 2};
    }
    for (const struct bullet *bullet = world->bullets; bullet; bullet = bullet->next) {
        list[used++] = (struct draw_command){.x = bullet->x, .y = bullet->y, .sprite = 3};
    }
    for (const struct enemy *enemy = world->enemies; enemy; enemy = enemy->next) {
        list[used++] = (struct draw_command){.x = enemy->x, .y = enemy->y, .sprite = 4};
    }
    world->drawn += used;
    if (!world->is_pooled) {
        free(list);
    }
}

static void world_clear(struct world *world)
{
    while (world->particles != NULL) {
        struct particle *next = world->particles->next;
        block_give(world, &world->particle_pool, world->particles);
        world->particles = next;
    }
    while (world->bullets != NULL) {
        struct bullet *next = world->bullets->next;
        block_give(world, &world->bullet_pool, world->bullets);
        world->bullets = next;
    }
    while (world->enemies != NULL) {
        struct enemy *next = world->enemies->next;
        block_give(world, &world->enemy_pool, world->enemies);
        world->enemies = next;
    }
}

static void world_end(struct world *world)
{
    world_clear(world);
    pool_clear(&world->particle_pool);
    pool_clear(&world->bullet_pool);
    pool_clear(&world->enemy_pool);
    free(world->draw_list);
}

static const char help[] =
    "game_loop - enemies, bullets, particles, and a draw list per frame\n\n"
    "usage: game_loop [--frames N] [--pooled] [--log]\n"
    "  --frames N   frames to play (default 1000)\n"
    "  --pooled     keep blocks for reuse: no frame allocates after the first few\n"
    "  --log        copy the name of each enemy that is killed\n";

int main(int argc, char **argv)
{
    uint64_t frames = 1000;
    struct world world = {.random = 42,
                          .particle_pool = {.block_bytes = sizeof(struct particle)},
                          .bullet_pool = {.block_bytes = sizeof(struct bullet)},
                          .enemy_pool = {.block_bytes = sizeof(struct enemy)}};
    const struct app_option options[] = {
        {"frames", .number = &frames},
        {"pooled", .flag = &world.is_pooled},
        {"log", .flag = &world.is_logging},
        {NULL},
    };
    app_read_options(argc, argv, help, options);

    for (uint64_t frame = 0; frame < frames; frame++) {
        if (frame % 10 == 0) {
            enemy_spawn(&world, frame);
        }
        bullet_spawn(&world);
        bullets_update(&world);
        particles_update(&world);
        frame_draw(&world);
        allocaudit_frame();
    }
    printf("frames %llu, kills %llu, drawn %llu\n", (unsigned long long)frames,
           (unsigned long long)world.kills, (unsigned long long)world.drawn);
    world_end(&world);
    printf("allocations: %llu, leaked: 0 blocks, 0 bytes\n", (unsigned long long)world.allocations);
    return 0;
}
