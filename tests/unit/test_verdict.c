#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/gate/verdict.h"

static void add(struct verdict *verdict, enum verdict_kind kind, const char *name, const char *said,
                const char *culprit)
{
    struct verdict_line line = {
        .kind = kind, .group = "allocaudit.budget", .name = strdup(name), .said = strdup(said)};
    struct err err;
    if (culprit != NULL) {
        line.culprit = strdup(culprit);
        line.amount = strdup("1,000");
        line.file = strdup("/src/a,b/list.c");
        line.line = 7;
    }
    assert_int_equal(verdict_add(verdict, line, &err), 0);
}

/* One line of each kind, with what each form has to escape. */
static void make(struct verdict *verdict)
{
    *verdict = (struct verdict){.folder = "/src", .more = "allocaudit report"};
    add(verdict, VERDICT_FAIL, "functions '<a|b>': leaked_count", "5%, \"at most\" 3", "push<T&>");
    add(verdict, VERDICT_PASS, "peak_bytes", "3 KiB", NULL);
    add(verdict, VERDICT_BETTER, "allocated_bytes", "3 KiB, baseline 4 KiB", "pop");
    add(verdict, VERDICT_UNJUDGED, "realloc_moved_bytes", "1 B\x01", NULL);
}

static char *write_form(const struct verdict *verdict,
                        int (*write)(const struct verdict *verdict, FILE *stream))
{
    char *text = NULL;
    size_t size_bytes = 0;
    FILE *stream = open_memstream(&text, &size_bytes);
    assert_non_null(stream);
    assert_int_equal(write(verdict, stream), 0);
    assert_int_equal(fclose(stream), 0);
    return text;
}

static void verdict_write_junit_is_xml_with_a_case_per_line(void **state)
{
    (void)state;
    struct verdict verdict;
    make(&verdict);

    char *text = write_form(&verdict, verdict_write_junit);

    assert_string_equal(
        text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
              "<testsuite name=\"allocaudit\" tests=\"4\" failures=\"1\" errors=\"0\" "
              "skipped=\"1\">\n"
              "  <testcase classname=\"allocaudit.budget\" name=\"functions '&lt;a|b&gt;': "
              "leaked_count\">\n"
              "    <failure message=\"5%, &quot;at most&quot; 3\">push&lt;T&amp;&gt; "
              "(a,b/list.c:7): 1,000</failure>\n"
              "  </testcase>\n"
              "  <testcase classname=\"allocaudit.budget\" name=\"peak_bytes\"/>\n"
              "  <testcase classname=\"allocaudit.budget\" name=\"allocated_bytes\"/>\n"
              "  <testcase classname=\"allocaudit.budget\" name=\"realloc_moved_bytes\">\n"
              "    <skipped message=\"1 B?\"></skipped>\n"
              "  </testcase>\n"
              "</testsuite>\n");
    free(text);
    verdict_fini(&verdict);
}

static void verdict_write_markdown_keeps_cells_apart(void **state)
{
    (void)state;
    struct verdict verdict;
    make(&verdict);

    char *text = write_form(&verdict, verdict_write_markdown);

    assert_string_equal(
        text, "### Allocations: gate failed\n\n"
              "|  | what | said | most of it |\n|---|---|---|---|\n"
              "| **FAIL** | functions '\\<a\\|b\\>': leaked\\_count | 5%, \"at most\" 3 | "
              "push\\<T&\\> (a,b/list.c:7): 1,000 |\n"
              "| pass | peak\\_bytes | 3 KiB |  |\n"
              "| better | allocated\\_bytes | 3 KiB, baseline 4 KiB | pop (a,b/list.c:7): 1,000 |\n"
              "| not judged | realloc\\_moved\\_bytes | 1 B  |  |\n\nMore: `allocaudit report`\n");
    free(text);
    verdict_fini(&verdict);
}

static void verdict_write_github_escapes_as_its_runner_wants(void **state)
{
    (void)state;
    struct verdict verdict;
    make(&verdict);

    char *text = write_form(&verdict, verdict_write_github);

    assert_string_equal(
        text, "::error file=a%2Cb/list.c,line=7,title=functions '<a|b>'%3A leaked_count::5%25, "
              "\"at most\" 3; most of it: push<T&> (a,b/list.c:7): 1,000\n"
              "::notice file=a%2Cb/list.c,line=7,title=allocated_bytes::3 KiB, baseline 4 KiB; "
              "most of it: pop (a,b/list.c:7): 1,000\n");
    free(text);
    verdict_fini(&verdict);
}

/* All forms say so where --strict ends with status 4. */
static void verdict_that_is_strict_fails_what_is_better(void **state)
{
    (void)state;
    struct verdict verdict = {.is_strict = true};
    add(&verdict, VERDICT_BETTER, "allocated_bytes", "3, baseline 4", NULL);

    char *junit = write_form(&verdict, verdict_write_junit);
    char *markdown = write_form(&verdict, verdict_write_markdown);
    char *github = write_form(&verdict, verdict_write_github);

    assert_non_null(strstr(junit, " failures=\"1\" "));
    assert_non_null(strstr(junit, "<failure message=\"3, baseline 4\"></failure>"));
    assert_non_null(strstr(markdown, "less than the baseline, which wants renewing\n"));
    assert_string_equal(github, "::error title=allocated_bytes::3, baseline 4\n");
    free(junit);
    free(markdown);
    free(github);
    verdict_fini(&verdict);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdict_write_junit_is_xml_with_a_case_per_line),
        cmocka_unit_test(verdict_write_markdown_keeps_cells_apart),
        cmocka_unit_test(verdict_write_github_escapes_as_its_runner_wants),
        cmocka_unit_test(verdict_that_is_strict_fails_what_is_better),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
