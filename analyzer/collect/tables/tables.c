#include "tables.h"

#include <math.h>
#include <stdio.h>

#include "../recording/faults.h"
#include "../recording/sanitizer_reports.h"
#include "class_rows.h"
#include "go_rows.h"
#include "latency_rows.h"
#include "memory_rows.h"
#include "per_site_rows.h"
#include "process_rows.h"
#include "spread_columns.h"

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
        struct spread spread = spread_columns_sum(&recording->subjects[i]->tally);
        spread_columns_add(&sum, &spread);
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

void tables_write(struct sqlwriter *writer, const struct run_facts *facts,
                  const struct recording *recording)
{
    tables_write_stacks(writer, &recording->stacks);
    tables_write_contexts(writer, &recording->contexts);
    process_rows_write(writer, recording);
    per_site_rows_write(writer, recording);
    class_rows_write(writer, recording);
    latency_rows_write(writer, recording);
    tables_write_marks(writer, recording);
    tables_write_counters(writer, recording);
    tables_write_facts(writer, recording);
    faults_write(writer, recording);
    sanitizer_reports_write(writer, recording);
    unrecorded_write(writer, recording);
    memory_rows_write(writer, recording);
    go_rows_write(writer, recording);
    tables_complete_run(writer, facts, recording);
    tables_complete_spread(writer, recording);
}
