/*
 * unrecorded_reason.h - why a program that a recorded process has started is not in the recording.
 */
#ifndef ALLOCAUDIT_UNRECORDED_REASON_H
#define ALLOCAUDIT_UNRECORDED_REASON_H

/* X(name, word of the column `reason`, text for people) */
#define UNRECORDED_REASONS(X)                                                                      \
    X(STATIC, "static", "statically linked")                                                       \
    X(RIGHTS, "rights", "set-user-id, set-group-id, or given file capabilities")                   \
    X(MACHINE, "machine", "built for another processor")                                           \
    X(PRELOAD, "preload", "LD_PRELOAD was taken out of its environment")

enum unrecorded_reason {
#define X(name, word, text) UNRECORDED_##name,
    UNRECORDED_REASONS(X)
#undef X
    UNRECORDED_REASON_COUNT
};

#endif
