#include "page_tree.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "../base/map.h"
#include "../base/vec.h"
#include "../model/flame_tree.h"
#include "page_json.h"
#include "page_marks.h"
#include "page_strings.h"

enum {
    NODES_MAX = 20000,
    SITES_MAX = 250, /* of each key */
    STRINGS_MAX_BYTES = 1536 * 1024,
};

/* The keys of the flame graph. */
#define TREE_KEYS                                                                                  \
    (SITE_KEY_BIT(SITE_KEY_COUNT) | SITE_KEY_BIT(SITE_KEY_BYTES) | SITE_KEY_BIT(SITE_KEY_PEAK) |   \
     SITE_KEY_BIT(SITE_KEY_LEAKED) | SITE_KEY_BIT(SITE_KEY_TEMPORARY) |                            \
     SITE_KEY_BIT(SITE_KEY_TIME))

/* As the figures of a site are called in the sections. */
static const char *const key_names[SITE_KEY_COUNT_ALL] = {
    [SITE_KEY_COUNT] = "allocation_count",    [SITE_KEY_BYTES] = "allocated_bytes",
    [SITE_KEY_PEAK] = "peak_bytes",           [SITE_KEY_TIME] = "time_ns",
    [SITE_KEY_LEAKED] = "leaked_bytes",       [SITE_KEY_LEAKED_COUNT] = "leaked_count",
    [SITE_KEY_TEMPORARY] = "temporary_count", [SITE_KEY_LARGE] = "large_short_lived_bytes",
    [SITE_KEY_REALLOC] = "realloc_count",     [SITE_KEY_MOVED] = "realloc_moved_bytes",
    [SITE_KEY_LIVE] = "live_bytes_max",       [SITE_KEY_FAILED] = "failed_count",
};

struct page {
    struct report *report;
    struct page_json json;
    struct flame_tree tree;
    struct intern strings;
    struct map frame_numbers; /* by frame_id */
    uint32_t *frame_ids;      /* by number */
    size_t frame_count;
    size_t frame_capacity;
    size_t *places; /* of the sites that get a row, ascending */
    size_t place_count;
    size_t place_capacity;
};

/* ---- sites -------------------------------------------------------------------------------------
 */

static int compare_places(const void *left, const void *right)
{
    const size_t a = *(const size_t *)left;
    const size_t b = *(const size_t *)right;
    return (a > b) - (a < b);
}

static int choose_sites(struct page *page, struct err *err)
{
    const struct sites *sites = page->report->sites;
    for (unsigned key = 0; key < SITE_KEY_COUNT_ALL; key++) {
        size_t *top = NULL;
        if (!sites_has_key(sites, (enum site_key)key)) {
            continue;
        }
        const int count = sites_top(sites, (enum site_key)key, SITES_MAX, &top, err);
        if (count < 0) {
            return count;
        }
        int result = vec_reserve((void **)&page->places, &page->place_capacity,
                                 page->place_count + (size_t)count + 1, sizeof(*page->places));
        for (int i = 0; i < count && result == 0; i++) {
            page->places[page->place_count++] = top[i];
        }
        free(top);
        if (result < 0) {
            return err_set_errno(err, -result, "cannot choose sites");
        }
    }
    if (page->place_count == 0) {
        return 0;
    }
    qsort(page->places, page->place_count, sizeof(*page->places), compare_places);
    size_t kept = 1;
    for (size_t i = 1; i < page->place_count; i++) {
        if (page->places[i] != page->places[kept - 1]) {
            page->places[kept++] = page->places[i];
        }
    }
    page->place_count = kept;
    return 0;
}

static int put_site(struct page *page, size_t index, struct err *err)
{
    struct sites *sites = page->report->sites;
    const size_t place = page->places[index];
    struct site_row row;
    int result = sites_read(sites, place, &row, err);
    if (result < 0) {
        return result;
    }
    const uint32_t node = flame_tree_find(&page->tree, row.stack_id);
    page_json_put(&page->json, "%s[%" PRIu32 ",%" PRId64, index == 0 ? "\n" : ",\n", row.stack_id,
                  node == FLAME_TREE_NONE ? -1 : (int64_t)node);
    for (unsigned key = 0; key < SITE_KEY_COUNT_ALL; key++) {
        if (sites_has_key(sites, (enum site_key)key)) {
            page_json_put(&page->json, ",%" PRIu64, sites_value(sites, place, (enum site_key)key));
        }
    }
    page_json_put(&page->json, ",%" PRIu64 ",%" PRIu64 "]", row.free_count, row.lifetime_sum_ns);
    return 0;
}

static int put_sites(struct page *page, struct err *err)
{
    page_json_put(&page->json, ",\n\"site_count\":%zu,\n\"site_keys\":[\"stack_id\",\"node\"",
                  sites_count(page->report->sites));
    for (unsigned key = 0; key < SITE_KEY_COUNT_ALL; key++) {
        if (sites_has_key(page->report->sites, (enum site_key)key)) {
            page_json_put(&page->json, ",\"%s\"", key_names[key]);
        }
    }
    page_json_put(&page->json, ",\"free_count\",\"lifetime_sum_ns\"],\n\"sites\":[");
    int result = 0;
    for (size_t i = 0; i < page->place_count && result == 0; i++) {
        result = put_site(page, i, err);
    }
    page_json_put(&page->json, "]");
    return result;
}

/* ---- the tree ----------------------------------------------------------------------------------
 */

static int build_tree(struct page *page, struct err *err)
{
    uint32_t *stack_ids = calloc(page->place_count + 1, sizeof(*stack_ids));
    if (stack_ids == NULL) {
        return err_set_errno(err, ENOMEM, "cannot build the tree of stacks");
    }
    for (size_t i = 0; i < page->place_count; i++) {
        stack_ids[i] = sites_stack_id(page->report->sites, page->places[i]);
    }
    int result = flame_tree_build(page->report->trace->db, page->report->sites, TREE_KEYS,
                                  NODES_MAX, stack_ids, page->place_count, &page->tree, err);
    free(stack_ids);
    return result;
}

static uint32_t number_frame(struct page *page, uint32_t frame_id)
{
    uint32_t number = 0;
    if (page->json.error < 0 || map_get(&page->frame_numbers, frame_id, &number)) {
        return number;
    }
    number = (uint32_t)page->frame_count;
    page->json.error = vec_reserve((void **)&page->frame_ids, &page->frame_capacity,
                                   page->frame_count + 1, sizeof(*page->frame_ids));
    if (page->json.error == 0) {
        page->json.error = map_put(&page->frame_numbers, frame_id, number);
    }
    if (page->json.error == 0) {
        page->frame_ids[page->frame_count++] = frame_id;
    }
    return number;
}

static void put_string(struct page *page, const char *text)
{
    uint32_t number = 0;
    if (text == NULL) {
        page_json_put(&page->json, "-1");
    } else if (page->json.error == 0) {
        page->json.error = intern_add(&page->strings, text, &number);
        page_json_put(&page->json, "%" PRIu32, number);
    }
}

static int put_frame(struct page *page, uint32_t frame_id, struct err *err)
{
    struct call_stack stack = {0};
    int result = stacks_expand_frame(page->report->stacks, frame_id, &stack, err);
    if (result < 0) {
        return result;
    }
    page_json_put(&page->json, "[");
    if (stack.count == 0) {
        put_string(page, "(callers beyond the depth limit)");
        page_json_put(&page->json, ",-1,0,-1");
    }
    for (size_t i = 0; i < stack.count; i++) {
        const struct stack_frame *frame = stack.frames[i];
        page_json_put(&page->json, "%s", i > 0 ? "," : "");
        put_string(page, frame->function);
        page_json_put(&page->json, ",");
        put_string(page, frame->file);
        page_json_put(&page->json, ",%" PRIu32 ",", frame->line);
        put_string(page, frame->module);
    }
    page_json_put(&page->json, "]");
    call_stack_fini(&stack);
    return 0;
}

/* [place, value, ...] of what is not 0. */
static void put_values(struct page *page, const uint64_t *values, size_t count)
{
    size_t index = 0;
    page_json_put(&page->json, "[");
    for (size_t i = 0; i < count; i++) {
        if (values[i] > 0) {
            page_json_number(&page->json, index++, i == page->tree.count ? -1 : (int64_t)i);
            page_json_put(&page->json, ",%" PRIu64, values[i]);
        }
    }
    page_json_put(&page->json, "]");
}

static void put_keys(struct page *page)
{
    const struct flame_tree *tree = &page->tree;
    const char *const headings[] = {"keys", "totals", "own", "smaller"};
    for (size_t part = 0; part < sizeof(headings) / sizeof(headings[0]); part++) {
        const bool is_list = part == 0;
        size_t index = 0;
        page_json_put(&page->json, ",\n\"%s\":%s", headings[part], is_list ? "[" : "{");
        for (size_t key = 0; key < SITE_KEY_COUNT_ALL; key++) {
            if (tree->own[key] == NULL) {
                continue;
            }
            page_json_put(&page->json, index++ > 0 ? ",\"%s\"" : "\"%s\"", key_names[key]);
            page_json_put(&page->json, "%s", is_list ? "" : ":");
            if (part == 1) {
                page_json_put(&page->json, "%" PRIu64, tree->totals[key]);
            } else if (part == 2) {
                put_values(page, tree->own[key], tree->count);
            } else if (part == 3) {
                put_values(page, tree->smaller[key], tree->count + 1);
            }
        }
        page_json_put(&page->json, "%s", is_list ? "]" : "}");
    }
}

static int put_tree(struct page *page, struct err *err)
{
    const struct flame_tree *tree = &page->tree;
    page_json_put(&page->json, "\"parents\":[");
    for (size_t i = 0; i < tree->count; i++) {
        const uint32_t parent = tree->nodes[i].parent;
        page_json_number(&page->json, i, parent == FLAME_TREE_NONE ? -1 : (int64_t)parent);
    }
    page_json_put(&page->json, "],\n\"node_frames\":[");
    for (size_t i = 0; i < tree->count; i++) {
        page_json_number(&page->json, i, number_frame(page, tree->nodes[i].frame_id));
    }
    page_json_put(&page->json, "],\n\"stack_id_steps\":[");
    for (size_t i = 0; i < tree->count; i++) {
        const uint32_t before = i > 0 ? tree->nodes[i - 1].stack_id : 0;
        page_json_number(&page->json, i, tree->nodes[i].stack_id - before);
    }
    page_json_put(&page->json, "],\n\"frames\":[");
    int result = 0;
    for (size_t i = 0; i < page->frame_count && result == 0; i++) {
        page_json_put(&page->json, "%s", i > 0 ? ",\n" : "");
        result = put_frame(page, page->frame_ids[i], err);
    }
    page_json_put(&page->json, "],\n\"strings\":");
    if (page->json.error == 0) {
        page->json.error = page_strings_append(&page->strings, STRINGS_MAX_BYTES, page->json.into);
    }
    page_json_put(&page->json, ",\n\"left_out_count\":%zu", tree->left_out_count);
    put_keys(page);
    return result;
}

int page_tree_append_json(struct report *report, struct str *into, struct err *err)
{
    struct page page = {.report = report, .json = {.into = into}};
    page_json_put(&page.json, "{");
    int result = choose_sites(&page, err);
    if (result == 0) {
        result = build_tree(&page, err);
    }
    if (result == 0) {
        result = put_tree(&page, err);
    }
    if (result == 0) {
        result = put_sites(&page, err);
    }
    if (result == 0) {
        result = page_marks_put(report, &page.json, err);
    }
    page_json_put(&page.json, "}");
    if (result == 0 && page.json.error < 0) {
        result = err_set_errno(err, -page.json.error, "cannot make the page");
    }
    flame_tree_fini(&page.tree);
    intern_fini(&page.strings);
    map_fini(&page.frame_numbers);
    free(page.frame_ids);
    free(page.places);
    return result;
}
