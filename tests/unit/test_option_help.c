#include "option_pages.h"

#include "../../analyzer/cli/completion.h"
#include "../../analyzer/cli/manual.h"

static char *capture(void (*print)(FILE *stream))
{
    char *text = NULL;
    size_t size_bytes = 0;
    FILE *stream = open_memstream(&text, &size_bytes);
    assert_non_null(stream);
    print(stream);
    assert_int_equal(fclose(stream), 0);
    return text;
}

static void print_help_at_60(FILE *stream)
{
    options_print_help(&page, 60, stream);
}

static void options_print_help_wraps_and_aligns(void **state)
{
    (void)state;
    char *text = capture(print_help_at_60);

    assert_string_equal(text, "show: show a thing\n"
                              "usage: allocaudit show [FILE] [options]\n"
                              "\n"
                              "examples:\n"
                              "  allocaudit show x.db     show it\n"
                              "  allocaudit show --top 3  the first three\n"
                              "\n"
                              "options:\n"
                              "  -q, --quiet             say less\n"
                              "  -a, --all               show all\n"
                              "      --follow yes|no     record children too (default: yes)\n"
                              "  -o, --output FILE       where to write (default:\n"
                              "                          ./allocaudit.db)\n"
                              "      --thread NAME       only these threads; may be\n"
                              "                          repeated\n"
                              "  -n, --top N             show the N largest (default: 20)\n"
                              "      --max-allocs N      how many there may be\n"
                              "      --sample BYTES      how much between two samples\n"
                              "                          (default: 512 KiB)\n"
                              "      --interval TIME     how often to look (default: 10ms)\n"
                              "      --sort bytes|count  what to sort by (default: bytes)\n"
                              "  -h, --help              this text\n"
                              "\n"
                              "A paragraph that is long enough to need more than one line\n"
                              "of sixty columns, with a-hyphen.\n");
    free(text);
}

static void print_manual(FILE *stream)
{
    manual_print_command(&page, stream);
}

static void manual_print_command_names_every_option(void **state)
{
    (void)state;
    char *text = capture(print_manual);

    static const char *const names[] = {"quiet",    "all",  "follow",       "output",
                                        "thread",   "top",  "max\\-allocs", "sample",
                                        "interval", "sort", "help"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char name[64];
        snprintf(name, sizeof(name), "\\fB\\-\\-%s\\fR", names[i]);
        assert_non_null(strstr(text, name));
    }
    assert_ptr_equal(strstr(text, ".TH ALLOCAUDIT\\-SHOW 1 "), text);
    free(text);
}

static void print_completion(FILE *stream)
{
    const struct option_page *const pages[] = {&page, &command_line_page, NULL};
    completion_print_bash(pages, stream);
}

static const char completion_driver[] =
    "\n"
    "ask()\n"
    "{\n"
    "    COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1))\n"
    "    _allocaudit allocaudit \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD - 1]}\"\n"
    "    [[ \"${COMPREPLY[*]}\" == \"$expected\" ]] || exit 1\n"
    "}\n"
    "expected=show; ask allocaudit sh\n"
    "expected='show run --help --version'; ask allocaudit help ''; expected=--help; ask allocaudit "
    "show --he\n"
    "expected=--max-allocs; ask allocaudit show x.db --ma\n"
    "expected='bytes count'; ask allocaudit show --sort ''\n"
    "expected=count; ask allocaudit show --sort = c; ask allocaudit run --sort c\n"
    "expected=/dev/null; ask allocaudit show /dev/nul; ask allocaudit run -o x ls /dev/nul\n"
    "expected=; ask allocaudit run ls --sor; ask allocaudit run -q -- ls --sor\n"
    "expected=; ask allocaudit run --sort = count ls --sor\n"
    "expected=--sort; ask allocaudit run -o x --thread y --sor\n";

static void completion_print_bash_completes_in_a_shell(void **state)
{
    (void)state;
    char *text = capture(print_completion);
    FILE *shell = popen("bash --norc", "w");
    assert_non_null(shell);

    assert_true(fputs(text, shell) >= 0);
    assert_true(fputs(completion_driver, shell) >= 0);

    assert_int_equal(pclose(shell), 0);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_print_help_wraps_and_aligns),
        cmocka_unit_test(manual_print_command_names_every_option),
        cmocka_unit_test(completion_print_bash_completes_in_a_shell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
