#include "glob.h"

#include <stddef.h>

#include "banned.h"

/* Behind the set that begins at `pattern`, and whether it holds the character; NULL: it has no
 * end. A ] that comes first is one of the set. */
static const char *glob_set(const char *pattern, char character, bool *out_holds)
{
    const unsigned char wanted = (unsigned char)character;
    const char *at = pattern + 1;
    unsigned char low = 0; /* what a range may begin with */
    bool is_inverted = *at == '^';
    at += is_inverted;
    bool holds = *at == ']' && character == ']';
    at += *at == ']';
    for (; *at != ']'; at++) {
        if (*at == '\0') {
            return NULL;
        }
        if (*at == '-' && at[1] != ']' && at[1] != '\0' && low != 0) {
            at++;
            holds |= wanted >= low && wanted <= (unsigned char)*at;
            low = 0;
        } else {
            low = (unsigned char)*at;
            holds |= wanted == low;
        }
    }
    *out_holds = holds != is_inverted;
    return at + 1;
}

/* Behind the part of the pattern that the character is like; NULL: it is not. */
static const char *glob_step(const char *pattern, char character)
{
    if (*pattern == '[') {
        bool holds = false;
        const char *behind = glob_set(pattern, character, &holds);
        return holds ? behind : NULL;
    }
    return *pattern == '?' || *pattern == character ? pattern + 1 : NULL;
}

bool glob_matches(const char *pattern, const char *text)
{
    const char *star = NULL;    /* the last one met, */
    const char *resumed = NULL; /* and how much of the text it stands for */
    while (*text != '\0') {
        if (*pattern == '*') {
            star = ++pattern;
            resumed = text;
            continue;
        }
        const char *behind = *pattern != '\0' ? glob_step(pattern, *text) : NULL;
        if (behind != NULL) {
            pattern = behind;
            text++;
        } else if (star != NULL) {
            pattern = star;
            text = ++resumed;
        } else {
            return false;
        }
    }
    while (*pattern == '*') {
        pattern++;
    }
    return *pattern == '\0';
}
