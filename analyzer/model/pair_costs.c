#include "pair_costs.h"

const struct pair_cost *pair_cost_of(const struct pair_cost_row *row, uint64_t size_bytes)
{
    for (size_t i = 0; i < PAIR_COST_SIZES; i++) {
        if (size_bytes <= pair_cost_size(i)) {
            return &row->costs[i];
        }
    }
    return NULL;
}

const struct pair_cost_row *pair_costs_in_use(const struct pair_costs *costs)
{
    for (size_t i = 0; i < costs->count; i++) {
        if (costs->rows[i].is_in_use) {
            return &costs->rows[i];
        }
    }
    return NULL;
}

const struct pair_cost_row *pair_costs_of_kind(const struct pair_costs *costs,
                                               enum pair_cost_kind kind)
{
    for (size_t i = 0; i < costs->count; i++) {
        if (costs->rows[i].kind == kind) {
            return &costs->rows[i];
        }
    }
    return NULL;
}

const struct pair_cost_row *pair_costs_best_stock(const struct pair_costs *costs,
                                                  uint64_t size_bytes)
{
    const struct pair_cost_row *best = NULL;
    const struct pair_cost *least = NULL;
    for (size_t i = 0; i < costs->count; i++) {
        const struct pair_cost *cost = pair_cost_of(&costs->rows[i], size_bytes);
        bool is_stock = costs->rows[i].kind == PAIR_COST_STOCK;
        if (is_stock && cost != NULL && (least == NULL || cost->median_ns < least->median_ns)) {
            best = &costs->rows[i];
            least = cost;
        }
    }
    return best;
}
