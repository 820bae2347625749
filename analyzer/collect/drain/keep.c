#include "keep.h"

/*
 * A thread's first stacks are mostly known from other threads. Noting only which site they belong
 * to keeps the journal of a program with many short threads small.
 */
static int keep_stack(struct recording *recording, struct reader *reader, const uint64_t *words,
                      const struct journal_event *kept, struct err *err)
{
    struct lane_context *lane = &reader->context;
    uint32_t local_id = ((const struct event_stack *)words)->local_id;
    size_t nodes = recording->stacks.node_count;
    size_t frames = recording->stacks.frame_count;
    size_t sites = lane->subject->tally.site_count;
    int r = subject_apply(lane, words, kept->stamp_ns, err);
    if (r < 0) {
        return r;
    }
    bool is_known = recording->stacks.node_count == nodes &&
                    recording->stacks.frame_count == frames &&
                    lane->subject->tally.site_count == sites && local_id < lane->site_count;
    if (is_known) {
        struct journal_stack known = {
            .lane = kept->lane,
            .local_id = local_id,
            .site = lane->sites[local_id],
            .position = kept->position,
        };
        journal_add(recording->journal, JOURNAL_STACK, &known, sizeof(known), NULL, 0);
    } else {
        journal_add(recording->journal, JOURNAL_EVENT, kept, sizeof(*kept), words,
                    kept->words_bytes);
    }
    return 0;
}

int keep_and_apply(struct recording *recording, struct reader *reader, const uint64_t *words,
                   uint64_t stamp_ns, struct err *err)
{
    if (recording->journal == NULL) {
        return subject_apply(&reader->context, words, stamp_ns, err);
    }
    struct journal_event kept = {
        .lane = reader->lane_index,
        .words_bytes = reader->event_bytes,
        .position = reader_position(reader),
        .stamp_ns = stamp_ns,
        .row_count = recording->rows != NULL ? rowpack_row_count(recording->rows) : 0,
    };
    if (event_tag(words[0]) == EVENT_STACK) {
        return keep_stack(recording, reader, words, &kept, err);
    }
    journal_add(recording->journal, JOURNAL_EVENT, &kept, sizeof(kept), words, kept.words_bytes);
    return subject_apply(&reader->context, words, stamp_ns, err);
}

void keep_rss(struct subject *subject, uint64_t at_ns, uint64_t rss_bytes)
{
    uint64_t slice = at_ns >> subject->tally.slice_shift;
    if (subject->kept_rss != NULL && subject->kept_rss_slice == slice) {
        if (rss_bytes > subject->kept_rss->rss_bytes) {
            subject->kept_rss->rss_bytes = rss_bytes;
        }
        return;
    }
    struct journal_rss kept = {.subject_id = subject->id, .at_ns = at_ns, .rss_bytes = rss_bytes};
    subject->kept_rss =
        journal_add(subject->recording->journal, JOURNAL_RSS, &kept, sizeof(kept), NULL, 0);
    subject->kept_rss_slice = slice;
}

void keep_end(const struct subject *subject)
{
    struct journal_end kept = {
        .subject_id = subject->id,
        .end = subject->end,
        .exit_status = subject->exit_status,
        .exit_signal = subject->exit_signal,
        .ended_ns =
            subject->ended_ns > subject->last_event_ns ? subject->ended_ns : subject->last_event_ns,
    };
    journal_add(subject->recording->journal, JOURNAL_END, &kept, sizeof(kept), NULL, 0);
}
