/* protobuf.c - see protobuf.h. */
#include "onnx/protobuf.h"

#include <string.h>

enum { WIRE_VARINT = 0, WIRE_LENGTH = 2, WIRE_FIXED32 = 5 };

void lofi_protobuf_varint(lofi_buffer *out, uint64_t value) {
    unsigned char bytes[10];
    size_t count = 0;
    do {
        bytes[count++] = (unsigned char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
    } while (value > 0);
    lofi_buffer_append(out, bytes, count);
}

static void tag(lofi_buffer *out, int field, int wire) {
    lofi_protobuf_varint(out, (uint64_t)field << 3 | (uint64_t)wire);
}

void lofi_protobuf_int(lofi_buffer *out, int field, int64_t value) {
    tag(out, field, WIRE_VARINT);
    lofi_protobuf_varint(out, (uint64_t)value);
}

void lofi_protobuf_float(lofi_buffer *out, int field, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    unsigned char bytes[4] = {(unsigned char)bits, (unsigned char)(bits >> 8), (unsigned char)(bits >> 16),
                              (unsigned char)(bits >> 24)};
    tag(out, field, WIRE_FIXED32);
    lofi_buffer_append(out, bytes, sizeof bytes);
}

void lofi_protobuf_begin(lofi_buffer *out, int field, uint64_t size) {
    tag(out, field, WIRE_LENGTH);
    lofi_protobuf_varint(out, size);
}

void lofi_protobuf_bytes(lofi_buffer *out, int field, const void *bytes, size_t size) {
    lofi_protobuf_begin(out, field, size);
    lofi_buffer_append(out, bytes, size);
}

void lofi_protobuf_text(lofi_buffer *out, int field, const char *text) {
    lofi_protobuf_bytes(out, field, text, strlen(text));
}

void lofi_protobuf_message(lofi_buffer *out, int field, const lofi_buffer *message) {
    if (message->failed != LOFI_OK) out->failed = message->failed;
    lofi_protobuf_bytes(out, field, message->data, message->size);
}
