#include "intern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "vec.h"

enum {
    SLOTS_AT_FIRST = 256,
    BLOCK_BYTES = 64 * 1024,
};

struct intern_block {
    struct intern_block *next;
    size_t used_bytes;
    size_t room_bytes;
    char bytes[];
};

/* FNV-1a, its bits spread. */
static uint64_t hash_text(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    }
    return map_mix(hash);
}

/* The slot that holds the text, or the free one that it would get. */
static uint32_t *find_slot(const struct intern *intern, const char *text)
{
    size_t at = hash_text(text) & (intern->slot_count - 1);
    while (intern->slots[at] != 0 && strcmp(intern->texts[intern->slots[at] - 1], text) != 0) {
        at = (at + 1) & (intern->slot_count - 1);
    }
    return &intern->slots[at];
}

static int grow_slots(struct intern *intern)
{
    size_t slot_count = intern->slot_count == 0 ? SLOTS_AT_FIRST : intern->slot_count * 2;
    uint32_t *slots = calloc(slot_count, sizeof(*slots));
    if (slots == NULL) {
        return -ENOMEM;
    }
    free(intern->slots);
    intern->slots = slots;
    intern->slot_count = slot_count;
    for (size_t i = 0; i < intern->count; i++) {
        *find_slot(intern, intern->texts[i]) = (uint32_t)i + 1;
    }
    return 0;
}

static const char *copy_text(struct intern *intern, const char *text)
{
    size_t size_bytes = strlen(text) + 1;
    struct intern_block *block = intern->blocks;
    if (block == NULL || block->room_bytes - block->used_bytes < size_bytes) {
        size_t room_bytes = size_bytes > BLOCK_BYTES ? size_bytes : BLOCK_BYTES;
        block = malloc(sizeof(*block) + room_bytes);
        if (block == NULL) {
            return NULL;
        }
        *block = (struct intern_block){.next = intern->blocks, .room_bytes = room_bytes};
        intern->blocks = block;
    }
    char *copy = memcpy(block->bytes + block->used_bytes, text, size_bytes);
    block->used_bytes += size_bytes;
    return copy;
}

int intern_add(struct intern *intern, const char *text, uint32_t *out_number)
{
    if (intern->count * 2 >= intern->slot_count && grow_slots(intern) < 0) {
        return -ENOMEM;
    }
    uint32_t *slot = find_slot(intern, text);
    if (*slot == 0) {
        if (vec_reserve((void **)&intern->texts, &intern->capacity, intern->count + 1,
                        sizeof(*intern->texts)) < 0) {
            return -ENOMEM;
        }
        const char *copy = copy_text(intern, text);
        if (copy == NULL) {
            return -ENOMEM;
        }
        intern->texts[intern->count++] = copy;
        *slot = (uint32_t)intern->count;
    }
    *out_number = *slot - 1;
    return 0;
}

const char *intern_text(const struct intern *intern, uint32_t number)
{
    return intern->texts[number];
}

void intern_fini(struct intern *intern)
{
    while (intern->blocks != NULL) {
        struct intern_block *next = intern->blocks->next;
        free(intern->blocks);
        intern->blocks = next;
    }
    free(intern->texts);
    free(intern->slots);
    *intern = (struct intern){0};
}
