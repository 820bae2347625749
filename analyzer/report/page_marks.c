#include "page_marks.h"

#include <inttypes.h>
#include <stdlib.h>

#include "../db/query_mark.h"
#include "../db/query_moment.h"

enum {
    MARKS_MAX = 2000,
    MOMENTS_MAX = 500,
    MOMENT_NAME_BYTES = 120,
};

static int put_frame_marks(struct report *report, struct page_json *json, uint32_t process_id,
                           struct err *err)
{
    struct frame_mark *marks = NULL;
    size_t count = 0;
    int result = query_frame_marks(report->trace->db, process_id, &marks, &count, err);
    if (result < 0) {
        return result;
    }
    const size_t step = count / MARKS_MAX + 1;
    page_json_put(json, ",\n\"frame_mark_count\":%zu,\"frame_mark_step\":%zu,\"frame_marks_ns\":[",
                  count, step);
    for (size_t i = 0; i < count; i += step) {
        page_json_number(json, i, (int64_t)marks[i].at_ns);
    }
    page_json_put(json, "]");
    free(marks);
    return 0;
}

struct moments {
    struct page_json *json;
    size_t count; /* seen, at most MOMENTS_MAX + 1 */
};

static int put_moment(void *context, const struct moment_row *row)
{
    struct moments *moments = context;
    if (moments->count++ < MOMENTS_MAX) {
        page_json_put(moments->json, "%s[%" PRIu64 ",", moments->count > 1 ? "," : "", row->at_ns);
        page_json_text(moments->json, row->name, MOMENT_NAME_BYTES);
        page_json_put(moments->json, "]");
    }
    return 0;
}

static int put_moments(struct report *report, struct page_json *json, uint32_t process_id,
                       struct err *err)
{
    struct moments moments = {.json = json};
    page_json_put(json, ",\n\"moments\":[");
    int result =
        query_moments(report->trace->db, process_id, MOMENTS_MAX + 1, put_moment, &moments, err);
    page_json_put(json, "],\"are_moments_cut\":%s", moments.count > MOMENTS_MAX ? "true" : "false");
    return result;
}

int page_marks_put(struct report *report, struct page_json *json, struct err *err)
{
    /* No process has the number 0. */
    const struct process_row *process = report_process(report);
    const uint32_t process_id = process != NULL ? process->id : 0;
    int result = put_frame_marks(report, json, process_id, err);
    return result == 0 ? put_moments(report, json, process_id, err) : result;
}
