#include "go_environment.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define GODEBUG_START "GODEBUG="

enum {
    VARIABLES_MOST = 10000,
    DEBUG_BYTES_MOST = 1024,
};

/* As the runtime lays out strings, and slices but for their capacity. */
struct go_slice {
    uint64_t address;
    uint64_t count;
};

static bool peek(int memory_fd, uint64_t address, void *bytes, size_t size_bytes)
{
    return pread(memory_fd, bytes, size_bytes, (off_t)address) == (ssize_t)size_bytes;
}

/* In a string of the program's that is its GODEBUG, what we have added is switched off again: the
 * runtime has read it, and children are to get what the user wants. */
static void take_back(int memory_fd, const struct go_wishes *wishes, uint64_t address)
{
    static const char off = '0';
    size_t name_bytes = strlen(GODEBUG_START);
    for (size_t i = wishes->own_debug_bytes; wishes->debug[i] != '\0'; i++) {
        if (wishes->debug[i] == '=') {
            (void)!pwrite(memory_fd, &off, 1, (off_t)(address + name_bytes + i + 1));
        }
    }
}

void go_environment_spare_children(int memory_fd, uint64_t load_bias,
                                   const struct go_binary *binary, const struct go_wishes *wishes)
{
    struct go_slice slice;
    struct go_slice text;
    char bytes[DEBUG_BYTES_MOST];
    size_t size_bytes = strlen(GODEBUG_START) + strlen(wishes->debug);
    if (binary->environment_address == 0 || size_bytes > sizeof(bytes) ||
        !peek(memory_fd, binary->environment_address + load_bias, &slice, sizeof(slice))) {
        return;
    }
    for (uint64_t i = 0; i < slice.count && i < VARIABLES_MOST; i++) {
        if (peek(memory_fd, slice.address + i * sizeof(text), &text, sizeof(text)) &&
            text.count == size_bytes && peek(memory_fd, text.address, bytes, size_bytes) &&
            memcmp(bytes, GODEBUG_START, strlen(GODEBUG_START)) == 0 &&
            memcmp(bytes + strlen(GODEBUG_START), wishes->debug, strlen(wishes->debug)) == 0) {
            take_back(memory_fd, wishes, text.address);
        }
    }
}
