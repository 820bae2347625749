#include "go_rows.h"

static void write_size_or_null(struct sqlwriter *writer, uint64_t size_bytes)
{
    if (size_bytes == GCTRACE_UNKNOWN) {
        sqlwriter_null(writer);
    } else {
        sqlwriter_integer(writer, size_bytes);
    }
}

static void write_gc(struct sqlwriter *writer, const struct recording *recording)
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
        write_size_or_null(writer, cycle->stack_bytes);
        write_size_or_null(writer, cycle->global_bytes);
        sqlwriter_integer(writer, cycle->processor_count);
        sqlwriter_integer(writer, cycle->is_forced);
        sqlwriter_row(writer);
    }
}

static void write_scavenges(struct sqlwriter *writer, const struct recording *recording)
{
    sqlwriter_table(writer, "scavenge", 7);
    for (size_t i = 0; i < recording->scavenge_count; i++) {
        const struct scavenge *scavenge = &recording->scavenges[i];
        sqlwriter_integer(writer, recording->go.process_id);
        sqlwriter_integer(writer, scavenge->at_ns);
        sqlwriter_integer(writer, scavenge->released_bytes);
        write_size_or_null(writer, scavenge->eager_bytes);
        sqlwriter_integer(writer, scavenge->returned_bytes);
        sqlwriter_integer(writer, scavenge->in_use_pct);
        sqlwriter_integer(writer, scavenge->is_forced);
        sqlwriter_row(writer);
    }
}

static void write_go(struct sqlwriter *writer, const struct recording *recording)
{
    const struct go_facts *go = &recording->go;
    if (go->process_id == 0) {
        return;
    }
    sqlwriter_table(writer, "go_runtime", 13);
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
    sqlwriter_integer(writer, go->damaged_object_count);
    sqlwriter_row(writer);
}

void go_rows_write(struct sqlwriter *writer, const struct recording *recording)
{
    write_gc(writer, recording);
    write_scavenges(writer, recording);
    write_go(writer, recording);
}
