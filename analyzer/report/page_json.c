#include "page_json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "../base/utf8.h"

void page_json_put(struct page_json *json, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (json->error == 0) {
        json->error = str_vprintf(json->into, format, args);
    }
    va_end(args);
}

void page_json_number(struct page_json *json, size_t index, int64_t number)
{
    page_json_put(json, index == 0 ? "%" PRId64 : ",%" PRId64, number);
}

void page_json_text(struct page_json *json, const char *text, size_t limit_bytes)
{
    struct str shortened = {0};
    if (json->error == 0) {
        json->error = utf8_append_shortened(&shortened, text, strlen(text), limit_bytes);
    }
    if (json->error == 0) {
        json->error = utf8_append_json(json->into, str_text(&shortened), shortened.size_bytes);
    }
    str_fini(&shortened);
}
