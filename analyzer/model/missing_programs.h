/*
 * missing_programs.h - what the recorded processes have started and the recording lacks, in words.
 * Single thread.
 */
#ifndef ALLOCAUDIT_MISSING_PROGRAMS_H
#define ALLOCAUDIT_MISSING_PROGRAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/str.h"
#include "trace.h"

/* How many processes, of those that this process has started (0: any). */
uint64_t missing_programs_count(const struct trace *trace, uint32_t process_id);

/*
 * Appends "2 processes were not recorded: /bin/busybox (statically linked), ..." Nothing where
 * there are none. Returns 0 or -ENOMEM.
 */
int missing_programs_describe(const struct trace *trace, uint32_t process_id, struct str *text);

/* True if something is missing, and all that was recorded are shells and their like, which do
 * nothing but start others: then the program that was meant was never seen. */
bool missing_programs_are_all(const struct trace *trace);

#endif
