#include "heap_pins.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "repack.h"

enum {
    REPACKED_MOST = LAYOUT_SITES_MAX,
    WORTH_BYTES = 64 << 10,
    WORTH_PART = 50,
};

int heap_pins_states(struct page_map *map, struct pin_state **out_states, size_t *out_count)
{
    size_t count = 0;
    const struct site_holding *holdings = page_map_holdings(map, &count);
    struct pin_state *states = calloc(count + 1, sizeof(*states));
    if (states == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        states[i] = (struct pin_state){
            .page_bytes = holdings[i].page_count * PAGE_BYTES,
            .huge_page_bytes = holdings[i].huge_page_count * HUGE_PAGE_BYTES,
            .live_bytes = holdings[i].live_bytes,
            .live_count = holdings[i].live_count,
        };
    }
    *out_states = states;
    *out_count = count;
    return 0;
}

static int compare_pins(const void *left, const void *right)
{
    const struct pin_row *a = left;
    const struct pin_row *b = right;
    if (a->pinned_byte_seconds != b->pinned_byte_seconds) {
        return a->pinned_byte_seconds > b->pinned_byte_seconds ? -1 : 1;
    }
    return (a->stack_id > b->stack_id) - (a->stack_id < b->stack_id);
}

static double above_zero(double value)
{
    return value > 0 ? value : 0;
}

static void fill_rows(struct heap_pages *pages, const struct pin_state *at_end, size_t end_count)
{
    size_t count = 0;
    const struct site_holding *holdings = page_map_holdings(pages->map, &count);
    for (size_t i = 0; i < count; i++) {
        pages->pins[i] = (struct pin_row){
            .stack_id = pages->stack_of_site[i],
            .pinned_byte_seconds =
                above_zero(holdings[i].page_byte_seconds - holdings[i].live_byte_seconds),
            .page_byte_seconds = holdings[i].page_byte_seconds,
            .huge_page_byte_seconds = holdings[i].huge_page_byte_seconds,
            .at_peak = i < pages->peak_state_count ? pages->peak_states[i] : (struct pin_state){0},
            .at_end = i < end_count ? at_end[i] : (struct pin_state){0},
        };
    }
    pages->pin_count = count;
    if (count > 0) {
        qsort(pages->pins, count, sizeof(*pages->pins), compare_pins);
    }
}

/* The same pages counted another way: from the blocks by address, leaving out one site at a time.
 */
static int count_without(struct heap_pages *pages, uint64_t at_ns, bool is_peak, struct err *err)
{
    struct layout_request request = {.at_ns = at_ns, .header_bytes = pages->header_bytes};
    struct live_layout layout;
    for (; request.site_count < pages->repacked_count; request.site_count++) {
        request.stack_ids[request.site_count] = pages->pins[request.site_count].stack_id;
    }
    int result = live_layout_read(pages->trace->db, pages->process_id, &request, &layout, err);
    for (size_t i = 0; i < request.site_count && result == 0; i++) {
        struct pin_row *row = &pages->pins[i];
        struct pin_state *state = is_peak ? &row->at_peak : &row->at_end;
        state->freed_bytes = (layout.page_count - layout.pages_without[i]) * PAGE_BYTES;
    }
    return result;
}

/* True if a site holds enough beyond its blocks, of what all hold, for a closer look. */
static bool is_worth_a_look(const struct pin_state *state, const struct waterfall *all)
{
    double used_bytes =
        all->requested_bytes + all->rounding_bytes + all->header_bytes + all->hole_bytes;
    return state->page_bytes >= state->live_bytes + WORTH_BYTES &&
           (double)(state->page_bytes - state->live_bytes) >= used_bytes / WORTH_PART;
}

/* The last of the first pins that is, + 1. */
static size_t count_repacked(const struct heap_pages *pages)
{
    size_t count = 0;
    for (size_t i = 0; i < pages->pin_count && i < REPACKED_MOST; i++) {
        const struct pin_row *pin = &pages->pins[i];
        if (is_worth_a_look(&pin->at_peak, &pages->peak_model) ||
            is_worth_a_look(&pin->at_end, &pages->end_model)) {
            count = i + 1;
        }
    }
    return count;
}

static void take_own(struct heap_pages *pages, const struct repack *repack, bool is_peak)
{
    for (size_t i = 0; i < pages->repacked_count; i++) {
        struct pin_row *pin = &pages->pins[i];
        (is_peak ? &pin->at_peak : &pin->at_end)->own_bytes = repack_held_bytes(repack, i);
    }
}

static int repack_calls(struct heap_pages *pages, struct repack *repack, struct err *err)
{
    struct operations *operations = NULL;
    struct operation operation;
    bool has_peak = false;
    int result = operations_open(pages->trace->db, pages->process_id, &operations, err);
    while (result == 0 && (result = operations_next(operations, &operation, err)) > 0) {
        if (!has_peak && operation.at_ns > pages->peak_ns) {
            take_own(pages, repack, true);
            has_peak = true;
        }
        result = repack_observe(repack, &operation);
        if (result < 0) {
            err_set_errno(err, -result, "cannot lay out the blocks anew");
        }
    }
    operations_close(operations);
    if (!has_peak) {
        take_own(pages, repack, true);
    }
    take_own(pages, repack, false);
    return result;
}

/* Reads the calls once more. */
static int repack_first(struct heap_pages *pages, struct err *err)
{
    uint32_t stack_ids[REPACKED_MOST];
    for (size_t i = 0; i < pages->repacked_count; i++) {
        stack_ids[i] = pages->pins[i].stack_id;
    }
    struct repack *repack = repack_create(stack_ids, pages->repacked_count);
    int result = repack == NULL ? err_set_errno(err, ENOMEM, "cannot lay out the blocks anew")
                                : repack_calls(pages, repack, err);
    repack_destroy(repack);
    return result;
}

int heap_pins_rank(struct heap_pages *pages, uint64_t ended_ns, struct err *err)
{
    struct pin_state *at_end = NULL;
    size_t end_count = 0;
    int result = heap_pins_states(pages->map, &at_end, &end_count);
    if (result == 0) {
        pages->pins = calloc(end_count + 1, sizeof(*pages->pins));
        result = pages->pins == NULL ? -ENOMEM : 0;
    }
    if (result < 0) {
        free(at_end);
        return err_set_errno(err, -result, "cannot rank the sites");
    }
    fill_rows(pages, at_end, end_count);
    free(at_end);
    pages->repacked_count = count_repacked(pages);
    if (pages->repacked_count == 0) {
        return 0;
    }
    result = count_without(pages, pages->peak_ns, true, err);
    if (result == 0) {
        result = count_without(pages, ended_ns, false, err);
    }
    return result < 0 ? result : repack_first(pages, err);
}
