/*
 * Verdicts in the two forms that GitHub and GitLab show to people: a Markdown summary, and
 * annotations beside the lines of a change.
 */
#include <errno.h>
#include <string.h>

#include "../base/str.h"
#include "verdict.h"

static const char *const kind_words[] = {
    [VERDICT_PASS] = "pass",
    [VERDICT_FAIL] = "**FAIL**",
    [VERDICT_BETTER] = "better",
    [VERDICT_UNJUDGED] = "not judged",
};

static int write_all(struct str *text, int result, FILE *stream)
{
    if (result == 0 && (fwrite(text->text, 1, text->size_bytes, stream) != text->size_bytes ||
                        fflush(stream) != 0)) {
        result = errno != 0 ? -errno : -EIO;
    }
    str_fini(text);
    return result;
}

/* In a cell of a table: no line ends, no bars, no markup. */
static int append_cell(struct str *text, const char *word)
{
    int result = str_append_char(text, ' ');
    for (; *word != '\0' && result == 0; word++) {
        if (strchr("|\\`*_<>[]", *word) != NULL) {
            result = str_append_char(text, '\\');
        }
        if (result == 0) {
            result = str_append_char(text, (unsigned char)*word < 0x20 ? ' ' : *word);
        }
    }
    return result == 0 ? str_append(text, " |") : result;
}

static int append_markdown(struct str *text, const struct verdict *verdict,
                           const struct verdict_line *line)
{
    struct str culprit = {0};
    int result = str_printf(text, "| %s |", kind_words[line->kind]);
    result = result == 0 ? append_cell(text, line->name) : result;
    result = result == 0 ? append_cell(text, line->said) : result;
    result = result == 0 ? verdict_append_culprit(verdict, line, &culprit) : result;
    result = result == 0 ? append_cell(text, str_text(&culprit)) : result;
    str_fini(&culprit);
    return result == 0 ? str_append_char(text, '\n') : result;
}

int verdict_write_markdown(const struct verdict *verdict, FILE *stream)
{
    struct str text = {0};
    bool has_failed = verdict_count(verdict, VERDICT_FAIL) > 0;
    bool is_renewed = !has_failed && verdict_failed_count(verdict) > 0;
    int result = str_printf(&text,
                            "### Allocations: %s\n\n|  | what | said | most of it |\n"
                            "|---|---|---|---|\n",
                            has_failed   ? "gate failed"
                            : is_renewed ? "less than the baseline, which wants renewing"
                                         : "gate passed");
    for (size_t i = 0; i < verdict->count && result == 0; i++) {
        result = append_markdown(&text, verdict, &verdict->lines[i]);
    }
    if (result == 0 && has_failed && verdict->more != NULL) {
        result = str_printf(&text, "\nMore: `%s`\n", verdict->more);
    }
    return write_all(&text, result, stream);
}

/* As GitHub's runner wants workflow commands: in values also ':' and ','. */
static int append_command(struct str *text, const char *word, bool is_property)
{
    int result = 0;
    for (; *word != '\0' && result == 0; word++) {
        bool is_special = *word == '%' || *word == '\r' || *word == '\n' ||
                          (is_property && (*word == ':' || *word == ','));
        result = is_special ? str_printf(text, "%%%02X", (unsigned char)*word)
                            : str_append_char(text, *word);
    }
    return result;
}

static int append_annotation(struct str *text, const struct verdict *verdict,
                             const struct verdict_line *line)
{
    struct str culprit = {0};
    int result = str_append(text, verdict_fails(verdict, line) ? "::error " : "::notice ");
    if (result == 0 && line->file != NULL) {
        result = str_append(text, "file=");
        result = result == 0 ? append_command(text, verdict_file(verdict, line), true) : result;
        result = result == 0 ? str_printf(text, ",line=%u,", line->line) : result;
    }
    result = result == 0 ? str_append(text, "title=") : result;
    result = result == 0 ? append_command(text, line->name, true) : result;
    result = result == 0 ? str_append(text, "::") : result;
    result = result == 0 ? append_command(text, line->said, false) : result;
    result = result == 0 ? verdict_append_culprit(verdict, line, &culprit) : result;
    if (result == 0 && culprit.size_bytes > 0) {
        result = str_append(text, "; most of it: ");
        result = result == 0 ? append_command(text, culprit.text, false) : result;
    }
    str_fini(&culprit);
    return result == 0 ? str_append_char(text, '\n') : result;
}

int verdict_write_github(const struct verdict *verdict, FILE *stream)
{
    struct str text = {0};
    int result = str_append(&text, "");
    for (size_t i = 0; i < verdict->count && result == 0; i++) {
        const struct verdict_line *line = &verdict->lines[i];
        if (line->kind == VERDICT_FAIL || line->kind == VERDICT_BETTER) {
            result = append_annotation(&text, verdict, line);
        }
    }
    return write_all(&text, result, stream);
}
