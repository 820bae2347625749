/*
 * allocaudit.h - what a program may tell its recorder. C and C++, no library to link.
 *
 * Every function is weak: where the program does not run under `allocaudit run` it is not there and
 * the macros do nothing. All may be called from any thread at any time.
 */
#ifndef ALLOCAUDIT_H
#define ALLOCAUDIT_H

#ifdef __cplusplus
extern "C" {
#endif

enum {
    ALLOCAUDIT_MARK = 0,
    ALLOCAUDIT_FRAME = 1,
    ALLOCAUDIT_SCOPE_BEGIN = 2,
    ALLOCAUDIT_SCOPE_END = 3,
};

/* Writes a row into the table `mark`. name is copied; at most 4096 bytes of it are kept. */
void allocaudit_note(unsigned kind, const char *name) __attribute__((weak));

/* A named moment. */
#define allocaudit_mark(name) allocaudit_note_if(ALLOCAUDIT_MARK, (name))
/* The end of one frame (one turn of a game loop, one request). */
#define allocaudit_frame()           allocaudit_note_if(ALLOCAUDIT_FRAME, "")
#define allocaudit_scope_begin(name) allocaudit_note_if(ALLOCAUDIT_SCOPE_BEGIN, (name))
#define allocaudit_scope_end(name)   allocaudit_note_if(ALLOCAUDIT_SCOPE_END, (name))

#define allocaudit_note_if(kind, name)                                                             \
    do {                                                                                           \
        if (allocaudit_note) {                                                                     \
            allocaudit_note((kind), (name));                                                       \
        }                                                                                          \
    } while (0)

#ifdef __cplusplus
}
#endif

#endif
