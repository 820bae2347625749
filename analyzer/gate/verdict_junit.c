/*
 * JUnit XML as Jenkins, GitLab and GitHub actions read it: a test case per limit; what is not
 * judged is skipped.
 */
#include <errno.h>

#include "../base/str.h"
#include "verdict.h"

/* XML 1.0 knows no control characters but tab and line ends: others become '?'. */
static int append_escaped(struct str *text, const char *word)
{
    int result = 0;
    for (; *word != '\0' && result == 0; word++) {
        unsigned char c = (unsigned char)*word;
        switch (c) {
        case '&':
            result = str_append(text, "&amp;");
            break;
        case '<':
            result = str_append(text, "&lt;");
            break;
        case '>':
            result = str_append(text, "&gt;");
            break;
        case '"':
            result = str_append(text, "&quot;");
            break;
        default:
            result = str_append_char(text, c < 0x20 || c == 0x7f ? '?' : (char)c);
            break;
        }
    }
    return result;
}

static int append_attribute(struct str *text, const char *name, const char *value)
{
    int result = str_printf(text, " %s=\"", name);
    result = result == 0 ? append_escaped(text, value) : result;
    return result == 0 ? str_append_char(text, '"') : result;
}

/* What the element of a case that is not plainly passed holds: the culprit. */
static int append_culprit(struct str *text, const struct verdict *verdict,
                          const struct verdict_line *line)
{
    struct str culprit = {0};
    int result = verdict_append_culprit(verdict, line, &culprit);
    result = result == 0 ? append_escaped(text, str_text(&culprit)) : result;
    str_fini(&culprit);
    return result;
}

static int append_line(struct str *text, const struct verdict *verdict,
                       const struct verdict_line *line)
{
    bool has_failed = verdict_fails(verdict, line);
    int result = str_append(text, "  <testcase");
    result = result == 0 ? append_attribute(text, "classname", line->group) : result;
    result = result == 0 ? append_attribute(text, "name", line->name) : result;
    if (result < 0 || (!has_failed && line->kind != VERDICT_UNJUDGED)) {
        return result == 0 ? str_append(text, "/>\n") : result;
    }
    const char *element = has_failed ? "failure" : "skipped";
    result = str_printf(text, ">\n    <%s", element);
    result = result == 0 ? append_attribute(text, "message", line->said) : result;
    result = result == 0 ? str_append_char(text, '>') : result;
    result = result == 0 ? append_culprit(text, verdict, line) : result;
    return result == 0 ? str_printf(text, "</%s>\n  </testcase>\n", element) : result;
}

int verdict_write_junit(const struct verdict *verdict, FILE *stream)
{
    struct str text = {0};
    int result = str_printf(&text,
                            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite "
                            "name=\"allocaudit\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" "
                            "skipped=\"%zu\">\n",
                            verdict->count, verdict_failed_count(verdict),
                            verdict_count(verdict, VERDICT_UNJUDGED));
    for (size_t i = 0; i < verdict->count && result == 0; i++) {
        result = append_line(&text, verdict, &verdict->lines[i]);
    }
    result = result == 0 ? str_append(&text, "</testsuite>\n") : result;
    if (result == 0 &&
        (fwrite(text.text, 1, text.size_bytes, stream) != text.size_bytes || fflush(stream) != 0)) {
        result = errno != 0 ? -errno : -EIO;
    }
    str_fini(&text);
    return result;
}
