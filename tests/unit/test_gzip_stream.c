#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "../../analyzer/export/gzip_stream.h"
#include "../../analyzer/export/protobuf.h"

/* What zlib makes of the file again. */
static size_t inflate_file(const char *data, size_t size_bytes, unsigned char *into, size_t room)
{
    z_stream zlib = {.next_in = (unsigned char *)data,
                     .avail_in = (unsigned)size_bytes,
                     .next_out = into,
                     .avail_out = (unsigned)room};
    assert_int_equal(inflateInit2(&zlib, 15 + 16), Z_OK);
    assert_int_equal(inflate(&zlib, Z_FINISH), Z_STREAM_END);
    size_t made = room - zlib.avail_out;
    assert_int_equal(inflateEnd(&zlib), Z_OK);
    return made;
}

static void gzip_stream_write_gives_what_zlib_reads(void **state)
{
    (void)state;
    enum {
        PART_BYTES = 1000,
        PART_COUNT = 500
    };
    unsigned char *written = malloc(PART_BYTES * PART_COUNT);
    unsigned char *read = malloc(PART_BYTES * PART_COUNT + 1);
    assert_non_null(written);
    assert_non_null(read);
    uint32_t random = 1;
    for (size_t i = 0; i < PART_BYTES * PART_COUNT; i++) {
        random = random * 1664525 + 1013904223;
        written[i] = (unsigned char)(random >> 24); /* does not compress: output overflows */
    }
    char *data = NULL;
    size_t size_bytes = 0;
    FILE *stream = open_memstream(&data, &size_bytes);
    struct gzip_stream *gzip = NULL;
    assert_int_equal(gzip_stream_open(stream, &gzip), 0);

    for (size_t i = 0; i < PART_COUNT; i++) {
        assert_int_equal(gzip_stream_write(gzip, written + i * PART_BYTES, PART_BYTES), 0);
    }
    assert_int_equal(gzip_stream_finish(gzip), 0);
    gzip_stream_close(gzip);
    assert_int_equal(fclose(stream), 0);

    size_t made = inflate_file(data, size_bytes, read, PART_BYTES * PART_COUNT + 1);
    assert_int_equal(made, PART_BYTES * PART_COUNT);
    assert_memory_equal(read, written, made);
    free(data);
    free(read);
    free(written);
}

static void gzip_stream_write_tells_a_full_disk(void **state)
{
    (void)state;
    FILE *stream = fopen("/dev/full", "w");
    assert_non_null(stream);
    assert_int_equal(setvbuf(stream, NULL, _IONBF, 0), 0);
    struct gzip_stream *gzip = NULL;
    assert_int_equal(gzip_stream_open(stream, &gzip), 0);

    assert_int_equal(gzip_stream_write(gzip, "text", 4), -EIO);
    assert_int_equal(gzip_stream_finish(gzip), -EIO);

    assert_true(ferror(stream));
    gzip_stream_close(gzip);
    (void)fclose(stream);
}

static void assert_message(const struct str *message, const char *bytes, size_t size_bytes)
{
    assert_int_equal(message->size_bytes, size_bytes);
    assert_memory_equal(message->text, bytes, size_bytes);
}

static void protobuf_fields_are_those_of_the_specification(void **state)
{
    (void)state;
    struct str message = {0};

    assert_int_equal(protobuf_number(&message, 1, 150), 0);
    assert_message(&message, "\x08\x96\x01", 3);
    str_clear(&message);
    assert_int_equal(protobuf_bytes(&message, 2, "testing", 7), 0);
    assert_message(&message, "\x12\x07testing", 9);
    str_clear(&message);
    assert_int_equal(protobuf_number(&message, 3, 0), 0);
    assert_int_equal(message.size_bytes, 0);
    assert_int_equal(protobuf_varint(&message, UINT64_MAX), 0);
    assert_message(&message, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10);

    str_fini(&message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gzip_stream_write_gives_what_zlib_reads),
        cmocka_unit_test(gzip_stream_write_tells_a_full_disk),
        cmocka_unit_test(protobuf_fields_are_those_of_the_specification),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
