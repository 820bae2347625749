#include "faults.h"

#include <stdlib.h>

#include "../../base/vec.h"
#include "recording.h"

enum {
    TOLD_APART_NS = 1000000000, /* between a free and what is told of it, on a busy machine */
    LOOKED_BACK = 64,
    INTERIORS_LOOKED_FOR = 100, /* each is a walk over all live blocks */
};

/* Room for one more, or NULL with *out_r set. */
static struct fault *faults_push(struct subject *subject, uint32_t by, int *out_r)
{
    struct faults *faults = &subject->recording->faults;
    *out_r = 0;
    if (faults->count >= FAULTS_MOST) {
        return NULL;
    }
    *out_r = vec_reserve((void **)&faults->items, &faults->capacity, faults->count + 1,
                         sizeof(*faults->items));
    if (*out_r < 0) {
        return NULL;
    }
    struct fault *fault = &faults->items[faults->count++];
    *fault = (struct fault){
        .subject = subject, .thread_id = subject->threads[by].id, .given = FAULT_GIVES_NOTHING};
    return fault;
}

int faults_add_misfit(struct subject *subject, const struct block *block, enum free_kind call,
                      uint32_t by, uint64_t at_ns, uint64_t given)
{
    int r;
    bool is_match = faults_is_match(block->kind, call);
    struct fault *fault = faults_push(subject, by, &r);
    if (fault != NULL) {
        fault->at_ns = at_ns;
        fault->address = fault->block_address = block->address;
        fault->block_stack_id = subject->tally.sites[block->site].stack_id;
        fault->kind = is_match ? FAULT_WRONG_SIZE : FAULT_MISMATCHED_FREE;
        fault->given = is_match ? given : FAULT_GIVES_NOTHING;
        fault->call = (uint8_t)call;
    }
    return r;
}

/* One free may come twice: as an event, and as what the library says of it. */
static struct fault *faults_find_other_half(struct subject *subject, uint64_t address, uint32_t by,
                                            uint64_t at_ns)
{
    const struct faults *faults = &subject->recording->faults;
    size_t least = faults->count > LOOKED_BACK ? faults->count - LOOKED_BACK : 0;
    for (size_t i = faults->count; i > least; i--) {
        struct fault *fault = &faults->items[i - 1];
        uint64_t apart_ns = fault->at_ns > at_ns ? fault->at_ns - at_ns : at_ns - fault->at_ns;
        if (!fault->is_told && fault->subject == subject && fault->address == address &&
            fault->thread_id == subject->threads[by].id && apart_ns < TOLD_APART_NS) {
            return fault;
        }
    }
    return NULL;
}

static void faults_find_interior(struct fault *fault)
{
    size_t cursor = 0;
    struct subject *subject = fault->subject;
    if (subject->recording->faults.count > INTERIORS_LOOKED_FOR) {
        return;
    }
    for (const struct block *b; (b = live_next(&subject->live, &cursor)) != NULL;) {
        if (fault->address > b->address && fault->address - b->address < b->size_bytes &&
            b->kind != ALLOC_KIND_INTERNAL) {
            fault->kind = FAULT_INTERIOR_FREE;
            fault->block_address = b->address;
            fault->block_stack_id = subject->tally.sites[b->site].stack_id;
            return;
        }
    }
}

static int faults_add_free(struct subject *subject, uint64_t address, enum free_kind call,
                           uint32_t by, uint64_t at_ns, uint32_t stack_id)
{
    int r;
    struct fault *fault = faults_push(subject, by, &r);
    if (fault != NULL) {
        fault->at_ns = at_ns;
        fault->address = fault->block_address = address;
        fault->kind = FAULT_SUSPECT_FREE;
        fault->call = (uint8_t)call;
        fault->stack_id = stack_id;
        faults_find_interior(fault);
    }
    return r;
}

int faults_add_stranger(struct subject *subject, uint64_t address, enum free_kind call, uint32_t by,
                        uint64_t at_ns)
{
    struct fault *told = faults_find_other_half(subject, address, by, at_ns);
    subject->threads[by].stranger_address = address;
    if (told != NULL && told->stack_id != 0) {
        told->is_told = true;
        return 0;
    }
    /* A sample misses births, and a forked child may free what its parent made. */
    if (subject->recording->sample_bytes != 0 || subject->start == SUBJECT_STARTED_BY_FORK) {
        return 0;
    }
    return faults_add_free(subject, address, call, by, at_ns, 0);
}

/*
 * A live block may bear the secret of free ones: one that glibc took off the list of a thread that
 * has ended, and that nobody has written to since. Its free comes before what is told of it, and
 * has found it by now; or waits for its allocation still.
 */
static bool faults_was_live(struct subject *subject, uint64_t address, uint32_t by)
{
    struct thread *thread = &subject->threads[by];
    for (size_t i = 0; i < subject->early_count; i++) {
        if (subject->early[i].address == address && subject->early[i].by == by) {
            return false;
        }
    }
    bool was_live = thread->stranger_address != address;
    thread->stranger_address = 0;
    return was_live;
}

int faults_add_told(struct subject *subject, const uint64_t *words, uint32_t by, uint32_t stack_id,
                    uint64_t at_ns)
{
    unsigned kind = (unsigned)words[2] & 0xffffu;
    unsigned call = (unsigned)(words[2] >> 16) & 0xffffu;
    if (kind == FAULT_BAD_ALIGNMENT && call < ALLOC_KIND_COUNT) {
        int r;
        struct fault *fault = faults_push(subject, by, &r);
        if (fault != NULL) {
            fault->at_ns = at_ns;
            fault->given = words[1];
            fault->kind = FAULT_BAD_ALIGNMENT;
            fault->call = (uint8_t)call;
            fault->stack_id = stack_id;
        }
        return r;
    }
    bool is_suspect = kind == FAULT_SUSPECT_FREE;
    if ((!is_suspect && kind != FAULT_MISMATCHED_FREE) || call >= FREE_KIND_COUNT) {
        return 0;
    }
    uint64_t address = event_free_address(words);
    struct fault *seen = faults_find_other_half(subject, address, by, at_ns);
    if (seen != NULL && seen->stack_id == 0) {
        seen->stack_id = stack_id;
        seen->is_told = true;
        subject->threads[by].stranger_address = 0;
        return 0;
    }
    bool is_before = call == FREE_KIND_REALLOC; /* told before it is recorded */
    if (!is_suspect || live_find(&subject->live, address) != NULL ||
        (!is_before && faults_was_live(subject, address, by))) { /* it looked wrong and was not */
        return 0;
    }
    return faults_add_free(subject, address, (enum free_kind)call, by, at_ns, stack_id);
}

void faults_fini(struct faults *faults)
{
    free(faults->items);
    *faults = (struct faults){0};
}

static void faults_write_row(struct sqlwriter *writer, const struct fault *fault, uint64_t id)
{
    bool is_alignment = fault->kind == FAULT_BAD_ALIGNMENT;
    sqlwriter_integer(writer, id);
    sqlwriter_integer(writer, fault->subject->id);
    sqlwriter_integer(writer, fault->thread_id);
    sqlwriter_integer(writer, fault->at_ns);
    sqlwriter_text(writer, event_fault_kind_name(fault->kind));
    sqlwriter_text(writer, is_alignment ? event_alloc_kind_name(fault->call)
                                        : event_free_kind_name(fault->call));
    if (is_alignment) {
        sqlwriter_null(writer);
    } else {
        sqlwriter_integer(writer, fault->address);
    }
    if (fault->given == FAULT_GIVES_NOTHING) {
        sqlwriter_null(writer);
    } else {
        sqlwriter_integer(writer, fault->given);
    }
    sqlwriter_integer_or_null(writer, fault->stack_id);
    sqlwriter_integer_or_null(writer, fault->block_address);
    sqlwriter_null(writer);
    sqlwriter_integer_or_null(writer, fault->block_stack_id);
    sqlwriter_row(writer);
}

/* Of a recording that lost events, or knows no rows, what was no live block may have been one. */
static void faults_look_blocks_up(struct sqlwriter *writer, bool is_certain)
{
    /* One pass over the rows, whatever the number of faults. */
    sqlwriter_execute(
        writer, "UPDATE fault SET block_id = found.block_id, block_stack_id = found.stack_id FROM"
                " (SELECT f.id AS fault_id, b.id AS block_id, c.stack_id, max(b.born_ns)"
                "  FROM block AS b CROSS JOIN context AS c ON c.id = b.context_id"
                "  CROSS JOIN fault AS f ON f.block_address = c.region_address + b.address_offset"
                "   AND f.process_id = c.process_id AND b.born_ns <= f.at_ns"
                "  GROUP BY f.id) AS found WHERE found.fault_id = fault.id");
    sqlwriter_execute(writer,
                      "UPDATE fault SET kind = CASE WHEN block_id IS NULL THEN 'foreign_free'"
                      " WHEN call = 'realloc' THEN 'realloc_of_freed' ELSE 'double_free' END,"
                      " block_address = iif(block_id IS NULL, NULL, block_address)"
                      " WHERE kind = 'invalid_free' AND (block_id IS NOT NULL OR "
                      "(SELECT detail = 'full' AND sample_bytes IS NULL FROM run))");
    if (!is_certain) {
        sqlwriter_execute(writer, "DELETE FROM fault WHERE stack_id IS NULL AND kind IN"
                                  " ('double_free', 'foreign_free', 'realloc_of_freed')");
    }
}

void faults_write(struct sqlwriter *writer, const struct recording *recording)
{
    const struct faults *faults = &recording->faults;
    bool is_certain = true;
    for (size_t i = 0; i < recording->subject_count; i++) {
        is_certain = is_certain && recording->subjects[i]->lost_event_count == 0;
    }
    sqlwriter_table(writer, "fault", 12);
    for (size_t i = 0; i < faults->count; i++) {
        faults_write_row(writer, &faults->items[i], i + 1);
    }
    if (faults->count > 0) {
        faults_look_blocks_up(writer, is_certain);
    }
}
