#include "stack_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tables/frame_lines.h"

enum {
    LINES_MOST = 24, /* frames shown of a stack */
};

static int append_stack(const struct frame_lines *lines, uint32_t stack_id, struct str *text)
{
    const struct stacktree *tree = &lines->recording->stacks;
    const struct named_frame *called = NULL; /* the outermost of the C library's inner ones */
    size_t shown = 0;
    int r = stack_id == STACK_ROOT ? str_append(text, "    [unknown]\n") : 0;
    for (uint32_t node = stack_id; r == 0 && node != STACK_ROOT; node = tree->nodes[node].parent) {
        const struct named_frame *named = frame_lines_find(lines, tree->nodes[node].frame);
        if (named == NULL || named->part == FRAME_OF_HARNESS) {
            break;
        }
        if (shown == LINES_MOST) {
            return str_append(text, "    ...\n");
        }
        if (named->part == FRAME_OF_LIBC) {
            called = shown == 0 ? named : NULL;
            continue;
        }
        if (called != NULL) {
            r = str_append(text, str_text(&called->text));
            called = NULL;
        }
        r = r == 0 ? str_append(text, str_text(&named->text)) : r;
        shown++;
    }
    return r == 0 && called != NULL ? str_append(text, str_text(&called->text)) : r;
}

/* ---- those that look the same ------------------------------------------------------------------
 */

struct told_stack {
    struct str frames;
    uint64_t count;
    uint64_t size_bytes;
};

static int told_compare_counts(const void *left, const void *right)
{
    const struct told_stack *a = left;
    const struct told_stack *b = right;
    return a->count > b->count ? -1 : a->count < b->count;
}

static int told_compare_bytes(const void *left, const void *right)
{
    const struct told_stack *a = left;
    const struct told_stack *b = right;
    return a->size_bytes > b->size_bytes ? -1 : a->size_bytes < b->size_bytes;
}

/* Adds it to the one with the same frames, or behind the others. */
static int told_add(struct told_stack *told, size_t *told_count, const struct frame_lines *lines,
                    const struct stack_share *share)
{
    struct told_stack added = {.count = share->count, .size_bytes = share->size_bytes};
    int r = append_stack(lines, share->stack_id, &added.frames);
    size_t at = 0;
    while (at < *told_count && strcmp(str_text(&told[at].frames), str_text(&added.frames)) != 0) {
        at++;
    }
    if (r < 0 || at < *told_count) {
        str_fini(&added.frames);
    }
    if (r == 0 && at < *told_count) {
        told[at].count += added.count;
        told[at].size_bytes += added.size_bytes;
    } else if (r == 0) {
        told[(*told_count)++] = added;
    }
    return r;
}

static int told_append(struct str *text, const struct told_stack *told, size_t told_count,
                       const struct stack_shares *shares)
{
    size_t shown = told_count < shares->shown_most ? told_count : shares->shown_most;
    uint64_t more_count = shares->more_count + (told_count - shown);
    int r = 0;
    for (size_t i = 0; r == 0 && i < shown; i++) {
        r = str_printf(text, "  %llu allocation%s, %llu bytes\n%s",
                       (unsigned long long)told[i].count, told[i].count == 1 ? "" : "s",
                       (unsigned long long)told[i].size_bytes, str_text(&told[i].frames));
    }
    return r == 0 && more_count > 0
               ? str_printf(text, "  and %llu more stack%s\n", (unsigned long long)more_count,
                            more_count == 1 ? "" : "s")
               : r;
}

static int told_make(struct str *text, const struct frame_lines *lines,
                     const struct stack_shares *shares)
{
    struct told_stack *told = calloc(shares->count + 1, sizeof(*told));
    size_t told_count = 0;
    int r = told == NULL ? -ENOMEM : 0;
    for (size_t i = 0; r == 0 && i < shares->count; i++) {
        r = told_add(told, &told_count, lines, &shares->items[i]);
    }
    if (r == 0) {
        qsort(told, told_count, sizeof(*told),
              shares->is_by_bytes ? told_compare_bytes : told_compare_counts);
        r = told_append(text, told, told_count, shares);
    }
    for (size_t i = 0; i < told_count; i++) {
        str_fini(&told[i].frames);
    }
    free(told);
    return r;
}

int stack_text_append(struct str *text, const struct recording *recording,
                      const struct stack_shares *shares)
{
    struct frame_lines lines = {.recording = recording};
    int r = 0;
    for (size_t i = 0; r == 0 && i < shares->count; i++) {
        r = frame_lines_add_stack(&lines, shares->items[i].stack_id);
    }
    r = r == 0 ? frame_lines_look_up(&lines) : r;
    r = r == 0 ? told_make(text, &lines, shares) : r;
    frame_lines_fini(&lines);
    return r;
}
