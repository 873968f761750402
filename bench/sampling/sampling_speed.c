/* sampling_speed.c - what a run of the diffusion transformer takes while sampling.
 *
 *     sampling_speed TRANSFORMER_FOLDER SECONDS LYRIC_TOKENS THREADS
 *
 * Music of SECONDS with 64 prompt tokens: encoding the conditions, then runs of the network, each timed by the clock; prints the
 * best and the median, and the memory of activations.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "diffusion/denoiser.h"
#include "diffusion/generator.h"

enum { TEXT = 64, RUNS = 9 };

typedef struct bench {
    lofi_loaded *transformer;
    lofi_denoiser *denoiser;
    int64_t frames, lyric;
    float *text, *latents, *output;
    int64_t *ids;
} bench;

static lofi_code normals(float **out, int64_t count, uint64_t stream, lofi_error *err) {
    LOFI_TRY(lofi_alloc((void **)out, (size_t)count, sizeof(float), "numbers", err));
    lofi_random random = lofi_random_at(1, LOFI_RANDOM_TEST, stream);
    lofi_random_fill_normal(&random, 0, *out, (size_t)count);
    return LOFI_OK;
}

static lofi_code open_bench(bench *b, char **arguments, lofi_error *err) {
    LOFI_TRY(lofi_loaded_open(&b->transformer, &lofi_model_ace_step_transformer, arguments[1], err));
    LOFI_TRY(lofi_denoiser_open(&b->denoiser, b->transformer, NULL, (int)strtol(arguments[4], NULL, 10), err));
    const lofi_ace_step_config *config = lofi_denoiser_config(b->denoiser);
    b->frames = lofi_song_frames(strtod(arguments[2], NULL));
    b->lyric = strtoll(arguments[3], NULL, 10);
    int64_t count = config->in_channels * config->height * b->frames;
    LOFI_TRY(normals(&b->text, TEXT * config->text_width, 1, err));
    LOFI_TRY(normals(&b->latents, count, 2, err));
    LOFI_TRY(normals(&b->output, count, 3, err));
    LOFI_TRY(lofi_alloc((void **)&b->ids, (size_t)b->lyric, sizeof *b->ids, "lyric tokens", err));
    for (int64_t i = 0; i < b->lyric; i++) b->ids[i] = i % config->lyric_vocabulary;
    return LOFI_OK;
}

static int by_value(const void *a, const void *b) {
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double seconds_since(int64_t begin) {
    return (double)(lofi_now_ns() - begin) * 1e-9;
}

static lofi_code measure(bench *b, lofi_error *err) {
    double times[RUNS];
    size_t bytes;
    lofi_condition_inputs inputs = {.text = TEXT, .lyric = b->lyric, .text_states = b->text, .lyric_token_ids = b->ids};
    for (int i = 0; i < 2; i++) {
        int64_t begin = lofi_now_ns();
        LOFI_TRY(lofi_denoiser_set_condition(b->denoiser, LOFI_CONDITION_FULL, &inputs, err));
        printf("conditions     %.3f s%s\n", seconds_since(begin), i ? "" : " (first: memory and plan included)");
    }
    LOFI_TRY(lofi_denoiser_start(b->denoiser, b->frames, err));
    for (int i = 0; i < RUNS; i++) {
        int64_t begin = lofi_now_ns();
        LOFI_TRY(lofi_denoiser_predict(b->denoiser, LOFI_CONDITION_FULL, b->latents, 500, b->output, err));
        times[i] = seconds_since(begin);
    }
    qsort(times, RUNS, sizeof *times, by_value);
    LOFI_TRY(lofi_denoiser_measure(&bytes, b->denoiser, b->frames, TEXT, b->lyric, err));
    printf("network run    %.3f s best, %.3f s median of %d; %lld frames, %d blocks\n", times[0], times[RUNS / 2], RUNS,
           (long long)b->frames, lofi_denoiser_config(b->denoiser)->layers);
    printf("activations    %.1f MB\n", (double)bytes / 1e6);
    return LOFI_OK;
}

int main(int count, char **arguments) {
    bench b = {0};
    lofi_error err = LOFI_ERROR_INIT;
    if (count != 5) {
        fprintf(stderr, "usage: sampling_speed TRANSFORMER_FOLDER SECONDS LYRIC_TOKENS THREADS\n");
        return 2;
    }
    lofi_code code = open_bench(&b, arguments, &err);
    if (code == LOFI_OK) code = measure(&b, &err);
    if (code != LOFI_OK) fprintf(stderr, "error: %s\n", err.message);
    lofi_denoiser_close(b.denoiser);
    lofi_loaded_close(b.transformer);
    lofi_free(b.text);
    lofi_free(b.latents);
    lofi_free(b.output);
    lofi_free(b.ids);
    return code == LOFI_OK ? 0 : 1;
}
