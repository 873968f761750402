/* Any text through the tokenizers of prompts: Unigram as UMT5's, byte-level BPE as CLAP's. */
#include <stdlib.h>

#include "fuzz.h"
#include "text/tokenizer.h"

static const char *const files[] = {LOFI_SOURCE_FOLDER "/tests/data/text/umt5_tokenizer.json",
                                    LOFI_SOURCE_FOLDER "/data/reference/evaluation/clap-htsat-unfused/tokenizer.json"};
#define FILES (sizeof files / sizeof *files)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static lofi_tokenizer *tokenizers[FILES];
    lofi_error err = LOFI_ERROR_INIT;
    char *text = fuzz_text(data, size);
    for (size_t i = 0; i < FILES; i++) {
        int64_t *ids = NULL;
        size_t count;
        if (!tokenizers[i] && lofi_tokenizer_open(&tokenizers[i], files[i], &err) != LOFI_OK) abort();
        if (lofi_tokenizer_encode(tokenizers[i], text, 256, &ids, &count, &err) != LOFI_OK) continue;
        if (count > 256) abort();
        for (size_t j = 0; j < count; j++)
            if (ids[j] < 0 || ids[j] >= lofi_tokenizer_vocab_size(tokenizers[i])) abort();
        free(ids);
    }
    free(text);
    return 0;
}
