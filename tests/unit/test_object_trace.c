#include "../../analyzer/go/object_trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Records as Go 1.19 writes them, write by write. */
static const char *const allocation[] = {
    "tracealloc(",
    "0xc000079860",
    ", ",
    "0xd0",
    ", ",
    "struct { F uintptr; x int }",
    ")\n",
    "goroutine ",
    "1",
    " [",
    "running",
    ", locked to thread",
    "]:\n",
    /* where it tells */
    "runtime.mallocgc",
    "(",
    "0xc8",
    ", ",
    "0x4892c0",
    "?",
    ", ",
    "{",
    "0x1",
    ", ",
    "...",
    "}",
    ", ",
    "_",
    ")\n",
    "\t",
    "/usr/lib/go/malloc.go",
    ":",
    "1131",
    " +",
    "0x7b1",
    " fp=",
    "0xc000066ea8",
    " sp=",
    "0xc000066e30",
    " pc=",
    "0x40bc91",
    "\n",
    /* inlined: no address of its own */
    "main.inlined",
    "(...)\n",
    "\t",
    "/home/me/a.go",
    ":",
    "7",
    "\n",
    "main.(*T).temp",
    "(",
    ")\n",
    "\t",
    "/home/me/a.go",
    ":",
    "8",
    " fp=",
    "0xc000066f00",
    " sp=",
    "0xc000066ef0",
    " pc=",
    "0x4812a5",
    "\n",
    "runtime.goexit",
    "(",
    ")\n",
    "\t",
    "/usr/lib/go/asm_amd64.s",
    ":",
    "1594",
    " +",
    "0x1",
    " fp=",
    "0xc000066fe8",
    " sp=",
    "0xc000066fe0",
    " pc=",
    "0x45d0e1",
    "\n",
    "...additional frames elided...\n",
    "created by ",
    "main.main",
    "\n",
    "\t",
    "/home/me/a.go",
    ":",
    "9",
    " +",
    "0x25",
    "\n",
    "\n",
};

static const char *const sweeping[] = {
    "tracefree(",
    "0xc000079860",
    ", ",
    "0xd0",
    ")\n",
    "goroutine ",
    "0",
    " [",
    "idle",
    "]:\n",
    "runtime.(*sweepLocked).sweep",
    "(",
    "0x0",
    "?",
    ", ",
    "0x0",
    ")\n",
    "\t",
    "/usr/lib/go/mgcsweep.go",
    ":",
    "577",
    " +",
    "0x97e",
    " fp=",
    "0x7fff8",
    " sp=",
    "0x7fff0",
    " pc=",
    "0x4225de",
    "\n",
    "\n",
};

static const char *const collecting[] = {
    "tracegc()\n",
    "\n",
    "goroutine ",
    "19",
    " [",
    "GC worker (idle)",
    ", ",
    "5",
    " minutes",
    "]:\n",
    "runtime.gcMarkDone",
    "(",
    ")\n",
    "\t",
    "/usr/lib/go/mgc.go",
    ":",
    "918",
    " +",
    "0x2ac",
    " fp=",
    "0x10",
    " sp=",
    "0x8",
    " pc=",
    "0x41736c",
    "\n",
    "\n",
    "goroutine ",
    "2",
    " [",
    "running",
    "]:\n",
    "\tgoroutine running on other thread; stack unavailable\n",
    "created by ",
    "runtime.init",
    "\n",
    "\t",
    "/usr/lib/go/proc.go",
    ":",
    "3",
    " +",
    "0x1",
    "\n",
    "end tracegc\n",
    "\n",
};

/* What later releases write in the place of the second line and of the last but one. */
static const char *const later[] = {
    "tracealloc(",
    "0xc000010000",
    ", ",
    "0x10",
    ")\n",
    "goroutine ",
    "1",
    " gp=",
    "0xc000006540",
    " m=",
    "3",
    " mp=",
    "0xc000090008",
    " [",
    "running",
    "]:\n",
    "runtime.mallocgc",
    "(",
    ")\n",
    "\t",
    "?",
    ":",
    "0",
    " +",
    "0x1",
    " fp=",
    "0x1",
    " sp=",
    "0x1",
    " pc=",
    "0x1000",
    "\n",
    "created by ",
    "main.main",
    " in goroutine ",
    "1",
    "\n",
    "\t",
    "/home/me/a.go",
    ":",
    "9",
    "\n",
    "\n",
};

#define FEED(trace, pieces, foreign)                                                               \
    feed(trace, pieces, sizeof(pieces) / sizeof((pieces)[0]), foreign)

static enum object_trace_part feed_one(struct object_trace *trace, const char *piece)
{
    return object_trace_feed(trace, piece, strlen(piece));
}

/* Each piece is taken and, if given, a foreign one before it is not. True if it is complete. */
static bool feed(struct object_trace *trace, const char *const *pieces, size_t count,
                 const char *foreign)
{
    enum object_trace_part part = OBJECT_TRACE_FOREIGN;
    for (size_t i = 0; i < count; i++) {
        if (foreign != NULL) {
            assert_int_equal(feed_one(trace, foreign), OBJECT_TRACE_FOREIGN);
        }
        part = feed_one(trace, pieces[i]);
        assert_int_not_equal(part, OBJECT_TRACE_FOREIGN);
        assert_true(part == OBJECT_TRACE_TAKEN || i == count - 1);
    }
    return part == OBJECT_TRACE_COMPLETE;
}

static void assert_allocation(const struct traced_object *object)
{
    assert_int_equal(object->address, 0xc000079860);
    assert_int_equal(object->size_bytes, 0xd0);
    assert_false(object->is_freed);
    assert_int_equal(object->frame_count, 2);
    assert_int_equal(object->frames[0], 0x4812a5);
    assert_int_equal(object->frames[1], 0x45d0e1);
}

static void object_trace_feed_allocation_gives_its_callers(void **state)
{
    (void)state;
    struct object_trace trace = {0};

    assert_true(FEED(&trace, allocation, NULL));

    assert_allocation(&trace.object);
    object_trace_finish(&trace);
    assert_int_equal(trace.damaged_count, 0);
}

static void object_trace_feed_sweeping_gives_the_object(void **state)
{
    (void)state;
    struct object_trace trace = {0};

    assert_true(FEED(&trace, sweeping, NULL));

    assert_true(trace.object.is_freed);
    assert_int_equal(trace.object.address, 0xc000079860);
    assert_int_equal(trace.object.size_bytes, 0xd0);
}

static void object_trace_feed_collection_is_taken_and_no_object(void **state)
{
    (void)state;
    struct object_trace trace = {0};

    assert_false(FEED(&trace, collecting, NULL));

    object_trace_finish(&trace);
    assert_int_equal(trace.damaged_count, 0);
    assert_true(FEED(&trace, later, NULL));
    assert_int_equal(trace.object.frame_count, 0);
}

static void object_trace_feed_leaves_what_others_write(void **state)
{
    (void)state;
    static const char *const foreign[] = {
        "a line\n", "line ", "7\n", " @", "gc ", " MB, ", "\r", "tracealloc(0x10, 0x10)\n",
    };
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        struct object_trace trace = {0};
        assert_true(FEED(&trace, allocation, foreign[i]));
        assert_allocation(&trace.object);
        assert_true(FEED(&trace, sweeping, foreign[i]));
        assert_false(FEED(&trace, collecting, foreign[i]));
        assert_int_equal(trace.damaged_count, 0);
    }
}

static void object_trace_feed_cut_record_is_counted(void **state)
{
    (void)state;
    enum {
        COUNT = sizeof(allocation) / sizeof(allocation[0])
    };
    for (size_t cut = 1; cut < COUNT; cut++) {
        struct object_trace trace = {0};
        (void)feed(&trace, allocation, cut, NULL);
        assert_true(FEED(&trace, allocation, NULL));
        assert_allocation(&trace.object);
        assert_int_equal(trace.damaged_count, 1);
        (void)feed(&trace, allocation, cut, NULL);
        object_trace_finish(&trace);
        assert_int_equal(trace.damaged_count, 2);
        assert_int_equal(feed_one(&trace, "\n"), OBJECT_TRACE_FOREIGN);
    }
}

static void object_trace_feed_without_a_record_takes_nothing(void **state)
{
    (void)state;
    static const char *const pieces[] = {"\n",   "goroutine ", "0x10",       "main.main",
                                         ", ",   "\t",         "tracealloc", "tracefree(0x10",
                                         "0xd0", "",           "tracegc()"};
    struct object_trace trace = {0};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        assert_int_equal(feed_one(&trace, pieces[i]), OBJECT_TRACE_FOREIGN);
    }
    object_trace_finish(&trace);
    assert_int_equal(trace.damaged_count, 0);
}

static void object_trace_feed_keeps_the_frames_that_fit(void **state)
{
    (void)state;
    static const char *const frame[] = {"main.f", "(",   ")\n",  "\t",  "a.go", ":",     "1",
                                        " fp=",   "0x1", " sp=", "0x1", " pc=", "0xabc", "\n"};
    struct object_trace trace = {0};
    (void)feed(&trace, later, 5, NULL);
    for (int i = 0; i < OBJECT_TRACE_FRAMES * 2; i++) {
        assert_false(FEED(&trace, frame, NULL));
    }
    assert_int_equal(feed_one(&trace, "\n"), OBJECT_TRACE_COMPLETE);
    assert_int_equal(trace.object.frame_count, OBJECT_TRACE_FRAMES - 1);
    assert_int_equal(trace.object.frames[OBJECT_TRACE_FRAMES - 2], 0xabc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(object_trace_feed_allocation_gives_its_callers),
        cmocka_unit_test(object_trace_feed_sweeping_gives_the_object),
        cmocka_unit_test(object_trace_feed_collection_is_taken_and_no_object),
        cmocka_unit_test(object_trace_feed_leaves_what_others_write),
        cmocka_unit_test(object_trace_feed_cut_record_is_counted),
        cmocka_unit_test(object_trace_feed_without_a_record_takes_nothing),
        cmocka_unit_test(object_trace_feed_keeps_the_frames_that_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
