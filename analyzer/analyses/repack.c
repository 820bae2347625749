#include "repack.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "../base/map.h"
#include "../base/vec.h"
#include "page_map.h"

enum {
    SMALL_MOST = PAGE_BYTES / 2,
    FINE_MOST = 1024,
    FINE_STEP = 16,
    COARSE_STEP = 256, /* up to 2 KiB: four classes */
    CLASS_COUNT = FINE_MOST / FINE_STEP + (SMALL_MOST - FINE_MOST) / COARSE_STEP,
    SLOTS_MOST = PAGE_BYTES / FINE_STEP,
    WORD_BITS = 64,
    SLAB_WORDS = SLOTS_MOST / WORD_BITS,
};

struct repack_slab {
    uint64_t used[SLAB_WORDS];
    uint32_t count;
};

struct repack_class {
    struct repack_slab *slabs;
    size_t count;
    size_t capacity;
    uint64_t *has_room; /* a bit for each slab that is not full */
    size_t word_capacity;
    size_t first_word; /* all words before it are 0 */
};

struct repack_arena {
    struct repack_class classes[CLASS_COUNT];
    uint64_t page_count; /* with something on them */
};

/* Where a live block was laid. */
struct repack_place {
    uint32_t site;
    uint32_t slab;
    uint16_t size_class;
    uint16_t slot;
    bool is_live;
    uint64_t page_count; /* of a large one */
};

struct repack {
    struct map site_of_stack;
    struct repack_arena *arenas;
    size_t arena_count;
    struct map place_of_address;
    struct repack_place *places;
    size_t place_count;
    size_t place_capacity;
};

struct repack *repack_create(const uint32_t *stack_ids, size_t count)
{
    struct repack *repack = calloc(1, sizeof(*repack));
    if (repack == NULL) {
        return NULL;
    }
    repack->arena_count = count;
    repack->arenas = calloc(count + 1, sizeof(*repack->arenas));
    int result = repack->arenas == NULL ? -ENOMEM : 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        result = map_put(&repack->site_of_stack, stack_ids[i], (uint32_t)i);
    }
    if (result < 0) {
        repack_destroy(repack);
        return NULL;
    }
    return repack;
}

static size_t class_of(uint64_t size_bytes)
{
    if (size_bytes <= FINE_MOST) {
        return size_bytes == 0 ? 0 : (size_t)(size_bytes - 1) / FINE_STEP;
    }
    return FINE_MOST / FINE_STEP + (size_t)(size_bytes - 1 - FINE_MOST) / COARSE_STEP;
}

static uint32_t slots_of(size_t size_class)
{
    size_t fine_count = FINE_MOST / FINE_STEP;
    size_t slot_bytes = size_class < fine_count
                            ? (size_class + 1) * FINE_STEP
                            : FINE_MOST + (size_class - fine_count + 1) * COARSE_STEP;
    return (uint32_t)(PAGE_BYTES / slot_bytes);
}

static void set_room(struct repack_class *slabs, size_t slab, bool has_room)
{
    uint64_t bit = UINT64_C(1) << slab % WORD_BITS;
    size_t word = slab / WORD_BITS;
    slabs->has_room[word] = has_room ? slabs->has_room[word] | bit : slabs->has_room[word] & ~bit;
    slabs->first_word = has_room && word < slabs->first_word ? word : slabs->first_word;
}

/* The lowest slab with room, a new one if there is none. */
static int find_slab(struct repack_class *slabs, size_t *out_slab)
{
    size_t word_count = (slabs->count + WORD_BITS - 1) / WORD_BITS;
    while (slabs->first_word < word_count && slabs->has_room[slabs->first_word] == 0) {
        slabs->first_word++;
    }
    if (slabs->first_word < word_count) {
        *out_slab = slabs->first_word * WORD_BITS +
                    (size_t)__builtin_ctzll(slabs->has_room[slabs->first_word]);
        return 0;
    }
    int result = vec_reserve((void **)&slabs->slabs, &slabs->capacity, slabs->count + 1,
                             sizeof(*slabs->slabs));
    if (result == 0) {
        result = vec_reserve((void **)&slabs->has_room, &slabs->word_capacity,
                             slabs->count / WORD_BITS + 1, sizeof(*slabs->has_room));
    }
    if (result < 0) {
        return result;
    }
    if (slabs->count % WORD_BITS == 0) {
        slabs->has_room[slabs->count / WORD_BITS] = 0;
    }
    slabs->slabs[slabs->count] = (struct repack_slab){.count = 0};
    *out_slab = slabs->count++;
    set_room(slabs, *out_slab, true);
    return 0;
}

static uint32_t take_slot(struct repack_slab *slab)
{
    size_t word = 0;
    while (slab->used[word] == UINT64_MAX) {
        word++;
    }
    uint32_t bit = (uint32_t)__builtin_ctzll(~slab->used[word]);
    slab->used[word] |= UINT64_C(1) << bit;
    slab->count++;
    return (uint32_t)word * WORD_BITS + bit;
}

static int lay(struct repack_arena *arena, uint64_t size_bytes, struct repack_place *place)
{
    if (size_bytes > SMALL_MOST) {
        place->page_count = (size_bytes + PAGE_BYTES - 1) / PAGE_BYTES;
        arena->page_count += place->page_count;
        return 0;
    }
    size_t size_class = class_of(size_bytes);
    struct repack_class *slabs = &arena->classes[size_class];
    size_t slab = 0;
    int result = find_slab(slabs, &slab);
    if (result < 0) {
        return result;
    }
    place->slot = (uint16_t)take_slot(&slabs->slabs[slab]);
    place->size_class = (uint16_t)size_class;
    place->slab = (uint32_t)slab;
    place->page_count = 0;
    arena->page_count += slabs->slabs[slab].count == 1;
    set_room(slabs, slab, slabs->slabs[slab].count < slots_of(size_class));
    return 0;
}

static void take_away(struct repack_arena *arena, const struct repack_place *place)
{
    if (place->page_count > 0) {
        arena->page_count -= place->page_count;
        return;
    }
    struct repack_class *slabs = &arena->classes[place->size_class];
    struct repack_slab *slab = &slabs->slabs[place->slab];
    slab->used[place->slot / WORD_BITS] &= ~(UINT64_C(1) << place->slot % WORD_BITS);
    arena->page_count -= --slab->count == 0;
    set_room(slabs, place->slab, true);
}

static void end_block(struct repack *repack, uint64_t address)
{
    uint32_t number;
    if (map_get(&repack->place_of_address, address, &number) && repack->places[number].is_live) {
        take_away(&repack->arenas[repack->places[number].site], &repack->places[number]);
        repack->places[number].is_live = false;
    }
}

static int make_block(struct repack *repack, const struct block_facts *block)
{
    uint32_t site;
    uint32_t number;
    if (!map_get(&repack->site_of_stack, block->stack_id, &site)) {
        return 0;
    }
    if (!map_get(&repack->place_of_address, block->address, &number)) {
        number = (uint32_t)repack->place_count;
        int result = vec_reserve((void **)&repack->places, &repack->place_capacity,
                                 repack->place_count + 1, sizeof(*repack->places));
        if (result == 0) {
            result = map_put(&repack->place_of_address, block->address, number);
        }
        if (result < 0) {
            return result;
        }
        repack->places[repack->place_count++] = (struct repack_place){.is_live = false};
    }
    end_block(repack, block->address); /* its end was not seen */
    struct repack_place *place = &repack->places[number];
    place->site = site;
    int result = lay(&repack->arenas[site], block->size_bytes, place);
    place->is_live = result == 0;
    return result;
}

int repack_observe(struct repack *repack, const struct operation *operation)
{
    if (operation->kind != OPERATION_ALLOC) {
        end_block(repack, operation->ended.address);
    }
    return operation->kind != OPERATION_FREE ? make_block(repack, &operation->made) : 0;
}

uint64_t repack_held_bytes(const struct repack *repack, size_t i)
{
    return repack->arenas[i].page_count * PAGE_BYTES;
}

void repack_destroy(struct repack *repack)
{
    if (repack == NULL) {
        return;
    }
    for (size_t i = 0; repack->arenas != NULL && i < repack->arena_count; i++) {
        for (size_t size_class = 0; size_class < CLASS_COUNT; size_class++) {
            free(repack->arenas[i].classes[size_class].slabs);
            free(repack->arenas[i].classes[size_class].has_room);
        }
    }
    free(repack->arenas);
    free(repack->places);
    map_fini(&repack->site_of_stack);
    map_fini(&repack->place_of_address);
    free(repack);
}
