#include "html_page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "html_bundle.h"
#include "page_tree.h"

enum {
    TEXT_MAX_BYTES = 1024, /* of a name in a section */
};

int html_page_check(struct err *err)
{
    if (html_bundle_bytes > 0) {
        return 0;
    }
    return err_set(err, ENOTSUP,
                   "this allocaudit was built without the page of --html: 'make html-bundle' "
                   "builds it in (it needs node and npm)");
}

/* The sections' document. *out_json is the caller's to free(). */
static int print_sections(struct report *report, const struct section_plan *plan, char **out_json,
                          size_t *out_bytes, struct err *err)
{
    const struct out_settings settings = {
        .format = OUT_JSON, .has_labels = true, .text_limit_bytes = TEXT_MAX_BYTES};
    FILE *memory = open_memstream(out_json, out_bytes);
    if (memory == NULL) {
        return err_set_errno(err, errno, "cannot make the page");
    }
    int result = out_create("report", &settings, memory, &report->out, err);
    if (result == 0 && report->extra != NULL) {
        report->extra->print(report->extra->context, report->out);
    }
    if (result == 0) {
        result = sections_print(report, plan, err);
    }
    if (result == 0) {
        result = out_finish(report->out, err);
    }
    out_destroy(report->out);
    report->out = NULL;
    if (fclose(memory) != 0 && result == 0) {
        result = err_set_errno(err, errno, "cannot make the page");
    }
    return result;
}

static int put(FILE *stream, const char *text, size_t size_bytes, struct err *err)
{
    errno = 0;
    if (fwrite(text, 1, size_bytes, stream) == size_bytes) {
        return 0;
    }
    return err_set_errno(err, errno != 0 ? errno : EIO, "cannot write the page");
}

/* In JSON a '<' stands only inside of strings, where it may be spelled as an escape; without one,
 * nothing can end the element that holds it. */
static int put_json(FILE *stream, const char *json, size_t size_bytes, struct err *err)
{
    static const char escape[] = "\\u003c";
    const char *end = json + size_bytes;
    int result = 0;
    while (json < end && result == 0) {
        const char *special = memchr(json, '<', (size_t)(end - json));
        const char *stop = special != NULL ? special : end;
        result = put(stream, json, (size_t)(stop - json), err);
        if (result == 0 && special != NULL) {
            result = put(stream, escape, sizeof(escape) - 1, err);
        }
        json = special != NULL ? special + 1 : end;
    }
    return result;
}

/* Writes the page from *at up to the mark, and then the JSON in its place. */
static int put_part(FILE *stream, size_t *at, const char *mark, const char *json, size_t size_bytes,
                    struct err *err)
{
    const char *rest = html_bundle + *at;
    const char *found = memmem(rest, html_bundle_bytes - *at, mark, strlen(mark));
    if (found == NULL) {
        return err_set(err, EBADMSG, "the page built into this allocaudit has no %s", mark);
    }
    *at = (size_t)(found - html_bundle) + strlen(mark);
    int result = put(stream, rest, (size_t)(found - rest), err);
    return result == 0 ? put_json(stream, json, size_bytes, err) : result;
}

int html_page_write(struct report *report, const struct section_plan *plan, FILE *stream,
                    struct err *err)
{
    char *sections = NULL;
    size_t sections_bytes = 0;
    struct str tree = {0};
    size_t at = 0;
    int result = html_page_check(err);
    if (result == 0) {
        result = print_sections(report, plan, &sections, &sections_bytes, err);
    }
    if (result == 0) {
        result = page_tree_append_json(report, &tree, err);
    }
    if (result == 0) {
        result = put_part(stream, &at, HTML_MARK_REPORT, sections, sections_bytes, err);
    }
    if (result == 0) {
        result = put_part(stream, &at, HTML_MARK_TREE, str_text(&tree), tree.size_bytes, err);
    }
    if (result == 0) {
        result = put(stream, html_bundle + at, html_bundle_bytes - at, err);
    }
    free(sections);
    str_fini(&tree);
    return result;
}
