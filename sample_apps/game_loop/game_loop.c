/*
 * game_loop.c - the memory pattern of a small shooter.
 *
 * Enemies, bullets and particles are separate blocks that come and go by the hundred, and every
 * frame builds a draw list that dies with the frame. Nothing leaks: the point is the churn, which
 * pools (three fixed sizes) and a frame allocator (the draw list) would take away.
 */
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

struct world {
    struct particle *particles;
    struct bullet *bullets;
    struct enemy *enemies;
    uint64_t particle_count, bullet_count, enemy_count;
    uint64_t kills;
    uint64_t drawn;
    uint64_t allocations;
    uint32_t random;
};

enum {
    PARTICLES_PER_HIT = 12,
    BULLET_FRAMES = 40,
    ENEMY_HEALTH = 5
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

static void particle_spawn(struct world *world, float x, float y)
{
    struct particle *particle = not_null(malloc(sizeof(*particle)));
    world->allocations++;
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
    struct bullet *bullet = not_null(malloc(sizeof(*bullet)));
    world->allocations++;
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
    struct enemy *enemy = not_null(calloc(1, sizeof(*enemy)));
    world->allocations++;
    enemy->x = (float)(random_next(world) % 640);
    enemy->health = ENEMY_HEALTH;
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
        free(particle);
        world->particle_count--;
    }
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
        free(enemy);
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
        free(bullet);
        world->bullet_count--;
        bullet_hit(world);
    }
}

static void frame_draw(struct world *world)
{
    uint64_t count = world->particle_count + world->bullet_count + world->enemy_count + 1;
    struct draw_command *list = not_null(malloc(count * sizeof(*list)));
    world->allocations++;
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
    free(list);
}

static void world_clear(struct world *world)
{
    while (world->particles != NULL) {
        struct particle *next = world->particles->next;
        free(world->particles);
        world->particles = next;
    }
    while (world->bullets != NULL) {
        struct bullet *next = world->bullets->next;
        free(world->bullets);
        world->bullets = next;
    }
    while (world->enemies != NULL) {
        struct enemy *next = world->enemies->next;
        free(world->enemies);
        world->enemies = next;
    }
}

static int usage(FILE *stream, int status)
{
    fputs("game_loop - enemies, bullets, particles, and a draw list per frame\n\n"
          "usage: game_loop [--frames N]\n"
          "  --frames N   frames to play (default 1000)\n",
          stream);
    return status;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"frames", required_argument, NULL, 'f'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    static char stdout_buffer[BUFSIZ]; /* so that stdio takes no block of its own */
    setvbuf(stdout, stdout_buffer, _IOFBF, sizeof(stdout_buffer));
    uint64_t frames = 1000;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option != 'f') {
            return option == 'h' ? usage(stdout, 0) : usage(stderr, 2);
        }
        frames = strtoull(optarg, NULL, 10);
    }
    if (optind != argc) {
        return usage(stderr, 2);
    }

    struct world world = {.random = 42};
    for (uint64_t frame = 0; frame < frames; frame++) {
        if (frame % 10 == 0) {
            enemy_spawn(&world, frame);
        }
        bullet_spawn(&world);
        bullets_update(&world);
        particles_update(&world);
        frame_draw(&world);
    }
    printf("frames %llu, kills %llu, drawn %llu\n", (unsigned long long)frames,
           (unsigned long long)world.kills, (unsigned long long)world.drawn);
    world_clear(&world);
    printf("allocations: %llu, leaked: 0 blocks, 0 bytes\n", (unsigned long long)world.allocations);
    return 0;
}
