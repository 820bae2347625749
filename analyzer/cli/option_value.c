#include "options.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

struct unit_suffix {
    const char *name;
    uint64_t factor;
};

static const struct unit_suffix byte_units[] = {
    {"", 1},
    {"B", 1},
    {"k", UINT64_C(1) << 10},
    {"kB", UINT64_C(1) << 10},
    {"KiB", UINT64_C(1) << 10},
    {"M", UINT64_C(1) << 20},
    {"MB", UINT64_C(1) << 20},
    {"MiB", UINT64_C(1) << 20},
    {"G", UINT64_C(1) << 30},
    {"GB", UINT64_C(1) << 30},
    {"GiB", UINT64_C(1) << 30},
    {"T", UINT64_C(1) << 40},
    {"TB", UINT64_C(1) << 40},
    {"TiB", UINT64_C(1) << 40},
    {NULL, 0},
};

static const struct unit_suffix duration_units[] = {
    {"ns", 1},
    {"us", 1000},
    {"ms", 1000 * 1000},
    {"s", 1000 * 1000 * 1000},
    {"min", UINT64_C(60) * 1000 * 1000 * 1000},
    {"h", UINT64_C(3600) * 1000 * 1000 * 1000},
    {NULL, 0},
};

/* A number with at most nine digits behind the point: whole + fraction / 10^9. */
struct decimal {
    uint64_t whole;
    uint64_t fraction;
    bool has_fraction;
};

static int refuse_at(const char *text, const char *place, struct err *err)
{
    if (*place == '\0') {
        return err_set(err, EINVAL, "'%s' ends where a digit was expected", text);
    }
    return err_set(err, EINVAL, "'%s' is no number: unexpected '%c' at character %zu", text, *place,
                   (size_t)(place - text) + 1);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads the digits at the beginning; *out_rest is what follows. */
static int read_whole(const char *text, const char **out_rest, uint64_t *out_whole, struct err *err)
{
    const char *at = text;
    uint64_t whole = 0;
    if (!is_digit(*at)) {
        return refuse_at(text, at, err);
    }
    for (; is_digit(*at); at++) {
        if (__builtin_mul_overflow(whole, 10, &whole) ||
            __builtin_add_overflow(whole, (uint64_t)(*at - '0'), &whole)) {
            return err_set(err, ERANGE, "'%s' is too large", text);
        }
    }

    *out_rest = at;
    *out_whole = whole;
    return 0;
}

static int read_decimal(const char *text, const char **out_rest, struct decimal *out_decimal,
                        struct err *err)
{
    const char *at = NULL;
    struct decimal decimal = {0};
    int r = read_whole(text, &at, &decimal.whole, err);
    if (r < 0) {
        return r;
    }

    if (*at == '.') {
        at++;
        if (!is_digit(*at)) {
            return refuse_at(text, at, err);
        }
        decimal.has_fraction = true;
        for (uint64_t place = 100 * 1000 * 1000; is_digit(*at); at++, place /= 10) {
            decimal.fraction += (uint64_t)(*at - '0') * place;
        }
    }

    *out_rest = at;
    *out_decimal = decimal;
    return 0;
}

static const struct unit_suffix *find_unit(const struct unit_suffix *units, const char *name)
{
    for (; units->name != NULL; units++) {
        if (strcasecmp(units->name, name) == 0) {
            return units;
        }
    }
    return NULL;
}

static int scale(const char *text, const struct decimal *decimal, uint64_t factor,
                 uint64_t *out_value, struct err *err)
{
    uint64_t value = 0;
    if (__builtin_mul_overflow(decimal->whole, factor, &value)) {
        return err_set(err, ERANGE, "'%s' is too large", text);
    }

    /* factor * fraction can exceed 64 bits: the factor is split into billions and the rest. */
    const uint64_t billion = 1000 * 1000 * 1000;
    const uint64_t part =
        factor / billion * decimal->fraction + (factor % billion) * decimal->fraction / billion;
    if (__builtin_add_overflow(value, part, &value)) {
        return err_set(err, ERANGE, "'%s' is too large", text);
    }

    *out_value = value;
    return 0;
}

int options_read_count(const char *text, uint64_t *out_count, struct err *err)
{
    const char *rest = NULL;
    uint64_t count = 0;
    int r = read_whole(text, &rest, &count, err);
    if (r < 0) {
        return r;
    }
    if (*rest != '\0') {
        return refuse_at(text, rest, err);
    }

    *out_count = count;
    return 0;
}

int options_read_bytes(const char *text, uint64_t *out_bytes, struct err *err)
{
    const char *rest = NULL;
    struct decimal decimal = {0};
    int r = read_decimal(text, &rest, &decimal, err);
    if (r < 0) {
        return r;
    }

    rest += rest[0] == ' ' && rest[1] != '\0'; /* as reports print it: "24.3 KiB" */
    const struct unit_suffix *unit = find_unit(byte_units, rest);
    if (unit == NULL) {
        return err_set(err, EINVAL, "'%s': unknown unit '%s', use k, M, G or T", text, rest);
    }
    if (unit->factor == 1 && decimal.has_fraction) {
        return err_set(err, EINVAL, "'%s' is no whole number of bytes", text);
    }
    return scale(text, &decimal, unit->factor, out_bytes, err);
}

int options_read_duration(const char *text, uint64_t *out_ns, struct err *err)
{
    const char *rest = NULL;
    struct decimal decimal = {0};
    int r = read_decimal(text, &rest, &decimal, err);
    if (r < 0) {
        return r;
    }
    if (*rest == '\0' && decimal.whole == 0 && decimal.fraction == 0) {
        *out_ns = 0;
        return 0;
    }
    if (*rest == '\0') {
        return err_set(err, EINVAL, "'%s' has no unit, use ns, us, ms, s, min or h", text);
    }

    const struct unit_suffix *unit = find_unit(duration_units, rest);
    if (unit == NULL) {
        return err_set(err, EINVAL, "'%s': unknown unit '%s', use ns, us, ms, s, min or h", text,
                       rest);
    }
    if (unit->factor == 1 && decimal.has_fraction) {
        return err_set(err, EINVAL, "'%s' is no whole number of ns", text);
    }
    return scale(text, &decimal, unit->factor, out_ns, err);
}
