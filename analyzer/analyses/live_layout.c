#include "live_layout.h"

#include "page_map.h"

struct layout_reader {
    const struct layout_request *request;
    struct live_layout *layout;
    uint64_t end_address; /* of the block before; 0: none yet */
    size_t range;         /* the first that does not end before end_address */
    uint64_t last_page;   /* the last one counted, + 1 */
    uint64_t last_without[LAYOUT_SITES_MAX];
};

static void add_hole(struct layout_reader *reader, uint64_t bytes)
{
    struct live_layout *layout = reader->layout;
    layout->hole_count++;
    layout->hole_bytes += bytes;
    layout->hole_largest_bytes =
        bytes > layout->hole_largest_bytes ? bytes : layout->hole_largest_bytes;
    for (size_t i = 0; i < LAYOUT_SIZES; i++) {
        uint64_t needed_bytes = reader->request->sizes[i] + reader->request->header_bytes;
        layout->too_small_bytes[i] += bytes < needed_bytes ? bytes : 0;
    }
}

/* The resident parts of a gap, each a hole. */
static void add_gap(struct layout_reader *reader, uint64_t start, uint64_t end)
{
    const struct layout_request *request = reader->request;
    for (; reader->range < request->range_count; reader->range++) {
        const struct resident_row *range = &request->ranges[reader->range];
        uint64_t from = range->start_address > start ? range->start_address : start;
        uint64_t to = range->end_address < end ? range->end_address : end;
        if (from < to) {
            add_hole(reader, to - from);
        }
        if (range->end_address >= end) {
            return;
        }
    }
}

/* Pages [first, end) that were not counted yet; *last is the end of what was. */
static uint64_t count_pages(uint64_t first, uint64_t end, uint64_t *last)
{
    first = first > *last ? first : *last;
    *last = end > *last ? end : *last;
    return first < end ? end - first : 0;
}

static void add_block(struct layout_reader *reader, const struct block_facts *block)
{
    const struct layout_request *request = reader->request;
    struct live_layout *layout = reader->layout;
    uint64_t end_address = block->address + (block->usable_bytes > 0 ? block->usable_bytes : 1);
    uint64_t address = block->address - request->header_bytes;
    uint64_t first = address / PAGE_BYTES;
    uint64_t end = (end_address - 1) / PAGE_BYTES + 1;
    if (reader->end_address != 0 && address > reader->end_address) {
        if (request->ranges == NULL) {
            add_hole(reader, address - reader->end_address);
        } else {
            add_gap(reader, reader->end_address, address);
        }
    }
    layout->block_count++;
    layout->page_count += count_pages(first, end, &reader->last_page);
    for (size_t i = 0; i < request->site_count; i++) {
        if (block->stack_id != request->stack_ids[i]) {
            layout->pages_without[i] += count_pages(first, end, &reader->last_without[i]);
        }
    }
    if (block->address < request->below_address) {
        layout->highest = *block;
    }
    reader->end_address = end_address > reader->end_address ? end_address : reader->end_address;
}

int live_layout_read(struct db *db, uint32_t process_id, const struct layout_request *request,
                     struct live_layout *out_layout, struct err *err)
{
    struct layout_reader reader = {.request = request, .layout = out_layout};
    struct block_cursor *cursor = NULL;
    struct block_facts block;
    *out_layout = (struct live_layout){0};
    int result = block_lives_open(db, process_id, request->at_ns, &cursor, err);
    while (result == 0 && (result = block_cursor_life(cursor, &block, err)) > 0) {
        add_block(&reader, &block);
        result = 0;
    }
    block_cursor_close(cursor);
    return result;
}
