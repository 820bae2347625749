#include "latency_rows.h"

#include <errno.h>
#include <stdlib.h>

#include "subject_rows.h"

static void write_kinds(struct sqlwriter *writer, const struct subject *subject)
{
    for (unsigned i = 0; i < LATENCY_KINDS; i++) {
        const struct latency_kind *kind = &subject->tally.latency.kinds[i];
        uint64_t call_count = subject->tally.latency.call_counts[i];
        const char *name = latency_kind_name(i);
        if (name == NULL || call_count == 0) {
            continue;
        }
        sqlwriter_integer(writer, subject->id);
        sqlwriter_text(writer, name);
        sqlwriter_integer(writer, call_count);
        sqlwriter_integer(writer, kind->timed != NULL ? kind->timed->count : 0);
        sqlwriter_integer(writer, kind->time_sum_ns);
        sqlwriter_integer(writer, kind->timed != NULL ? kind->timed->max : 0);
        sqlwriter_integer(writer, kind->long_count);
        sqlwriter_integer(writer, kind->long_sum_ns);
        sqlwriter_row(writer);
    }
}

static void write_classes(struct sqlwriter *writer, const struct subject *subject)
{
    for (unsigned i = 0; i < LATENCY_KINDS; i++) {
        const struct histogram *timed = subject->tally.latency.kinds[i].timed;
        const char *name = latency_kind_name(i);
        for (unsigned j = 0; j < HISTOGRAM_CLASSES && name != NULL && timed != NULL; j++) {
            if (timed->counts[j] != 0) {
                sqlwriter_integer(writer, subject->id);
                sqlwriter_text(writer, name);
                sqlwriter_integer(writer, histogram_class_min(j));
                sqlwriter_integer(writer, timed->counts[j]);
                sqlwriter_row(writer);
            }
        }
    }
}

/* Keys come in order: SQLite then appends instead of searching. */
struct site_time {
    uint64_t key; /* stack_id, time_class */
    const struct latency_site *site;
};

static int compare_times(const void *left, const void *right)
{
    const struct site_time *a = left;
    const struct site_time *b = right;
    return (a->key > b->key) - (a->key < b->key);
}

static void write_sites(struct sqlwriter *writer, const struct subject *subject)
{
    const struct latency *latency = &subject->tally.latency;
    struct site_time *sorted = malloc((latency->site_count + 1) * sizeof(*sorted));
    if (sorted == NULL) {
        writer->status = -ENOMEM;
        return;
    }
    for (size_t i = 0; i < latency->site_count; i++) {
        const struct latency_site *site = &latency->sites[i];
        uint64_t stack_id = subject->tally.sites[site->site].stack_id;
        sorted[i] = (struct site_time){stack_id << 32 | site->time_class, site};
    }
    qsort(sorted, latency->site_count, sizeof(*sorted), compare_times);
    for (size_t i = 0; i < latency->site_count; i++) {
        sqlwriter_integer(writer, subject->id);
        sqlwriter_integer(writer, sorted[i].key >> 32);
        sqlwriter_integer(writer,
                          histogram_class_min(sorted[i].site->time_class * LATENCY_SITE_CLASS));
        sqlwriter_integer(writer, sorted[i].site->call_count);
        sqlwriter_integer(writer, sorted[i].site->time_max_ns);
        sqlwriter_row(writer);
    }
    free(sorted);
}

void latency_rows_write(struct sqlwriter *writer, const struct recording *recording)
{
    subject_rows_write(writer, recording, "call_latency", 8, write_kinds);
    subject_rows_write(writer, recording, "latency_class", 4, write_classes);
    subject_rows_write(writer, recording, "site_latency", 5, write_sites);
}
