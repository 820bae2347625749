/*
 * Lifetimes on three clocks, and how well the site foretells them.
 */
#include "report.h"

#include <stdio.h>

#include "../analyses/ages.h"

/* ---- clocks ------------------------------------------------------------------------------------
 */

static void print_age(struct out *out, enum age_clock clock, const char *key, const char *label,
                      uint64_t age)
{
    if (clock == AGE_NS) {
        out_ns(out, key, label, (int64_t)age);
    } else if (clock == AGE_BYTES) {
        out_bytes(out, key, label, (int64_t)age);
    } else {
        out_count(out, key, label, (int64_t)age);
    }
}

static void print_clock(struct out *out, const struct ages *ages, enum age_clock clock)
{
    static const char *const words[AGE_CLOCK_COUNT] = {
        [AGE_NS] = "time",
        [AGE_BYTES] = "bytes allocated meanwhile",
        [AGE_ALLOCATIONS] = "allocations meanwhile",
    };
    static const char *const keys[AGE_CLOCK_COUNT] = {
        [AGE_NS] = "ns",
        [AGE_BYTES] = "bytes",
        [AGE_ALLOCATIONS] = "allocations",
    };
    out_begin_row(out);
    out_text(out, "clock", NULL, keys[clock]);
    out_text(out, "clock_text", "by", words[clock]);
    print_age(out, clock, "p50", "half live up to", ages_quantile(ages, clock, 0.5));
    print_age(out, clock, "p90", "90 % up to", ages_quantile(ages, clock, 0.9));
    print_age(out, clock, "p99", "99 % up to", ages_quantile(ages, clock, 0.99));
    print_age(out, clock, "p999", "99.9 % up to", ages_quantile(ages, clock, 0.999));
    if (out_is_json(out)) {
        out_begin_list(out, "classes");
        for (unsigned i = 0; i < AGE_CLASSES; i++) {
            const struct age_class *class = &ages->clocks[clock][i];
            if (class->free_count > 0) {
                out_begin_row(out);
                out_number(out, "min", NULL, i == 0 ? 0 : INT64_C(1) << i);
                out_count(out, "free_count", NULL, (int64_t) class->free_count);
                out_bytes(out, "freed_bytes", NULL, (int64_t) class->freed_bytes);
                out_end_row(out);
            }
        }
        out_end_list(out);
    }
    out_end_row(out);
}

int report_print_clocks(struct report *report, struct err *err)
{
    struct out *out = report->out;
    (void)err;
    if (report->state == NULL) {
        report_note_no_calls(report, "clocks");
        return 0;
    }
    const struct ages *ages = ages_of(report->state);
    char title[REPORT_TITLE_BYTES];
    out_begin_table(out, "clocks",
                    report_title(report, "Lifetimes of freed blocks on three clocks", title));
    for (unsigned i = 0; i < AGE_CLOCK_COUNT && ages->free_count > 0; i++) {
        print_clock(out, ages, (enum age_clock)i);
    }
    out_end_table(out);
    char freed[32];
    char kept[32];
    out_note(out,
             "lifetimes are of %s blocks that were freed; %s never were. Bounds are powers of two",
             out_format_count((int64_t)ages->free_count, freed),
             out_format_count((int64_t)(ages->allocation_count - ages->free_count), kept));
    return 0;
}

/* ---- predict -----------------------------------------------------------------------------------
 */

static void print_foretold(struct report *report, const struct ages *ages)
{
    struct out *out = report->out;
    char title[REPORT_TITLE_BYTES];
    out_begin_section(out, "predict",
                      report_title(report, "Predictability of blocks by their site", title));
    out_count(out, "site_count", "sites", (int64_t)ages->site_count);
    out_bytes(out, "allocated_bytes", "allocated", (int64_t)ages->allocated_bytes);
    out_percent(out, "short_bytes_pct", "bytes freed within 32 KiB of allocation",
                (double)ages->short_bytes, (double)ages->allocated_bytes);
    out_percent(out, "sure_bytes_pct", "  of sites where 99 % of blocks are",
                ages->sure_share * (double)ages->allocated_bytes, (double)ages->allocated_bytes);
    out_percent(out, "predicted_bytes_pct", "  bytes that the site foretells",
                ages->predicted_share * (double)ages->allocated_bytes,
                (double)ages->allocated_bytes);
    out_real(out, "age_bits", "entropy of the lifetime, in bits", ages->age_bits, 2);
    out_real(out, "age_bits_by_site", "  once the site is known", ages->age_bits_by_site, 2);
    out_real(out, "size_bits", "entropy of the size, in bits", ages->size_bits, 2);
    out_real(out, "size_bits_by_site", "  once the site is known", ages->size_bits_by_site, 2);
    out_text(out, "verdict", "verdict",
             ages->allocated_bytes == 0      ? "nothing was allocated"
             : ages->predicted_share >= 0.99 ? "a policy may go by the site"
             : ages->predicted_share >= 0.9  ? "the site is a fair guess: most of what it misses "
                                               "is listed below"
                                             : "the site does not tell: a policy by site would "
                                               "often be wrong");
    out_end_section(out);
}

static int print_missed(struct report *report, const struct site_ages *site, struct err *err)
{
    struct out *out = report->out;
    struct call_stack stack;
    int result = report_begin_site_row(report, site->stack_id, &stack, err);
    if (result < 0) {
        return result;
    }
    out_bytes(out, "missed_bytes", "guessed wrong", (int64_t)site_ages_missed_bytes(site));
    out_bytes(out, "allocated_bytes", "allocated", (int64_t)site->allocated_bytes);
    out_count(out, "allocation_count", "allocations", (int64_t)site->allocation_count);
    out_percent(out, "short_pct", "short-lived", (double)site->short_count,
                (double)site->allocation_count);
    report_end_site_row(report, &stack);
    return 0;
}

int report_print_predict(struct report *report, struct err *err)
{
    if (report->state == NULL) {
        report_note_no_calls(report, "predict");
        return 0;
    }
    const struct ages *ages = ages_of(report->state);
    int result = 0;
    print_foretold(report, ages);
    out_begin_table(report->out, "predict_sites", "Sites with both kinds, by bytes guessed wrong");
    size_t limit = report_top(report, 5);
    for (size_t i = 0; i < ages->site_count && i < limit && result == 0; i++) {
        if (site_ages_missed_bytes(&ages->sites[i]) > 0) {
            result = print_missed(report, &ages->sites[i], err);
        }
    }
    out_end_table(report->out);
    return result;
}
