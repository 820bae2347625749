/*
 * site_ranks.c - which sites have most of something (sites_top in sites.h).
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "sites.h"

enum {
    INSERTION_LIMIT = 256, /* more than that is sorted as a whole */
};

struct rank {
    uint64_t value;
    size_t place;
};

/* Larger values first; of equal ones the lower place, which has the lower stack_id. */
static int compare_ranks(const void *left, const void *right)
{
    const struct rank *a = left;
    const struct rank *b = right;
    if (a->value != b->value) {
        return a->value > b->value ? -1 : 1;
    }
    return (a->place > b->place) - (a->place < b->place);
}

/* Keeps ranks[0..*count) sorted and no longer than limit. Places come in ascending order. */
static void insert_rank(struct rank *ranks, size_t *count, size_t limit, struct rank rank)
{
    if (*count == limit) {
        if (ranks[limit - 1].value >= rank.value) {
            return;
        }
        (*count)--;
    }
    size_t at = *count;
    while (at > 0 && ranks[at - 1].value < rank.value) {
        ranks[at] = ranks[at - 1];
        at--;
    }
    ranks[at] = rank;
    (*count)++;
}

int sites_top(const struct sites *sites, enum site_key key, size_t limit, size_t **out_places,
              struct err *err)
{
    bool is_sorted = limit <= INSERTION_LIMIT;
    size_t room = is_sorted ? limit : sites_count(sites);
    struct rank *ranks = calloc(room + 1, sizeof(*ranks));
    size_t *places = calloc(room + 1, sizeof(*places));
    if (ranks == NULL || places == NULL) {
        free(ranks);
        free(places);
        return err_set_errno(err, ENOMEM, "cannot sort sites");
    }
    size_t count = 0;
    for (size_t place = 0; place < sites_count(sites) && room > 0; place++) {
        const struct rank rank = {sites_value(sites, place, key), place};
        if (rank.value == 0) {
            continue;
        }
        if (is_sorted) {
            insert_rank(ranks, &count, limit, rank);
        } else {
            ranks[count++] = rank;
        }
    }
    if (!is_sorted) {
        qsort(ranks, count, sizeof(*ranks), compare_ranks);
        count = count > limit ? limit : count;
    }
    for (size_t i = 0; i < count; i++) {
        places[i] = ranks[i].place;
    }
    free(ranks);
    *out_places = places;
    return count > INT_MAX ? INT_MAX : (int)count;
}
