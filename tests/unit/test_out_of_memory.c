/*
 * Every allocation that printing, parsing and plotting make fails once: each must end in -ENOMEM,
 * with nothing leaked, lost or touched that should not be.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/cli/options.h"
#include "../../analyzer/cli/out.h"
#include "../../analyzer/cli/plot.h"
#include "../../analyzer/trial/candidate.h"

/* Sanitizers bring their own allocator. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#    define HAS_OWN_ALLOCATOR 0
#else
#    define HAS_OWN_ALLOCATOR 1
#endif

enum {
    STEPS_MAX = 100000,
};

static long allowed_count = -1; /* allocations until one fails; negative: none fails */
static long live_count;         /* while counting: blocks taken and not given back */
static bool is_counting;

#if HAS_OWN_ALLOCATOR
void *__libc_malloc(size_t size_bytes);
void *__libc_calloc(size_t count, size_t size_bytes);
void *__libc_realloc(void *block, size_t size_bytes);
void __libc_free(void *block);

static bool is_refused(void)
{
    return allowed_count >= 0 && allowed_count-- == 0;
}

static void *counted(void *block)
{
    live_count += is_counting && block != NULL;
    return block;
}

void *malloc(size_t size_bytes)
{
    return is_refused() ? NULL : counted(__libc_malloc(size_bytes));
}

void *calloc(size_t count, size_t size_bytes)
{
    return is_refused() ? NULL : counted(__libc_calloc(count, size_bytes));
}

void *realloc(void *block, size_t size_bytes)
{
    if (is_refused()) {
        return NULL;
    }
    void *moved = __libc_realloc(block, size_bytes);
    return block == NULL ? counted(moved) : moved;
}

void free(void *block)
{
    live_count -= is_counting && block != NULL;
    __libc_free(block);
}
#endif

/* Runs `attempt` with its first, second, ... allocation failing, until it succeeds. */
static void fail_each(int (*attempt)(void *context), void *context, unsigned least_steps)
{
    if (!HAS_OWN_ALLOCATOR) {
        skip();
    }
    unsigned step = 0;
    int r = -ENOMEM;
    for (; r != 0 && step < STEPS_MAX; step++) {
        live_count = 0;
        is_counting = true;
        allowed_count = step;
        r = attempt(context);
        allowed_count = -1;
        is_counting = false;
        assert_true(r == 0 || r == -ENOMEM);
        assert_int_equal(live_count, 0);
    }
    assert_int_equal(r, 0);
    assert_true(step > least_steps);
}

struct printing {
    FILE *stream;
    enum out_format format;
};

static void print_row(struct out *out, int64_t number)
{
    out_begin_row(out);
    out_count(out, "count", "count", number);
    out_text(out, "name", "name", "\x1b[31m a name that needs some room, and then some more");
    out_begin_list(out, "stack");
    out_begin_row(out);
    out_text(out, "function", "function", "main");
    out_end_row(out);
    out_end_list(out);
    out_end_row(out);
}

static int print_document(void *context)
{
    const struct printing *printing = context;
    const struct out_settings settings = {.format = printing->format};
    struct err err = {""};
    struct out *out = NULL;
    int r = out_create("test", &settings, printing->stream, &out, &err);
    if (r < 0) {
        assert_string_equal(err.text, "out of memory");
        return r;
    }

    out_begin_section(out, "summary", "Summary");
    out_bytes(out, "peak_bytes", "peak", 4711);
    out_prose(out, "some\nlines");
    out_end_section(out);
    out_begin_table(out, "sites", "Sites");
    for (int64_t i = 0; i < 40; i++) {
        print_row(out, i);
    }
    out_end_table(out);
    out_note(out, "%d events were lost", 3);
    r = out_finish(out, &err);
    out_destroy(out);
    if (r < 0) {
        assert_string_equal(err.text, "out of memory");
    }
    return r;
}

static void out_without_memory_ends_in_enomem(void **state)
{
    (void)state;
    for (int format = OUT_TABLE; format <= OUT_CSV; format++) {
        struct printing printing = {.stream = fopen("/dev/null", "w"),
                                    .format = (enum out_format)format};
        assert_non_null(printing.stream);
        assert_int_equal(setvbuf(printing.stream, NULL, _IONBF, 0), 0);

        fail_each(print_document, &printing, 5);

        assert_int_equal(fclose(printing.stream), 0);
    }
}

struct list_settings {
    struct option_list threads;
};

static int parse_list(void *context)
{
    (void)context;
    static const struct option_spec specs[] = {
        {"thread", 't', "NAME", "only these", NULL, OPTION_LIST_AT(struct list_settings, threads)},
        {0},
    };
    static const struct option_page page = {.command = "show", .options = specs};
    char words[][8] = {"show", "-ta", "-tb", "-tc"};
    char *argv[] = {words[0], words[1], words[2], words[3], NULL};
    struct list_settings settings = {{0}};
    struct option_arguments arguments;
    int r = options_parse(&page, 4, argv, &settings, &arguments, NULL);
    assert_true(r < 0 || settings.threads.count == 3);
    option_list_fini(&settings.threads);
    return r;
}

static void options_parse_without_memory_ends_in_enomem(void **state)
{
    (void)state;
    fail_each(parse_list, NULL, 3);
}

static int plot_values(void *context)
{
    (void)context;
    const struct plot_settings settings = {
        .width_columns = 80, .height_lines = 10, .is_utf8 = true};
    const int64_t values[] = {1, 2, 3, 4, 5};
    struct str text = {0};
    int r = plot_timeline(&settings, values, 5, 0, 1000, &text);
    str_fini(&text);
    return r;
}

static void plot_timeline_without_memory_ends_in_enomem(void **state)
{
    (void)state;
    fail_each(plot_values, NULL, 3);
}

static int quote_word(void *context)
{
    (void)context;
    struct str text = {0};
    int r = str_append(&text, "kept ");
    if (r == 0) {
        r = str_append_quoted(&text, "it's a word that is long enough to need more room");
        assert_true(r == 0 || strcmp(text.text, "kept ") == 0);
    }
    str_fini(&text);
    return r;
}

static void str_append_quoted_without_memory_keeps_the_content(void **state)
{
    (void)state;
    fail_each(quote_word, NULL, 2);
}

static int prepare_candidate(void *context)
{
    (void)context;
    static char app[] = "./app";
    static char *const command[] = {app, NULL};
    static const char *const settings[] = {"A=1", "glibc@b:B=x y"};
    struct candidates candidates = {0};
    struct variables variables = {0};
    struct str line = {0};
    struct err err = {""};
    int r = candidates_parse(&candidates, "glibc,glibc@b", settings, 2, &err);
    assert_true(r == 0 || strcmp(err.text, "out of memory") == 0);
    if (r == 0) {
        r = candidate_fill_variables(&candidates.items[1], &variables);
    }
    if (r == 0) {
        r = candidate_append_command(&candidates.items[1], command, &line);
        assert_true(r < 0 || strcmp(line.text, "A=1 B='x y' ./app") == 0);
    }
    str_fini(&line);
    variables_fini(&variables);
    candidates_fini(&candidates);
    return r;
}

static void candidates_parse_without_memory_ends_in_enomem(void **state)
{
    (void)state;
    fail_each(prepare_candidate, NULL, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(out_without_memory_ends_in_enomem),
        cmocka_unit_test(options_parse_without_memory_ends_in_enomem),
        cmocka_unit_test(plot_timeline_without_memory_ends_in_enomem),
        cmocka_unit_test(str_append_quoted_without_memory_keeps_the_content),
        cmocka_unit_test(candidates_parse_without_memory_ends_in_enomem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
