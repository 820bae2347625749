#include "touch_fit.h"

/* Below this share of what is resident, the difference is within the error of its measurement. */
#define LEAST_DIFFERENCE 0.02

struct sums {
    double weight;
    double difference; /* all - none */
    double rest;       /* recorded - none: what the line is put through */
    double recorded;
    double squares;  /* of the difference */
    double products; /* of the difference and the rest */
};

static struct sums add_up(const struct touch_moment *moments, size_t count)
{
    struct sums sums = {0};
    for (size_t i = 0; i < count; i++) {
        const struct touch_moment *moment = &moments[i];
        double difference = moment->all_bytes - moment->none_bytes;
        double rest = moment->recorded_bytes - moment->none_bytes;
        sums.weight += moment->weight;
        sums.difference += moment->weight * difference;
        sums.rest += moment->weight * rest;
        sums.recorded += moment->weight * moment->recorded_bytes;
        sums.squares += moment->weight * difference * difference;
        sums.products += moment->weight * difference * rest;
    }
    return sums;
}

static double within(double value, double least, double most)
{
    return value < least ? least : value > most ? most : value;
}

void touch_fit_find(const struct touch_moment *moments, size_t count, struct touch_fit *out_fit)
{
    struct sums sums = add_up(moments, count);
    double spread = sums.squares - sums.difference * sums.difference / sums.weight;
    double least = LEAST_DIFFERENCE * sums.recorded / sums.weight;
    struct touch_fit fit = {.share = 1};
    fit.is_indifferent = spread / sums.weight < least * least;
    if (!fit.is_indifferent) {
        fit.share = (sums.products - sums.difference * sums.rest / sums.weight) / spread;
        fit.share = within(fit.share, 0, 1);
    }
    fit.base_bytes = (sums.rest - fit.share * sums.difference) / sums.weight;
    if (fit.base_bytes < 0) {
        fit.base_bytes = 0;
        fit.share = sums.squares > 0 ? within(sums.products / sums.squares, 0, 1) : 1;
    }
    *out_fit = fit;
}
