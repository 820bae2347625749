#include "../../analyzer/collect/drain/session.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct session_settings make_settings(uint32_t chunk_count)
{
    return (struct session_settings){
        .clock = RING_CLOCK_MONOTONIC,
        .flags = RING_RECORD_MMAP,
        .depth_limit = 77,
        .unwind = RING_UNWIND_FP,
        .max_bytes = ring_bytes(chunk_count),
        .fallback_directory = "/tmp",
    };
}

static void create(struct session *session, const struct session_settings *settings)
{
    struct err err = {{0}};
    if (session_create(session, settings, &err) < 0) {
        fail_msg("%s", err.text);
    }
}

/* Takes every free chunk: each number comes once, and its memory can be written. */
static uint32_t take_all_chunks(struct session *session)
{
    static unsigned char is_seen[100000];
    uint32_t count = 0;
    memset(is_seen, 0, sizeof(is_seen));
    for (uint32_t number; (number = ring_take_chunk(session->ring)) != RING_NO_CHUNK; count++) {
        assert_in_range(number, 1, session->chunk_count);
        assert_int_equal(is_seen[number]++, 0);
        struct chunk *chunk = ring_chunk(session->ring, number);
        chunk->words[0] = number;
        chunk->words[sizeof(chunk->words) / 8 - 1] = number;
    }
    return count;
}

static void session_create_only_the_user_may_enter(void **state)
{
    (void)state;
    const struct session_settings settings = make_settings(300);
    struct session session;
    struct stat status;
    mode_t mask = umask(0);

    create(&session, &settings);
    umask(mask);

    assert_int_equal(stat(session.directory, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_int_equal(stat(session.path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(strncmp(session.path, session.directory, strlen(session.directory)), 0);
    session_destroy(&session);
}

static void session_create_ring_says_what_was_asked_for(void **state)
{
    (void)state;
    const struct session_settings settings = make_settings(300);
    struct session session;

    create(&session, &settings);

    const struct ring_header *ring = session.ring;
    assert_int_equal(ring->magic, RING_MAGIC);
    assert_int_equal(ring->version, RING_VERSION);
    assert_int_equal(ring->clock, RING_CLOCK_MONOTONIC);
    assert_int_equal(ring->flags, RING_RECORD_MMAP);
    assert_int_equal(ring->depth_limit, 77);
    assert_int_equal(ring->unwind, RING_UNWIND_FP);
    assert_int_equal(ring->max_bytes, ring_bytes(300));
    assert_int_equal(ring->is_recording, 1);
    assert_int_equal(ring->next_process_key, 1);
    assert_int_equal(ring->collector_alive & FUTEX_TID_MASK, gettid());
    assert_int_equal(ring->chunk_count, 256);
    assert_int_equal(take_all_chunks(&session), 256);
    session_destroy(&session);
}

/* Preallocated: no page of it can be missing when the program writes there. */
static void session_create_file_has_its_blocks(void **state)
{
    (void)state;
    const struct session_settings settings = make_settings(300);
    struct session session;
    struct stat status;

    create(&session, &settings);

    assert_int_equal(fstat(session.fd, &status), 0);
    assert_int_equal(status.st_size, ring_bytes(256));
    assert_true((uint64_t)status.st_blocks * 512 >= ring_bytes(256));
    session_destroy(&session);
}

static void session_create_small_maximum_is_kept(void **state)
{
    (void)state;
    const uint32_t counts[] = {16, 17, 95, 255, 256, 257};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        const struct session_settings settings = make_settings(counts[i]);
        struct session session;

        create(&session, &settings);

        assert_in_range(session.chunk_count, 16, counts[i]);
        assert_int_equal(take_all_chunks(&session), session.chunk_count);
        session_grow(&session);
        assert_in_range(session.chunk_count, 16, counts[i]);
        session_destroy(&session);
    }
}

static void session_create_maximum_too_small_is_refused(void **state)
{
    (void)state;
    const uint64_t sizes[] = {0, 4096, RING_CHUNKS_OFFSET, ring_bytes(15)};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct session_settings settings = make_settings(16);
        struct session session;
        struct err err = {{0}};
        settings.max_bytes = sizes[i];

        assert_int_equal(session_create(&session, &settings, &err), -EINVAL);

        assert_non_null(strstr(err.text, "too small"));
    }
}

static void session_grow_doubles_up_to_the_maximum(void **state)
{
    (void)state;
    const struct session_settings settings = make_settings(900);
    struct session session;
    create(&session, &settings);
    uint32_t taken = take_all_chunks(&session);

    uint32_t freed_before = session.ring->freed_count;
    session_grow(&session);
    assert_int_equal(session.chunk_count, 512);
    assert_int_not_equal(session.ring->freed_count, freed_before); /* those who wait are woken */
    session_grow(&session);
    assert_int_equal(session.chunk_count, 900);
    session_grow(&session);

    assert_int_equal(session.chunk_count, 900);
    assert_int_equal(session.ring->chunk_count, 900);
    assert_int_equal(taken + take_all_chunks(&session), 900);
    session_destroy(&session);
}

static void session_destroy_leaves_nothing(void **state)
{
    (void)state;
    const struct session_settings settings = make_settings(300);
    struct session session;
    char path[256];
    char directory[256];
    create(&session, &settings);
    snprintf(path, sizeof(path), "%s", session.path);
    snprintf(directory, sizeof(directory), "%s", session.directory);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    struct ring_header *theirs =
        mmap(NULL, RING_HEADER_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(theirs != MAP_FAILED);

    session_destroy(&session);

    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(access(directory, F_OK), -1);
    assert_int_equal(theirs->is_recording, 0); /* the program's mapping stays valid */
    munmap(theirs, RING_HEADER_BYTES);
    close(fd);
    session_destroy(&session); /* safe to call twice */
}

static void session_create_without_any_room_says_so(void **state)
{
    (void)state;
    struct session_settings settings = make_settings(300);
    struct session session;
    struct err err = {{0}};
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit little = {.rlim_cur = 100000, .rlim_max = before.rlim_max};
    void (*old_handler)(int) = signal(SIGXFSZ, SIG_IGN);
    settings.fallback_directory = "/nonexistent/folder";

    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    int missing = session_create(&session, &settings, &err);
    settings.fallback_directory = "/tmp";
    int limited = session_create(&session, &settings, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, old_handler);

    assert_int_equal(missing, -ENOENT);
    assert_int_equal(limited, -EFBIG);
    assert_non_null(strstr(err.text, "/tmp/allocaudit-"));
    create(&session, &settings);
    session_destroy(&session);
}

/* Room for some chunks only: the ring is smaller, and does not grow. */
static void session_create_little_room_makes_a_small_ring(void **state)
{
    (void)state;
    const struct session_settings settings = make_settings(2000);
    struct session session;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit little = {.rlim_cur = ring_bytes(70), .rlim_max = before.rlim_max};
    void (*old_handler)(int) = signal(SIGXFSZ, SIG_IGN);

    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    create(&session, &settings);
    uint32_t chunk_count = session.chunk_count;
    session_grow(&session);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, old_handler);

    assert_int_equal(chunk_count, 64);
    assert_int_equal(session.chunk_count, 64);
    assert_int_equal(take_all_chunks(&session), 64);
    session_destroy(&session);
}

/* However the collector dies, the kernel says so in the ring. */
static void session_owner_killed_is_marked_dead(void **state)
{
    (void)state;
    const struct session_settings settings = make_settings(16);
    int pipe_ends[2];
    assert_int_equal(pipe(pipe_ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct session session;
        struct err err;
        char directory[256] = "";
        if (session_create(&session, &settings, &err) == 0) {
            snprintf(directory, sizeof(directory), "%s", session.directory);
        }
        if (write(pipe_ends[1], directory, sizeof(directory)) == sizeof(directory)) {
            raise(SIGKILL);
        }
        _exit(1);
    }
    char directory[256];
    char path[300];
    int status;
    assert_int_equal(read(pipe_ends[0], directory, sizeof(directory)), sizeof(directory));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    snprintf(path, sizeof(path), "%s/ring", directory);

    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    struct ring_header *ring = mmap(NULL, RING_HEADER_BYTES, PROT_READ, MAP_SHARED, fd, 0);
    assert_true(ring != MAP_FAILED);
    assert_true((ring->collector_alive & FUTEX_OWNER_DIED) != 0);

    munmap(ring, RING_HEADER_BYTES);
    close(fd);
    unlink(path);
    rmdir(directory);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(session_create_only_the_user_may_enter),
        cmocka_unit_test(session_create_ring_says_what_was_asked_for),
        cmocka_unit_test(session_create_file_has_its_blocks),
        cmocka_unit_test(session_create_small_maximum_is_kept),
        cmocka_unit_test(session_create_maximum_too_small_is_refused),
        cmocka_unit_test(session_grow_doubles_up_to_the_maximum),
        cmocka_unit_test(session_destroy_leaves_nothing),
        cmocka_unit_test(session_create_without_any_room_says_so),
        cmocka_unit_test(session_create_little_room_makes_a_small_ring),
        cmocka_unit_test(session_owner_killed_is_marked_dead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
