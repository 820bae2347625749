#include "go_memory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PIECE_BYTES = 131072, /* a read begins at a multiple of half of it */
};

static bool is_in_piece(const struct go_memory *memory, uint64_t address, size_t size_bytes)
{
    uint64_t at = address - memory->piece_address;
    return address >= memory->piece_address && at <= memory->piece_bytes &&
           size_bytes <= memory->piece_bytes - at;
}

static void read_piece(struct go_memory *memory, uint64_t address)
{
    if (memory->piece == NULL) {
        memory->piece = malloc(PIECE_BYTES);
    }
    memory->piece_bytes = 0;
    memory->piece_address = address & ~(uint64_t)(PIECE_BYTES / 2 - 1);
    if (memory->piece != NULL) {
        ssize_t count = pread(memory->fd, memory->piece, PIECE_BYTES, (off_t)memory->piece_address);
        memory->piece_bytes = count > 0 ? (size_t)count : 0;
    }
}

bool go_memory_read(struct go_memory *memory, uint64_t address, void *bytes, size_t size_bytes)
{
    if (!is_in_piece(memory, address, size_bytes)) {
        read_piece(memory, address);
    }
    if (is_in_piece(memory, address, size_bytes)) {
        memcpy(bytes, memory->piece + (address - memory->piece_address), size_bytes);
        return true;
    }
    /* The piece may begin where nothing is mapped. */
    return address <= INT64_MAX &&
           pread(memory->fd, bytes, size_bytes, (off_t)address) == (ssize_t)size_bytes;
}

void go_memory_forget(struct go_memory *memory)
{
    memory->piece_bytes = 0;
}

void go_memory_fini(struct go_memory *memory)
{
    free(memory->piece);
    memory->piece = NULL;
    memory->piece_bytes = 0;
}
