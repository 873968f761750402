/* case_resample.c - 48 kHz to the rates of the alignment models, as the trainer's resampler does it. */
#include <stdlib.h>
#include <string.h>

#include "audio/resample_sinc.h"
#include "eval/selftest_case.h"

#define LIMIT 1e-5
#define FROM  48000 /* Hz */

/* All channels: x [channels, count] -> *y [channels, *length], in the case's arena. */
static lofi_code resample(lofi_selftest *test, int to_rate, const float *x, int64_t channels, int64_t count, float **y,
                          int64_t *length, lofi_error *err) {
    lofi_resampler *resampler;
    LOFI_TRY(lofi_resampler_new(&resampler, FROM, to_rate, err));
    *length = lofi_resampler_length(resampler, count);
    *y = lofi_arena_alloc(test->arena, (size_t)(channels * *length + 1) * sizeof **y);
    for (int64_t c = 0; *y && c < channels; c++) lofi_resampler_run(resampler, x + c * count, count, *y + c * *length);
    lofi_resampler_free(resampler);
    return *y ? LOFI_OK : lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for resampled sound");
}

/* "to_24000" -> 24000, 0 for other names. */
static int rate_of(const char *name) {
    char *end;
    if (strncmp(name, "to_", 3) != 0) return 0;
    long rate = strtol(name + 3, &end, 10);
    return *end == '\0' && rate > 0 && rate < 10000000 ? (int)rate : 0;
}

static lofi_code run_case(lofi_selftest *test, lofi_error *err) {
    const lofi_stored_tensor *audio;
    const float *x;
    size_t compared = 0;
    LOFI_TRY(lofi_selftest_input(&audio, test, "audio_48k", 2, err));
    LOFI_TRY(lofi_recorded_f32(&x, test, audio, 0, audio->count, err));
    for (size_t i = 0; i < lofi_safetensors_count(test->recorded); i++) {
        const char *name = lofi_safetensors_at(test->recorded, i)->name;
        int rate = rate_of(name);
        if (rate == 0) continue;
        float *y;
        int64_t length;
        LOFI_TRY(resample(test, rate, x, audio->dims[0], audio->dims[1], &y, &length, err));
        LOFI_TRY(lofi_selftest_compare(test, name, y, 2, (int64_t[]){audio->dims[0], length}, LIMIT, err));
        compared++;
    }
    return compared > 0 ? LOFI_OK : lofi_fail(err, LOFI_ERR_NOT_FOUND, "case 'resample' has no tensor 'to_RATE'");
}

const lofi_selftest_case lofi_case_resample = {.name = "resample", .run = run_case};
