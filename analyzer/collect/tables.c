#include "tables.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "faults.h"
#include "latency_rows.h"
#include "sanitizer_reports.h"

static const char *const leak_outcome_words[] = {
#define X(name, word) (word),
    LEAK_OUTCOMES(X)
#undef X
};

/* The sum of timed calls, scaled up to all calls of the site. Those that took too long to stand for
 * others count once. */
static uint64_t tables_estimate(uint64_t timed_ns, uint64_t timed_count, uint64_t count)
{
    return timed_count == 0 ? 0
                            : (uint64_t)((double)timed_ns / (double)timed_count * (double)count);
}

static void tables_add_spread(struct spread *sum, const struct spread *spread)
{
    sum->allocation_count += spread->allocation_count;
    sum->allocated_bytes += spread->allocated_bytes;
    sum->live_count += spread->live_count;
    sum->live_bytes += spread->live_bytes;
}

static struct spread tables_sum_spreads(const struct tally *tally)
{
    struct spread sum = {0};
    for (size_t i = 0; i < tally->spread_count; i++) {
        tables_add_spread(&sum, &tally->spreads[i]);
    }
    return sum;
}

/* The four columns of standard errors; NULL without a sample. */
static void tables_write_spread(struct sqlwriter *writer, bool is_sample,
                                const struct spread *spread)
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

static void tables_write_stacks(struct sqlwriter *writer, const struct stacktree *stacks)
{
    sqlwriter_table(writer, "stack", 4);
    for (size_t i = 1; i < stacks->node_count; i++) {
        sqlwriter_integer(writer, i);
        sqlwriter_integer_or_null(writer, stacks->nodes[i].parent);
        sqlwriter_integer(writer, stacks->nodes[i].frame);
        sqlwriter_integer(writer, stacks->nodes[i].depth);
        sqlwriter_row(writer);
    }
}

void tables_write_contexts(struct sqlwriter *writer, const struct contexts *contexts)
{
    sqlwriter_table(writer, "context", 9);
    for (size_t i = 0; i < contexts->count; i++) {
        const struct context *context = &contexts->items[i];
        sqlwriter_integer(writer, i + 1);
        sqlwriter_integer(writer, context->process_id);
        sqlwriter_integer(writer, context->thread_id);
        sqlwriter_integer(writer, context->stack_id);
        sqlwriter_integer(writer, context->alloc_kind);
        if (context->free_kind == CONTEXT_NOT_FREED) {
            sqlwriter_null(writer);
        } else {
            sqlwriter_integer(writer, context->free_kind);
        }
        sqlwriter_integer_or_null(writer, context->freed_by_thread_id);
        sqlwriter_integer(writer, context->slack_bytes);
        sqlwriter_integer(writer, (uint64_t)context->region << CONTEXT_REGION_BITS);
        sqlwriter_row(writer);
    }
}

/* False of a sample, and of what a killed collector has left: some figures are not known there. */
static bool is_exact(const struct recording *recording)
{
    return recording->sample_bytes == 0 && recording->sink == NULL;
}

static void tables_write_paused(struct sqlwriter *writer, const struct subject *subject)
{
    if (!is_exact(subject->recording)) {
        sqlwriter_null(writer);
        sqlwriter_null(writer);
        return;
    }
    sqlwriter_integer(writer, subject->paused_allocation_count);
    sqlwriter_integer(writer, subject->paused_allocated_bytes);
}

static void tables_write_process(struct sqlwriter *writer, const struct subject *subject)
{
    const struct tally *tally = &subject->tally;
    const char *end = subject_end_name(subject->end);
    bool is_exited = subject->end == SUBJECT_EXITED;
    sqlwriter_integer(writer, subject->id);
    sqlwriter_integer(writer, subject->pid);
    sqlwriter_integer_or_null(writer, subject->parent_id);
    sqlwriter_text(writer, subject_start_name(subject->start));
    sqlwriter_text(writer, subject->executable != NULL ? subject->executable : "");
    sqlwriter_text(writer, subject->command != NULL ? subject->command : "");
    sqlwriter_text(writer, subject->allocator != NULL ? subject->allocator : "");
    sqlwriter_text(writer, subject->allocator_version != NULL ? subject->allocator_version : "");
    sqlwriter_integer(writer, subject->started_ns);
    sqlwriter_integer_or_null(writer, subject->ended_ns);
    sqlwriter_text(writer, end);
    if (is_exited) {
        sqlwriter_integer(writer, (uint64_t)subject->exit_status);
    } else {
        sqlwriter_null(writer);
    }
    sqlwriter_integer_or_null(writer, (uint64_t)subject->exit_signal);
    sqlwriter_integer(writer, tally->allocation_count);
    sqlwriter_integer(writer, tally->free_count + subject->inherited_free_count +
                                  subject->unpaired_free_count);
    sqlwriter_integer(writer, tally->allocated_bytes);
    sqlwriter_integer(writer, tally->failed_count);
    sqlwriter_integer(writer, tally->peak_count);
    sqlwriter_integer(writer, tally->peak_bytes);
    sqlwriter_integer(writer, tally->peak_ns);
    sqlwriter_integer(writer, subject->leaked_count);
    sqlwriter_integer(writer, subject->leaked_bytes);
    sqlwriter_integer(writer, subject->inherited_free_count);
    sqlwriter_integer(writer, subject->unpaired_free_count);
    sqlwriter_integer(writer, subject->lost_event_count);
    sqlwriter_integer_or_null(writer, subject->rss_peak_bytes);
    struct spread spread = tables_sum_spreads(tally);
    tables_write_spread(writer, subject->recording->sample_bytes != 0, &spread);
    sqlwriter_integer_or_null(writer, subject->cpu_time_ns);
    sqlwriter_text(writer, leak_outcome_words[subject->leak_outcome]);
    sqlwriter_integer_or_null(writer, subject->leak_scan_ns);
    tables_write_paused(writer, subject);
    sqlwriter_row(writer);
}

static void tables_write_threads(struct sqlwriter *writer, const struct subject *subject)
{
    for (size_t i = 0; i < subject->thread_count; i++) {
        const struct thread *thread = &subject->threads[i];
        sqlwriter_integer(writer, thread->id);
        sqlwriter_integer(writer, subject->id);
        sqlwriter_integer(writer, thread->tid);
        sqlwriter_text(writer, thread->name[0] != '\0' ? thread->name : NULL);
        uint64_t ended_ns =
            thread->ended_ns; /* of a thread that only frees, it may be known better */
        sqlwriter_integer(writer, thread->started_ns < ended_ns ? thread->started_ns : ended_ns);
        sqlwriter_integer(writer, ended_ns);
        sqlwriter_integer(writer, thread->allocation_count);
        sqlwriter_integer(writer, thread->allocated_bytes);
        sqlwriter_integer(writer, thread->free_count);
        sqlwriter_integer(writer, thread->remote_free_count);
        if (is_exact(subject->recording)) {
            sqlwriter_integer(writer, thread->temporary_count);
        } else {
            sqlwriter_null(writer);
        }
        sqlwriter_row(writer);
    }
}

static void tables_write_loads(struct sqlwriter *writer, const struct subject *subject)
{
    for (size_t i = 0; i < subject->load_count; i++) {
        const struct module_load *load = &subject->loads[i];
        sqlwriter_integer(writer, subject->id);
        sqlwriter_integer(writer, load->module);
        sqlwriter_integer(writer, load->start_address);
        sqlwriter_integer(writer, load->end_address);
        sqlwriter_integer(writer, load->load_bias);
        sqlwriter_integer(writer, load->loaded_ns);
        sqlwriter_row(writer);
    }
}

static void tables_write_site(struct sqlwriter *writer, uint32_t process_id,
                              const struct site *site, const struct spread *spread)
{
    sqlwriter_integer(writer, process_id);
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
        writer,
        tables_estimate(site->timed_alloc_ns, site->timed_alloc_count, site->allocation_count) +
            tables_estimate(site->timed_free_ns, site->timed_free_count, site->free_count) +
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
    tables_write_spread(writer, spread != NULL, spread != NULL ? spread : &(struct spread){0});
    sqlwriter_row(writer);
}

/* Keyed tables are filled in key order: SQLite then appends instead of searching. */
static int tables_compare_sites(const void *left, const void *right)
{
    const struct site *const *a = left;
    const struct site *const *b = right;
    return (*a)->stack_id < (*b)->stack_id ? -1 : (*a)->stack_id > (*b)->stack_id;
}

static const struct site **tables_sort_sites(const struct tally *tally)
{
    const struct site **sorted = malloc((tally->site_count + 1) * sizeof(*sorted));
    if (sorted != NULL) {
        for (size_t i = 0; i < tally->site_count; i++) {
            sorted[i] = &tally->sites[i];
        }
        qsort(sorted, tally->site_count, sizeof(*sorted), tables_compare_sites);
    }
    return sorted;
}

/* NULL without a sample. */
static const struct spread *tables_find_spread(const struct subject *subject,
                                               const struct site *site)
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
static bool tables_is_site(const struct site *site)
{
    return site->allocation_count != 0 || site->failed_count != 0;
}

static void tables_write_sites(struct sqlwriter *writer, const struct recording *recording,
                               bool is_temporary)
{
    for (size_t i = 0; i < recording->subject_count; i++) {
        const struct subject *subject = recording->subjects[i];
        const struct site **sorted = tables_sort_sites(&subject->tally);
        if (sorted == NULL) {
            writer->status = -1;
            return;
        }
        for (size_t j = 0; j < subject->tally.site_count; j++) {
            if (!is_temporary && tables_is_site(sorted[j])) {
                tables_write_site(writer, subject->id, sorted[j],
                                  tables_find_spread(subject, sorted[j]));
            }
            for (unsigned k = 0; is_temporary && k < TALLY_TEMPORARY_CLASSES; k++) {
                if (sorted[j]->temporary_count[k] != 0) {
                    sqlwriter_integer(writer, subject->id);
                    sqlwriter_integer(writer, sorted[j]->stack_id);
                    sqlwriter_integer(writer, k == 0 ? 0 : UINT64_C(1) << (k - 1));
                    sqlwriter_integer(writer, sorted[j]->temporary_count[k]);
                    sqlwriter_row(writer);
                }
            }
        }
        free(sorted);
    }
}

static void tables_write_leaks(struct sqlwriter *writer, const struct subject *subject)
{
    if (subject->leak_sums == NULL) {
        return;
    }
    const struct site **sorted = tables_sort_sites(&subject->tally);
    for (size_t i = 0; sorted != NULL && i < subject->tally.site_count; i++) {
        const struct leak_sum *sums =
            &subject->leak_sums[(size_t)(sorted[i] - subject->tally.sites) * LEAK_KIND_COUNT];
        for (unsigned kind = LEAK_UNKNOWN + 1; kind < LEAK_KIND_COUNT; kind++) {
            if (sums[kind].leaked_count != 0) {
                sqlwriter_integer(writer, subject->id);
                sqlwriter_integer(writer, sorted[i]->stack_id);
                sqlwriter_text(writer, leak_kind_word(kind));
                sqlwriter_integer(writer, sums[kind].leaked_count);
                sqlwriter_integer(writer, sums[kind].leaked_bytes);
                sqlwriter_row(writer);
            }
        }
    }
    writer->status = sorted == NULL ? -ENOMEM : writer->status;
    free(sorted);
}

static void tables_write_sizes(struct sqlwriter *writer, const struct subject *subject)
{
    for (unsigned i = 0; i < TALLY_SIZE_CLASSES; i++) {
        const struct size_class *size = &subject->tally.sizes[i];
        if (size->allocation_count == 0) {
            continue;
        }
        uint64_t min_bytes;
        uint64_t max_bytes;
        tally_size_range(i, &min_bytes, &max_bytes);
        sqlwriter_integer(writer, subject->id);
        sqlwriter_integer(writer, min_bytes);
        sqlwriter_integer(writer, max_bytes);
        sqlwriter_integer(writer, size->allocation_count);
        sqlwriter_integer(writer, size->allocated_bytes);
        sqlwriter_integer(writer, size->usable_bytes);
        sqlwriter_integer(writer, size->free_count);
        sqlwriter_integer(writer, size->live_count_max);
        sqlwriter_integer(writer, size->allocation_count - size->free_count);
        sqlwriter_row(writer);
    }
}

static void tables_write_lifetimes(struct sqlwriter *writer, const struct subject *subject)
{
    for (unsigned i = 0; i < TALLY_LIFETIME_CLASSES; i++) {
        const struct lifetime_class *lifetime = &subject->tally.lifetimes[i];
        if (lifetime->free_count != 0) {
            sqlwriter_integer(writer, subject->id);
            sqlwriter_integer(writer, i == 0 ? 0 : UINT64_C(1) << i);
            sqlwriter_integer(writer, lifetime->free_count);
            sqlwriter_integer(writer, lifetime->freed_bytes);
            sqlwriter_row(writer);
        }
    }
}

static void tables_write_slices(struct sqlwriter *writer, const struct subject *subject)
{
    const struct tally *tally = &subject->tally;
    for (size_t i = 0; i < tally->slice_count; i++) {
        const struct slice *slice = &tally->slices[i];
        if (slice->is_touched) {
            sqlwriter_integer(writer, subject->id);
            sqlwriter_integer(writer, (tally->first_slice + i) << tally->slice_shift);
            sqlwriter_integer(writer, UINT64_C(1) << tally->slice_shift);
            sqlwriter_integer(writer, slice->live_bytes);
            sqlwriter_integer(writer, slice->live_count);
            sqlwriter_integer(writer, slice->allocation_count);
            sqlwriter_integer(writer, slice->allocated_bytes);
            sqlwriter_integer(writer, slice->free_count);
            sqlwriter_integer_or_null(writer, slice->rss_bytes);
            sqlwriter_row(writer);
        }
    }
}

static void tables_write_marks(struct sqlwriter *writer, const struct recording *recording)
{
    static const char *const kinds[] = {
        [MARK_KIND_MARK] = "mark",
        [MARK_KIND_FRAME] = "frame",
        [MARK_KIND_SCOPE_BEGIN] = "scope_begin",
        [MARK_KIND_SCOPE_END] = "scope_end",
    };
    sqlwriter_table(writer, "mark", 6);
    for (size_t i = 0; i < recording->mark_count; i++) {
        const struct mark *mark = &recording->marks[i];
        sqlwriter_integer(writer, i + 1);
        sqlwriter_integer(writer, mark->process_id);
        sqlwriter_integer(writer, mark->thread_id);
        sqlwriter_integer(writer, mark->at_ns);
        sqlwriter_text(writer, kinds[mark->kind < MARK_KIND_COUNT ? mark->kind : MARK_KIND_MARK]);
        sqlwriter_text(writer, recording->mark_names.items[mark->name]);
        sqlwriter_row(writer);
    }
}

static void tables_write_counters(struct sqlwriter *writer, const struct recording *recording)
{
    sqlwriter_table(writer, "counter", 4);
    for (size_t i = 0; i < recording->counter_count; i++) {
        const struct counter *counter = &recording->counters[i];
        sqlwriter_integer(writer, counter->process_id);
        sqlwriter_text(writer, counter->name);
        sqlwriter_integer(writer, counter->at_ns);
        sqlwriter_integer(writer, counter->value);
        sqlwriter_row(writer);
    }
}

static void tables_write_facts(struct sqlwriter *writer, const struct recording *recording)
{
    sqlwriter_table(writer, "allocator_sample", 4);
    for (size_t i = 0; i < recording->fact_count; i++) {
        const struct allocator_fact *fact = &recording->facts[i];
        sqlwriter_integer(writer, fact->process_id);
        sqlwriter_integer(writer, fact->at_ns);
        sqlwriter_text(writer, fact->name);
        sqlwriter_integer(writer, fact->value);
        sqlwriter_row(writer);
    }
}

static void tables_write_memory(struct sqlwriter *writer, const struct subject *subject)
{
    for (size_t i = 0; i < subject->memory.count; i++) {
        const struct memory_sample *sample = &subject->memory.samples[i];
        for (unsigned kind = 0; kind < MAPPING_KIND_COUNT; kind++) {
            const struct mapping_sum *sum = &sample->sums[kind];
            sqlwriter_integer(writer, subject->id);
            sqlwriter_integer(writer, sample->at_ns);
            sqlwriter_text(writer, mapping_kind_name(kind));
            sqlwriter_integer(writer, sum->mapped_bytes);
            sqlwriter_integer(writer, sum->rss_bytes);
            sqlwriter_integer(writer, sum->pss_bytes);
            sqlwriter_integer(writer, sum->lazy_free_bytes);
            sqlwriter_integer(writer, sum->swap_bytes);
            sqlwriter_row(writer);
        }
    }
}

static void tables_write_residency(struct sqlwriter *writer, const struct subject *subject)
{
    for (size_t i = 0; i < subject->memory.count; i++) {
        const struct memory_sample *sample = &subject->memory.samples[i];
        for (size_t j = 0; j < sample->residency.count; j++) {
            const struct resident_range *range = &sample->residency.ranges[j];
            sqlwriter_integer(writer, subject->id);
            sqlwriter_integer(writer, sample->at_ns);
            sqlwriter_integer(writer, range->start_address);
            sqlwriter_integer(writer, range->end_address);
            sqlwriter_integer(writer, range->resident_bytes);
            sqlwriter_integer(writer, range->mapping_address);
            sqlwriter_text(writer, mapping_kind_name(range->kind));
            sqlwriter_row(writer);
        }
    }
}

static void tables_write_size_or_null(struct sqlwriter *writer, uint64_t size_bytes)
{
    if (size_bytes == GCTRACE_UNKNOWN) {
        sqlwriter_null(writer);
    } else {
        sqlwriter_integer(writer, size_bytes);
    }
}

static void tables_write_gc(struct sqlwriter *writer, const struct recording *recording)
{
    sqlwriter_table(writer, "gc", 21);
    for (size_t i = 0; i < recording->gc_event_count; i++) {
        const struct gc_event *event = &recording->gc_events[i];
        const struct gc_cycle *cycle = &event->cycle;
        const uint64_t values[] = {
            recording->go.process_id,
            cycle->cycle,
            event->at_ns,
            cycle->since_start_ns,
            cycle->gc_cpu_pct,
            cycle->sweep_stop_ns,
            cycle->mark_ns,
            cycle->mark_stop_ns,
            cycle->sweep_stop_cpu_ns,
            cycle->assist_cpu_ns,
            cycle->background_cpu_ns,
            cycle->idle_cpu_ns,
            cycle->mark_stop_cpu_ns,
            cycle->heap_start_bytes,
            cycle->heap_end_bytes,
            cycle->heap_live_bytes,
            cycle->heap_goal_bytes,
        };
        for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++) {
            sqlwriter_integer(writer, values[k]);
        }
        tables_write_size_or_null(writer, cycle->stack_bytes);
        tables_write_size_or_null(writer, cycle->global_bytes);
        sqlwriter_integer(writer, cycle->processor_count);
        sqlwriter_integer(writer, cycle->is_forced);
        sqlwriter_row(writer);
    }
}

static void tables_write_scavenges(struct sqlwriter *writer, const struct recording *recording)
{
    sqlwriter_table(writer, "scavenge", 7);
    for (size_t i = 0; i < recording->scavenge_count; i++) {
        const struct scavenge *scavenge = &recording->scavenges[i];
        sqlwriter_integer(writer, recording->go.process_id);
        sqlwriter_integer(writer, scavenge->at_ns);
        sqlwriter_integer(writer, scavenge->released_bytes);
        tables_write_size_or_null(writer, scavenge->eager_bytes);
        sqlwriter_integer(writer, scavenge->returned_bytes);
        sqlwriter_integer(writer, scavenge->in_use_pct);
        sqlwriter_integer(writer, scavenge->is_forced);
        sqlwriter_row(writer);
    }
}

static void tables_write_go(struct sqlwriter *writer, const struct recording *recording)
{
    const struct go_facts *go = &recording->go;
    if (go->process_id == 0) {
        return;
    }
    sqlwriter_table(writer, "go_runtime", 12);
    sqlwriter_integer(writer, go->process_id);
    sqlwriter_text(writer, go->version);
    sqlwriter_text(writer, go->site_source);
    sqlwriter_text(writer, go->site_reason[0] != '\0' ? go->site_reason : NULL);
    sqlwriter_integer_or_null(writer, go->profile_rate_bytes);
    sqlwriter_integer_or_null(writer, go->profile_read_ns);
    sqlwriter_integer(writer, go->profile_reading_count);
    sqlwriter_text(writer, go->gc_source);
    sqlwriter_text(writer, go->gc_reason[0] != '\0' ? go->gc_reason : NULL);
    sqlwriter_integer(writer, go->unread_line_count);
    sqlwriter_integer(writer, go->foreign_line_count);
    sqlwriter_integer(writer, go->lost_line_count);
    sqlwriter_row(writer);
}

static void tables_complete_run(struct sqlwriter *writer, const struct run_facts *facts,
                                const struct recording *recording)
{
    char status[32] = "NULL";
    char signal[32] = "NULL";
    if (facts->exit_status >= 0 || facts->exit_signal > 0) { /* else how it ended is not known */
        snprintf(facts->exit_status >= 0 ? status : signal, sizeof(status), "%d",
                 facts->exit_status >= 0 ? facts->exit_status : facts->exit_signal);
    }
    char sql[1024];
    snprintf(
        sql, sizeof(sql),
        "UPDATE run SET state = '%s', duration_ns = %llu, exit_status = %s, exit_signal = %s,"
        " peak_bytes = %llu, peak_ns = %llu, ring_path = NULL, clock_cost_ns = nullif(%llu, 0),"
        " (allocation_count, free_count, allocated_bytes, failed_count, leaked_count,"
        " leaked_bytes, lost_event_count, unpaired_free_count) ="
        " (SELECT ifnull(sum(allocation_count), 0), ifnull(sum(free_count), 0), "
        "ifnull(sum(allocated_bytes), 0),"
        " ifnull(sum(failed_count), 0), ifnull(sum(leaked_count), 0), ifnull(sum(leaked_bytes), 0),"
        " ifnull(sum(lost_event_count), 0) + %llu, ifnull(sum(unpaired_free_count), 0) FROM "
        "process)",
        facts->is_cut ? "cut" : "complete", (unsigned long long)facts->duration_ns, status, signal,
        (unsigned long long)recording->peak_bytes, (unsigned long long)recording->peak_ns,
        (unsigned long long)recording->clock.cost_ns, (unsigned long long)facts->lost_event_count);
    sqlwriter_execute(writer, sql);
}

static void tables_complete_spread(struct sqlwriter *writer, const struct recording *recording)
{
    struct spread sum = {0};
    for (size_t i = 0; i < recording->subject_count; i++) {
        struct spread spread = tables_sum_spreads(&recording->subjects[i]->tally);
        tables_add_spread(&sum, &spread);
    }
    char sql[512];
    snprintf(sql, sizeof(sql),
             "UPDATE run SET allocation_count_stderr = %.0f, allocated_bytes_stderr = %.0f,"
             " leaked_count_stderr = %.0f, leaked_bytes_stderr = %.0f"
             " WHERE sample_bytes IS NOT NULL",
             ceil(sqrt(sum.allocation_count)), ceil(sqrt(sum.allocated_bytes)),
             ceil(sqrt(fmax(sum.live_count, 0))), ceil(sqrt(fmax(sum.live_bytes, 0))));
    sqlwriter_execute(writer, sql);
}

static void tables_write_each(struct sqlwriter *writer, const struct recording *recording,
                              const char *table, int column_count,
                              void (*write)(struct sqlwriter *, const struct subject *))
{
    sqlwriter_table(writer, table, column_count);
    for (size_t i = 0; i < recording->subject_count; i++) {
        write(writer, recording->subjects[i]);
    }
}

void tables_write(struct sqlwriter *writer, const struct run_facts *facts,
                  const struct recording *recording)
{
    tables_write_stacks(writer, &recording->stacks);
    tables_write_contexts(writer, &recording->contexts);
    tables_write_each(writer, recording, "process", 35, tables_write_process);
    tables_write_each(writer, recording, "thread", 11, tables_write_threads);
    tables_write_each(writer, recording, "module_load", 6, tables_write_loads);
    sqlwriter_table(writer, "site", 31);
    tables_write_sites(writer, recording, false);
    sqlwriter_table(writer, "temporary", 4);
    tables_write_sites(writer, recording, true);
    tables_write_each(writer, recording, "site_leak", 5, tables_write_leaks);
    tables_write_each(writer, recording, "size_class", 9, tables_write_sizes);
    tables_write_each(writer, recording, "lifetime_class", 4, tables_write_lifetimes);
    tables_write_each(writer, recording, "timeline", 9, tables_write_slices);
    latency_rows_write(writer, recording);
    tables_write_marks(writer, recording);
    tables_write_counters(writer, recording);
    tables_write_facts(writer, recording);
    faults_write(writer, recording);
    sanitizer_reports_write(writer, recording);
    tables_write_each(writer, recording, "memory_sample", 8, tables_write_memory);
    tables_write_each(writer, recording, "resident_range", 7, tables_write_residency);
    tables_write_gc(writer, recording);
    tables_write_scavenges(writer, recording);
    tables_write_go(writer, recording);
    tables_complete_run(writer, facts, recording);
    tables_complete_spread(writer, recording);
}
