#include "class_rows.h"

#include "subject_rows.h"

static void write_sizes(struct sqlwriter *writer, const struct subject *subject)
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

static void write_lifetimes(struct sqlwriter *writer, const struct subject *subject)
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

static void write_slices(struct sqlwriter *writer, const struct subject *subject)
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

void class_rows_write(struct sqlwriter *writer, const struct recording *recording)
{
    subject_rows_write(writer, recording, "size_class", 9, write_sizes);
    subject_rows_write(writer, recording, "lifetime_class", 4, write_lifetimes);
    subject_rows_write(writer, recording, "timeline", 9, write_slices);
}
