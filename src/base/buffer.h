/* buffer.h - a growing run of bytes or text with a maximum. Always has a zero byte after its end. */
#ifndef LOFI_BASE_BUFFER_H
#define LOFI_BASE_BUFFER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct lofi_buffer {
    char *data;       /* NULL while empty and never grown; yours through lofi_buffer_free */
    size_t size;      /* bytes in use */
    size_t capacity;  /* bytes allocated */
    size_t max_bytes; /* growing past this fails with LOFI_ERR_MEMORY */
    lofi_code failed; /* first failure; appends after a failure do nothing, so check once at the end */
} lofi_buffer;

#define LOFI_BUFFER_INIT                                                                                               \
    { NULL, 0, 0, (size_t)1 << 31, LOFI_OK }

void lofi_buffer_append(lofi_buffer *buffer, const void *bytes, size_t size);
void lofi_buffer_text(lofi_buffer *buffer, const char *text);
void lofi_buffer_printf(lofi_buffer *buffer, const char *format, ...) LOFI_PRINTF(2, 3);
void lofi_buffer_zeros(lofi_buffer *buffer, size_t size);
void lofi_buffer_clear(lofi_buffer *buffer); /* size 0, no failure, keeps the memory */
void lofi_buffer_free(lofi_buffer *buffer);
/* "" instead of NULL. */
const char *lofi_buffer_str(const lofi_buffer *buffer);
/* LOFI_OK, or the first failure with a message. */
lofi_code lofi_buffer_check(const lofi_buffer *buffer, lofi_error *err) LOFI_MUST_USE;

#endif
