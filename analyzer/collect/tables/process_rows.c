#include "process_rows.h"

#include "spread_columns.h"
#include "subject_rows.h"

static const char *const leak_outcome_words[] = {
#define X(name, word) (word),
    LEAK_OUTCOMES(X)
#undef X
};

/* False of a sample, and of what a killed collector has left: some figures are not known there. */
static bool is_exact(const struct recording *recording)
{
    return recording->sample_bytes == 0 && recording->sink == NULL;
}

static void write_paused(struct sqlwriter *writer, const struct subject *subject)
{
    if (!is_exact(subject->recording)) {
        sqlwriter_null(writer);
        sqlwriter_null(writer);
        return;
    }
    sqlwriter_integer(writer, subject->paused_allocation_count);
    sqlwriter_integer(writer, subject->paused_allocated_bytes);
}

static void write_process(struct sqlwriter *writer, const struct subject *subject)
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
    struct spread spread = spread_columns_sum(tally);
    spread_columns_write(writer, subject->recording->sample_bytes != 0, &spread);
    sqlwriter_integer_or_null(writer, subject->cpu_time_ns);
    sqlwriter_text(writer, leak_outcome_words[subject->leak_outcome]);
    sqlwriter_integer_or_null(writer, subject->leak_scan_ns);
    write_paused(writer, subject);
    sqlwriter_integer(writer, subject->is_malloc_replaced);
    sqlwriter_row(writer);
}

static void write_threads(struct sqlwriter *writer, const struct subject *subject)
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

static void write_loads(struct sqlwriter *writer, const struct subject *subject)
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

void process_rows_write(struct sqlwriter *writer, const struct recording *recording)
{
    subject_rows_write(writer, recording, "process", 36, write_process);
    subject_rows_write(writer, recording, "thread", 11, write_threads);
    subject_rows_write(writer, recording, "module_load", 6, write_loads);
}
