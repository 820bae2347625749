#include "leak_holds.h"

#include <stdlib.h>

enum {
    TABLE_WORDS = 5,     /* of virtual functions, looked at */
    TABLE_FUNCTIONS = 2, /* of them, that make it one */
    STRING_WORDS = 3,    /* before the text */
};

#define WORD sizeof(uint64_t)

void leak_holds_fini(struct leak_holds *holds)
{
    free(holds->code);
    free(holds->files);
}

static bool is_within(const struct target_range *ranges, size_t count, uint64_t address)
{
    while (count > 1) { /* the last that begins at or before the address */
        size_t half = count / 2;
        ranges += ranges[half].address <= address ? half : 0;
        count -= half;
    }
    return count == 1 && address - ranges->address < ranges->size_bytes;
}

static bool read_table(struct leak_holds *holds, uint64_t address)
{
    uint64_t words[TABLE_WORDS];
    unsigned functions = 0;
    long bytes = target_memory_read(holds->memory, address, words, sizeof(words));
    for (size_t i = 0; bytes > 0 && i < (size_t)bytes / WORD; i++) {
        functions += is_within(holds->code, holds->code_count, words[i]);
    }
    return functions >= TABLE_FUNCTIONS;
}

bool leak_holds_is_table(struct leak_holds *holds, uint64_t address)
{
    if (address % WORD != 0 || !is_within(holds->files, holds->file_count, address)) {
        return false;
    }
    struct leak_table *known = &holds->tables[(address / WORD) % LEAK_TABLES];
    if (known->address != address) {
        *known = (struct leak_table){address, read_table(holds, address)};
    }
    return known->is_table;
}

unsigned leak_holds_look(struct leak_holds *holds, const struct leak_block *block,
                         const uint64_t *words, size_t word_count)
{
    if (word_count == 0 || block->address % WORD != 0) {
        return 0;
    }
    uint64_t rest_bytes = block->size_bytes - WORD;
    bool is_counted = block->is_array && words[0] != 0 && rest_bytes % words[0] == 0;
    bool is_text = word_count >= STRING_WORDS && words[0] <= words[1] &&
                   block->size_bytes == STRING_WORDS * WORD + words[1] + 1;
    return (words[0] == rest_bytes || is_counted ? HOLD_COUNT : 0u) | (is_text ? HOLD_STRING : 0u) |
           (leak_holds_is_table(holds, words[0]) ? HOLD_OBJECT : 0u);
}
