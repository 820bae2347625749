#include "utf8.h"

#include <stdbool.h>

/* The smallest code that needs a sequence of that many bytes: anything less is overlong. */
static const uint32_t smallest_code[] = {0, 0, 0x80, 0x800, 0x10000};

static size_t sequence_bytes(unsigned char lead)
{
    if (lead < 0x80) {
        return 1;
    }
    if (lead >= 0xc2 && lead < 0xe0) {
        return 2;
    }
    if (lead >= 0xe0 && lead < 0xf0) {
        return 3;
    }
    return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}

size_t utf8_decode(const char *text, size_t size_bytes, uint32_t *out_code)
{
    const unsigned char *bytes = (const unsigned char *)text;
    const size_t count = sequence_bytes(bytes[0]);
    *out_code = UTF8_INVALID;
    if (count == 0 || count > size_bytes) {
        return 1;
    }

    uint32_t code = count == 1 ? bytes[0] : bytes[0] & (0xffU >> (count + 1));
    for (size_t i = 1; i < count; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            return 1;
        }
        code = code << 6 | (bytes[i] & 0x3f);
    }
    if (code < smallest_code[count] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
        return 1;
    }

    *out_code = code;
    return count;
}

static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

/* Characters that reorder or break what stands around them. */
static bool is_override(uint32_t code)
{
    return code == 0x200e || code == 0x200f || code == 0x61c ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
           code == 0xfeff;
}

int utf8_append_visible(struct str *str, const char *text, size_t size_bytes)
{
    int r = 0;
    for (size_t at = 0; at < size_bytes && r == 0;) {
        uint32_t code = 0;
        const size_t taken = utf8_decode(text + at, size_bytes - at, &code);
        if (code == '\n') {
            r = str_append(str, "\\n");
        } else if (code == '\t') {
            r = str_append(str, "\\t");
        } else if (code == UTF8_INVALID) {
            r = str_printf(str, "\\x%02x", (unsigned char)text[at]);
        } else if (is_control(code)) {
            r = str_printf(str, "\\x%02x", code);
        } else if (is_override(code)) {
            r = str_printf(str, "\\u%04x", code);
        } else {
            r = str_append_bytes(str, text + at, taken);
        }
        at += taken;
    }
    return r;
}

static int append_json_code(struct str *str, uint32_t code, const char *bytes, size_t size_bytes)
{
    switch (code) {
    case '"':
        return str_append(str, "\\\"");
    case '\\':
        return str_append(str, "\\\\");
    case '\n':
        return str_append(str, "\\n");
    case '\t':
        return str_append(str, "\\t");
    case '\r':
        return str_append(str, "\\r");
    case UTF8_INVALID:
        return str_append(str, "\xef\xbf\xbd");
    default:
        break;
    }
    if (is_control(code)) {
        return str_printf(str, "\\u%04x", code);
    }
    return str_append_bytes(str, bytes, size_bytes);
}

int utf8_append_json(struct str *str, const char *text, size_t size_bytes)
{
    int r = str_append_char(str, '"');
    for (size_t at = 0; at < size_bytes && r == 0;) {
        uint32_t code = 0;
        const size_t taken = utf8_decode(text + at, size_bytes - at, &code);
        r = append_json_code(str, code, text + at, taken);
        at += taken;
    }
    return r < 0 ? r : str_append_char(str, '"');
}

static bool is_inside_character(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

int utf8_append_shortened(struct str *str, const char *text, size_t size_bytes, size_t limit_bytes)
{
    if (size_bytes <= limit_bytes) {
        return str_append_bytes(str, text, size_bytes);
    }
    size_t head_bytes = limit_bytes / 2;
    size_t tail_at = size_bytes - (limit_bytes - head_bytes);
    while (head_bytes > 0 && is_inside_character(text[head_bytes])) {
        head_bytes--;
    }
    while (tail_at < size_bytes && is_inside_character(text[tail_at])) {
        tail_at++;
    }
    const size_t before_bytes = str->size_bytes;
    int r = str_append_bytes(str, text, head_bytes);
    r = r < 0 ? r : str_append(str, "\xe2\x80\xa6");
    r = r < 0 ? r : str_append_bytes(str, text + tail_at, size_bytes - tail_at);
    if (r < 0 && str->text != NULL) {
        str->size_bytes = before_bytes;
        str->text[before_bytes] = '\0';
    }
    return r;
}
