/*
 * emit_notes.h - records what is no allocation and no free: errors, marks, counts, what a sanitizer
 * prints. As with emit.h: at any time, in any thread; errno is left as it was.
 */
#ifndef ALLOCAUDIT_EMIT_NOTES_H
#define ALLOCAUDIT_EMIT_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../schema/event.h"

/* An error of the program: before the real call, which may be its last. call: enum free_kind, or
 * alloc_kind of a bad alignment. */
void emit_fault(enum fault_kind fault, unsigned call, uint64_t value, const void *frame);

/* A count of the library's own, under a constant name. */
void emit_counter(const char *name, uint64_t value, const void *frame);

/* One of the figures that the allocator gave at one time; place: 0 for the first of them. */
void emit_allocator_fact(uint32_t place, const char *name, uint64_t value, const void *frame);

/* What a sanitizer's runtime has printed, or a part of it. */
void emit_report(const char *text, size_t text_bytes, bool is_last, const void *frame);

/* A mark from the program (allocaudit.h). kind: enum mark_kind. */
void emit_mark(uint32_t kind, const char *name, const void *frame);

#endif
