/* Any JSON as a tokenizer.json; what opens must encode. */
#include <stdlib.h>

#include "fuzz.h"
#include "text/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const texts[] = {"", " ", "lofi hip hop, 85 bpm", "don't  stop\n<s>caf\u00e9</s>",
                                        "\u96e8\u306e\u591c\U0001F3A7"};
    lofi_error err = LOFI_ERROR_INIT;
    lofi_tokenizer *tokenizer = NULL;
    if (lofi_tokenizer_open(&tokenizer, fuzz_file(data, size), &err) != LOFI_OK) return 0;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int64_t *ids = NULL;
        size_t count;
        if (lofi_tokenizer_encode(tokenizer, texts[i], i * 3, &ids, &count, &err) == LOFI_OK) free(ids);
    }
    lofi_tokenizer_free(tokenizer);
    return 0;
}
