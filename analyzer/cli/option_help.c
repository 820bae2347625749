#include "options.h"

#include <string.h>

#include "term.h"

enum {
    WIDTH_DEFAULT = 80,
    WIDTH_MAX = 100, /* longer lines of prose are hard to read */
    OPTION_INDENT = 2,
    HELP_INDENT = 26,
    EXAMPLE_INDENT = 50,
    CHOICE_COLUMNS = 40,
};

void options_describe_value(const struct option_spec *spec, char *out_text, size_t size_bytes)
{
    out_text[0] = '\0';
    if (spec->type == OPTION_YES_NO) {
        snprintf(out_text, size_bytes, "yes|no");
    } else if (spec->type == OPTION_CHOICE) {
        size_t used = 0;
        for (size_t i = 0; spec->choices[i] != NULL && used < size_bytes; i++) {
            used += (size_t)snprintf(out_text + used, size_bytes - used, "%s%s", i > 0 ? "|" : "",
                                     spec->choices[i]);
        }
    } else if (spec->argument != NULL && spec->type != OPTION_FLAG) {
        snprintf(out_text, size_bytes, "%s", spec->argument);
    }
}

/* Prints `text` in lines of at most width columns; the first begins at `column`, the rest are
 * indented by `indent`. */
static void print_wrapped(const char *text, unsigned column, unsigned indent, unsigned width,
                          FILE *stream)
{
    bool is_first = true;
    while (*text != '\0') {
        const size_t length = strcspn(text, " ");
        const unsigned columns = term_text_columns(text, length);
        if (!is_first && column + 1 + columns > width) {
            fprintf(stream, "\n%*s", (int)indent, "");
            column = indent;
            is_first = true;
        }
        fprintf(stream, "%s%.*s", is_first ? "" : " ", (int)length, text);
        column += columns + !is_first;
        is_first = false;
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', stream);
}

/* Choices of many words are listed in the text instead of behind the option. */
static bool is_long_choice(const struct option_spec *spec, const char *value)
{
    return spec->type == OPTION_CHOICE && strlen(value) > CHOICE_COLUMNS;
}

static void append_text(char *text, size_t size_bytes, const char *more)
{
    const size_t length = strlen(text);
    snprintf(text + length, size_bytes - length, "%s", more);
}

/* The text behind an option: help, words, default. */
static void describe_option(const struct option_spec *spec, const char *value, char *out_text,
                            size_t size_bytes)
{
    snprintf(out_text, size_bytes, "%s", spec->help);
    if (is_long_choice(spec, value)) {
        append_text(out_text, size_bytes, ": ");
        for (size_t i = 0; spec->choices[i] != NULL; i++) {
            append_text(out_text, size_bytes, i > 0 ? ", " : "");
            append_text(out_text, size_bytes, spec->choices[i]);
        }
    }
    if (spec->standard != NULL) {
        append_text(out_text, size_bytes, " (default: ");
        append_text(out_text, size_bytes, spec->standard);
        append_text(out_text, size_bytes, ")");
    }
}

static void print_option(const struct option_spec *spec, unsigned width, FILE *stream)
{
    char value[256];
    char help[1024];
    options_describe_value(spec, value, sizeof(value));
    describe_option(spec, value, help, sizeof(help));
    if (is_long_choice(spec, value)) {
        snprintf(value, sizeof(value), "WORD");
    }

    char head[400];
    char letter[8] = "    ";
    if (spec->letter != '\0') {
        snprintf(letter, sizeof(letter), "-%c, ", spec->letter);
    }
    snprintf(head, sizeof(head), "%s--%s%s%s", letter, spec->name, value[0] != '\0' ? " " : "",
             value);

    const unsigned head_columns = OPTION_INDENT + (unsigned)strlen(head);
    fprintf(stream, "%*s%s", OPTION_INDENT, "", head);
    if (head_columns + 2 > HELP_INDENT) {
        fprintf(stream, "\n%*s", HELP_INDENT, "");
    } else {
        fprintf(stream, "%*s", (int)(HELP_INDENT - head_columns), "");
    }
    print_wrapped(help, HELP_INDENT, HELP_INDENT, width, stream);
}

/* The meanings stand in a column behind the commands; behind a longer command, on the next line. */
static void print_examples(const struct option_example *examples, unsigned width, FILE *stream)
{
    unsigned column = 0;
    for (size_t i = 0; examples != NULL && examples[i].command != NULL; i++) {
        const unsigned end = OPTION_INDENT + (unsigned)strlen(examples[i].command) + 2;
        if (end > column && end <= EXAMPLE_INDENT) {
            column = end;
        }
    }
    column = column > 0 ? column : HELP_INDENT;
    for (; examples != NULL && examples->command != NULL; examples++) {
        const unsigned end = OPTION_INDENT + (unsigned)strlen(examples->command);
        fprintf(stream, "%*s%s", OPTION_INDENT, "", examples->command);
        if (end + 2 > column) {
            fprintf(stream, "\n%*s", (int)column, "");
        } else {
            fprintf(stream, "%*s", (int)(column - end), "");
        }
        print_wrapped(examples->meaning, column, column, width, stream);
    }
}

void options_print_help(const struct option_page *page, unsigned width_columns, FILE *stream)
{
    unsigned width = width_columns != 0 ? width_columns : WIDTH_DEFAULT;
    if (width > WIDTH_MAX) {
        width = WIDTH_MAX;
    }
    fprintf(stream, "%s: ", page->command);
    print_wrapped(page->purpose, (unsigned)strlen(page->command) + 2, 4, width, stream);
    fprintf(stream, "usage: allocaudit %s%s%s\n\nexamples:\n", page->command,
            page->usage[0] != '\0' ? " " : "", page->usage);
    print_examples(page->examples, width, stream);

    static const struct option_spec help_row = {.name = "help", .letter = 'h', .help = "this text"};
    fputs("\noptions:\n", stream);
    for (const struct option_spec *spec = page->options; spec != NULL && spec->name != NULL;
         spec++) {
        print_option(spec, width, stream);
    }
    print_option(&help_row, width, stream);

    for (const char *const *text = page->paragraphs; text != NULL && *text != NULL; text++) {
        fputc('\n', stream);
        print_wrapped(*text, 0, 0, width, stream);
    }
}
