#include <math.h>
#include <stdio.h>
#include <string.h>

#include "trial_page.h"

#define NAMED(key)                                                                                 \
    {                                                                                              \
        key, key "_low", key "_high"                                                               \
    }
#define KEYS(name, unit)                                                                           \
    .table = name, .value = NAMED(name "_" unit), .difference = NAMED(name "_difference_" unit),   \
    .percent = NAMED(name "_difference_pct"), .verdict = name "_verdict",                          \
    .best_candidate = name "_candidate", .best_command = name "_command"

const struct trial_naming trial_namings[METRIC_COUNT] = {
    [METRIC_WALL] = {KEYS("wall", "ns"), .title = "Wall time", .label = "wall time",
                     .best = "least wall time", .print = out_ns},
    [METRIC_CPU] = {KEYS("cpu", "ns"), .title = "CPU time, user and system", .label = "CPU time",
                    .best = "least CPU time", .print = out_ns},
    [METRIC_PEAK_RSS] = {KEYS("peak_rss", "bytes"),
                         .title = "Peak memory, resident, of the largest process",
                         .label = "peak memory", .best = "least peak memory", .print = out_bytes},
    [METRIC_FAULTS] = {KEYS("fault", "count"), .title = "Page faults", .print = out_count},
    [METRIC_SWITCHES] = {KEYS("switch", "count"), .title = "Context switches", .print = out_count},
};

static const char *const verdict_words[] = {
    [VERDICT_BASELINE] = "baseline",
    [VERDICT_TOO_FEW] = "too few rounds",
    [VERDICT_NO_DIFFERENCE] = "no difference",
    [VERDICT_LESS] = "less",
    [VERDICT_MORE] = "more",
    [VERDICT_BETTER] = "better",
    [VERDICT_WORSE] = "worse",
    [VERDICT_MIXED] = "mixed",
};

const char *trial_cell_word(enum verdict verdict)
{
    return verdict_words[verdict];
}

/* Three digits, or all that stand before the point. */
static int decimals_of(double value)
{
    const double size = fabs(value);
    return size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
}

/* What the unit behind a printed amount stands for. */
static double unit_of(const char *printed)
{
    static const struct {
        const char *name;
        double factor;
    } units[] = {{"ns", 1}, {"us", 1e3},     {"ms", 1e6},     {"s", 1e9},      {"min", 60e9},
                 {"B", 1},  {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40}};
    const char *blank = strrchr(printed, ' ');
    for (size_t i = 0; blank != NULL && i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(blank + 1, units[i].name) == 0) {
            return units[i].factor;
        }
    }
    return 1;
}

/* The bounds, in the unit in which the median is printed. */
void trial_cell_bounds(const struct interval *interval, const struct trial_naming *naming,
                       char cell[TRIAL_CELL_BYTES])
{
    char median[32] = "";
    if (!interval->has_bounds) {
        snprintf(cell, TRIAL_CELL_BYTES, "-");
        return;
    }
    if (naming->print == out_ns) {
        out_format_ns(llround(interval->median), median);
    } else if (naming->print == out_bytes) {
        out_format_bytes(llround(interval->median), median);
    }
    const bool is_large_count = median[0] == '\0' && interval->high >= 100 * 1000;
    const double unit = is_large_count ? 1000 : unit_of(median);
    const double low = interval->low / unit;
    const double high = interval->high / unit;
    const bool is_whole = unit == 1;
    const char *suffix = is_large_count ? "k" : "";
    snprintf(cell, TRIAL_CELL_BYTES, "[%.*f%s, %.*f%s]", is_whole ? 0 : decimals_of(low), low,
             suffix, is_whole ? 0 : decimals_of(high), high, suffix);
}

void trial_cell_percent_bounds(const struct comparison *comparison, char cell[TRIAL_CELL_BYTES])
{
    const double low = comparison_percent(comparison, comparison->difference.low);
    const double high = comparison_percent(comparison, comparison->difference.high);
    if (!comparison->difference.has_bounds || !isfinite(low) || !isfinite(high)) {
        snprintf(cell, TRIAL_CELL_BYTES, "-");
        return;
    }
    snprintf(cell, TRIAL_CELL_BYTES, "[%+.*f, %+.*f]", fabs(low) < 99.95 ? 1 : 0, low,
             fabs(high) < 99.95 ? 1 : 0, high);
}

/* "13.8 % less", or the bare word. */
void trial_cell_verdict(const struct comparison *comparison, char cell[TRIAL_CELL_BYTES])
{
    const char *word = trial_cell_word(comparison->verdict);
    const double percent = fabs(comparison_percent(comparison, comparison->difference.median));
    const bool is_told = comparison->verdict == VERDICT_LESS || comparison->verdict == VERDICT_MORE;
    if (is_told && isfinite(percent)) {
        snprintf(cell, TRIAL_CELL_BYTES, "%.*f %% %s", percent < 99.95 ? 1 : 0, percent, word);
    } else {
        snprintf(cell, TRIAL_CELL_BYTES, "%s", word);
    }
}
