#include "heap_pages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/vec.h"
#include "../db/query_class.h"
#include "heap_pins.h"

enum {
    GLIBC_HEADER_BYTES = 8,
    GLIBC_MAPPED_OFFSET = 16,       /* in its page, of a block that has a mapping of its own */
    GLIBC_MAPPED_LEAST = 128 << 10, /* smaller ones never have */
};

static int out_of_memory(struct err *err)
{
    return err_set_errno(err, ENOMEM, "cannot analyse the pages");
}

static int fail(int result, struct err *err)
{
    return result < 0 ? err_set_errno(err, -result, "cannot analyse the pages") : 0;
}

/* ---- creating ----------------------------------------------------------------------------------
 */

static bool is_routed(const struct trace *trace)
{
    for (size_t i = 0; i < trace->variable_count; i++) {
        if (strcmp(trace->variables[i].name, "ALLOCAUDIT_POLICY") == 0 ||
            strcmp(trace->variables[i].name, "ALLOCAUDIT_PLAN") == 0) {
            return true;
        }
    }
    return false;
}

static bool is_glibc(const struct process_row *process)
{
    return process->allocator != NULL && (strstr(process->allocator, "/libc.so.") != NULL ||
                                          strcmp(process->allocator, "glibc") == 0);
}

static void heap_pages_destroy(void *state)
{
    struct heap_pages *pages = state;
    if (pages == NULL) {
        return;
    }
    page_map_destroy(pages->map);
    heap_map_destroy(pages->picture_map);
    thread_caches_destroy(pages->caches);
    memory_moments_fini(&pages->memory);
    map_fini(&pages->site_of_stack);
    free(pages->stack_of_site);
    free(pages->peak_states);
    free(pages->moments);
    free(pages->pins);
    free(pages);
}

static int prepare(struct heap_pages *pages, const struct process_row *process, struct err *err)
{
    pages->ended_ns = process->ended_ns != QUERY_NULL               ? process->ended_ns
                      : pages->trace->run.duration_ns != QUERY_NULL ? pages->trace->run.duration_ns
                                                                    : process->started_ns;
    pages->peak_ns = process->peak_ns;
    pages->is_glibc = is_glibc(process) && !is_routed(pages->trace);
    pages->header_bytes = pages->is_glibc ? GLIBC_HEADER_BYTES : 0;
    int result = memory_moments_load(pages->trace->db, pages->process_id, &pages->memory, err);
    if (result < 0) {
        return result;
    }
    pages->map = page_map_create();
    pages->picture_map = heap_map_create(process->started_ns, pages->ended_ns);
    pages->caches = thread_caches_create(pages->trace);
    pages->moments = calloc(pages->memory.count + 1, sizeof(*pages->moments));
    bool has_all = pages->map != NULL && pages->picture_map != NULL && pages->caches != NULL &&
                   pages->moments != NULL;
    return has_all ? 0 : out_of_memory(err);
}

static int heap_pages_create(const struct trace *trace, uint32_t process_id, void **out_state,
                             struct err *err)
{
    const struct process_row *process = trace_process(trace, process_id);
    struct heap_pages *pages = calloc(1, sizeof(*pages));
    if (pages == NULL) {
        return out_of_memory(err);
    }
    pages->trace = trace;
    pages->process_id = process_id;
    int result = process != NULL ? prepare(pages, process, err)
                                 : err_set(err, ENOENT, "there is no process %u", process_id);
    if (result < 0) {
        heap_pages_destroy(pages);
        return result;
    }
    *out_state = pages;
    return 0;
}

/* ---- moments -----------------------------------------------------------------------------------
 */

/* It lasted: the largest of those that did is told. */
static void confirm_top(struct heap_pages *pages, const struct heap_top *top, uint64_t lasted_ns)
{
    pages->worst_top_ns += lasted_ns;
    if (top->pinned_bytes + top->kept_bytes >=
        pages->worst_top.pinned_bytes + pages->worst_top.kept_bytes) {
        pages->worst_top = *top;
    }
}

static bool is_told(const struct heap_top *top)
{
    return heap_top_is_pinned(top) || heap_top_is_kept(top);
}

/* While much is being freed something is always on top: only what is there twice counts. */
static void note_top(struct heap_pages *pages, const struct memory_moment *memory)
{
    struct heap_top top;
    if (!pages->is_glibc ||
        !heap_top_find(&pages->memory, memory, pages->map, pages->caches, &top) || !is_told(&top)) {
        pages->last_top = (struct heap_top){0};
        return;
    }
    if (pages->last_top.resident_bytes > 0 && pages->last_top.pin_address == top.pin_address) {
        confirm_top(pages, &top, top.at_ns - pages->last_top.at_ns);
    }
    pages->last_top = top;
    pages->last_top_memory = memory;
}

/* What was on top at the last moment counts, too, if it was so after the last call. */
static void note_last_top(struct heap_pages *pages, uint64_t last_call_ns)
{
    const struct heap_top *last = &pages->last_top;
    struct heap_top top;
    if (last->resident_bytes == 0) {
        return;
    }
    bool is_after = last->at_ns >= last_call_ns;
    bool is_same =
        heap_top_is_pinned(last) &&
        heap_top_find(&pages->memory, pages->last_top_memory, pages->map, pages->caches, &top) &&
        top.pin_address == last->pin_address;
    if (is_after || is_same) {
        uint64_t until_ns = pages->ended_ns > last->at_ns ? pages->ended_ns : last->at_ns;
        confirm_top(pages, last, until_ns - last->at_ns);
    }
}

static void advance(struct heap_pages *pages, uint64_t now_ns)
{
    if (now_ns > pages->sums.now_ns) {
        heap_sums_advance(&pages->sums, now_ns, page_map_used_count(pages->map));
        page_map_advance(pages->map, now_ns);
    }
}

static void take_moment(struct heap_pages *pages, struct memory_moment *memory)
{
    if (memory->range_count == 0) {
        return;
    }
    advance(pages, memory->at_ns);
    pages->moments[pages->moment_count++] =
        heap_moment_measure(&pages->memory, memory, pages->map, &pages->sums, pages->header_bytes);
    note_top(pages, memory);
}

static int take_peak(struct heap_pages *pages, struct err *err)
{
    advance(pages, pages->peak_ns);
    pages->has_peak = true;
    pages->peak_model = waterfall_model(pages->map, &pages->sums, pages->header_bytes);
    return fail(heap_pins_states(pages->map, &pages->peak_states, &pages->peak_state_count), err);
}

/* What lies before a call at now_ns: moments, the peak, columns of the map. */
static int pass_time(struct heap_pages *pages, uint64_t now_ns, struct err *err)
{
    int result = 0;
    for (;;) {
        struct memory_moment *memory = pages->next_moment < pages->memory.count
                                           ? &pages->memory.moments[pages->next_moment]
                                           : NULL;
        bool has_moment = memory != NULL && memory->at_ns < now_ns;
        bool has_peak = !pages->has_peak && pages->peak_ns < now_ns;
        if (has_peak && (!has_moment || pages->peak_ns <= memory->at_ns)) {
            result = take_peak(pages, err);
        } else if (has_moment) {
            take_moment(pages, memory);
            pages->next_moment++;
        } else {
            break;
        }
        if (result < 0) {
            return result;
        }
    }
    if (heap_map_is_due(pages->picture_map, now_ns)) {
        return fail(heap_map_observe(pages->picture_map, pages->map, now_ns), err);
    }
    return 0;
}

/* ---- calls -------------------------------------------------------------------------------------
 */

static int find_site(struct heap_pages *pages, uint32_t stack_id, uint32_t *out_site)
{
    if (map_get(&pages->site_of_stack, stack_id, out_site)) {
        return 0;
    }
    int result = vec_reserve((void **)&pages->stack_of_site, &pages->site_capacity,
                             pages->site_count + 1, sizeof(*pages->stack_of_site));
    if (result == 0) {
        result = map_put(&pages->site_of_stack, stack_id, (uint32_t)pages->site_count);
    }
    if (result < 0) {
        return result;
    }
    pages->stack_of_site[pages->site_count] = stack_id;
    *out_site = (uint32_t)pages->site_count++;
    return 0;
}

static int add_block(struct heap_pages *pages, const struct block_facts *block)
{
    uint32_t site = 0;
    int result = find_site(pages, block->stack_id, &site);
    if (result == 0) {
        result = page_map_add(pages->map, block->address - pages->header_bytes,
                              block->usable_bytes + pages->header_bytes, site);
    }
    if (result == 0) {
        pages->sums.requested_bytes += block->size_bytes;
        pages->sums.usable_bytes += block->usable_bytes;
        pages->sums.block_count++;
    }
    return result;
}

/* Blocks that glibc gave a mapping of their own go with it. */
static void forget_mapping(struct heap_pages *pages, const struct block_facts *block)
{
    if (pages->is_glibc && block->usable_bytes >= GLIBC_MAPPED_LEAST &&
        block->address % PAGE_BYTES == GLIBC_MAPPED_OFFSET) {
        page_map_forget(pages->map, block->address / PAGE_BYTES * PAGE_BYTES,
                        block->address + block->usable_bytes);
    }
}

static void remove_block(struct heap_pages *pages, const struct block_facts *block)
{
    uint32_t site;
    if (map_get(&pages->site_of_stack, block->stack_id, &site)) {
        page_map_remove(pages->map, block->address - pages->header_bytes,
                        block->usable_bytes + pages->header_bytes, site);
        forget_mapping(pages, block);
        pages->sums.requested_bytes -= block->size_bytes;
        pages->sums.usable_bytes -= block->usable_bytes;
        pages->sums.block_count--;
    }
}

static int heap_pages_observe(void *state, const struct operation *operation, struct err *err)
{
    struct heap_pages *pages = state;
    int result = pass_time(pages, operation->at_ns, err);
    if (result < 0) {
        return result;
    }
    advance(pages, operation->at_ns);
    if (operation->kind != OPERATION_ALLOC) {
        remove_block(pages, &operation->ended);
    }
    if (operation->kind != OPERATION_FREE) {
        result = add_block(pages, &operation->made);
    }
    if (result == 0 && pages->is_glibc) {
        result = thread_caches_observe(pages->caches, operation);
    }
    return fail(result, err);
}

/* ---- the answer --------------------------------------------------------------------------------
 */

/* Sizes that half, 90 %, 99 % and all of the requests do not exceed. */
struct request_sizes {
    uint64_t total_count;
    uint64_t passed_count;
    uint64_t *sizes;
};

static int count_requests(void *context, const struct size_class_row *row)
{
    struct request_sizes *requests = context;
    requests->total_count += row->allocation_count;
    return 0;
}

static int find_sizes(void *context, const struct size_class_row *row)
{
    static const double shares[LAYOUT_SIZES] = {0.5, 0.9, 0.99, 1};
    struct request_sizes *requests = context;
    for (size_t i = 0; i < LAYOUT_SIZES; i++) {
        double wanted = shares[i] * (double)requests->total_count;
        if ((double)requests->passed_count < wanted) {
            requests->sizes[i] = row->size_max_bytes;
        }
    }
    requests->passed_count += row->allocation_count;
    return 0;
}

static int find_request_sizes(struct heap_pages *pages, uint64_t sizes[LAYOUT_SIZES],
                              struct err *err)
{
    struct request_sizes requests = {.sizes = sizes};
    struct db *db = pages->trace->db;
    int result = query_size_classes(db, pages->process_id, count_requests, &requests, err);
    return result < 0 ? result
                      : query_size_classes(db, pages->process_id, find_sizes, &requests, err);
}

/* moment NULL: residency is not known. */
static int find_holes(struct heap_pages *pages, const struct heap_moment *moment, uint64_t at_ns,
                      struct heap_holes *out_holes, struct err *err)
{
    struct layout_request request = {
        .at_ns = moment != NULL ? moment->sums.now_ns : at_ns,
        .header_bytes = pages->header_bytes,
    };
    if (moment != NULL) {
        request.ranges = pages->memory.ranges + moment->memory->first_range;
        request.range_count = moment->memory->range_count;
    }
    int result = find_request_sizes(pages, request.sizes, err);
    if (result == 0) {
        memcpy(out_holes->sizes, request.sizes, sizeof(request.sizes));
        result = live_layout_read(pages->trace->db, pages->process_id, &request, &out_holes->layout,
                                  err);
    }
    return result;
}

static int name_top_block(struct heap_pages *pages, struct err *err)
{
    const struct heap_top *top = &pages->worst_top;
    if (top->resident_bytes == 0 || top->is_cached || top->pin_address == 0) {
        return 0;
    }
    const struct layout_request request = {.at_ns = top->at_ns, .below_address = top->pin_address};
    struct live_layout layout;
    int result = live_layout_read(pages->trace->db, pages->process_id, &request, &layout, err);
    if (result == 0 && layout.highest.address >= top->start_address) {
        pages->top_block = layout.highest;
        pages->worst_top.pin_address = layout.highest.address + layout.highest.usable_bytes;
    }
    return result;
}

static void choose_moments(struct heap_pages *pages)
{
    for (size_t i = 0; i < pages->moment_count; i++) {
        const struct heap_moment *moment = &pages->moments[i];
        if (pages->fullest == NULL ||
            moment->waterfall.requested_bytes > pages->fullest->waterfall.requested_bytes) {
            pages->fullest = moment;
        }
        pages->last = moment;
    }
}

static int heap_pages_finish(void *state, struct err *err)
{
    struct heap_pages *pages = state;
    uint64_t last_call_ns = pages->sums.now_ns;
    int result = pass_time(pages, UINT64_MAX, err);
    if (result == 0) {
        result = fail(heap_map_paint(pages->picture_map, pages->map, &pages->picture), err);
    }
    if (result < 0) {
        return result;
    }
    if (pages->ended_ns > pages->sums.now_ns) {
        advance(pages, pages->ended_ns);
    }
    note_last_top(pages, last_call_ns);
    pages->end_model = waterfall_model(pages->map, &pages->sums, pages->header_bytes);
    choose_moments(pages);
    pages->has_average = waterfall_average(pages->moments, pages->moment_count, pages->header_bytes,
                                           &pages->average);
    pages->measures = waterfall_measures(pages->moments, pages->moment_count,
                                         (uint64_t)pages->peak_model.requested_bytes);
    result = find_holes(pages, pages->fullest, pages->peak_ns, &pages->holes_at_peak, err);
    if (result == 0) {
        result = find_holes(pages, pages->last, last_call_ns, &pages->holes_at_end, err);
    }
    if (result == 0) {
        result = name_top_block(pages, err);
    }
    return result < 0 ? result : heap_pins_rank(pages, last_call_ns, err);
}

const struct analysis heap_pages_analysis = {
    .create = heap_pages_create,
    .observe = heap_pages_observe,
    .finish = heap_pages_finish,
    .destroy = heap_pages_destroy,
};
