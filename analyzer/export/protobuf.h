/*
 * protobuf.h - fields of a protocol buffers message, appended to a string. As much as profile.proto
 * needs: varints, bytes, packed lists of varints. Return 0 or -ENOMEM.
 */
#ifndef ALLOCAUDIT_PROTOBUF_H
#define ALLOCAUDIT_PROTOBUF_H

#include <stddef.h>
#include <stdint.h>

#include "../base/str.h"

int protobuf_varint(struct str *message, uint64_t value);

/* A field with a number; 0 is what a reader takes a missing one for, and is left out. */
int protobuf_number(struct str *message, unsigned field, uint64_t value);

/* A field with bytes: a text, a message, a packed list. */
int protobuf_bytes(struct str *message, unsigned field, const char *bytes, size_t size_bytes);

#endif
