/*
 * frame_symbol.h - functions whose calls end a frame though the program says nothing of it
 * (run --frame-symbol; schema/frame_symbols.h).
 *
 * The program calls a stub, the stub comes here with all registers as the caller left them, and
 * from here it goes on to the real function by a jump: arguments, return address and result are as
 * if nothing stood between. Which function is the real one depends on the caller, as it does for
 * the loader: the next definition of all libraries loaded at the start, else that in the libraries
 * of the caller's own module. Each thread remembers it until a module comes or goes.
 */
#ifndef ALLOCAUDIT_FRAME_SYMBOL_H
#define ALLOCAUDIT_FRAME_SYMBOL_H

#include <stdint.h>

/* Ends the frame and gives the function to jump to. tagged: see frame_symbols.h. caller: the return
 * address. Called by allocaudit_frame_entry only. */
void *frame_symbol_called(uintptr_t tagged, const void *caller);

/* Works out what allocaudit_frame_entry has to save: sets frame_state_bytes. */
void frame_symbol_prepare(void);

/* dlsym() as the program calls it while there are such symbols. */
void *allocaudit_frame_dlsym(void *handle, const char *name) __attribute__((visibility("default")));

#endif
