#include "site_holdings.h"

#include <errno.h>
#include <stdlib.h>

#include "../base/vec.h"

int site_holdings_reserve(struct site_holdings *holdings, uint32_t site)
{
    if (site >= SITE_HOLDINGS_MAX) {
        return -E2BIG;
    }
    int result = vec_reserve((void **)&holdings->items, &holdings->capacity, (size_t)site + 1,
                             sizeof(*holdings->items));
    if (result < 0) {
        return result;
    }
    for (; holdings->count <= site; holdings->count++) {
        holdings->items[holdings->count] = (struct site_holding){.changed_ns = holdings->now_ns};
    }
    return 0;
}

/* The site's, with its integrals up to now; NULL: nobody's. */
static struct site_holding *up_to_date(struct site_holdings *holdings, int64_t site)
{
    if (site == SITE_HOLDINGS_NOBODY) {
        return NULL;
    }
    struct site_holding *holding = &holdings->items[site];
    double seconds = (double)(holdings->now_ns - holding->changed_ns) / 1e9;
    holding->page_byte_seconds += seconds * (double)holding->page_count * PAGE_BYTES;
    holding->huge_page_byte_seconds += seconds * (double)holding->huge_page_count * HUGE_PAGE_BYTES;
    holding->live_byte_seconds += seconds * (double)holding->live_bytes;
    holding->changed_ns = holdings->now_ns;
    return holding;
}

void site_holdings_add(struct site_holdings *holdings, uint32_t site, uint64_t size_bytes)
{
    struct site_holding *holding = up_to_date(holdings, site);
    holding->live_bytes += size_bytes;
    holding->live_count++;
}

void site_holdings_remove(struct site_holdings *holdings, uint32_t site, uint64_t size_bytes)
{
    struct site_holding *holding = up_to_date(holdings, site);
    holding->live_bytes -= size_bytes;
    holding->live_count--;
}

void site_holdings_move_pages(struct site_holdings *holdings, int64_t from, int64_t to,
                              uint64_t page_count)
{
    if (from == to) {
        return;
    }
    struct site_holding *giver = up_to_date(holdings, from);
    struct site_holding *taker = up_to_date(holdings, to);
    if (giver != NULL) {
        giver->page_count -= page_count;
    }
    if (taker != NULL) {
        taker->page_count += page_count;
    }
}

void site_holdings_move_huge_page(struct site_holdings *holdings, int64_t from, int64_t to)
{
    if (from == to) {
        return;
    }
    struct site_holding *giver = up_to_date(holdings, from);
    struct site_holding *taker = up_to_date(holdings, to);
    if (giver != NULL) {
        giver->huge_page_count--;
    }
    if (taker != NULL) {
        taker->huge_page_count++;
    }
}

const struct site_holding *site_holdings_list(struct site_holdings *holdings, size_t *out_count)
{
    for (size_t i = 0; i < holdings->count; i++) {
        (void)up_to_date(holdings, (int64_t)i);
    }
    *out_count = holdings->count;
    return holdings->items;
}

void site_holdings_fini(struct site_holdings *holdings)
{
    free(holdings->items);
    *holdings = (struct site_holdings){0};
}
