#include "frame_table.h"

#include <errno.h>
#include <stdlib.h>

#include "../base/vec.h"
#include "../db/query_stack.h"
#include "wrappers.h"

struct frame_table {
    struct db *db;
    struct frame_entry *entries; /* by frame_id */
    size_t count;
    size_t capacity;
    struct intern texts;
};

static int take_frame(void *context, const struct frame_row *row)
{
    struct frame_table *table = context;
    struct frame_entry entry = {
        .offset = row->offset,
        .frame_id = row->id,
        .module_id = row->module_id,
        .line = row->line,
        .inlined_by_id = row->inlined_by_id,
    };
    uint32_t module_text = 0;
    if (vec_reserve((void **)&table->entries, &table->capacity, table->count + 1,
                    sizeof(*table->entries)) < 0 ||
        intern_add(&table->texts, row->function, &entry.function_text) < 0 ||
        intern_add(&table->texts, row->file != NULL ? row->file : "", &entry.file_text) < 0 ||
        intern_add(&table->texts, row->module != NULL ? row->module : "", &module_text) < 0) {
        return -ENOMEM;
    }
    entry.function = intern_text(&table->texts, entry.function_text);
    entry.file = row->file != NULL ? intern_text(&table->texts, entry.file_text) : NULL;
    entry.module = row->module != NULL ? intern_text(&table->texts, module_text) : NULL;
    table->entries[table->count++] = entry;
    return 0;
}

/* Whoever follows inlined_by_id comes to an end after this. */
static int check_inlining(const struct frame_table *table, struct err *err)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct frame_entry *entry = &table->entries[i];
        size_t step_count = 0;
        while (entry != NULL && step_count <= table->count) {
            entry = frame_table_outer(table, entry);
            step_count++;
        }
        if (entry != NULL) {
            return err_set(err, EBADMSG,
                           "cannot read '%s': damaged: frames inlined in a circle at frame %u",
                           db_path(table->db), table->entries[i].frame_id);
        }
    }
    return 0;
}

int frame_table_load(struct db *db, struct frame_table **out_table, struct err *err)
{
    struct frame_table *table = calloc(1, sizeof(*table));
    uint32_t number = 0;
    if (table == NULL || intern_add(&table->texts, "", &number) < 0) {
        frame_table_destroy(table);
        return err_set_errno(err, ENOMEM, "cannot read frames");
    }
    table->db = db;
    int result = query_frames(db, take_frame, table, err);
    if (result == -ENOMEM) {
        err_set_errno(err, ENOMEM, "cannot read frames");
    }
    if (result == 0) {
        result = check_inlining(table, err);
    }
    if (result < 0) {
        frame_table_destroy(table);
        return result;
    }
    *out_table = table;
    return 0;
}

size_t frame_table_count(const struct frame_table *table)
{
    return table->count;
}

const struct frame_entry *frame_table_at(const struct frame_table *table, size_t place)
{
    return &table->entries[place];
}

size_t frame_table_place(const struct frame_table *table, uint32_t frame_id)
{
    /* Ids mostly have no gaps, and then the id gives the place. */
    if (frame_id < table->count && table->entries[frame_id].frame_id == frame_id) {
        return frame_id;
    }
    size_t low = 0;
    size_t high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->entries[middle].frame_id < frame_id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool is_there = low < table->count && table->entries[low].frame_id == frame_id;
    return is_there ? low : SIZE_MAX;
}

const struct frame_entry *frame_table_outer(const struct frame_table *table,
                                            const struct frame_entry *entry)
{
    size_t place =
        entry->inlined_by_id != 0 ? frame_table_place(table, entry->inlined_by_id) : SIZE_MAX;
    return place != SIZE_MAX ? &table->entries[place] : NULL;
}

struct intern *frame_table_texts(struct frame_table *table)
{
    return &table->texts;
}

static int append_frame(const struct frame_table *table, uint32_t frame_id,
                        struct frame_chain *chain, struct err *err)
{
    size_t at = frame_table_place(table, frame_id);
    if (at == SIZE_MAX) {
        return err_set(err, EBADMSG,
                       "cannot read '%s': damaged: a stack has a frame that is missing: %u",
                       db_path(table->db), frame_id);
    }
    const struct frame_entry *entry = &table->entries[at];
    for (; entry != NULL; entry = frame_table_outer(table, entry)) {
        if (vec_reserve((void **)&chain->frames, &chain->capacity, chain->count + 1,
                        sizeof(*chain->frames)) < 0) {
            return err_set_errno(err, ENOMEM, "cannot read stacks");
        }
        chain->frames[chain->count++] = entry;
    }
    return 0;
}

int frame_table_spell_frame(const struct frame_table *table, uint32_t frame_id,
                            struct frame_chain *chain, struct err *err)
{
    chain->count = 0;
    return append_frame(table, frame_id, chain, err);
}

int frame_table_spell(const struct frame_table *table, const struct stack_tree *tree, size_t place,
                      struct frame_chain *chain, struct err *err)
{
    int result = 0;
    chain->count = 0;
    for (; place != STACK_TREE_NONE && result == 0; place = stack_tree_parent(tree, place)) {
        result = append_frame(table, stack_tree_frame_id(tree, place), chain, err);
    }
    return result;
}

const struct frame_entry *frame_chain_shown(const struct frame_chain *chain)
{
    for (size_t i = 0; i < chain->count; i++) {
        if (!wrapper_is_allocator(chain->frames[i]->function)) {
            return chain->frames[i];
        }
    }
    return chain->count > 0 ? chain->frames[chain->count - 1] : NULL;
}

void frame_chain_fini(struct frame_chain *chain)
{
    free(chain->frames);
    *chain = (struct frame_chain){0};
}

void frame_table_destroy(struct frame_table *table)
{
    if (table == NULL) {
        return;
    }
    free(table->entries);
    intern_fini(&table->texts);
    free(table);
}
