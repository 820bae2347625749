/*
 * out_document.h - for tests of out.h: what a document looks like in each format. Failures end the
 * test.
 */
#ifndef ALLOCAUDIT_OUT_DOCUMENT_H
#define ALLOCAUDIT_OUT_DOCUMENT_H

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/cli/out.h"

typedef void document(struct out *out);

/* Prints the document into memory. The text is the caller's. */
static inline char *render(document *print, const struct out_settings *settings)
{
    char *text = NULL;
    size_t size_bytes = 0;
    struct err err = {""};
    struct out *out = NULL;
    FILE *stream = open_memstream(&text, &size_bytes);
    assert_non_null(stream);
    assert_int_equal(out_create("test", settings, stream, &out, &err), 0);
    print(out);
    assert_int_equal(out_finish(out, &err), 0);
    out_destroy(out);
    assert_int_equal(fclose(stream), 0);
    return text;
}

static inline void assert_rendered(document *print, const struct out_settings *settings,
                                   const char *expected)
{
    char *text = render(print, settings);
    assert_string_equal(text, expected);
    free(text);
}

static inline void assert_table(document *print, const char *expected)
{
    assert_rendered(print, &(struct out_settings){.color = TERM_COLOR_NEVER}, expected);
}

static inline void assert_csv(document *print, const char *expected)
{
    assert_rendered(print, &(struct out_settings){.format = OUT_CSV}, expected);
}

/* Compares, and lets another program's parser read it. */
static inline void assert_json(document *print, const char *expected)
{
    char *text = render(print, &(struct out_settings){.format = OUT_JSON});
    assert_string_equal(text, expected);
    FILE *parser = popen("/usr/bin/python3 -m json.tool >/dev/null", "w");
    assert_non_null(parser);
    assert_true(fputs(text, parser) >= 0);
    assert_int_equal(pclose(parser), 0);
    free(text);
}

static inline void print_nothing(struct out *out)
{
    (void)out;
}

static inline void print_site(struct out *out, int64_t count, int64_t bytes, const char *function)
{
    out_begin_row(out);
    out_count(out, "allocation_count", "allocations", count);
    out_bytes(out, "allocated_bytes", "bytes", bytes);
    out_text(out, "function", "function", function);
    out_end_row(out);
}

static inline void print_frame(struct out *out, const char *function, const char *place)
{
    out_begin_row(out);
    out_text(out, "function", "function", function);
    out_aside(out, "file", "file", place);
    out_end_row(out);
}

static inline void print_lists(struct out *out)
{
    out_begin_table(out, "sites", "Sites");
    out_begin_row(out);
    out_count(out, "count", "count", 7);
    out_begin_list(out, "stack");
    print_frame(out, "inner", "a.c:3");
    print_frame(out, "outermost", "b.c:14");
    out_end_list(out);
    out_text(out, "name", "name", "x");
    out_end_row(out);
    out_begin_row(out);
    out_count(out, "count", "count", 1000);
    out_begin_list(out, "stack");
    out_end_list(out);
    out_end_row(out);
    out_end_table(out);
    out_begin_section(out, "run", "Run");
    out_begin_list(out, "callers");
    out_begin_row(out);
    out_text(out, "function", "function", "main");
    out_begin_list(out, "callers");
    print_frame(out, "_start", NULL);
    out_end_list(out);
    out_end_row(out);
    out_end_list(out);
    out_number(out, "depth", "depth", 2);
    out_end_section(out);
}

/* Of a group of tests: one locale, one time zone, no width. */
static inline int out_set_up(void **state)
{
    (void)state;
    (void)setenv("TZ", "UTC", 1);
    (void)unsetenv("COLUMNS");
    return setlocale(LC_CTYPE, "C.UTF-8") != NULL ? 0 : -1;
}

#endif
