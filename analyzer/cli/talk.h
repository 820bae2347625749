/*
 * talk.h - what a command says on stderr besides its answer.
 *
 * Each call is one line, also in a locale or on a terminal that would make more of it: control
 * characters in quoted names are made visible.
 */
#ifndef ALLOCAUDIT_TALK_H
#define ALLOCAUDIT_TALK_H

/* "allocaudit: <text>": why it cannot be done. */
void talk_error(const char *text);

/* The same for what is worth knowing and no failure. */
void talk_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line without the name in front: what to type next, summaries. */
void talk_hint(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
