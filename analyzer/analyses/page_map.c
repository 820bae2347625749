#include "page_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/map.h"
#include "../base/vec.h"

enum {
    WORD_BITS = 64,
};

/* More than a process can have: the recording is damaged. */
#define SIZE_BYTES_MOST (UINT64_C(1) << 46)

__extension__ typedef unsigned __int128 wide; /* sums over 2 MiB of squared sites */

struct page_entry {
    uint64_t squares; /* of sites, over the blocks on it */
    uint32_t sum;
    uint16_t count;
    uint16_t bytes; /* of live blocks */
};

/* 2 MiB of addresses. */
struct huge_page {
    uint64_t number; /* address / HUGE_PAGE_BYTES */
    struct page_entry *pages;
    uint64_t ever[HUGE_PAGE_PAGES / WORD_BITS];
    wide squares; /* of all its blocks */
    uint64_t sum;
    uint32_t count;
    uint32_t used_count;  /* pages that hold a live block */
    uint32_t whole_count; /* blocks that cover all of it */
    uint32_t whole_site;  /* of the first of them */
};

struct page_map {
    struct map place_of_number;
    struct huge_page *huge_pages;
    size_t count;
    size_t capacity;
    size_t last; /* looked for last */
    uint64_t used_count;
    uint64_t ever_count;
    struct site_holdings holdings;
};

struct page_map *page_map_create(void)
{
    return calloc(1, sizeof(struct page_map));
}

void page_map_advance(struct page_map *map, uint64_t now_ns)
{
    map->holdings.now_ns = now_ns;
}

const struct site_holding *page_map_holdings(struct page_map *map, size_t *out_count)
{
    return site_holdings_list(&map->holdings, out_count);
}

/* ---- pages -------------------------------------------------------------------------------------
 */

/* Sites beyond those known can only come from sums that a damaged recording made. */
static int64_t checked_owner(const struct page_map *map, uint64_t site)
{
    return site < map->holdings.count ? (int64_t)site : SITE_HOLDINGS_NOBODY;
}

static int64_t owner_of_page(const struct page_map *map, const struct page_entry *page)
{
    if (page->count == 0 || page->count * page->squares != (uint64_t)page->sum * page->sum) {
        return SITE_HOLDINGS_NOBODY;
    }
    return checked_owner(map, page->sum / page->count);
}

static int64_t owner_of_huge_page(const struct page_map *map, const struct huge_page *huge)
{
    if (huge->count == 0 || huge->count * huge->squares != (wide)huge->sum * huge->sum) {
        return SITE_HOLDINGS_NOBODY;
    }
    return checked_owner(map, huge->sum / huge->count);
}

static struct huge_page *find_huge_page(struct page_map *map, uint64_t number)
{
    if (map->huge_pages == NULL) {
        return NULL;
    }
    if (map->last < map->count && map->huge_pages[map->last].number == number) {
        return &map->huge_pages[map->last];
    }
    uint32_t place;
    if (!map_get(&map->place_of_number, number, &place)) {
        return NULL;
    }
    map->last = place;
    return &map->huge_pages[place];
}

static const struct huge_page *look_up(const struct page_map *map, uint64_t number)
{
    uint32_t place;
    return map_get(&map->place_of_number, number, &place) ? &map->huge_pages[place] : NULL;
}

static int make_huge_page(struct page_map *map, uint64_t number, struct huge_page **out_huge)
{
    *out_huge = find_huge_page(map, number);
    if (*out_huge != NULL) {
        return 0;
    }
    int result = vec_reserve((void **)&map->huge_pages, &map->capacity, map->count + 1,
                             sizeof(*map->huge_pages));
    if (result == 0) {
        result = map_put(&map->place_of_number, number, (uint32_t)map->count);
    }
    if (result < 0) {
        return result;
    }
    map->last = map->count++;
    *out_huge = &map->huge_pages[map->last];
    **out_huge = (struct huge_page){.number = number};
    return 0;
}

static void note_ever(struct page_map *map, struct huge_page *huge, size_t first, size_t end)
{
    for (size_t page = first; page < end; page++) {
        uint64_t bit = UINT64_C(1) << page % WORD_BITS;
        map->ever_count += (huge->ever[page / WORD_BITS] & bit) == 0;
        huge->ever[page / WORD_BITS] |= bit;
    }
}

/* The bytes of [address, end) on a page. */
static uint64_t bytes_on_page(uint64_t page_address, uint64_t address, uint64_t end)
{
    uint64_t from = address > page_address ? address : page_address;
    uint64_t to = end < page_address + PAGE_BYTES ? end : page_address + PAGE_BYTES;
    return to - from;
}

static void add_to_page(struct page_map *map, struct huge_page *huge, size_t page, uint64_t bytes,
                        uint32_t site)
{
    struct page_entry *entry = &huge->pages[page];
    int64_t before = owner_of_page(map, entry);
    if (entry->count == 0 && huge->whole_count == 0) {
        huge->used_count++;
        map->used_count++;
    }
    entry->count++;
    entry->sum += site;
    entry->squares += (uint64_t)site * site;
    entry->bytes = (uint16_t)(entry->bytes + bytes);
    site_holdings_move_pages(&map->holdings, before, owner_of_page(map, entry), 1);
}

static void remove_from_page(struct page_map *map, struct huge_page *huge, size_t page,
                             uint64_t bytes, uint32_t site)
{
    struct page_entry *entry = &huge->pages[page];
    if (entry->count == 0) {
        return;
    }
    int64_t before = owner_of_page(map, entry);
    entry->count--;
    entry->sum -= site;
    entry->squares -= (uint64_t)site * site;
    entry->bytes = (uint16_t)(entry->bytes - bytes);
    if (entry->count == 0 && huge->whole_count == 0) {
        huge->used_count--;
        map->used_count--;
    }
    site_holdings_move_pages(&map->holdings, before, owner_of_page(map, entry), 1);
}

/* More than one block covers it only where events were lost. */
static void use_whole(struct page_map *map, struct huge_page *huge, uint32_t site, bool is_added)
{
    uint32_t used_count = HUGE_PAGE_PAGES;
    if (is_added && huge->whole_count++ == 0) {
        huge->whole_site = site;
        site_holdings_move_pages(&map->holdings, SITE_HOLDINGS_NOBODY, site, HUGE_PAGE_PAGES);
    } else if (!is_added && huge->whole_count > 0 && --huge->whole_count == 0) {
        used_count = 0;
        for (size_t page = 0; huge->pages != NULL && page < HUGE_PAGE_PAGES; page++) {
            used_count += huge->pages[page].count > 0;
        }
        site_holdings_move_pages(&map->holdings, huge->whole_site, SITE_HOLDINGS_NOBODY,
                                 HUGE_PAGE_PAGES);
    }
    map->used_count = map->used_count - huge->used_count + used_count;
    huge->used_count = used_count;
}

static int use_part(struct page_map *map, struct huge_page *huge, uint64_t address, uint64_t end,
                    uint32_t site, bool is_added)
{
    uint64_t start = huge->number * HUGE_PAGE_BYTES;
    size_t first = address > start ? (size_t)(address - start) / PAGE_BYTES : 0;
    size_t last = end < start + HUGE_PAGE_BYTES ? (size_t)(end - 1 - start) / PAGE_BYTES
                                                : (size_t)HUGE_PAGE_PAGES - 1;
    if (first == 0 && last == HUGE_PAGE_PAGES - 1 && address <= start &&
        end >= start + HUGE_PAGE_BYTES) {
        use_whole(map, huge, site, is_added);
    } else {
        if (huge->pages == NULL) {
            huge->pages = calloc(HUGE_PAGE_PAGES, sizeof(*huge->pages));
        }
        if (huge->pages == NULL) {
            return -ENOMEM;
        }
        for (size_t page = first; page <= last; page++) {
            uint64_t bytes = bytes_on_page(start + page * PAGE_BYTES, address, end);
            (is_added ? add_to_page : remove_from_page)(map, huge, page, bytes, site);
        }
    }
    if (is_added) {
        note_ever(map, huge, first, last + 1);
    }
    return 0;
}

static int use(struct page_map *map, uint64_t address, uint64_t size_bytes, uint32_t site,
               bool is_added)
{
    uint64_t end = address + (size_bytes > 0 ? size_bytes : 1);
    int result = 0;
    for (uint64_t number = address / HUGE_PAGE_BYTES;
         number <= (end - 1) / HUGE_PAGE_BYTES && result == 0; number++) {
        struct huge_page *huge = find_huge_page(map, number);
        if (huge == NULL && is_added) {
            result = make_huge_page(map, number, &huge);
        }
        if (huge == NULL) {
            continue;
        }
        int64_t before = owner_of_huge_page(map, huge);
        result = use_part(map, huge, address, end, site, is_added);
        huge->count += is_added ? 1 : UINT32_MAX;
        huge->sum += is_added ? site : -(uint64_t)site;
        huge->squares += is_added ? (wide)site * site : -(wide)site * site;
        site_holdings_move_huge_page(&map->holdings, before, owner_of_huge_page(map, huge));
    }
    return result;
}

int page_map_add(struct page_map *map, uint64_t address, uint64_t size_bytes, uint32_t site)
{
    if (size_bytes > SIZE_BYTES_MOST || address > UINT64_MAX - SIZE_BYTES_MOST) {
        return -EBADMSG;
    }
    int result = site_holdings_reserve(&map->holdings, site);
    if (result == 0) {
        result = use(map, address, size_bytes, site, true);
    }
    if (result == 0) {
        site_holdings_add(&map->holdings, site, size_bytes);
    }
    return result;
}

void page_map_remove(struct page_map *map, uint64_t address, uint64_t size_bytes, uint32_t site)
{
    if (site >= map->holdings.count || map->holdings.items[site].live_count == 0 ||
        size_bytes > SIZE_BYTES_MOST) {
        return;
    }
    (void)use(map, address, size_bytes, site, false);
    site_holdings_remove(&map->holdings, site, size_bytes);
}

void page_map_forget(struct page_map *map, uint64_t start_address, uint64_t end_address)
{
    for (uint64_t address = start_address; address < end_address; address += PAGE_BYTES) {
        struct huge_page *huge = find_huge_page(map, address / HUGE_PAGE_BYTES);
        size_t page = (size_t)(address % HUGE_PAGE_BYTES) / PAGE_BYTES;
        uint64_t bit = UINT64_C(1) << page % WORD_BITS;
        if (huge != NULL && (huge->ever[page / WORD_BITS] & bit) != 0) {
            huge->ever[page / WORD_BITS] &= ~bit;
            map->ever_count--;
        }
    }
}

/* ---- looking -----------------------------------------------------------------------------------
 */

uint64_t page_map_used_count(const struct page_map *map)
{
    return map->used_count;
}

uint64_t page_map_ever_count(const struct page_map *map)
{
    return map->ever_count;
}

static bool is_used(const struct huge_page *huge, size_t page)
{
    return huge->whole_count > 0 || (huge->pages != NULL && huge->pages[page].count > 0);
}

struct page_use page_map_count(const struct page_map *map, uint64_t start_address,
                               uint64_t end_address)
{
    struct page_use use = {0};
    for (uint64_t number = start_address / HUGE_PAGE_BYTES; number * HUGE_PAGE_BYTES < end_address;
         number++) {
        const struct huge_page *huge = look_up(map, number);
        uint64_t start = number * HUGE_PAGE_BYTES;
        size_t first = start_address > start ? (size_t)(start_address - start) / PAGE_BYTES : 0;
        size_t end = end_address < start + HUGE_PAGE_BYTES
                         ? (size_t)(end_address - start) / PAGE_BYTES
                         : (size_t)HUGE_PAGE_PAGES;
        for (size_t page = first; huge != NULL && page < end; page++) {
            use.used_count += is_used(huge, page);
            use.ever_count += (huge->ever[page / WORD_BITS] >> page % WORD_BITS) & 1;
        }
    }
    return use;
}

uint64_t page_map_highest_end(const struct page_map *map, uint64_t start_address,
                              uint64_t end_address)
{
    for (uint64_t address = end_address; address > start_address;) {
        const struct huge_page *huge = look_up(map, (address - 1) / HUGE_PAGE_BYTES);
        if (huge == NULL || huge->used_count == 0) {
            address = (address - 1) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
            continue;
        }
        if (is_used(huge, (size_t)((address - 1) % HUGE_PAGE_BYTES) / PAGE_BYTES)) {
            return address;
        }
        address -= PAGE_BYTES;
    }
    return 0;
}

int page_map_each_used(const struct page_map *map, page_map_sink *sink, void *context)
{
    int result = 0;
    for (size_t i = 0; i < map->count && result == 0; i++) {
        const struct huge_page *huge = &map->huge_pages[i];
        uint64_t start = huge->number * HUGE_PAGE_BYTES;
        if (huge->whole_count > 0) {
            result = sink(context, start, HUGE_PAGE_PAGES, PAGE_BYTES);
            continue;
        }
        for (size_t page = 0; huge->pages != NULL && page < HUGE_PAGE_PAGES && result == 0;
             page++) {
            if (huge->pages[page].count > 0) {
                result = sink(context, start + page * PAGE_BYTES, 1, huge->pages[page].bytes);
            }
        }
    }
    return result;
}

void page_map_destroy(struct page_map *map)
{
    if (map == NULL) {
        return;
    }
    for (size_t i = 0; i < map->count; i++) {
        free(map->huge_pages[i].pages);
    }
    free(map->huge_pages);
    site_holdings_fini(&map->holdings);
    map_fini(&map->place_of_number);
    free(map);
}
