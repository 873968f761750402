/* hash.h - SHA-256 (OpenSSL). */
#ifndef LOFI_BASE_HASH_H
#define LOFI_BASE_HASH_H

#include <stddef.h>

#include "base/error.h"

#define LOFI_SHA256_HEX 65 /* 64 digits and the zero */

typedef struct lofi_sha256 lofi_sha256;
lofi_code lofi_sha256_new(lofi_sha256 **out, lofi_error *err) LOFI_MUST_USE;
void lofi_sha256_add(lofi_sha256 *state, const void *bytes, size_t size);
/* A text and its zero byte, so that "ab"+"c" and "a"+"bc" differ. */
void lofi_sha256_add_text(lofi_sha256 *state, const char *text);
/* Lower-case hexadecimal; frees the state. */
void lofi_sha256_end(lofi_sha256 *state, char hex[LOFI_SHA256_HEX]);
lofi_code lofi_sha256_file(char hex[LOFI_SHA256_HEX], const char *path, lofi_error *err) LOFI_MUST_USE;

#endif
