#include "name_elision.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "term.h"

enum {
    DEPTH_MAX = 64, /* brackets within brackets */
};

/* One walk over a name that leaves out what stands in brackets from `depth_limit` on. */
struct elision {
    const char *text;
    size_t size_bytes;
    const char *ellipsis;
    unsigned depth_limit;
    bool has_parameters;     /* the outermost parentheses stay */
    char closers[DEPTH_MAX]; /* of the brackets that are open */
    bool hides[DEPTH_MAX];   /* what is in them is left out */
    unsigned depth;
    unsigned hiding_count; /* of the open ones */
    unsigned depth_seen;   /* the deepest */
};

static bool starts_with(const struct elision *elision, size_t at, const char *word)
{
    size_t length = strlen(word);
    return elision->size_bytes - at >= length && memcmp(elision->text + at, word, length) == 0;
}

static bool is_in_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* The bytes of "operator<<" and its kin, whose brackets are none; 0: there is none here. */
static size_t operator_bytes(const struct elision *elision, size_t at)
{
    static const char *const symbols[] = {"<=>", "<<=", ">>=", "->*", "->", "<<", ">>",
                                          "<=",  ">=",  "()",  "[]",  "<",  ">"};
    static const char word[] = "operator";
    if (!starts_with(elision, at, word) || (at > 0 && is_in_word(elision->text[at - 1]))) {
        return 0;
    }
    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        if (starts_with(elision, at + sizeof(word) - 1, symbols[i])) {
            return sizeof(word) - 1 + strlen(symbols[i]);
        }
    }
    return 0;
}

static char closer_of(char c)
{
    switch (c) {
    case '<':
        return '>';
    case '(':
        return ')';
    case '{':
        return '}';
    default:
        return '\0';
    }
}

static bool is_left_out(const struct elision *elision)
{
    return elision->hiding_count > 0;
}

static int open_bracket(struct elision *elision, size_t at, char closer, struct str *into)
{
    if (elision->depth == DEPTH_MAX) {
        return -EINVAL;
    }
    int result = is_left_out(elision) ? 0 : str_append_char(into, elision->text[at]);
    bool is_kept = elision->has_parameters && elision->depth == 0 && closer == ')';
    bool is_hiding = elision->depth + 1 >= elision->depth_limit && !is_kept;
    bool is_empty = at + 1 < elision->size_bytes && elision->text[at + 1] == closer;
    if (result == 0 && is_hiding && !is_left_out(elision) && !is_empty) {
        result = str_append(into, elision->ellipsis);
    }
    elision->closers[elision->depth] = closer;
    elision->hides[elision->depth] = is_hiding;
    elision->hiding_count += is_hiding ? 1 : 0;
    elision->depth++;
    elision->depth_seen =
        elision->depth > elision->depth_seen ? elision->depth : elision->depth_seen;
    return result;
}

static int close_bracket(struct elision *elision, struct str *into)
{
    elision->depth--;
    elision->hiding_count -= elision->hides[elision->depth] ? 1 : 0;
    return is_left_out(elision) ? 0 : str_append_char(into, elision->closers[elision->depth]);
}

/* Takes what stands at *at. -EINVAL: a bracket is closed that is not the one that is open. */
static int take_next(struct elision *elision, size_t *at, struct str *into)
{
    size_t taken = operator_bytes(elision, *at);
    if (taken > 0) {
        int result = is_left_out(elision) ? 0 : str_append_bytes(into, elision->text + *at, taken);
        *at += taken;
        return result;
    }
    char c = elision->text[*at];
    char closer = closer_of(c);
    int result = 0;
    if (closer != '\0') {
        result = open_bracket(elision, *at, closer, into);
    } else if (elision->depth > 0 && elision->closers[elision->depth - 1] == c) {
        result = close_bracket(elision, into);
    } else if (c == ')' || c == '}') {
        return -EINVAL;
    } else if (!is_left_out(elision)) {
        result = str_append_char(into, c);
    }
    (*at)++;
    return result;
}

/* Returns 0, -EINVAL (brackets do not match) or -ENOMEM. */
static int leave_out(struct elision *elision, unsigned depth_limit, bool has_parameters,
                     struct str *into)
{
    str_clear(into);
    elision->depth_limit = depth_limit;
    elision->has_parameters = has_parameters;
    elision->depth = 0;
    elision->hiding_count = 0;
    int result = 0;
    for (size_t at = 0; at < elision->size_bytes && result == 0;) {
        result = take_next(elision, &at, into);
    }
    return result == 0 && elision->depth > 0 ? -EINVAL : result;
}

static bool fits(const struct str *text, unsigned width_columns)
{
    return term_text_columns(str_text(text), text->size_bytes) <= width_columns;
}

/* What is left when brackets are empty, but for an ellipsis: any "::" is one between namespaces. */
static void cut_front(struct str *name, unsigned width_columns, const char *ellipsis)
{
    const char *tail = strstr(str_text(name), "::");
    unsigned room = width_columns - term_text_columns(ellipsis, strlen(ellipsis));
    while (tail != NULL && term_text_columns(tail, strlen(tail)) > room) {
        tail = strstr(tail + 2, "::");
    }
    if (tail != NULL) {
        size_t ellipsis_bytes = strlen(ellipsis);
        size_t tail_bytes = strlen(tail);
        memmove(name->text + ellipsis_bytes, tail, tail_bytes + 1);
        memcpy(name->text, ellipsis, ellipsis_bytes);
        name->size_bytes = ellipsis_bytes + tail_bytes;
    }
}

/* The function's own name, without namespaces, template arguments and parameters. */
static void cut_to_bare(struct str *name)
{
    const char *bare = str_text(name);
    for (const char *next = strstr(bare, "::"); next != NULL; next = strstr(next + 2, "::")) {
        bare = next + 2;
    }
    const struct elision rest = {.text = bare, .size_bytes = strlen(bare)};
    size_t length = operator_bytes(&rest, 0);
    length = length > 0 ? length : strcspn(bare, "<(");
    if (length > 0) {
        memmove(name->text, bare, length);
        name->text[length] = '\0';
        name->size_bytes = length;
    }
}

/* In a name a bracket hangs on what is before it, but for two: "(anonymous namespace)::f" and
 * "void (*)(int)". */
static bool is_apart(const char *text, size_t size_bytes, size_t at)
{
    static const char anonymous[] = "(anonymous ";
    bool is_pointer = at + 1 < size_bytes && text[at + 1] == '*';
    bool is_anonymous = size_bytes - at >= sizeof(anonymous) - 1 &&
                        memcmp(text + at, anonymous, sizeof(anonymous) - 1) == 0;
    return text[at] == '(' && at > 0 && text[at - 1] == ' ' && !is_pointer && !is_anonymous;
}

/* Else it is a path (told apart from operator/), a command with quotes and options, or prose. */
static bool is_name(const char *text, size_t size_bytes)
{
    static const char word[] = "operator";
    const size_t word_bytes = sizeof(word) - 1;
    for (size_t i = 0; i < size_bytes; i++) {
        bool is_operator = i >= word_bytes && memcmp(text + i - word_bytes, word, word_bytes) == 0;
        bool is_option = text[i] == '-' && i > 0 && text[i - 1] == ' ';
        if ((text[i] == '/' && !is_operator) || text[i] == '"' || is_option ||
            is_apart(text, size_bytes, i)) {
            return false;
        }
    }
    return true;
}

int name_elision_shorten(const char *text, size_t size_bytes, unsigned width_columns,
                         const char *ellipsis, struct str *out_name)
{
    if (!is_name(text, size_bytes)) {
        return 0;
    }
    struct elision elision = {.text = text, .size_bytes = size_bytes, .ellipsis = ellipsis};
    int result = leave_out(&elision, DEPTH_MAX + 1, false, out_name);
    for (unsigned depth = elision.depth_seen;
         depth > 0 && result == 0 && !fits(out_name, width_columns); depth--) {
        result = leave_out(&elision, depth, depth == 1, out_name);
    }
    if (result == 0 && !fits(out_name, width_columns)) {
        result = leave_out(&elision, 1, false, out_name);
    }
    if (result < 0) {
        return result == -EINVAL ? 0 : result;
    }
    if (!fits(out_name, width_columns)) {
        cut_front(out_name, width_columns, ellipsis);
    }
    if (!fits(out_name, width_columns)) {
        cut_to_bare(out_name);
    }
    return 1;
}
