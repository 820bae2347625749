/*
 * companion.h - a library that a replay has to load because the program had.
 *
 * Some allocators are written in C++. Where the program is, too, what that library takes is there
 * on every allocator, and belongs to none.
 */
#ifndef ALLOCAUDIT_COMPANION_H
#define ALLOCAUDIT_COMPANION_H

#include "../model/trace.h"

/* The C++ library of the recorded program, if it is on this machine; or "". The trace's. */
const char *companion_find(const struct trace *trace);

#endif
