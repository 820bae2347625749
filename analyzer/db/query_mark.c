#include "query_mark.h"

#include <stdlib.h>

#include "../base/vec.h"
#include "statement.h"

struct mark_list {
    struct frame_mark *marks;
    size_t count;
    size_t capacity;
};

static int take_mark(struct statement *from, void *context)
{
    struct mark_list *list = context;
    int result =
        vec_reserve((void **)&list->marks, &list->capacity, list->count + 1, sizeof(*list->marks));
    if (result == 0) {
        struct frame_mark *mark = &list->marks[list->count++];
        mark->at_ns = statement_u64(from);
        mark->thread_id = statement_u32(from);
    }
    return result;
}

int query_frame_marks(struct db *db, uint32_t process_id, struct frame_mark **out_marks,
                      size_t *out_count, struct err *err)
{
    struct statement statement;
    struct mark_list list = {0};
    statement_begin(&statement, db,
                    "SELECT at_ns, thread_id FROM mark WHERE process_id = ?1 AND kind = 'frame'"
                    " ORDER BY at_ns, id");
    statement_bind(&statement, process_id);
    int result = statement_each(&statement, take_mark, &list, err);
    if (result < 0) {
        free(list.marks);
        return result;
    }
    *out_marks = list.marks;
    *out_count = list.count;
    return 0;
}
