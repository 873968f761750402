/* hash.h - SHA-256 (OpenSSL). */
#ifndef LOFI_BASE_HASH_H
#define LOFI_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define LOFI_SHA256_HEX 65 /* 64 digits and the zero */

typedef struct lofi_sha256 lofi_sha256;
lofi_code lofi_sha256_new(lofi_sha256 **out, lofi_error *err) LOFI_MUST_USE;
void lofi_sha256_add(lofi_sha256 *state, const void *bytes, size_t size);
/* A text and its zero byte, so that "ab"+"c" and "a"+"bc" differ. */
void lofi_sha256_add_text(lofi_sha256 *state, const char *text);
/* The bytes from..end of an open file, or as far as it goes; `path` is for messages. Where the file is being read does not move. */
lofi_code lofi_sha256_add_file(lofi_sha256 *state, int file, const char *path, int64_t from, int64_t end,
                               lofi_error *err) LOFI_MUST_USE;
/* Lower-case hexadecimal; frees the state. */
void lofi_sha256_end(lofi_sha256 *state, char hex[LOFI_SHA256_HEX]);
lofi_code lofi_sha256_file(char hex[LOFI_SHA256_HEX], const char *path, lofi_error *err) LOFI_MUST_USE;

#endif
