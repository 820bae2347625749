#include "sanitizer_reports.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../schema/report_file.h"
#include "../../base/vec.h"
#include "announcement.h"
#include "leaked_stacks.h"
#include "recording.h"

/* ---- parts -------------------------------------------------------------------------------------
 */

/* The report of the thread that is not whole yet, or a new one. NULL: there are too many, or *out_r
 * is -ENOMEM. */
static struct sanitizer_report *reports_open(struct subject *subject, uint32_t thread_id,
                                             uint64_t at_ns, int *out_r)
{
    struct sanitizer_reports *reports = &subject->recording->reports;
    *out_r = 0;
    for (size_t i = reports->count; i-- > 0;) {
        struct sanitizer_report *report = &reports->items[i];
        if (!report->is_whole && report->subject == subject && report->thread_id == thread_id) {
            return report;
        }
    }
    if (reports->count == SANITIZER_REPORTS_MAX) {
        return NULL;
    }
    *out_r = vec_reserve((void **)&reports->items, &reports->capacity, reports->count + 1,
                         sizeof(*reports->items));
    if (*out_r < 0) {
        return NULL;
    }
    struct sanitizer_report *report = &reports->items[reports->count++];
    *report = (struct sanitizer_report){.subject = subject, .thread_id = thread_id, .at_ns = at_ns};
    return report;
}

static int report_append(struct sanitizer_report *report, const char *text, size_t text_bytes)
{
    size_t room = SANITIZER_REPORT_BYTES_MAX - report->text.size_bytes;
    return str_append_bytes(&report->text, text, text_bytes < room ? text_bytes : room);
}

/* ---- whole reports -----------------------------------------------------------------------------
 */

static int report_intern(struct subject *subject, const struct sanitizer_text *text,
                         const struct sanitizer_stack *stack, uint32_t *out_stack_id)
{
    uint32_t node = STACK_ROOT;
    int r = 0;
    for (size_t i = stack->count; r == 0 && i-- > 0;) {
        uint32_t frame;
        r = announcement_frame(subject, text->frames[stack->first + i], &frame);
        if (r == 0) {
            r = stacktree_child(&subject->recording->stacks, node, frame, &node);
        }
    }
    *out_stack_id = node;
    return r;
}

/* LeakSanitizer names stacks, and blocks only if it is told to. */
static int report_find_leaks(struct subject *subject, struct sanitizer_report *report)
{
    const struct sanitizer_text *text = &report->parsed;
    struct leaked_stacks stacks;
    int r = 0;
    leaked_stacks_begin(&stacks, subject);
    for (size_t i = 0; r == 0 && i < text->named_count; i++) {
        const struct sanitizer_named *named = &text->named[i];
        if (named->role == SANITIZER_DIRECT_LEAK || named->role == SANITIZER_INDIRECT_LEAK) {
            r = leaked_stacks_find(&stacks, text->frames + named->allocated.first,
                                   named->allocated.count, named->block_count,
                                   &report->blocks[i].stack_id);
        }
    }
    for (size_t i = 0; r == 0 && i < text->named_count; i++) {
        report->blocks[i].is_all = leaked_stacks_are_all(&stacks, report->blocks[i].stack_id);
    }
    leaked_stacks_end(&stacks);
    return r;
}

static int report_complete(struct subject *subject, struct sanitizer_report *report)
{
    struct sanitizer_text *text = &report->parsed;
    report->is_whole = true;
    int r = sanitizer_text_parse(str_text(&report->text), report->text.size_bytes, text);
    if (r < 0 || text->tool[0] == '\0') {
        return r;
    }
    report->blocks = calloc(text->named_count + 1, sizeof(*report->blocks));
    if (report->blocks == NULL) {
        return -ENOMEM;
    }
    r = report_intern(subject, text, &text->error, &report->stack_id);
    for (size_t i = 0; r == 0 && i < text->named_count; i++) {
        const struct sanitizer_named *named = &text->named[i];
        struct sanitizer_block *block = &report->blocks[i];
        r = report_intern(subject, text, &named->freed, &block->freed_stack_id);
        if (r == 0 && named->role == SANITIZER_BLOCK) {
            r = report_intern(subject, text, &named->allocated, &block->stack_id);
        }
    }
    return r == 0 && strcmp(text->kind, "leak") == 0 ? report_find_leaks(subject, report) : r;
}

int sanitizer_reports_add(struct lane_context *lane, const struct event_report *event,
                          uint64_t stamp_ns)
{
    int r;
    struct subject *subject = lane->subject;
    struct sanitizer_report *report =
        reports_open(subject, subject->threads[lane->thread].id, stamp_ns, &r);
    if (report == NULL) {
        return r;
    }
    r = report_append(report, event->text, event->text_bytes);
    return r == 0 && event->is_last ? report_complete(subject, report) : r;
}

int sanitizer_reports_take_left(struct subject *subject, const char *ring_path)
{
    char path[REPORT_PATH_BYTES];
    char part[4096];
    struct sanitizer_report *report = NULL;
    int r = 0;
    ssize_t count = 0;
    int fd = subject->thread_count > 0 && report_file_name(path, ring_path, subject->pid)
                 ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
                 : -1;
    while (r == 0 && fd >= 0 && (count = read(fd, part, sizeof(part))) > 0) {
        ssize_t written = write(STDERR_FILENO, part, (size_t)count);
        (void)written; /* nobody may be there to read it */
        report = reports_open(subject, subject->threads[0].id, subject->ended_ns, &r);
        r = report != NULL ? report_append(report, part, (size_t)count) : r;
    }
    if (fd >= 0) {
        close(fd);
        unlink(path);
    }
    return r == 0 && report != NULL ? report_complete(subject, report) : r;
}

void sanitizer_reports_fini(struct sanitizer_reports *reports)
{
    for (size_t i = 0; i < reports->count; i++) {
        str_fini(&reports->items[i].text);
        sanitizer_text_fini(&reports->items[i].parsed);
        free(reports->items[i].blocks);
    }
    free(reports->items);
    *reports = (struct sanitizer_reports){0};
}

/* ---- rows --------------------------------------------------------------------------------------
 */

static void report_write(struct sqlwriter *writer, const struct sanitizer_report *report,
                         uint64_t id)
{
    const struct sanitizer_text *text = &report->parsed;
    sqlwriter_integer(writer, id);
    sqlwriter_integer(writer, report->subject->id);
    sqlwriter_integer(writer, report->thread_id);
    sqlwriter_integer(writer, report->at_ns);
    sqlwriter_text(writer, text->tool);
    sqlwriter_text(writer, text->kind);
    if (text->has_address) {
        sqlwriter_integer(writer, text->address);
    } else {
        sqlwriter_null(writer);
    }
    sqlwriter_text(writer, text->access[0] != '\0' ? text->access : NULL);
    if (text->access[0] != '\0') {
        sqlwriter_integer(writer, text->access_bytes);
    } else {
        sqlwriter_null(writer);
    }
    sqlwriter_integer_or_null(writer, report->stack_id);
    sqlwriter_text(writer, str_text(&report->text));
    sqlwriter_row(writer);
}

static void report_write_blocks(struct sqlwriter *writer, const struct sanitizer_report *report,
                                uint64_t id)
{
    for (size_t i = 0; report->blocks != NULL && i < report->parsed.named_count; i++) {
        const struct sanitizer_named *named = &report->parsed.named[i];
        const struct sanitizer_block *block = &report->blocks[i];
        sqlwriter_integer(writer, id);
        sqlwriter_integer(writer, i + 1);
        sqlwriter_text(writer, sanitizer_role_name(named->role));
        sqlwriter_integer_or_null(writer, named->address);
        sqlwriter_integer(writer, named->size_bytes);
        sqlwriter_integer(writer, named->block_count);
        if (block->is_all) {
            sqlwriter_integer(writer, 0); /* is looked up */
        } else {
            sqlwriter_null(writer);
        }
        sqlwriter_integer_or_null(writer, block->stack_id);
        sqlwriter_integer_or_null(writer, block->freed_stack_id);
        sqlwriter_row(writer);
    }
}

static void reports_look_blocks_up(struct sqlwriter *writer)
{
    /* One pass over the rows, whatever the number of reports. */
    sqlwriter_execute(
        writer,
        "UPDATE sanitizer_block AS s SET block_id = found.block_id,"
        " stack_id = found.stack_id FROM"
        " (SELECT n.report_id, n.place, b.id AS block_id, c.stack_id, max(b.born_ns)"
        "  FROM block AS b CROSS JOIN context AS c ON c.id = b.context_id"
        "  CROSS JOIN sanitizer_block AS n ON n.address = c.region_address + b.address_offset"
        "  CROSS JOIN sanitizer_report AS r ON r.id = n.report_id"
        "   AND r.process_id = c.process_id AND b.born_ns <= r.at_ns"
        "  GROUP BY n.report_id, n.place) AS found"
        " WHERE found.report_id = s.report_id AND found.place = s.place");
    sqlwriter_execute(
        writer, "UPDATE sanitizer_block AS s SET block_id = (SELECT min(b.id) FROM block AS b"
                " JOIN context AS c ON c.id = b.context_id JOIN sanitizer_report AS r"
                " ON r.id = s.report_id AND r.process_id = c.process_id"
                " WHERE c.stack_id = s.stack_id AND b.lifetime_ns IS NULL) WHERE block_id = 0");
}

void sanitizer_reports_write(struct sqlwriter *writer, const struct recording *recording)
{
    const struct sanitizer_reports *reports = &recording->reports;
    uint64_t id = 0;
    sqlwriter_table(writer, "sanitizer_report", 11);
    for (size_t i = 0; i < reports->count; i++) {
        if (reports->items[i].parsed.tool[0] != '\0') {
            report_write(writer, &reports->items[i], ++id);
        }
    }
    sqlwriter_table(writer, "sanitizer_block", 9);
    id = 0;
    for (size_t i = 0; i < reports->count; i++) {
        if (reports->items[i].parsed.tool[0] != '\0') {
            report_write_blocks(writer, &reports->items[i], ++id);
        }
    }
    if (id > 0) {
        reports_look_blocks_up(writer);
    }
}
