#include "memory_rows.h"

#include "subject_rows.h"

static void write_memory(struct sqlwriter *writer, const struct subject *subject)
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

static void write_residency(struct sqlwriter *writer, const struct subject *subject)
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

void memory_rows_write(struct sqlwriter *writer, const struct recording *recording)
{
    subject_rows_write(writer, recording, "memory_sample", 8, write_memory);
    subject_rows_write(writer, recording, "resident_range", 7, write_residency);
}
