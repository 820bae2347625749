/*
 * allocaudit.h - what a program and its recorder tell each other. C and C++, no library to link.
 *
 * The functions are weak: where the program does not run under `allocaudit run` they are not there,
 * and the macros (allocaudit_frame() and so on) do nothing; what tells figures then says that there
 * are none. All may be called from any thread at any time. Those whose names end in `_if` are for
 * the macros' use.
 *
 * From Rust, which has no weak symbols, ask the loader (a null pointer: not recorded):
 *   type Note = unsafe extern "C" fn(kind: u32, name: *const c_char);
 *   let note = libc::dlsym(libc::RTLD_DEFAULT, c"allocaudit_note".as_ptr());
 *   if !note.is_null() { std::mem::transmute::<_, Note>(note)(ALLOCAUDIT_FRAME, c"".as_ptr()); }
 */
#ifndef ALLOCAUDIT_H
#define ALLOCAUDIT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ALLOCAUDIT_WEAK __attribute__((weak))

/* ---- marks -------------------------------------------------------------------------------------
 */

enum {
    ALLOCAUDIT_MARK = 0,
    ALLOCAUDIT_FRAME = 1,
    ALLOCAUDIT_SCOPE_BEGIN = 2,
    ALLOCAUDIT_SCOPE_END = 3
};

/* Writes a row into the table `mark`. name is copied; at most 4096 bytes of it are kept. */
void allocaudit_note(unsigned kind, const char *name) ALLOCAUDIT_WEAK;

/* A named moment. */
#define allocaudit_mark(name) allocaudit_note_if(ALLOCAUDIT_MARK, (name))

/* The end of one frame of this thread (a turn of a game loop, a request): `report frames`. */
#define allocaudit_frame() allocaudit_note_if(ALLOCAUDIT_FRAME, "")

/* A part of the program, in this thread: `report scopes`. Scopes nest; an end also ends those that
 * began within it. */
#define allocaudit_scope_begin(name) allocaudit_note_if(ALLOCAUDIT_SCOPE_BEGIN, (name))
#define allocaudit_scope_end(name)   allocaudit_note_if(ALLOCAUDIT_SCOPE_END, (name))

#define allocaudit_note_if(kind, name)                                                             \
    do {                                                                                           \
        if (allocaudit_note) {                                                                     \
            allocaudit_note((kind), (name));                                                       \
        }                                                                                          \
    } while (0)

/* ---- pause -------------------------------------------------------------------------------------
 *
 * What a thread allocates between a pause and its resume does not count: not in totals, sites,
 * scopes, frames, leaks and budgets, nor in the figures below. It is the test's own, say. The
 * blocks stay known, so their frees, whenever they come, are no strangers; `run` tells how many
 * there were (process.paused_allocation_count). A block from before that is freed meanwhile is gone
 * as ever.
 *
 * Pauses nest: the last resume counts. They are the thread's own, and a forked child's. A resume
 * without a pause does nothing.
 */
void allocaudit_pause(void) ALLOCAUDIT_WEAK;
void allocaudit_resume(void) ALLOCAUDIT_WEAK;

#define allocaudit_pause_if()                                                                      \
    do {                                                                                           \
        if (allocaudit_pause) {                                                                    \
            allocaudit_pause();                                                                    \
        }                                                                                          \
    } while (0)
#define allocaudit_resume_if()                                                                     \
    do {                                                                                           \
        if (allocaudit_resume) {                                                                   \
            allocaudit_resume();                                                                   \
        }                                                                                          \
    } while (0)

/* ---- counts ------------------------------------------------------------------------------------
 *
 * Of the calling thread alone, but where it says otherwise: what other threads do meanwhile does
 * not change the answer. A realloc counts as an allocation and a free. Sizes are those asked for.
 * Allocations in a signal handler that interrupts an allocation are not counted.
 */

/* Since this thread first asked; of the process, since any thread of it did. */
struct allocaudit_counts {
    uint64_t allocation_count;
    uint64_t free_count;
    uint64_t allocated_bytes;
};

/*
 * Gives 1 and *out_counts; or 0 and zeros where nothing is known: the program is not recorded, or
 * as a sample, or events were lost (--on-full drop). Costs some 20 ns and 2 ns for each call of the
 * allocator since the last time; a thread that has asked once pays those 2 ns on and on.
 */
int allocaudit_count(struct allocaudit_counts *out_counts) ALLOCAUDIT_WEAK;

/*
 * The same of all threads, also of those that have ended. Exact for what happened before the call,
 * as far as one thread can know of another (by a join, a lock). Costs some 20 ns, 3 ns for each
 * thread, and up to 1 ns for each call of the allocator in any of them since this thread asked
 * last.
 */
int allocaudit_count_process(struct allocaudit_counts *out_counts) ALLOCAUDIT_WEAK;

/* What happened between two moments. Zero it before. */
struct allocaudit_measure {
    uint64_t allocation_count;
    uint64_t free_count;
    uint64_t allocated_bytes;
    uint64_t live_count; /* blocks allocated in between that this thread has not freed again */
    uint64_t live_bytes;
    uint64_t peak_bytes; /* most bytes of blocks allocated in between that were live at once */
    uint64_t serial;     /* the recorder's own; 0: not begun */
};

/* Measures may begin within one another, up to 32 deep; beyond, nothing is known of the outer ones.
 */
void allocaudit_measure_begin(struct allocaudit_measure *measure) ALLOCAUDIT_WEAK;

/* Gives 1 and the figures, or 0 as allocaudit_count() does. Ends those that began within it. */
int allocaudit_measure_end(struct allocaudit_measure *measure) ALLOCAUDIT_WEAK;

enum allocaudit_stacks {
    ALLOCAUDIT_STACKS_CALLS, /* those that allocated, most allocations first */
    ALLOCAUDIT_STACKS_BYTES, /* the same, most bytes first */
    ALLOCAUDIT_STACKS_LIVE   /* those whose blocks were not freed, most blocks first */
};

#define ALLOCAUDIT_STACKS_TEXT_BYTES 8192 /* a text is not longer */

/*
 * For a test that has failed: the stacks, at most 5, of the measurement that this thread ended
 * last, as lines of text ("  2 allocations, 30 bytes", "    FUNCTION FILE:LINE" ... from the
 * allocation outward), and a NUL. The collector looks the names up, so this may take a second; not
 * more than some 2. Returns the bytes of text before the NUL; 0: it is not known. More than some
 * 4000 allocations: the last ones alone count.
 */
size_t allocaudit_describe_stacks(enum allocaudit_stacks which, char *out_text,
                                  size_t size_bytes) ALLOCAUDIT_WEAK;

#define allocaudit_count_if(out_counts) (allocaudit_count ? allocaudit_count(out_counts) : 0)
#define allocaudit_count_process_if(out_counts)                                                    \
    (allocaudit_count_process ? allocaudit_count_process(out_counts) : 0)
#define allocaudit_measure_begin_if(measure)                                                       \
    do {                                                                                           \
        if (allocaudit_measure_begin) {                                                            \
            allocaudit_measure_begin(measure);                                                     \
        }                                                                                          \
    } while (0)
#define allocaudit_measure_end_if(measure)                                                         \
    (allocaudit_measure_end ? allocaudit_measure_end(measure) : 0)

#ifdef __cplusplus
}
#endif

#endif
