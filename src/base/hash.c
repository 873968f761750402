/* hash.c - see hash.h. */
#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/base_libraries.h"
#include "base/memory.h"

struct lofi_sha256 {
    EVP_MD_CTX *context;
    bool failed; /* an update that OpenSSL refused: kept until the end, where the digits then are all zero */
};

lofi_code lofi_sha256_new(lofi_sha256 **out, lofi_error *err) {
    LOFI_TRY(lofi_library_open(&lofi_library_crypto, err));
    lofi_sha256 *state = calloc(1, sizeof *state);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (state == NULL || context == NULL || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(context);
        free(state);
        return lofi_fail(err, LOFI_ERR_MEMORY, "cannot set up SHA-256");
    }
    state->context = context;
    *out = state;
    return LOFI_OK;
}

void lofi_sha256_add(lofi_sha256 *state, const void *bytes, size_t size) {
    if (size > 0 && EVP_DigestUpdate(state->context, bytes, size) != 1) state->failed = true;
}

void lofi_sha256_add_text(lofi_sha256 *state, const char *text) {
    lofi_sha256_add(state, text, strlen(text) + 1);
}

void lofi_sha256_end(lofi_sha256 *state, char hex[LOFI_SHA256_HEX]) {
    unsigned char digest[EVP_MAX_MD_SIZE] = {0};
    if (EVP_DigestFinal_ex(state->context, digest, NULL) != 1 || state->failed) memset(digest, 0, sizeof digest);
    for (int i = 0; i < 32; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    EVP_MD_CTX_free(state->context);
    free(state);
}

lofi_code lofi_sha256_add_file(lofi_sha256 *state, int file, const char *path, int64_t from, int64_t end,
                               lofi_error *err) {
    void *block = NULL;
    int64_t block_bytes = 256 << 10;
    LOFI_TRY(lofi_alloc(&block, 1, (size_t)block_bytes, "reading a file", err));
    lofi_code code = LOFI_OK;
    while (from < end && code == LOFI_OK) {
        ssize_t got = pread(file, block, (size_t)(end - from < block_bytes ? end - from : block_bytes), from);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) code = lofi_fail_errno(err, errno, "cannot read '%s'", path);
        if (got <= 0) break;
        lofi_sha256_add(state, block, (size_t)got);
        from += got;
    }
    lofi_free(block);
    return code;
}

lofi_code lofi_sha256_file(char hex[LOFI_SHA256_HEX], const char *path, lofi_error *err) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return lofi_fail_errno(err, errno, "cannot open '%s'", path);
    lofi_sha256 *state = NULL;
    lofi_code code = lofi_sha256_new(&state, err);
    if (code == LOFI_OK) code = lofi_sha256_add_file(state, file, path, 0, INT64_MAX, err);
    close(file);
    char digits[LOFI_SHA256_HEX];
    if (state != NULL) lofi_sha256_end(state, digits);
    if (code == LOFI_OK) memcpy(hex, digits, sizeof digits);
    return code;
}
