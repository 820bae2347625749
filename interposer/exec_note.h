/*
 * exec_note.h - tells the collector of programs that this process starts and that nothing can be
 * preloaded into: statically linked ones, say, would else be missing without a word.
 *
 * Called around the functions of the exec family, also in a child of vfork, which shares its
 * parent's memory: nothing is written but the ring. Leaves errno alone.
 */
#ifndef ALLOCAUDIT_EXEC_NOTE_H
#define ALLOCAUDIT_EXEC_NOTE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../schema/unrecorded_reason.h"

enum {
    EXEC_PATH_BYTES = 1024, /* of longer ones nothing is told */
};

/* Of a program, what was found out about it. */
struct exec_look {
    bool is_unrecordable;
    enum unrecorded_reason reason;
    char path[EXEC_PATH_BYTES]; /* of the file that the kernel will load; as far as is known */
};

/* Looks at `path` from `folder` (AT_FDCWD, an open one, or with "" the open file itself) as the
 * kernel will: through scripts. */
void exec_look_at(struct exec_look *look, int folder, const char *path, char *const envp[]);

/* The same where execvp() would find `name`. */
void exec_look_for(struct exec_look *look, const char *name, char *const envp[]);

/* Counts a process that becomes what was looked at (pid 0: not known which). Gives what was counted
 * up, or NULL if there is nothing to tell. */
_Atomic uint32_t *exec_note(const struct exec_look *look, uint32_t pid);

/* It was not executed after all. */
static inline void exec_note_undo(_Atomic uint32_t *count)
{
    if (count != NULL) {
        atomic_fetch_sub(count, 1);
    }
}

#endif
