/*
 * wire.h - fields of a protobuf message, read one by one. Nothing is read beyond its end.
 */
#ifndef ALLOCAUDIT_WIRE_H
#define ALLOCAUDIT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire {
    const unsigned char *at;
    const unsigned char *end;
    bool is_damaged;
};

/* A field: a number, or the bytes of a text, a message or packed numbers. */
struct wire_field {
    uint32_t number;
    bool has_bytes;
    uint64_t value;    /* unless has_bytes */
    struct wire bytes; /* if has_bytes */
};

/* False at the end, or where the message is damaged. */
bool wire_next(struct wire *wire, struct wire_field *out_field);

/* A number from packed ones; false at their end. */
bool wire_varint(struct wire *wire, uint64_t *out_value);

/* Both forms that repeated numbers come in: hands each to take(). False: damaged, or take() failed.
 */
bool wire_each_number(const struct wire_field *field, bool (*take)(void *context, uint64_t value),
                      void *context);

#endif
