#include "per_site_rows.h"

#include <errno.h>
#include <stdlib.h>

#include "spread_columns.h"
#include "subject_rows.h"

/* The sum of timed calls, scaled up to all calls of the site. Those that took too long to stand for
 * others count once. */
static uint64_t estimate(uint64_t timed_ns, uint64_t timed_count, uint64_t count)
{
    return timed_count == 0 ? 0
                            : (uint64_t)((double)timed_ns / (double)timed_count * (double)count);
}

/* NULL without a sample. */
static const struct spread *find_spread(const struct subject *subject, const struct site *site)
{
    static const struct spread none;
    const struct tally *tally = &subject->tally;
    size_t index = (size_t)(site - tally->sites);
    if (subject->recording->sample_bytes == 0) {
        return NULL;
    }
    return index < tally->spread_count ? &tally->spreads[index] : &none;
}

/* Stacks of faulty calls come as sites do, and have allocated nothing. */
static bool is_site(const struct site *site)
{
    return site->allocation_count != 0 || site->failed_count != 0;
}

static void write_site(struct sqlwriter *writer, const struct subject *subject,
                       const struct site *site)
{
    const struct spread *spread = find_spread(subject, site);
    if (!is_site(site)) {
        return;
    }
    sqlwriter_integer(writer, subject->id);
    sqlwriter_integer(writer, site->stack_id);
    sqlwriter_text(writer, site->kind == UINT32_MAX ? "none" : event_alloc_kind_name(site->kind));
    sqlwriter_integer(writer, site->allocation_count);
    sqlwriter_integer(writer, site->allocated_bytes);
    sqlwriter_integer(writer, site->usable_bytes);
    sqlwriter_integer(writer, site->free_count);
    sqlwriter_integer(writer, site->failed_count);
    sqlwriter_integer(writer, site->allocation_count == 0 ? 0 : site->size_min_bytes);
    sqlwriter_integer(writer, site->size_max_bytes);
    sqlwriter_integer(writer, site->live_count_max);
    sqlwriter_integer(writer, site->live_bytes_max);
    sqlwriter_integer(writer, site->peak_count);
    sqlwriter_integer(writer, site->peak_bytes);
    sqlwriter_integer(writer, site->live_count);
    sqlwriter_integer(writer, site->live_bytes);
    sqlwriter_integer(
        writer, estimate(site->timed_alloc_ns, site->timed_alloc_count, site->allocation_count) +
                    estimate(site->timed_free_ns, site->timed_free_count, site->free_count) +
                    site->timed_long_ns);
    sqlwriter_integer(writer, site->timed_alloc_count + site->timed_free_count);
    sqlwriter_integer(writer, site->lifetime_sum_ns);
    sqlwriter_integer(writer, site->lifetime_max_ns);
    sqlwriter_integer(writer, site->remote_free_count);
    sqlwriter_integer(writer, site->realloc_count);
    sqlwriter_integer(writer, site->realloc_moved_count);
    sqlwriter_integer(writer, site->realloc_moved_bytes);
    sqlwriter_integer(writer, site->realloc_chain_max);
    sqlwriter_integer(writer, site->large_short_lived_count);
    sqlwriter_integer(writer, site->large_short_lived_bytes);
    spread_columns_write(writer, spread != NULL, spread != NULL ? spread : &(struct spread){0});
    sqlwriter_row(writer);
}

/* Keyed tables are filled in key order: SQLite then appends instead of searching. */
static int compare_sites(const void *left, const void *right)
{
    const struct site *const *a = left;
    const struct site *const *b = right;
    return (*a)->stack_id < (*b)->stack_id ? -1 : (*a)->stack_id > (*b)->stack_id;
}

static const struct site **sort_sites(const struct tally *tally)
{
    const struct site **sorted = malloc((tally->site_count + 1) * sizeof(*sorted));
    if (sorted != NULL) {
        for (size_t i = 0; i < tally->site_count; i++) {
            sorted[i] = &tally->sites[i];
        }
        qsort(sorted, tally->site_count, sizeof(*sorted), compare_sites);
    }
    return sorted;
}

/* Has `write` called with each site, in order of stacks. */
static void write_each_site(struct sqlwriter *writer, const struct subject *subject,
                            void (*write)(struct sqlwriter *, const struct subject *,
                                          const struct site *))
{
    const struct site **sorted = sort_sites(&subject->tally);
    for (size_t i = 0; sorted != NULL && i < subject->tally.site_count; i++) {
        write(writer, subject, sorted[i]);
    }
    writer->status = sorted == NULL ? -ENOMEM : writer->status;
    free(sorted);
}

static void write_temporary(struct sqlwriter *writer, const struct subject *subject,
                            const struct site *site)
{
    for (unsigned i = 0; i < TALLY_TEMPORARY_CLASSES; i++) {
        if (site->temporary_count[i] != 0) {
            sqlwriter_integer(writer, subject->id);
            sqlwriter_integer(writer, site->stack_id);
            sqlwriter_integer(writer, i == 0 ? 0 : UINT64_C(1) << (i - 1));
            sqlwriter_integer(writer, site->temporary_count[i]);
            sqlwriter_row(writer);
        }
    }
}

static void write_leaks(struct sqlwriter *writer, const struct subject *subject,
                        const struct site *site)
{
    const struct leak_sum *sums =
        &subject->leak_sums[(size_t)(site - subject->tally.sites) * LEAK_KIND_COUNT];
    for (unsigned kind = LEAK_UNKNOWN + 1; kind < LEAK_KIND_COUNT; kind++) {
        if (sums[kind].leaked_count != 0) {
            sqlwriter_integer(writer, subject->id);
            sqlwriter_integer(writer, site->stack_id);
            sqlwriter_text(writer, leak_kind_word(kind));
            sqlwriter_integer(writer, sums[kind].leaked_count);
            sqlwriter_integer(writer, sums[kind].leaked_bytes);
            sqlwriter_row(writer);
        }
    }
}

static void write_sites_of(struct sqlwriter *writer, const struct subject *subject)
{
    write_each_site(writer, subject, write_site);
}

static void write_temporaries_of(struct sqlwriter *writer, const struct subject *subject)
{
    write_each_site(writer, subject, write_temporary);
}

static void write_leaks_of(struct sqlwriter *writer, const struct subject *subject)
{
    if (subject->leak_sums != NULL) {
        write_each_site(writer, subject, write_leaks);
    }
}

void per_site_rows_write(struct sqlwriter *writer, const struct recording *recording)
{
    subject_rows_write(writer, recording, "site", 31, write_sites_of);
    subject_rows_write(writer, recording, "temporary", 4, write_temporaries_of);
    subject_rows_write(writer, recording, "site_leak", 5, write_leaks_of);
}
