/* fingerprint.c - see fingerprint.h. */
#include "audio/fingerprint.h"

#include <chromaprint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/audio_libraries.h"
#include "base/memory.h"

#define RATE  11025
#define BLOCK 4096

static bool feed(ChromaprintContext *context, const lofi_audio *audio) {
    int16_t block[BLOCK];
    for (int64_t from = 0; from < audio->frames; from += BLOCK) {
        int count = (int)(audio->frames - from < BLOCK ? audio->frames - from : BLOCK);
        for (int i = 0; i < count; i++)
            block[i] = (int16_t)lrintf(fmaxf(-1.0f, fminf(1.0f, audio->samples[from + i])) * 32767.0f);
        if (!chromaprint_feed(context, block, count)) return false;
    }
    return chromaprint_finish(context) != 0;
}

static bool compute(lofi_fingerprint *out, ChromaprintContext *context, const lofi_audio *audio) {
    uint32_t *words = NULL;
    int count = 0;
    if (!chromaprint_start(context, audio->sample_rate, 1) || !feed(context, audio)) return false;
    if (!chromaprint_get_raw_fingerprint(context, &words, &count)) return false;
    out->words = malloc((size_t)count * sizeof *words + 1);
    if (out->words != NULL && count > 0) memcpy(out->words, words, (size_t)count * sizeof *words);
    chromaprint_dealloc(words);
    out->count = (size_t)count;
    return out->words != NULL;
}

lofi_code lofi_fingerprint_compute(lofi_fingerprint *out, const lofi_audio *audio, lofi_error *err) {
    LOFI_TRY(lofi_library_open(&lofi_library_chromaprint, err));
    lofi_fingerprint made = {0};
    ChromaprintContext *context = chromaprint_new(CHROMAPRINT_ALGORITHM_DEFAULT);
    bool done = context != NULL && compute(&made, context, audio);
    if (context != NULL) chromaprint_free(context);
    if (!done) return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for a fingerprint");
    *out = made;
    return LOFI_OK;
}

void lofi_fingerprint_free(lofi_fingerprint *print) {
    free(print->words);
    *print = (lofi_fingerprint){0};
}

lofi_code lofi_fingerprint_write(char **text, const lofi_fingerprint *print, lofi_error *err) {
    LOFI_TRY(lofi_library_open(&lofi_library_chromaprint, err));
    char *encoded = NULL;
    int size = 0;
    if (!chromaprint_encode_fingerprint(print->words, (int)print->count, CHROMAPRINT_ALGORITHM_DEFAULT, &encoded, &size,
                                        1))
        return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for a fingerprint");
    char *copy = strndup(encoded, (size_t)size);
    chromaprint_dealloc(encoded);
    if (copy == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for a fingerprint");
    *text = copy;
    return LOFI_OK;
}

lofi_code lofi_fingerprint_read(lofi_fingerprint *out, const char *text, lofi_error *err) {
    uint32_t *words = NULL;
    int count = 0, algorithm = -1;
    LOFI_TRY(lofi_library_open(&lofi_library_chromaprint, err));
    if (!chromaprint_decode_fingerprint(text, (int)strlen(text), &words, &count, &algorithm, 1) ||
        algorithm != CHROMAPRINT_ALGORITHM_DEFAULT) {
        chromaprint_dealloc(words);
        return lofi_fail(err, LOFI_ERR_FORMAT, "a fingerprint that cannot be read");
    }
    lofi_fingerprint made = {malloc((size_t)count * sizeof *words + 1), (size_t)count};
    if (made.words != NULL && count > 0) memcpy(made.words, words, (size_t)count * sizeof *words);
    chromaprint_dealloc(words);
    if (made.words == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for a fingerprint");
    *out = made;
    return LOFI_OK;
}
