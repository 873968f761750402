/* Any lyrics through the lyric tokenizer, in the language that is guessed. */
#include <stdlib.h>

#include "fuzz.h"
#include "text/lyric_tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static lofi_lyric_tokenizer *tokenizer;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_lyric_tokens tokens = {0};
    char *text = fuzz_text(data, size);
    if (!tokenizer && lofi_lyric_tokenizer_open(
                          &tokenizer, LOFI_SOURCE_FOLDER "/tests/data/text/small_lyric_vocab.json", &err) != LOFI_OK)
        abort();
    if (lofi_lyric_tokenizer_encode(tokenizer, text, NULL, &tokens, &err) == LOFI_OK) {
        if (tokens.count < 1 || tokens.count > LOFI_LYRIC_MAX_TOKENS) abort();
        lofi_lyric_tokens_free(&tokens);
    }
    free(text);
    return 0;
}
