#include "heap_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/vec.h"

enum {
    CELLS_MOST = 1 << 20,
    SHARE_MOST = 255,
};

/* Live bytes in the addresses [number << shift, ...). */
struct heap_cell {
    uint64_t number;
    uint64_t bytes;
};

struct heap_map {
    uint64_t at_ns_min;
    uint64_t at_ns_max;
    unsigned shift;          /* of an address */
    struct heap_cell *cells; /* column by column, in each by address */
    size_t count;
    size_t capacity;
    size_t first_of_column[HEAP_MAP_COLUMNS + 1];
    size_t column; /* the next to be taken */
};

struct heap_map *heap_map_create(uint64_t at_ns_min, uint64_t at_ns_max)
{
    struct heap_map *heap_map = calloc(1, sizeof(*heap_map));
    if (heap_map != NULL) {
        heap_map->at_ns_min = at_ns_min;
        heap_map->at_ns_max = at_ns_max > at_ns_min ? at_ns_max : at_ns_min + 1;
        heap_map->shift = 12; /* a page */
    }
    return heap_map;
}

static int compare_cells(const void *left, const void *right)
{
    const struct heap_cell *a = left;
    const struct heap_cell *b = right;
    return (a->number > b->number) - (a->number < b->number);
}

/* Adds up neighbours of the same number in a sorted part. Gives how many are left. */
static size_t join_cells(struct heap_cell *cells, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && cells[kept - 1].number == cells[i].number) {
            cells[kept - 1].bytes += cells[i].bytes;
        } else {
            cells[kept++] = cells[i];
        }
    }
    return kept;
}

/* Cells of twice the size. */
static void coarsen(struct heap_map *heap_map)
{
    size_t kept = 0;
    heap_map->shift++;
    for (size_t i = 0; i < heap_map->count; i++) {
        heap_map->cells[i].number /= 2;
    }
    for (size_t column = 0; column < heap_map->column; column++) {
        struct heap_cell *cells = heap_map->cells + heap_map->first_of_column[column];
        size_t count = heap_map->first_of_column[column + 1] - heap_map->first_of_column[column];
        count = join_cells(cells, count);
        memmove(heap_map->cells + kept, cells, count * sizeof(*cells));
        heap_map->first_of_column[column] = kept;
        kept += count;
    }
    heap_map->first_of_column[heap_map->column] = kept;
    heap_map->count = kept;
}

static int take_pages(void *context, uint64_t address, uint64_t page_count, uint64_t bytes_of_page)
{
    struct heap_map *heap_map = context;
    uint64_t cell_bytes = UINT64_C(1) << heap_map->shift;
    uint64_t end = address + page_count * PAGE_BYTES;
    while (address < end) {
        uint64_t number = address >> heap_map->shift;
        uint64_t next = (number + 1) * cell_bytes < end ? (number + 1) * cell_bytes : end;
        uint64_t bytes = (next - address) / PAGE_BYTES * bytes_of_page;
        address = next;
        size_t first = heap_map->first_of_column[heap_map->column];
        if (heap_map->count > first && heap_map->cells[heap_map->count - 1].number == number) {
            heap_map->cells[heap_map->count - 1].bytes += bytes;
            continue;
        }
        int result = vec_reserve((void **)&heap_map->cells, &heap_map->capacity,
                                 heap_map->count + 1, sizeof(*heap_map->cells));
        if (result < 0) {
            return result;
        }
        heap_map->cells[heap_map->count++] = (struct heap_cell){number, bytes};
    }
    return 0;
}

static int take_column(struct heap_map *heap_map, const struct page_map *pages)
{
    size_t first = heap_map->count;
    heap_map->first_of_column[heap_map->column] = first;
    int result = page_map_each_used(pages, take_pages, heap_map);
    if (result < 0) {
        return result;
    }
    if (heap_map->count > first) {
        qsort(heap_map->cells + first, heap_map->count - first, sizeof(*heap_map->cells),
              compare_cells);
    }
    heap_map->count = first + join_cells(heap_map->cells + first, heap_map->count - first);
    heap_map->first_of_column[++heap_map->column] = heap_map->count;
    while (heap_map->count > CELLS_MOST && heap_map->shift < 40) {
        coarsen(heap_map);
    }
    return 0;
}

static uint64_t end_of_column(const struct heap_map *heap_map)
{
    double share = (double)(heap_map->column + 1) / HEAP_MAP_COLUMNS;
    return heap_map->at_ns_min +
           (uint64_t)(share * (double)(heap_map->at_ns_max - heap_map->at_ns_min));
}

bool heap_map_is_due(const struct heap_map *heap_map, uint64_t now_ns)
{
    return heap_map->column < HEAP_MAP_COLUMNS && now_ns > end_of_column(heap_map);
}

int heap_map_observe(struct heap_map *heap_map, const struct page_map *pages, uint64_t now_ns)
{
    int result = 0;
    while (result == 0 && heap_map_is_due(heap_map, now_ns)) {
        result = take_column(heap_map, pages);
    }
    return result;
}

/* ---- painting ----------------------------------------------------------------------------------
 */

/* Numbers of cells that were ever used, each once. */
static int list_numbers(const struct heap_map *heap_map, uint64_t **out_numbers, size_t *out_count)
{
    uint64_t *numbers = malloc((heap_map->count + 1) * sizeof(*numbers));
    struct heap_cell *sorted = malloc((heap_map->count + 1) * sizeof(*sorted));
    if (numbers == NULL || sorted == NULL) {
        free(numbers);
        free(sorted);
        return -ENOMEM;
    }
    size_t count = 0;
    if (heap_map->count > 0) {
        memcpy(sorted, heap_map->cells, heap_map->count * sizeof(*sorted));
        qsort(sorted, heap_map->count, sizeof(*sorted), compare_cells);
    }
    for (size_t i = 0; i < heap_map->count; i++) {
        if (count == 0 || numbers[count - 1] != sorted[i].number) {
            numbers[count++] = sorted[i].number;
        }
    }
    free(sorted);
    *out_numbers = numbers;
    *out_count = count;
    return 0;
}

/* Places on the axis without its gaps: gaps of up to `gap` cells stay. Gives the axis's length. */
static uint64_t place_numbers(const uint64_t *numbers, size_t count, uint64_t gap, uint64_t *places)
{
    uint64_t place = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            uint64_t step = numbers[i] - numbers[i - 1];
            place += step <= gap + 1 ? step : 1;
        }
        places[i] = place;
    }
    return count > 0 ? place + 1 : 0;
}

/* A row begins with a cell or, at the same distance, within the gap before its first cell. */
static void name_rows(const struct heap_map *heap_map, const uint64_t *numbers,
                      const uint64_t *places, size_t count, uint64_t row_cells,
                      struct heap_picture *picture)
{
    for (size_t i = count; i-- > 0;) {
        uint64_t number = numbers[i] - places[i] % row_cells;
        picture->row_addresses[places[i] / row_cells] = number << heap_map->shift;
    }
    for (size_t row = picture->rows; row-- > 1;) {
        if (picture->row_addresses[row - 1] == 0) {
            picture->row_addresses[row - 1] = picture->row_addresses[row] - picture->row_bytes;
        }
    }
}

static void paint_cells(const struct heap_map *heap_map, const uint64_t *numbers,
                        const uint64_t *places, size_t count, uint64_t row_cells,
                        struct heap_picture *picture, double *bytes)
{
    for (size_t column = 0; column < HEAP_MAP_COLUMNS; column++) {
        size_t at = 0;
        for (size_t i = heap_map->first_of_column[column];
             i < heap_map->first_of_column[column + 1]; i++) {
            while (at + 1 < count && numbers[at] < heap_map->cells[i].number) {
                at++;
            }
            bytes[places[at] / row_cells * HEAP_MAP_COLUMNS + column] +=
                (double)heap_map->cells[i].bytes;
        }
    }
    name_rows(heap_map, numbers, places, count, row_cells, picture);
    for (size_t i = 0; i < picture->rows * HEAP_MAP_COLUMNS; i++) {
        double share = bytes[i] / (double)picture->row_bytes * SHARE_MOST;
        share = bytes[i] > 0 && share < 1 ? 1 : share;
        picture->cells[i] = (uint8_t)(share > SHARE_MOST ? SHARE_MOST : share + 0.5);
    }
}

int heap_map_paint(struct heap_map *heap_map, const struct page_map *pages,
                   struct heap_picture *out_picture)
{
    uint64_t *numbers = NULL;
    size_t count = 0;
    int result = 0;
    while (result == 0 && heap_map->column < HEAP_MAP_COLUMNS) {
        result = take_column(heap_map, pages);
    }
    if (result == 0) {
        result = list_numbers(heap_map, &numbers, &count);
    }
    if (result < 0) {
        return result;
    }
    uint64_t *places = malloc((count + 1) * sizeof(*places));
    double *bytes = calloc((size_t)HEAP_MAP_ROWS * HEAP_MAP_COLUMNS, sizeof(*bytes));
    if (places == NULL || bytes == NULL) {
        result = -ENOMEM;
    } else {
        uint64_t cells = place_numbers(numbers, count, 0, places);
        uint64_t row_cells = (cells + HEAP_MAP_ROWS - 1) / HEAP_MAP_ROWS;
        cells = place_numbers(numbers, count, row_cells, places); /* short gaps are shown */
        row_cells = (cells + HEAP_MAP_ROWS - 1) / HEAP_MAP_ROWS;
        row_cells = row_cells > 0 ? row_cells : 1;
        *out_picture = (struct heap_picture){
            .at_ns_min = heap_map->at_ns_min,
            .at_ns_max = heap_map->at_ns_max,
            .columns = HEAP_MAP_COLUMNS,
            .rows = (size_t)((cells + row_cells - 1) / row_cells),
            .row_bytes = row_cells << heap_map->shift,
        };
        if (count > 0) {
            out_picture->address_min = numbers[0] << heap_map->shift;
            out_picture->address_max = (numbers[count - 1] + 1) << heap_map->shift;
            out_picture->skipped_bytes =
                out_picture->address_max - out_picture->address_min - (cells << heap_map->shift);
            paint_cells(heap_map, numbers, places, count, row_cells, out_picture, bytes);
        }
    }
    free(numbers);
    free(places);
    free(bytes);
    return result;
}

void heap_map_destroy(struct heap_map *heap_map)
{
    if (heap_map != NULL) {
        free(heap_map->cells);
        free(heap_map);
    }
}
