/*
 * trial_conditions.h - what a trial needs before it begins, and what makes it something else than
 * it looks.
 *
 * The checks return 0, or the exit status after telling what is wrong.
 */
#ifndef ALLOCAUDIT_TRIAL_CONDITIONS_H
#define ALLOCAUDIT_TRIAL_CONDITIONS_H

#include "../catalog/elf_malloc.h"
#include "../cli/out.h"
#include "../trial/candidate.h"

/* The command can be executed, and what is preloaded serves it; *out_own is what it brings. */
int trial_check_command(const char *command, struct elf_malloc *out_own);

/* The file of --stdin, or NULL, can be read. */
int trial_check_input(const char *input);

/* Tells who is not installed; CMD_CANNOT if nothing is left to compare. */
int trial_check_candidates(const struct candidates *candidates);

/* Notes what makes the baseline something else than it is called. */
void trial_note_surroundings(const struct elf_malloc *own, struct out *out);

#endif
