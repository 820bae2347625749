#include "manual.h"

#include <ctype.h>
#include <string.h>

static const char program_purpose[] = "record where a program's memory goes, and explain it";

/* Text that roff must not read as its own: backslashes, hyphens, quotes, a leading point. */
static void print_escaped(const char *text, FILE *stream)
{
    if (*text == '.' || *text == '\'') {
        fputs("\\&", stream);
    }
    for (; *text != '\0'; text++) {
        if (*text == '\\') {
            fputs("\\e", stream);
        } else if (*text == '-') {
            fputs("\\-", stream);
        } else if (*text == '"') {
            fputs("\\(dq", stream);
        } else {
            fputc(*text, stream);
        }
    }
}

static void print_line(const char *text, FILE *stream)
{
    print_escaped(text, stream);
    fputc('\n', stream);
}

static void print_header(const char *command, FILE *stream)
{
    fputs(".TH ALLOCAUDIT", stream);
    if (command != NULL) {
        fputs("\\-", stream);
        for (const char *c = command; *c != '\0'; c++) {
            fputc(toupper((unsigned char)*c), stream);
        }
    }
    fputs(" 1 \"\" \"allocaudit " ALLOCAUDIT_VERSION "\" \"User commands\"\n.SH NAME\nallocaudit",
          stream);
    if (command != NULL) {
        fprintf(stream, "\\-%s", command);
    }
    fputs(" \\- ", stream);
}

static void print_option(const struct option_spec *spec, FILE *stream)
{
    char value[256];
    options_describe_value(spec, value, sizeof(value));
    fputs(".TP\n", stream);
    if (spec->letter != '\0') {
        fprintf(stream, "\\fB\\-%c\\fR, ", spec->letter);
    }
    fputs("\\fB\\-\\-", stream);
    print_escaped(spec->name, stream);
    fputs("\\fR", stream);
    if (value[0] != '\0') {
        fputs(" \\fI", stream);
        print_escaped(value, stream);
        fputs("\\fR", stream);
    }
    fputc('\n', stream);
    print_escaped(spec->help, stream);
    if (spec->standard != NULL) {
        fputs(" (default: ", stream);
        print_escaped(spec->standard, stream);
        fputc(')', stream);
    }
    fputc('\n', stream);
}

static void print_examples(const struct option_example *examples, FILE *stream)
{
    fputs(".SH EXAMPLES\n", stream);
    for (; examples != NULL && examples->command != NULL; examples++) {
        fputs(".TP\n.B \"", stream);
        print_escaped(examples->command, stream);
        fputs("\"\n", stream);
        print_line(examples->meaning, stream);
    }
}

void manual_print_command(const struct option_page *page, FILE *stream)
{
    print_header(page->command, stream);
    print_line(page->purpose, stream);
    fprintf(stream, ".SH SYNOPSIS\n.B allocaudit %s\n", page->command);
    print_line(page->usage, stream);
    if (page->paragraphs != NULL) {
        fputs(".SH DESCRIPTION\n", stream);
        for (const char *const *text = page->paragraphs; *text != NULL; text++) {
            fputs(".PP\n", stream);
            print_line(*text, stream);
        }
    }

    static const struct option_spec help_row = {
        .name = "help", .letter = 'h', .help = "print help"};
    fputs(".SH OPTIONS\n", stream);
    for (const struct option_spec *spec = page->options; spec != NULL && spec->name != NULL;
         spec++) {
        print_option(spec, stream);
    }
    print_option(&help_row, stream);
    print_examples(page->examples, stream);
    fputs(".SH SEE ALSO\n.BR allocaudit (1)\n", stream);
}

void manual_print_program(const struct option_page *const *pages, FILE *stream)
{
    print_header(NULL, stream);
    print_line(program_purpose, stream);
    fputs(
        ".SH SYNOPSIS\n.B allocaudit\n.I COMMAND\n[\\fIoptions\\fR]\n"
        ".SH DESCRIPTION\n"
        "\\fBallocaudit run\\fR records every allocation of an unmodified program, with its call\n"
        "stack, into one SQLite file; the other commands read that file.\n"
        ".SH COMMANDS\n",
        stream);
    for (; *pages != NULL; pages++) {
        fprintf(stream, ".TP\n.BR allocaudit\\-%s (1)\n", (*pages)->command);
        print_line((*pages)->purpose, stream);
    }
    fputs(
        ".SH EXIT STATUS\n"
        ".TP\n.B 0\ndone, or the gate passed\n"
        ".TP\n.B 1\nthe gate failed (\\fBgate\\fR only)\n"
        ".TP\n.B 2\nwrong usage\n"
        ".TP\n.B 3\nit cannot be done: no such file, damaged, another version, output not written\n"
        ".PP\n\\fBrun\\fR passes on the status of the program (128 + N for signal N); 125 says "
        "that\n"
        "recording itself failed, 126 that the program cannot be executed, 127 that there is "
        "none.\n"
        ".SH ENVIRONMENT\n"
        ".TP\n.B NO_COLOR\nif set and not empty, nothing is coloured unless \\-\\-color asks for "
        "it\n"
        ".TP\n.B COLUMNS\nthe width to lay tables out for\n"
        ".SH FILES\n"
        ".TP\n.I ./allocaudit.db\nthe recording that \\fBrun\\fR writes and the others read, if "
        "none"
        " is named\n",
        stream);
}
