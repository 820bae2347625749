#include "spread_columns.h"

#include <math.h>

void spread_columns_add(struct spread *sum, const struct spread *spread)
{
    sum->allocation_count += spread->allocation_count;
    sum->allocated_bytes += spread->allocated_bytes;
    sum->live_count += spread->live_count;
    sum->live_bytes += spread->live_bytes;
}

struct spread spread_columns_sum(const struct tally *tally)
{
    struct spread sum = {0};
    for (size_t i = 0; i < tally->spread_count; i++) {
        spread_columns_add(&sum, &tally->spreads[i]);
    }
    return sum;
}

void spread_columns_write(struct sqlwriter *writer, bool is_sample, const struct spread *spread)
{
    const double variances[] = {spread->allocation_count, spread->allocated_bytes,
                                spread->live_count, spread->live_bytes};
    for (int i = 0; i < 4; i++) {
        if (is_sample) {
            sqlwriter_integer(writer, (uint64_t)ceil(sqrt(fmax(variances[i], 0))));
        } else {
            sqlwriter_null(writer);
        }
    }
}
