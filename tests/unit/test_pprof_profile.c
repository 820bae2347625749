#include "../../analyzer/go/pprof_profile.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct err err;

/* A message being written: all numbers here are below 128 or take two bytes. */
struct writing {
    unsigned char bytes[1024];
    size_t size_bytes;
};

static void put_number(struct writing *message, unsigned field, unsigned value)
{
    message->bytes[message->size_bytes++] = (unsigned char)(field << 3);
    if (value >= 128) {
        message->bytes[message->size_bytes++] = (unsigned char)(value | 0x80);
        value >>= 7;
    }
    message->bytes[message->size_bytes++] = (unsigned char)value;
}

static void put_bytes(struct writing *message, unsigned field, const void *bytes, size_t size_bytes)
{
    message->bytes[message->size_bytes++] = (unsigned char)(field << 3 | 2);
    message->bytes[message->size_bytes++] = (unsigned char)size_bytes;
    memcpy(message->bytes + message->size_bytes, bytes, size_bytes);
    message->size_bytes += size_bytes;
}

static void put_message(struct writing *message, unsigned field, const struct writing *inner)
{
    put_bytes(message, field, inner->bytes, inner->size_bytes);
}

static void put_type(struct writing *profile, unsigned string)
{
    struct writing type = {.size_bytes = 0};
    put_number(&type, 1, string);
    put_message(profile, 1, &type);
}

/* Two functions, one inlined into the other at one address, called by a third. */
static struct writing make_profile(void)
{
    static const char *const strings[] = {
        "",           "alloc_objects", "alloc_space", "inuse_objects", "inuse_space",
        "main.inner", "main.outer",    "main.main",   "/src/main.go"};
    struct writing profile = {.size_bytes = 0};
    for (unsigned i = 1; i <= 4; i++) {
        put_type(&profile, i);
    }
    for (unsigned i = 1; i <= 3; i++) {
        struct writing function = {.size_bytes = 0};
        put_number(&function, 1, i);
        put_number(&function, 2, 4 + i);
        put_number(&function, 4, 8);
        put_message(&profile, 5, &function);
    }
    for (unsigned i = 1; i <= 2; i++) {
        struct writing location = {.size_bytes = 0};
        put_number(&location, 1, i);
        for (unsigned k = i == 1 ? 1 : 3; k <= (i == 1 ? 2u : 3u); k++) {
            struct writing line = {.size_bytes = 0};
            put_number(&line, 1, k);
            put_number(&line, 2, 10 * k);
            put_message(&location, 4, &line);
        }
        put_message(&profile, 4, &location);
    }
    struct writing sample = {.size_bytes = 0};
    put_bytes(&sample, 1, "\1\2", 2);           /* packed */
    put_bytes(&sample, 2, "\x0a\x50\4\x20", 4); /* 10 objects, 80 bytes; 4, 32 in use */
    put_message(&profile, 2, &sample);
    struct writing loose = {.size_bytes = 0};
    put_number(&loose, 1, 2); /* not packed */
    for (unsigned i = 0; i < 4; i++) {
        put_number(&loose, 2, 200 + i);
    }
    put_message(&profile, 2, &loose);
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        put_bytes(&profile, 6, strings[i], strlen(strings[i]));
    }
    put_number(&profile, 12, 4096);
    return profile;
}

static void check_profile(const struct pprof_profile *profile)
{
    assert_int_equal(profile->sample_count, 2);
    assert_int_equal(profile->period_bytes, 4096);
    const struct pprof_sample *first = &profile->samples[0];
    assert_int_equal(first->alloc_count, 10);
    assert_int_equal(first->alloc_bytes, 80);
    assert_int_equal(first->inuse_count, 4);
    assert_int_equal(first->inuse_bytes, 32);
    assert_int_equal(first->frame_count, 3);
    const struct pprof_frame *frames = profile->frames + first->first_frame;
    assert_string_equal(frames[0].function, "main.inner");
    assert_string_equal(frames[1].function, "main.outer");
    assert_string_equal(frames[2].function, "main.main");
    assert_string_equal(frames[2].file, "/src/main.go");
    assert_int_equal(frames[2].line, 30);
    assert_int_equal(profile->samples[1].alloc_bytes, 201);
    assert_int_equal(profile->samples[1].inuse_bytes, 203);
    assert_int_equal(profile->samples[1].frame_count, 1);
}

static void pprof_profile_parse_reads_samples_and_stacks(void **state)
{
    (void)state;
    struct writing written = make_profile();
    struct pprof_profile profile;

    assert_int_equal(pprof_profile_parse(written.bytes, written.size_bytes, &profile, &err), 0);

    check_profile(&profile);
    pprof_profile_fini(&profile);
}

static void pprof_profile_read_packed_or_not(void **state)
{
    (void)state;
    struct writing written = make_profile();
    struct pprof_profile profile;
    char path[] = "/tmp/test_pprof_XXXXXX";
    char command[128];
    int fd = mkstemp(path);
    assert_int_equal(write(fd, written.bytes, written.size_bytes), written.size_bytes);
    close(fd);

    assert_int_equal(pprof_profile_read(path, &profile, &err), 0);
    check_profile(&profile);
    pprof_profile_fini(&profile);
    snprintf(command, sizeof(command), "gzip %s && mv %s.gz %s", path, path, path);
    assert_int_equal(system(command), 0);
    assert_int_equal(pprof_profile_read(path, &profile, &err), 0);
    check_profile(&profile);
    pprof_profile_fini(&profile);
    assert_int_equal(truncate(path, 60), 0);
    assert_int_equal(pprof_profile_read(path, &profile, &err), -EBADMSG);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(pprof_profile_read(path, &profile, &err), -ENOENT);
}

static void pprof_profile_parse_other_profiles_are_refused(void **state)
{
    (void)state;
    struct pprof_profile profile;
    struct writing cpu = {.size_bytes = 0};
    put_type(&cpu, 1);
    put_bytes(&cpu, 6, "", 0);
    put_bytes(&cpu, 6, "cpu", 3);

    assert_int_equal(pprof_profile_parse(cpu.bytes, cpu.size_bytes, &profile, &err), -EBADMSG);
    assert_non_null(strstr(err.text, "no heap profile"));
    assert_int_equal(pprof_profile_parse((const unsigned char *)"", 0, &profile, &err), -EBADMSG);
}

/* Whatever a byte becomes: an error, or samples whose frames are all there (sanitizers look on). */
static void pprof_profile_parse_damaged_bytes_stay_within_bounds(void **state)
{
    (void)state;
    const struct writing whole = make_profile();

    for (size_t at = 0; at < whole.size_bytes; at++) {
        for (unsigned value = 0; value < 256; value++) {
            struct pprof_profile profile;
            unsigned char *bytes = malloc(whole.size_bytes); /* so that its end is guarded */
            memcpy(bytes, whole.bytes, whole.size_bytes);
            bytes[at] = (unsigned char)value;
            int r = pprof_profile_parse(bytes, whole.size_bytes, &profile, &err);
            free(bytes);
            assert_true(r == 0 || r == -EBADMSG);
            for (size_t i = 0; r == 0 && i < profile.sample_count; i++) {
                const struct pprof_sample *sample = &profile.samples[i];
                assert_true(sample->first_frame + sample->frame_count <= profile.frame_count);
                assert_true(sample->alloc_count <= INT64_MAX);
            }
            if (r == 0) {
                pprof_profile_fini(&profile);
            }
        }
    }
    for (size_t size_bytes = 1; size_bytes < whole.size_bytes; size_bytes++) {
        struct pprof_profile profile;
        unsigned char *bytes = malloc(size_bytes);
        memcpy(bytes, whole.bytes, size_bytes);
        if (pprof_profile_parse(bytes, size_bytes, &profile, &err) == 0) {
            pprof_profile_fini(&profile);
        }
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pprof_profile_parse_reads_samples_and_stacks),
        cmocka_unit_test(pprof_profile_read_packed_or_not),
        cmocka_unit_test(pprof_profile_parse_other_profiles_are_refused),
        cmocka_unit_test(pprof_profile_parse_damaged_bytes_stay_within_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
