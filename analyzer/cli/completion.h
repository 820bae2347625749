/*
 * completion.h - shell completion, made from the same pages as the help.
 */
#ifndef ALLOCAUDIT_COMPLETION_H
#define ALLOCAUDIT_COMPLETION_H

#include <stdio.h>

#include "options.h"

/*
 * A completion script for bash: commands, their options, the words of choices, files; for a command
 * that runs a program (is_command_line) also that program's own words. `pages` ends with NULL.
 * Errors stay in the stream (ferror).
 */
void completion_print_bash(const struct option_page *const *pages, FILE *stream);

#endif
