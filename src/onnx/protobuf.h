/* protobuf.h - the wire format of Protocol Buffers, as far as ONNX files need it: fields appended to a buffer.
 *
 * Written here and not taken from a library, because models have to be written as a stream: libraries build a message in
 * memory before they write it, and these messages hold gigabytes of weights. Source: protobuf.dev/programming-guides/encoding.
 */
#ifndef LOFI_ONNX_PROTOBUF_H
#define LOFI_ONNX_PROTOBUF_H

#include "base/buffer.h"

void lofi_protobuf_varint(lofi_buffer *out, uint64_t value);
void lofi_protobuf_int(lofi_buffer *out, int field, int64_t value);
void lofi_protobuf_float(lofi_buffer *out, int field, float value);
void lofi_protobuf_bytes(lofi_buffer *out, int field, const void *bytes, size_t size);
void lofi_protobuf_text(lofi_buffer *out, int field, const char *text);
/* A field of type message, whose bytes are those of `message`. */
void lofi_protobuf_message(lofi_buffer *out, int field, const lofi_buffer *message);
/* The beginning of a field of `size` bytes that the caller writes behind it. */
void lofi_protobuf_begin(lofi_buffer *out, int field, uint64_t size);

#endif
