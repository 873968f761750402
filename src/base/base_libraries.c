/* base_libraries.c - see base_libraries.h: every function of OpenSSL's libcrypto that this folder calls. */
#include "base/base_libraries.h"

#include <openssl/evp.h>

lofi_library lofi_library_crypto = {.file = LOFI_FILE_crypto, .package = "libssl3"};

lofi_library *const lofi_base_libraries[] = {&lofi_library_crypto, NULL};

int EVP_DigestFinal_ex(EVP_MD_CTX *ctx, unsigned char *md, unsigned int *s) {
    return LOFI_IMPORTED(crypto, EVP_DigestFinal_ex)(ctx, md, s);
}
int EVP_DigestInit_ex(EVP_MD_CTX *ctx, const EVP_MD *type, ENGINE *impl) {
    return LOFI_IMPORTED(crypto, EVP_DigestInit_ex)(ctx, type, impl);
}
int EVP_DigestUpdate(EVP_MD_CTX *ctx, const void *d, size_t cnt) {
    return LOFI_IMPORTED(crypto, EVP_DigestUpdate)(ctx, d, cnt);
}
void EVP_MD_CTX_free(EVP_MD_CTX *ctx) {
    LOFI_IMPORTED(crypto, EVP_MD_CTX_free)(ctx);
}
EVP_MD_CTX *EVP_MD_CTX_new(void) {
    return LOFI_IMPORTED(crypto, EVP_MD_CTX_new)();
}
const EVP_MD *EVP_sha256(void) {
    return LOFI_IMPORTED(crypto, EVP_sha256)();
}
