#include "contexts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../base/vec.h"

enum {
    SLOTS_FIRST = 1024,
};

static bool contexts_are_equal(const struct context *a, const struct context *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static size_t contexts_home(const struct contexts *contexts, const struct context *context)
{
    uint64_t words[3];
    memcpy(words, context, sizeof(words));
    uint64_t hash = words[0] * UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash ^ hash >> 32 ^ words[1]) * UINT64_C(0xd6e8feb86659fd93);
    hash = (hash ^ hash >> 32 ^ words[2]) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(hash ^ hash >> 32) & (contexts->slot_count - 1);
}

/* The slot of a context, or the empty one where it belongs. */
static uint32_t *contexts_slot(const struct contexts *contexts, const struct context *context)
{
    size_t at = contexts_home(contexts, context);
    while (contexts->slots[at] != 0 &&
           !contexts_are_equal(&contexts->items[contexts->slots[at] - 1], context)) {
        at = (at + 1) & (contexts->slot_count - 1);
    }
    return &contexts->slots[at];
}

static int contexts_grow(struct contexts *contexts)
{
    size_t slot_count = contexts->slot_count == 0 ? SLOTS_FIRST : contexts->slot_count * 2;
    uint32_t *slots = calloc(slot_count, sizeof(*slots));
    if (slots == NULL) {
        return -ENOMEM;
    }
    free(contexts->slots);
    contexts->slots = slots;
    contexts->slot_count = slot_count;
    for (size_t i = 0; i < contexts->count; i++) {
        *contexts_slot(contexts, &contexts->items[i]) = (uint32_t)i + 1;
    }
    return 0;
}

int contexts_append(struct contexts *contexts, const struct context *context)
{
    int r = vec_reserve((void **)&contexts->items, &contexts->capacity, contexts->count + 1,
                        sizeof(*contexts->items));
    if (r == 0) {
        contexts->items[contexts->count++] = *context;
    }
    return r;
}

int contexts_intern(struct contexts *contexts, const struct context *context, uint32_t *out_id)
{
    if (contexts->count * 2 >= contexts->slot_count) {
        int r = contexts_grow(contexts);
        if (r < 0) {
            return r;
        }
    }
    uint32_t *slot = contexts_slot(contexts, context);
    if (*slot == 0) {
        int r = contexts_append(contexts, context);
        if (r < 0) {
            return r;
        }
        *slot = (uint32_t)contexts->count;
    }
    *out_id = *slot;
    return 0;
}

void contexts_fini(struct contexts *contexts)
{
    free(contexts->items);
    free(contexts->slots);
    *contexts = (struct contexts){0};
}
