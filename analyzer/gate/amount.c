#include "amount.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../cli/options.h"

enum {
    WORD_BYTES = 64, /* longer words are no amounts */
};

/* Copies [from, to) without the spaces around it. */
static int copy_trimmed(const char *from, const char *to, char word[WORD_BYTES], struct err *err)
{
    while (from < to && isspace((unsigned char)*from)) {
        from++;
    }
    while (to > from && isspace((unsigned char)to[-1])) {
        to--;
    }
    if (to - from >= WORD_BYTES) {
        return err_set(err, EINVAL, "'%.40s...' is no amount", from);
    }
    memcpy(word, from, (size_t)(to - from));
    word[to - from] = '\0';
    return 0;
}

static int read_amount(const char *word, bool is_bytes, uint64_t *out_value, struct err *err)
{
    if (word[0] == '\0') {
        return err_set(err, EINVAL, "an amount is missing");
    }
    return is_bytes ? options_read_bytes(word, out_value, err)
                    : options_read_count(word, out_value, err);
}

/* "2.5%": rounded down, as a whole number is above 50.5 when it is above 50. */
static int read_percentage(const char *word, uint64_t value, uint64_t *out_tolerance,
                           struct err *err)
{
    double percent = 0;
    int used = 0;
    if (sscanf(word, "%lf%n", &percent, &used) != 1 || strcmp(word + used, "%") != 0 ||
        !(percent >= 0) || percent > 1000) {
        return err_set(err, EINVAL, "'%s' is no percentage from 0%% to 1000%%", word);
    }
    double part = (double)value * percent / 100;
    if (part >= 9e18) {
        return err_set(err, ERANGE, "'%s' of %llu is too large", word, (unsigned long long)value);
    }
    *out_tolerance = (uint64_t)part;
    return 0;
}

int amount_tolerance(const char *text, uint64_t value, bool is_bytes, uint64_t *out_tolerance,
                     struct err *err)
{
    return strchr(text, '%') != NULL ? read_percentage(text, value, out_tolerance, err)
                                     : read_amount(text, is_bytes, out_tolerance, err);
}

/* The sign in front of the tolerance, longest first, or NULL. */
static const char *find_sign(const char *text, size_t *out_size_bytes, bool *out_is_both)
{
    static const char *const both[] = {"+-", "+/-", "\xc2\xb1"};
    for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++) {
        const char *at = strstr(text, both[i]);
        if (at != NULL) {
            *out_size_bytes = strlen(both[i]);
            *out_is_both = true;
            return at;
        }
    }
    *out_size_bytes = 1;
    *out_is_both = false;
    return strchr(text, '+');
}

int amount_parse(const char *text, bool is_bytes, struct amount_range *out_range, struct err *err)
{
    char word[WORD_BYTES];
    bool is_exact = false;
    bool is_both = false;
    size_t sign_bytes = 0;
    uint64_t value = 0;
    uint64_t tolerance = 0;
    while (isspace((unsigned char)*text)) {
        text++;
    }
    if (strncmp(text, "<=", 2) == 0) {
        text += 2;
    } else if (*text == '=') {
        is_exact = true;
        text++;
    }
    const char *end = text + strlen(text);
    const char *sign = find_sign(text, &sign_bytes, &is_both);
    int result = copy_trimmed(text, sign != NULL ? sign : end, word, err);
    if (result == 0) {
        result = read_amount(word, is_bytes, &value, err);
    }
    if (result == 0 && sign != NULL) {
        result = copy_trimmed(sign + sign_bytes, end, word, err);
        if (result == 0) {
            result = amount_tolerance(word, value, is_bytes, &tolerance, err);
        }
    }
    if (result < 0) {
        return result;
    }
    if (__builtin_add_overflow(value, tolerance, &out_range->at_most)) {
        return err_set(err, ERANGE, "'%s' is too large", text);
    }
    bool has_floor = is_exact || is_both;
    uint64_t room = is_both ? tolerance : 0;
    out_range->at_least = !has_floor ? 0 : value > room ? value - room : 0;
    return 0;
}
