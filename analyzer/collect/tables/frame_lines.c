#include "frame_lines.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../../base/vec.h"
#include "../../elf/symbolize.h"

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static enum frame_part frame_part_of(const char *module_name, const char *function)
{
    if (starts_with(module_name, "libcmocka") || starts_with(module_name, "liballocaudit") ||
        starts_with(function, "_cmocka_") || starts_with(function, "cmocka_run_")) {
        return FRAME_OF_HARNESS;
    }
    bool is_libc = starts_with(module_name, "libc.so") || starts_with(module_name, "ld-linux") ||
                   strcmp(function, "_start") == 0;
    return is_libc ? FRAME_OF_LIBC : FRAME_OF_PROGRAM;
}

/* ---- which frames ------------------------------------------------------------------------------
 */

int frame_lines_add_stack(struct frame_lines *lines, uint32_t stack_id)
{
    const struct stacktree *tree = &lines->recording->stacks;
    for (uint32_t node = stack_id; node != STACK_ROOT; node = tree->nodes[node].parent) {
        int r = vec_reserve((void **)&lines->frames, &lines->capacity, lines->count + 1,
                            sizeof(*lines->frames));
        if (r < 0) {
            return r;
        }
        lines->frames[lines->count++] = (struct named_frame){.frame = tree->nodes[node].frame};
    }
    return 0;
}

static int frame_lines_compare(const void *left, const void *right, void *context)
{
    const struct code_address *frames = context;
    uint32_t left_frame = ((const struct named_frame *)left)->frame;
    uint32_t right_frame = ((const struct named_frame *)right)->frame;
    const struct code_address *a = &frames[left_frame];
    const struct code_address *b = &frames[right_frame];
    if (left_frame < FRAME_FIRST || right_frame < FRAME_FIRST) { /* these have no address */
        return left_frame < right_frame ? -1 : left_frame > right_frame;
    }
    if (a->module != b->module) {
        return a->module < b->module ? -1 : 1;
    }
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

/* Sorts them, and keeps each once. */
static void frame_lines_sort(struct frame_lines *lines)
{
    size_t count = 0;
    if (lines->count > 0) {
        qsort_r(lines->frames, lines->count, sizeof(*lines->frames), frame_lines_compare,
                lines->recording->stacks.frames);
    }
    for (size_t i = 0; i < lines->count; i++) {
        if (count == 0 || lines->frames[count - 1].frame != lines->frames[i].frame) {
            lines->frames[count++] = lines->frames[i];
        }
    }
    lines->count = count;
}

/* ---- their names -------------------------------------------------------------------------------
 */

static void frame_lines_take(void *context, size_t index, const struct symbol *symbols,
                             size_t count)
{
    struct frame_lines *lines = context;
    struct named_frame *named = &lines->first[index];
    uint64_t offset = lines->recording->stacks.frames[named->frame].offset;
    bool is_named = count > 0 && symbols[count - 1].function != NULL;
    named->part = frame_part_of(lines->module_name, is_named ? symbols[count - 1].function : "");
    for (size_t i = 0; i < count && lines->status == 0; i++) {
        const struct symbol *symbol = &symbols[i];
        lines->status =
            str_printf(&named->text, "    %s", symbol->function != NULL ? symbol->function : "?");
        if (lines->status == 0 && symbol->file != NULL) {
            lines->status = str_printf(&named->text, " %s:%u", str_base_name(symbol->file),
                                       (unsigned)symbol->line);
        }
        if (lines->status == 0) {
            lines->status = str_append_char(&named->text, '\n');
        }
    }
    if (count == 0 && lines->status == 0) {
        lines->status = str_printf(&named->text, "    %s+0x%llx\n", lines->module_name,
                                   (unsigned long long)offset);
    }
}

/* Those of one module. */
static int frame_lines_of_module(struct frame_lines *lines, size_t count)
{
    const struct code_address *frames = lines->recording->stacks.frames;
    uint32_t module = frames[lines->first->frame].module;
    const struct module_file *file =
        module != 0 ? &lines->recording->modules.files[module - 1] : NULL;
    uint64_t *offsets = calloc(count, sizeof(*offsets));
    if (offsets == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        offsets[i] = frames[lines->first[i].frame].offset;
    }
    lines->module_name = file != NULL ? str_base_name(file->path) : "[anonymous]";
    if (file != NULL) {
        char name[MODULE_NAME_BYTES];
        const struct symbolize_request request = {
            .path = modules_path(file, name),
            .build_id = file->build_id[0] != '\0' ? file->build_id : NULL,
            .offsets = offsets,
            .offset_count = count,
        };
        (void)symbolize_module(&request, frame_lines_take, lines);
    } else {
        for (size_t i = 0; i < count; i++) {
            frame_lines_take(lines, i, NULL, 0);
        }
    }
    free(offsets);
    return lines->status;
}

int frame_lines_look_up(struct frame_lines *lines)
{
    const struct code_address *frames = lines->recording->stacks.frames;
    int r = 0;
    size_t end;
    frame_lines_sort(lines);
    for (size_t start = 0; r == 0 && start < lines->count; start = end) {
        lines->first = &lines->frames[start];
        uint32_t frame = lines->first->frame;
        end = start + 1;
        if (frame < FRAME_FIRST) {
            r = str_append(&lines->first->text, frame == FRAME_CUT
                                                    ? "    [cut at the depth limit]\n"
                                                    : "    [unknown]\n");
            continue;
        }
        while (end < lines->count &&
               frames[lines->frames[end].frame].module == frames[frame].module) {
            end++;
        }
        r = frame_lines_of_module(lines, end - start);
    }
    symbolize_cleanup();
    return r;
}

const struct named_frame *frame_lines_find(const struct frame_lines *lines, uint32_t frame)
{
    const struct named_frame key = {.frame = frame};
    size_t low = 0;
    size_t high = lines->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order =
            frame_lines_compare(&lines->frames[middle], &key, lines->recording->stacks.frames);
        if (order == 0) {
            return &lines->frames[middle];
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return NULL;
}

void frame_lines_fini(struct frame_lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        str_fini(&lines->frames[i].text);
    }
    free(lines->frames);
}
