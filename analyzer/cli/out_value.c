#include "out_value.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../base/utf8.h"
#include "out.h"

static const int64_t second_ns = 1000 * 1000 * 1000;

/* |number|, also of the smallest. */
static uint64_t magnitude(int64_t number)
{
    return number < 0 ? ~(uint64_t)number + 1 : (uint64_t)number;
}

/* Tenths of `unit` in `value`, rounded; no overflow for units up to 2^60. */
static uint64_t tenths_of(uint64_t value, uint64_t unit)
{
    return value / unit * 10 + (value % unit * 10 + unit / 2) / unit;
}

/* Scales by `step` until less than `step` remains after rounding to a tenth: 1023.96 KiB is 1.0
 * MiB. */
static void format_scaled(int64_t number, uint64_t step, const char *const *units,
                          char out_text[32])
{
    const char *sign = number < 0 ? "-" : "";
    const uint64_t value = magnitude(number);
    if (value < step) {
        snprintf(out_text, 32, "%s%" PRIu64 " %s", sign, value, units[0]);
        return;
    }

    uint64_t unit = step;
    unsigned i = 1;
    while (units[i + 1] != NULL && tenths_of(value, unit) >= step * 10) {
        unit *= step;
        i++;
    }
    const uint64_t tenths = tenths_of(value, unit);
    snprintf(out_text, 32, "%s%" PRIu64 ".%" PRIu64 " %s", sign, tenths / 10, tenths % 10,
             units[i]);
}

const char *out_format_bytes(int64_t bytes, char out_text[32])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", NULL};
    format_scaled(bytes, 1024, units, out_text);
    return out_text;
}

const char *out_format_ns(int64_t ns, char out_text[32])
{
    static const char *const units[] = {"ns", "us", "ms", "s", NULL};
    const char *sign = ns < 0 ? "-" : "";
    const uint64_t seconds = tenths_of(magnitude(ns), (uint64_t)second_ns) / 10;
    if (seconds >= 3600) {
        snprintf(out_text, 32, "%s%" PRIu64 " h %02" PRIu64 " min", sign, seconds / 3600,
                 seconds % 3600 / 60);
    } else if (seconds >= 60) {
        snprintf(out_text, 32, "%s%" PRIu64 " min %02" PRIu64 " s", sign, seconds / 60,
                 seconds % 60);
    } else {
        format_scaled(ns, 1000, units, out_text);
    }
    return out_text;
}

const char *out_format_count(int64_t count, char out_text[32])
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%" PRIu64, magnitude(count));
    const size_t length = strlen(digits);
    size_t used = 0;
    if (count < 0) {
        out_text[used++] = '-';
    }
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            out_text[used++] = ',';
        }
        out_text[used++] = digits[i];
    }
    out_text[used] = '\0';
    return out_text;
}

/* As "%.*f", with the digits before the point in groups as those of counts are. */
static int append_decimals(double real, unsigned decimals, struct str *text)
{
    char plain[64];
    char whole[32];
    int length = snprintf(plain, sizeof(plain), "%.*f", (int)decimals, real);
    const char *point = strchr(plain, '.');
    if (length >= (int)sizeof(plain) || fabs(real) < 1000 || fabs(real) >= 1e15) {
        return str_printf(text, "%.*f", (int)decimals, real);
    }
    return str_printf(text, "%s%s", out_format_count(strtoll(plain, NULL, 10), whole),
                      point != NULL ? point : "");
}

bool out_value_is_numeric(const struct out_value *value)
{
    return value->kind >= OUT_KIND_NUMBER;
}

static int append_moment(int64_t unix_ns, struct str *text)
{
    const time_t seconds = (time_t)(unix_ns / second_ns);
    struct tm local;
    char shown[64];
    if (localtime_r(&seconds, &local) == NULL ||
        strftime(shown, sizeof(shown), "%Y-%m-%d %H:%M:%S", &local) == 0) {
        return str_printf(text, "%" PRId64 " ns", unix_ns);
    }
    return str_append(text, shown);
}

/* The shortest of the usual spellings that reads back as the same double. */
static int append_real(double real, struct str *text)
{
    char shown[40];
    snprintf(shown, sizeof(shown), "%.15g", real);
    if (strtod(shown, NULL) != real) {
        snprintf(shown, sizeof(shown), "%.17g", real);
    }
    return str_append(text, shown);
}

/* Changes only: their sign says which way. */
static const char *plus_sign(const struct out_value *value)
{
    bool is_above = value->kind == OUT_KIND_PERCENT ? value->real >= 0.05 : value->number > 0;
    return value->is_change && is_above ? "+" : "";
}

/* A change that rounds to nothing has no sign. */
static int append_shown_percent(const struct out_value *value, struct str *text)
{
    bool is_nothing = value->is_change && fabs(value->real) < 0.05;
    return str_printf(text, "%.1f %%", is_nothing ? 0 : value->real);
}

int out_value_append_table(const struct out_value *value, struct str *text)
{
    char scaled[32];
    int r = str_append(text, plus_sign(value));
    if (r < 0) {
        return r;
    }
    switch (value->kind) {
    case OUT_KIND_NULL:
        return str_append_char(text, '-');
    case OUT_KIND_TEXT:
    case OUT_KIND_ASIDE:
        return utf8_append_visible(text, value->text, strlen(value->text));
    case OUT_KIND_BOOL:
        return str_append(text, value->number != 0 ? "yes" : "no");
    case OUT_KIND_COUNT:
        return str_append(text, out_format_count(value->number, scaled));
    case OUT_KIND_BYTES:
        return str_append(text, out_format_bytes(value->number, scaled));
    case OUT_KIND_NS:
        return str_append(text, out_format_ns(value->number, scaled));
    case OUT_KIND_MOMENT:
        return append_moment(value->number, text);
    case OUT_KIND_REAL:
        return value->decimals == OUT_DECIMALS_NEEDED
                   ? append_real(value->real, text)
                   : append_decimals(value->real, value->decimals, text);
    case OUT_KIND_PERCENT:
        return append_shown_percent(value, text);
    case OUT_KIND_NUMBER:
        break;
    }
    return str_printf(text, "%" PRId64, value->number);
}

/* Four decimals carry all that a share means; the rest is noise that would differ by machine. */
static int append_percent(double percent, struct str *text)
{
    char shown[340];
    snprintf(shown, sizeof(shown), "%.4f", percent);
    size_t length = strlen(shown);
    while (shown[length - 1] == '0') {
        length--;
    }
    if (shown[length - 1] == '.') {
        length--;
    }
    return str_append_bytes(text, shown, length);
}

int out_value_append_json(const struct out_value *value, struct str *text)
{
    switch (value->kind) {
    case OUT_KIND_NULL:
        return str_append(text, "null");
    case OUT_KIND_TEXT:
    case OUT_KIND_ASIDE:
        return utf8_append_json(text, value->text, strlen(value->text));
    case OUT_KIND_BOOL:
        return str_append(text, value->number != 0 ? "true" : "false");
    case OUT_KIND_REAL:
        return append_real(value->real, text);
    case OUT_KIND_PERCENT:
        return append_percent(value->real, text);
    case OUT_KIND_NUMBER:
    case OUT_KIND_COUNT:
    case OUT_KIND_BYTES:
    case OUT_KIND_NS:
    case OUT_KIND_MOMENT:
        break;
    }
    return str_printf(text, "%" PRId64, value->number);
}

static int append_csv_text(const char *field, struct str *text)
{
    if (field[strcspn(field, ",\"\r\n")] == '\0' && field[0] != '\0') {
        return str_append(text, field);
    }

    int r = str_append_char(text, '"');
    for (; *field != '\0' && r == 0; field++) {
        r = *field == '"' ? str_append(text, "\"\"") : str_append_char(text, *field);
    }
    return r < 0 ? r : str_append_char(text, '"');
}

int out_value_append_csv(const struct out_value *value, struct str *text)
{
    switch (value->kind) {
    case OUT_KIND_NULL:
        return 0;
    case OUT_KIND_TEXT:
    case OUT_KIND_ASIDE:
        return append_csv_text(value->text, text);
    case OUT_KIND_BOOL:
        return str_append_char(text, value->number != 0 ? '1' : '0');
    default:
        return out_value_append_json(value, text);
    }
}
