#include "gc_setting.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool gc_gogc_parse(const char *text, uint64_t *out_gogc_pct)
{
    char *end;
    if (text == NULL || text[0] == '\0') {
        *out_gogc_pct = GC_GOGC_COMMON;
        return true;
    }
    if (strcmp(text, "off") == 0) {
        *out_gogc_pct = GC_GOGC_OFF;
        return true;
    }
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || value > INT32_MAX) {
        return false;
    }
    *out_gogc_pct = value < 0 ? GC_GOGC_OFF : (uint64_t)value;
    return true;
}

bool gc_limit_parse(const char *text, uint64_t *out_limit_bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    char *end;
    if (text == NULL || text[0] == '\0' || strcmp(text, "off") == 0) {
        *out_limit_bytes = GC_LIMIT_NONE;
        return true;
    }
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (end == text || errno != 0 || text[0] == '-') {
        return false;
    }
    for (unsigned i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(end, units[i]) == 0 || (i == 0 && *end == '\0')) {
            bool is_small = value <= UINT64_MAX >> (10 * i);
            *out_limit_bytes = is_small ? (uint64_t)value << (10 * i) : GC_LIMIT_NONE;
            return true;
        }
    }
    return false;
}

static bool parse_pair(const char *pair, struct gc_setting *setting)
{
    if (strncmp(pair, "GOGC=", 5) == 0) {
        return gc_gogc_parse(pair + 5, &setting->gogc_pct);
    }
    return strncmp(pair, "GOMEMLIMIT=", 11) == 0 &&
           gc_limit_parse(pair + 11, &setting->limit_bytes);
}

bool gc_setting_parse(const char *text, struct gc_setting *out_setting)
{
    bool has_pair = false;
    *out_setting = (struct gc_setting){GC_GOGC_COMMON, GC_LIMIT_NONE};
    while (*text != '\0') {
        char pair[GC_SETTING_BYTES];
        size_t length = strcspn(text, " ");
        if (length >= sizeof(pair)) {
            return false;
        }
        memcpy(pair, text, length);
        pair[length] = '\0';
        if (length > 0 && !parse_pair(pair, out_setting)) {
            return false;
        }
        has_pair = has_pair || length > 0;
        text += length + strspn(text + length, " ");
    }
    return has_pair;
}

bool gc_setting_equals(const struct gc_setting *left, const struct gc_setting *right)
{
    return left->gogc_pct == right->gogc_pct && left->limit_bytes == right->limit_bytes;
}

const char *gc_setting_describe(const struct gc_setting *setting, char text[GC_SETTING_BYTES])
{
    char gogc[32] = "off";
    if (setting->gogc_pct != GC_GOGC_OFF) {
        snprintf(gogc, sizeof(gogc), "%llu", (unsigned long long)setting->gogc_pct);
    }
    if (setting->limit_bytes == GC_LIMIT_NONE) {
        snprintf(text, GC_SETTING_BYTES, "GOGC=%s", gogc);
    } else {
        snprintf(text, GC_SETTING_BYTES, "GOGC=%s GOMEMLIMIT=%lluMiB", gogc,
                 (unsigned long long)(setting->limit_bytes >> 20));
    }
    return text;
}
