/*
 * eh_frame.h - finds a code address's unwind description in the loaded modules, without locks.
 *
 * Reads .eh_frame_hdr through the loader's lock-free index (_dl_find_object). Never allocates.
 * Format: Linux Standard Base core, "Exception Frames"; DWARF 4, section 6.4.
 */
#ifndef ALLOCAUDIT_EH_FRAME_H
#define ALLOCAUDIT_EH_FRAME_H

#include <stdbool.h>
#include <stdint.h>

/* One function's description: the common part's instructions come first, then its own. */
struct eh_frame {
    uintptr_t start; /* code range [start, end) */
    uintptr_t end;
    const uint8_t *common;
    const uint8_t *common_end;
    const uint8_t *own;
    const uint8_t *own_end;
    uint64_t code_factor;
    int64_t data_factor;
    uint64_t return_register;
    uint8_t pointer_encoding;
    bool is_signal_frame;
};

/* False if the address has none, or one in a form that is not understood. */
bool eh_frame_find(uintptr_t address, struct eh_frame *out_frame);

/* LEB128 numbers; each moves *at on, and not beyond `end`. */
uint64_t eh_frame_uleb(const uint8_t **at, const uint8_t *end);
int64_t eh_frame_sleb(const uint8_t **at, const uint8_t *end);

/* True for the code of the dynamic loader itself, whose entry point has no description. */
bool eh_frame_is_loader(uintptr_t address);

#endif
