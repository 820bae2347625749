/*
 * plan_file.h - for tests of plans: a plan that is written to a file and read. Failures end the
 * test.
 */
#ifndef TESTS_PLAN_FILE_H
#define TESTS_PLAN_FILE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../analyzer/plan/plan.h"

/* A new file with that text; the name is the caller's, to be unlinked. */
static inline void plan_file_write(char path[64], const char *text)
{
    snprintf(path, 64, "/tmp/allocaudit-plan-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static inline int plan_file_read(const char *text, struct plan *plan, struct err *err)
{
    char path[64];
    plan_file_write(path, text);
    int result = plan_read(plan, path, err);
    unlink(path);
    return result;
}

#endif
