/* buffer.c - see buffer.h. */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdbool.h>

/* Room for `extra` more bytes and the zero behind them. */
static bool reserve(lofi_buffer *buffer, size_t extra) {
    if (buffer->failed != LOFI_OK) return false;
    if (extra > buffer->max_bytes || buffer->size > buffer->max_bytes - extra) {
        buffer->failed = LOFI_ERR_MEMORY;
        return false;
    }
    size_t need = buffer->size + extra + 1;
    if (need <= buffer->capacity) return true;
    size_t capacity = buffer->capacity > buffer->max_bytes / 2 ? buffer->max_bytes + 1 : buffer->capacity * 2;
    if (capacity < 64) capacity = 64;
    if (capacity < need) capacity = need;
    char *data = realloc(buffer->data, capacity);
    if (data == NULL) {
        buffer->failed = LOFI_ERR_MEMORY;
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

void lofi_buffer_append(lofi_buffer *buffer, const void *bytes, size_t size) {
    if (size == 0 || !reserve(buffer, size)) return;
    memcpy(buffer->data + buffer->size, bytes, size);
    buffer->size += size;
    buffer->data[buffer->size] = '\0';
}

void lofi_buffer_text(lofi_buffer *buffer, const char *text) {
    lofi_buffer_append(buffer, text, strlen(text));
}

void lofi_buffer_printf(lofi_buffer *buffer, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) {
        if (buffer->failed == LOFI_OK) buffer->failed = LOFI_ERR_FORMAT;
        return;
    }
    if (!reserve(buffer, (size_t)length)) return;
    va_start(arguments, format);
    vsnprintf(buffer->data + buffer->size, (size_t)length + 1, format, arguments);
    va_end(arguments);
    buffer->size += (size_t)length;
}

void lofi_buffer_zeros(lofi_buffer *buffer, size_t size) {
    if (size == 0 || !reserve(buffer, size)) return;
    memset(buffer->data + buffer->size, 0, size + 1);
    buffer->size += size;
}

void lofi_buffer_clear(lofi_buffer *buffer) {
    buffer->size = 0;
    buffer->failed = LOFI_OK;
    if (buffer->data != NULL) buffer->data[0] = '\0';
}

void lofi_buffer_free(lofi_buffer *buffer) {
    free(buffer->data);
    buffer->data = NULL;
    buffer->size = buffer->capacity = 0;
    buffer->failed = LOFI_OK;
}

const char *lofi_buffer_str(const lofi_buffer *buffer) {
    return buffer->data == NULL ? "" : buffer->data;
}

lofi_code lofi_buffer_check(const lofi_buffer *buffer, lofi_error *err) {
    if (buffer->failed == LOFI_OK) return LOFI_OK;
    if (buffer->failed == LOFI_ERR_FORMAT)
        return lofi_fail(err, LOFI_ERR_FORMAT, "cannot format a value that the system refuses");
    return lofi_fail(err, LOFI_ERR_MEMORY,
                     "cannot grow a buffer of %zu bytes: out of memory or past its maximum of %zu", buffer->size,
                     buffer->max_bytes);
}
