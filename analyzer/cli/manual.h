/*
 * manual.h - man pages, made from the same pages as the help.
 *
 * Errors stay in the stream (ferror).
 */
#ifndef ALLOCAUDIT_MANUAL_H
#define ALLOCAUDIT_MANUAL_H

#include <stdio.h>

#include "options.h"

/* The page of one command, allocaudit-NAME(1), as roff. */
void manual_print_command(const struct option_page *page, FILE *stream);

/* allocaudit(1): the commands (`pages` ends with NULL), the exit codes, the files. */
void manual_print_program(const struct option_page *const *pages, FILE *stream);

#endif
