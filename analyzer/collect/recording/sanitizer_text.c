#include "sanitizer_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../base/vec.h"

enum {
    LINE_BYTES = 2048, /* of a longer line no more is looked at */
};

struct text_reading {
    struct sanitizer_text *text;
    struct sanitizer_stack *stack; /* that frames now belong to; NULL: to none of interest */
};

const char *sanitizer_role_name(enum sanitizer_role role)
{
    static const char *const names[] = {
#define X(name, text) text,
        SANITIZER_ROLES(X)
#undef X
    };
    return names[role];
}

static bool starts_with(const char *line, const char *start)
{
    return strncmp(line, start, strlen(start)) == 0;
}

/* The text up to one of `ends`, as far as there is room. */
static void take_word(char out_word[SANITIZER_WORD_BYTES], const char *from, const char *ends)
{
    size_t length = strcspn(from, ends);
    length = length < SANITIZER_WORD_BYTES - 1 ? length : SANITIZER_WORD_BYTES - 1;
    memcpy(out_word, from, length);
    out_word[length] = '\0';
}

/* "0x" and the digits behind it; false: they do not stand there. */
static bool take_address(const char *from, uint64_t *out_address)
{
    char *end;
    if (!starts_with(from, "0x") || strspn(from + 2, "0123456789abcdef") == 0) {
        return false;
    }
    *out_address = strtoull(from, &end, 16);
    return true;
}

/* ---- what is named -----------------------------------------------------------------------------
 */

static struct sanitizer_named *add_named(struct text_reading *reading, enum sanitizer_role role,
                                         int *out_r)
{
    struct sanitizer_text *text = reading->text;
    reading->stack = NULL;
    *out_r = 0;
    if (text->named_count == SANITIZER_NAMED_MAX) {
        return NULL;
    }
    *out_r = vec_reserve((void **)&text->named, &text->named_capacity, text->named_count + 1,
                         sizeof(*text->named));
    if (*out_r < 0) {
        return NULL;
    }
    struct sanitizer_named *named = &text->named[text->named_count++];
    *named = (struct sanitizer_named){.role = role};
    return named;
}

/* "    #3 0x55d0c8 in main app.c:5" */
static int take_frame(struct text_reading *reading, const char *line)
{
    struct sanitizer_text *text = reading->text;
    uint64_t address;
    size_t digits = strspn(line, "0123456789");
    if (reading->stack == NULL || digits == 0 || line[digits] != ' ' ||
        !take_address(line + digits + 1, &address) || text->frame_count == SANITIZER_FRAMES_MAX) {
        return 0;
    }
    int r = vec_reserve((void **)&text->frames, &text->frame_capacity, text->frame_count + 1,
                        sizeof(*text->frames));
    if (r == 0) {
        if (reading->stack->count == 0) {
            reading->stack->first = text->frame_count;
        }
        reading->stack->count++;
        text->frames[text->frame_count++] = address + 1; /* they print the call's last byte */
    }
    return r;
}

/* "0x602000000013 is located 3 bytes inside of 48-byte region [0x602000000010,0x602000000040)" */
static int take_region(struct text_reading *reading, const char *region)
{
    uint64_t start;
    uint64_t end;
    int r = 0;
    const char *comma = strchr(region, ',');
    if (take_address(region + strlen("region ["), &start) && comma != NULL &&
        take_address(comma + 1, &end) && end >= start) {
        struct sanitizer_named *named = add_named(reading, SANITIZER_BLOCK, &r);
        if (named != NULL) {
            named->address = start;
            named->size_bytes = end - start;
            named->block_count = 1;
        }
    }
    return r;
}

/* "48 byte(s) in 1 object(s) allocated from:" */
static int take_leak(struct text_reading *reading, const char *line, enum sanitizer_role role)
{
    unsigned long long size_bytes;
    unsigned long long count;
    int r = 0;
    if (sscanf(line, "%20llu byte(s) in %20llu object(s)", &size_bytes, &count) == 2) {
        struct sanitizer_named *named = add_named(reading, role, &r);
        if (named != NULL) {
            named->size_bytes = size_bytes;
            named->block_count = count;
            reading->stack = &named->allocated;
        }
    }
    return r;
}

/* "0x602000000010 (48 bytes)", below "Objects leaked above:" */
static int take_leaked_block(struct text_reading *reading, const char *line)
{
    unsigned long long size_bytes;
    uint64_t address;
    const char *open = strstr(line, " (");
    int r = 0;
    if (open != NULL && take_address(line, &address) &&
        sscanf(open, " (%20llu bytes)", &size_bytes) == 1) {
        struct sanitizer_named *named = add_named(reading, SANITIZER_LEAKED_BLOCK, &r);
        if (named != NULL) {
            named->address = address;
            named->size_bytes = size_bytes;
            named->block_count = 1;
        }
    }
    return r;
}

/* ---- lines -------------------------------------------------------------------------------------
 */

/* "AddressSanitizer: heap-use-after-free on address 0x602000000013 at pc ..." */
static void take_title(struct text_reading *reading, const char *line)
{
    static const char *const before[] = {"address ", " on ", "-ed: ", NULL};
    struct sanitizer_text *text = reading->text;
    const char *colon = strstr(line, ": ");
    if (colon == NULL || text->tool[0] != '\0') {
        return;
    }
    take_word(text->tool, line, ":");
    take_word(text->kind, strcmp(text->tool, "LeakSanitizer") == 0 ? "leak" : colon + 2, " :(");
    reading->stack = &text->error;
    const char *number = strstr(colon, "0x");
    for (size_t i = 0; number != NULL && before[i] != NULL; i++) {
        size_t length = strlen(before[i]);
        if (number - colon >= (ptrdiff_t)length &&
            memcmp(number - length, before[i], length) == 0) {
            text->has_address = take_address(number, &text->address);
        }
    }
}

/* "READ of size 4 at 0x602000000013 thread T0" */
static void take_access(struct text_reading *reading, const char *line)
{
    unsigned long long size_bytes;
    struct sanitizer_text *text = reading->text;
    const char *size = strstr(line, " of size ");
    if (text->access[0] == '\0' && size != NULL &&
        sscanf(size, " of size %20llu", &size_bytes) == 1) {
        take_word(text->access, line[0] == 'R' ? "read" : "write", " ");
        text->access_bytes = size_bytes;
        reading->stack = text->error.count == 0 ? &text->error : NULL;
    }
}

/* "AddressSanitizer: double-free /src/app.c:5 in main": the name by which the error is known. */
static void take_summary(struct text_reading *reading, const char *line)
{
    const char *colon = strstr(line, ": ");
    bool is_leak = strcmp(reading->text->kind, "leak") == 0;
    if (colon != NULL && reading->text->tool[0] != '\0' && !is_leak) {
        take_word(reading->text->kind, colon + 2, " (");
    }
}

/* "freed by thread T0 here:", "previously allocated by thread T0 here:": of the block before. */
static void take_history(struct text_reading *reading, bool is_freed)
{
    struct sanitizer_text *text = reading->text;
    reading->stack = NULL;
    if (text->named_count > 0) {
        struct sanitizer_named *named = &text->named[text->named_count - 1];
        struct sanitizer_stack *stack = is_freed ? &named->freed : &named->allocated;
        reading->stack = stack->count == 0 ? stack : NULL;
    }
}

static int take_line(struct text_reading *reading, const char *line)
{
    static const char error[] = "ERROR: ";
    static const char summary[] = "SUMMARY: ";
    static const char direct[] = "Direct leak of ";
    static const char indirect[] = "Indirect leak of ";
    const char *title = starts_with(line, "==") ? strstr(line, error) : NULL;
    const char *region = strstr(line, "-byte region [");
    if (title != NULL) {
        take_title(reading, title + strlen(error));
    } else if (line[0] == '#') {
        return take_frame(reading, line + 1);
    } else if (starts_with(line, "READ ") || starts_with(line, "WRITE ")) {
        take_access(reading, line);
    } else if (region != NULL && starts_with(line, "0x")) {
        return take_region(reading, region + strlen("-byte "));
    } else if (starts_with(line, "0x")) {
        return take_leaked_block(reading, line);
    } else if (starts_with(line, direct)) {
        return take_leak(reading, line + strlen(direct), SANITIZER_DIRECT_LEAK);
    } else if (starts_with(line, indirect)) {
        return take_leak(reading, line + strlen(indirect), SANITIZER_INDIRECT_LEAK);
    } else if (starts_with(line, "freed by thread ")) {
        take_history(reading, true);
    } else if (starts_with(line, "previously allocated by thread ") ||
               starts_with(line, "allocated by thread ")) {
        take_history(reading, false);
    } else if (starts_with(line, summary)) {
        take_summary(reading, line + strlen(summary));
    } else if (line[0] == '\0') {
        reading->stack = NULL;
    }
    return 0;
}

int sanitizer_text_parse(const char *text, size_t size_bytes, struct sanitizer_text *out_text)
{
    struct text_reading reading = {.text = out_text};
    const char *end = text + size_bytes;
    int r = 0;
    *out_text = (struct sanitizer_text){0};
    while (r == 0 && text < end) {
        char line[LINE_BYTES] = "";
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t length = (size_t)((newline != NULL ? newline : end) - text);
        size_t blank = 0;
        while (blank < length && text[blank] == ' ') {
            blank++;
        }
        size_t kept = length - blank < sizeof(line) - 1 ? length - blank : sizeof(line) - 1;
        memcpy(line, text + blank, kept);
        line[kept] = '\0';
        r = take_line(&reading, line);
        text = newline != NULL ? newline + 1 : end;
    }
    return r;
}

void sanitizer_text_fini(struct sanitizer_text *text)
{
    free(text->named);
    free(text->frames);
    *text = (struct sanitizer_text){0};
}
