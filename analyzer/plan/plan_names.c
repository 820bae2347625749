#include "plan_names.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "../base/str.h"

static void add_form(struct plan_name *name, const char *text, size_t length)
{
    if (length == 0 || length >= PLAN_NAME_FORM_BYTES || name->form_count == PLAN_NAME_FORMS) {
        return;
    }
    memcpy(name->forms[name->form_count], text, length);
    name->forms[name->form_count++][length] = '\0';
}

/* "f(int) [clone .cold]" -> "f(int)", "f.part.0" -> "f". A dot at the very beginning is the name's
 * own. */
static size_t length_without_suffix(const char *text)
{
    const char *clone = strstr(text, " [clone ");
    if (clone != NULL) {
        return (size_t)(clone - text);
    }
    bool is_plain = strpbrk(text, "(<: ") == NULL;
    const char *dot = is_plain && text[0] != '\0' ? strchr(text + 1, '.') : NULL;
    return dot != NULL ? (size_t)(dot - text) : strlen(text);
}

/* "ns::f(int (*)(char)) const" -> "ns::f": up to the parenthesis that the last one belongs to. */
static size_t length_without_parameters(const char *text, size_t length)
{
    size_t at = length;
    while (at > 0 && text[at - 1] != ')') {
        at--;
    }
    int depth = 0;
    for (; at > 0; at--) {
        depth += text[at - 1] == ')';
        depth -= text[at - 1] == '(';
        if (depth == 0) {
            return at - 1;
        }
    }
    return 0;
}

/* "void ns::f<a b>" -> "ns::f<a b>": templates bear their result. */
static size_t result_length(const char *text, size_t length)
{
    size_t found = 0;
    int depth = 0;
    for (size_t i = 0; i < length; i++) {
        depth += text[i] == '<' || text[i] == '(';
        depth -= text[i] == '>' || text[i] == ')';
        if (text[i] == ' ' && depth == 0) {
            found = i + 1;
        }
        if (strncmp(text + i, "operator", strlen("operator")) == 0) {
            break;
        }
    }
    return found;
}

void plan_name_init(struct plan_name *out_name, const char *name)
{
    out_name->whole = name;
    out_name->form_count = 0;
    size_t length = length_without_suffix(name);
    if (name[length] != '\0') {
        add_form(out_name, name, length);
    }
    size_t bare_length = length_without_parameters(name, length);
    if (bare_length > 0) {
        size_t skipped = result_length(name, bare_length);
        add_form(out_name, name, bare_length);
        if (skipped > 0) {
            add_form(out_name, name + skipped, bare_length - skipped);
        }
    }
}

static bool is_like(const char *text, const char *pattern)
{
    return strcmp(text, pattern) == 0 ||
           (strpbrk(pattern, "*?[") != NULL && sqlite3_strglob(pattern, text) == 0);
}

bool plan_name_matches(const struct plan_name *name, const char *pattern)
{
    bool matches = is_like(name->whole, pattern);
    for (size_t i = 0; i < name->form_count && !matches; i++) {
        matches = is_like(name->forms[i], pattern);
    }
    return matches;
}

bool plan_module_matches(const char *path, const char *glob)
{
    return glob[0] == '\0' || sqlite3_strglob(glob, path) == 0 ||
           sqlite3_strglob(glob, str_base_name(path)) == 0;
}

bool plan_name_is_address(const char *pattern, size_t *out_length, uint64_t *out_offset)
{
    const char *plus = strrchr(pattern, '+');
    char *end;
    if (plus == NULL || plus == pattern || strncmp(plus, "+0x", 3) != 0) {
        return false;
    }
    errno = 0;
    uint64_t offset = strtoull(plus + 1, &end, 16);
    if (errno != 0 || *end != '\0' || end == plus + 3 || offset == 0) {
        return false;
    }
    *out_length = (size_t)(plus - pattern);
    *out_offset = offset;
    return true;
}
