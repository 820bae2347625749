#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/collect/recording/recording.h"
#include "../../schema/unrecorded_reason.h"

static struct recording recording;
static struct ring_header *ring;

static int make(void **state)
{
    (void)state;
    ring = calloc(1, sizeof(*ring));
    return ring != NULL ? recording_init(&recording, NULL) : -1;
}

static int end(void **state)
{
    (void)state;
    recording_fini(&recording);
    free(ring);
    return 0;
}

static void put(unsigned place, uint32_t reason, uint32_t count, const char *path)
{
    struct ring_unrecorded *entry = &ring->unrecorded[place];
    atomic_store(&entry->state, UNRECORDED_TOLD);
    atomic_store(&entry->count, count);
    entry->reason = reason;
    entry->pid = 100 + place;
    entry->process_key = place;
    (void)snprintf(entry->path, sizeof(entry->path), "%s", path);
}

static void unrecorded_take_told_program_is_counted_once(void **state)
{
    (void)state;
    struct subject *subject;
    assert_int_equal(recording_subject(&recording, 1, 50, 0, &subject), 0);
    put(1, UNRECORDED_STATIC, 3, "/a");
    put(2, UNRECORDED_STATIC, 2, "/a");
    put(3, UNRECORDED_PRELOAD, 1, "/a");
    atomic_store(&ring->unrecorded_more, 4);

    unrecorded_take(&recording, ring);

    const struct unrecorded *found = &recording.unrecorded;
    assert_int_equal(found->program_count, 2);
    assert_int_equal(found->programs[0].process_count, 5);
    assert_int_equal(found->programs[0].pid, 101);
    assert_int_equal(found->programs[0].parent_id, subject->id);
    assert_int_equal(found->programs[1].reason, UNRECORDED_PRELOAD);
    assert_int_equal(found->programs[1].parent_id, 0);
    assert_int_equal(found->more_count, 4);
}

static void unrecorded_take_what_cannot_be_is_left_out(void **state)
{
    (void)state;
    put(0, UNRECORDED_STATIC, 0, "/has/failed");
    put(1, UNRECORDED_REASON_COUNT, 1, "/no/reason");
    put(2, UNRECORDED_STATIC, 1, "/half/written");
    atomic_store(&ring->unrecorded[2].state, UNRECORDED_CLAIMED);
    put(3, UNRECORDED_MACHINE, 1, "");
    memset(ring->unrecorded[3].path, 'x', sizeof(ring->unrecorded[3].path));

    unrecorded_take(&recording, ring);

    assert_int_equal(recording.unrecorded.program_count, 1);
    assert_int_equal(strlen(recording.unrecorded.programs[0].path), RING_UNRECORDED_PATH_BYTES - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(unrecorded_take_told_program_is_counted_once, make, end),
        cmocka_unit_test_setup_teardown(unrecorded_take_what_cannot_be_is_left_out, make, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
