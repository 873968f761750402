/* long_songs.c - time and memory of one thing that is done with a song of a given length: one side of run.py.
 *
 *     long_songs PART MODEL_FOLDER SECONDS THREADS [DEVICE PRECISION RANK]
 *
 * DEVICE: cpu (the default) or cuda:N; PRECISION: fp32 or bf16, of products on a GPU; RANK: of the adapter, 64 by itself.
 * PART: train (a step: forward, backward, clipping, AdamW of an adapter), train-checkpointing (the same with
 * gradient checkpointing), sample (one run of the transformer), encode (sound to latents), decode (latents to sound),
 * mert, m-hubert (sound to the targets of the alignment).
 * Inputs are random numbers: 512 lyric tokens and 64 of text. Prints one JSON line: seconds of the clock and of all processors in the last of
 * the runs, bytes of activations, and the largest resident size of the process, the mapped weights included. On a GPU also the
 * bytes that weights take there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/threads.h"
#include "common/side.h"
#include "diffusion/denoiser.h"
#include "diffusion/generator.h"
#include "graph/devices.h"
#include "models/audio_decoder.h"
#include "models/audio_encoder.h"
#include "models/ssl_encoder.h"
#include "train/optimizer.h"
#include "train/step.h"

enum { LYRIC = 512, TEXT = 64, RATE = 48000 };
#define CLIP_NORM 0.5

typedef struct bench {
    const char *model;
    double seconds;
    int threads, rank;
    lofi_device *device; /* NULL: the CPU */
    int64_t frames;
    size_t activations, weights; /* weights: on the GPU */
    double wall, processor;      /* of the last run */
} bench;

/* ---- measuring ---- */

/* Calls `run` so many times and keeps what the last one took: earlier ones read the weights and make plans. A GPU has warmed up, and
 * its work is recorded, after some more. */
static lofi_code timed(bench *b, int runs, lofi_code (*run)(void *user, lofi_error *err), void *user, lofi_error *err) {
    if (b->device && runs > 1) runs += 4;
    for (int i = 0; i < runs; i++) {
        int64_t begin = lofi_now_ns();
        int64_t processor = lofi_side_processor_ns();
        LOFI_TRY(run(user, err));
        b->wall = (double)(lofi_now_ns() - begin) * 1e-9;
        b->processor = (double)(lofi_side_processor_ns() - processor) * 1e-9;
    }
    if (b->device) b->weights = b->device->copy_bytes;
    return LOFI_OK;
}

static lofi_code normals(float **out, int64_t count, uint64_t stream, lofi_error *err) {
    LOFI_TRY(lofi_alloc((void **)out, (size_t)count, sizeof(float), "numbers", err));
    lofi_random random = lofi_random_at(1, LOFI_RANDOM_TEST, stream);
    lofi_random_fill_normal(&random, 0, *out, (size_t)count);
    return LOFI_OK;
}

static lofi_code folder_of(char path[LOFI_PATH_MAX], const bench *b, const char *name, lofi_error *err) {
    return lofi_path_format(path, err, "%s/%s", b->model, name);
}

/* ---- what a transformer is given ---- */

typedef struct song {
    float *latents, *noise, *text, *speaker, *ones;
    int64_t *ids;
} song;

static lofi_code make_song(song *s, const bench *b, const lofi_ace_step_config *config, lofi_error *err) {
    int64_t count = config->in_channels * config->height * b->frames;
    int64_t ones = b->frames > LYRIC ? b->frames : LYRIC;
    LOFI_TRY(normals(&s->latents, count, 1, err));
    LOFI_TRY(normals(&s->noise, count, 2, err));
    LOFI_TRY(normals(&s->text, TEXT * config->text_width, 3, err));
    LOFI_TRY(normals(&s->speaker, config->speaker_width, 4, err));
    LOFI_TRY(lofi_alloc((void **)&s->ones, (size_t)ones, sizeof(float), "a mask", err));
    LOFI_TRY(lofi_alloc((void **)&s->ids, LYRIC, sizeof *s->ids, "lyric tokens", err));
    for (int64_t i = 0; i < ones; i++) s->ones[i] = 1;
    for (int64_t i = 0; i < LYRIC; i++) s->ids[i] = 1 + i % (config->lyric_vocabulary - 1);
    return LOFI_OK;
}

static void free_song(song *s) {
    lofi_free(s->latents);
    lofi_free(s->noise);
    lofi_free(s->text);
    lofi_free(s->speaker);
    lofi_free(s->ones);
    lofi_free(s->ids);
}

/* ---- a training step ---- */

typedef struct training {
    const bench *bench;
    lofi_loaded *transformer;
    lofi_adapter *adapter;
    lofi_step *step;
    lofi_optimizer *optimizer;
    song song;
    float *first, *second;
    int64_t updates;
} training;

static lofi_code open_training(training *t, const bench *b, bool checkpointing, lofi_error *err) {
    char folder[LOFI_PATH_MAX];
    lofi_lora_config config = lofi_lora_config_default();
    lofi_step_options options = {.gradients = true, .checkpoint = checkpointing, .threads = b->threads};
    config.rank = b->rank;
    LOFI_TRY(folder_of(folder, b, "ace_step_transformer", err));
    LOFI_TRY(lofi_loaded_open(&t->transformer, &lofi_model_ace_step_transformer, folder, err));
    LOFI_TRY(lofi_adapter_new(&t->adapter, &config, lofi_loaded_table(t->transformer), err));
    lofi_adapter_init(t->adapter, 1);
    LOFI_TRY(lofi_alloc((void **)&t->first, t->adapter->value_count, sizeof(float), "first moments", err));
    LOFI_TRY(lofi_alloc((void **)&t->second, t->adapter->value_count, sizeof(float), "second moments", err));
    LOFI_TRY(lofi_step_new(&t->step, t->transformer, t->adapter, options, err));
    lofi_optimizer_blocks blocks = {.values = t->adapter->values,
                                    .gradient = lofi_step_gradient(t->step),
                                    .first = t->first,
                                    .second = t->second,
                                    .count = t->adapter->value_count};
    LOFI_TRY(lofi_optimizer_new(&t->optimizer, &blocks, b->device, 1, b->threads, err));
    return make_song(&t->song, b, lofi_step_config(t->step), err);
}

static lofi_code take_step(void *user, lofi_error *err) {
    training *t = user;
    static const float sigma = 0.5f, timestep = 500;
    lofi_step_losses losses;
    lofi_step_inputs inputs = {.batch = 1,
                               .frames = t->bench->frames,
                               .text = TEXT,
                               .lyric = LYRIC,
                               .latents = t->song.latents,
                               .noise = t->song.noise,
                               .attention_mask = t->song.ones,
                               .text_states = t->song.text,
                               .text_mask = t->song.ones,
                               .lyric_token_ids = t->song.ids,
                               .lyric_mask = t->song.ones,
                               .speaker = t->song.speaker,
                               .sigma = &sigma,
                               .timestep = &timestep};
    LOFI_TRY(lofi_step_run(t->step, &inputs, &losses, err));
    double norm;
    LOFI_TRY(lofi_optimizer_take(t->optimizer, 0, err));
    LOFI_TRY(lofi_optimizer_norm(t->optimizer, &norm, err));
    lofi_adamw adamw = LOFI_ADAMW_INIT;
    double factor = lofi_clip_factor(norm, CLIP_NORM);
    LOFI_TRY(lofi_optimizer_update(t->optimizer, &adamw, ++t->updates, factor, err));
    return LOFI_OK;
}

static lofi_code train(bench *b, bool checkpointing, lofi_error *err) {
    training t = {.bench = b};
    lofi_code code = open_training(&t, b, checkpointing, err);
    if (code == LOFI_OK) code = timed(b, 2, take_step, &t, err);
    if (code == LOFI_OK) b->activations = lofi_session_get_stats(lofi_step_session(t.step)).buffer_bytes;
    lofi_optimizer_free(t.optimizer);
    lofi_step_free(t.step);
    lofi_adapter_free(t.adapter);
    lofi_loaded_close(t.transformer);
    lofi_free(t.first);
    lofi_free(t.second);
    free_song(&t.song);
    return code;
}

static lofi_code train_plain(bench *b, lofi_error *err) {
    return train(b, false, err);
}

static lofi_code train_checkpointing(bench *b, lofi_error *err) {
    return train(b, true, err);
}

/* ---- a run of the transformer ---- */

typedef struct sampling {
    lofi_loaded *transformer;
    lofi_denoiser *denoiser;
    song song;
} sampling;

static lofi_code predict(void *user, lofi_error *err) {
    sampling *s = user;
    return lofi_denoiser_predict(s->denoiser, LOFI_CONDITION_FULL, s->song.latents, 500, s->song.noise, err);
}

static lofi_code run_sampling(sampling *s, bench *b, lofi_error *err) {
    char folder[LOFI_PATH_MAX];
    LOFI_TRY(folder_of(folder, b, "ace_step_transformer", err));
    LOFI_TRY(lofi_loaded_open(&s->transformer, &lofi_model_ace_step_transformer, folder, err));
    LOFI_TRY(lofi_denoiser_open(&s->denoiser, s->transformer, NULL, b->threads, err));
    LOFI_TRY(make_song(&s->song, b, lofi_denoiser_config(s->denoiser), err));
    lofi_condition_inputs inputs = {
        .text = TEXT, .lyric = LYRIC, .text_states = s->song.text, .lyric_token_ids = s->song.ids};
    LOFI_TRY(lofi_denoiser_set_condition(s->denoiser, LOFI_CONDITION_FULL, &inputs, err));
    LOFI_TRY(lofi_denoiser_start(s->denoiser, b->frames, err));
    LOFI_TRY(timed(b, 2, predict, s, err));
    return lofi_denoiser_measure(&b->activations, s->denoiser, b->frames, TEXT, LYRIC, err);
}

static lofi_code sample(bench *b, lofi_error *err) {
    sampling s = {0};
    lofi_code code = run_sampling(&s, b, err);
    lofi_denoiser_close(s.denoiser);
    lofi_loaded_close(s.transformer);
    free_song(&s.song);
    return code;
}

/* ---- sound to latents, latents to sound ---- */

typedef struct sound {
    lofi_audio_encoder *encoder;
    lofi_audio_decoder *decoder;
    lofi_ssl_encoder *ssl;
    float *values;
    int64_t count;
} sound;

static lofi_code folders(char dcae[LOFI_PATH_MAX], char vocoder[LOFI_PATH_MAX], const bench *b, lofi_error *err) {
    LOFI_TRY(folder_of(dcae, b, "music_dcae_f8c8", err));
    return folder_of(vocoder, b, "music_vocoder", err);
}

static lofi_code run_encoder(void *user, lofi_error *err) {
    sound *s = user;
    lofi_latents latents;
    return lofi_audio_encoder_run(s->encoder, s->values, s->count, &latents, err);
}

static lofi_code encode(bench *b, lofi_error *err) {
    char dcae[LOFI_PATH_MAX], vocoder[LOFI_PATH_MAX];
    sound s = {.count = (int64_t)(b->seconds * RATE)};
    LOFI_TRY(folders(dcae, vocoder, b, err));
    lofi_code code = lofi_audio_encoder_open(&s.encoder, dcae, vocoder, b->threads, err);
    if (code == LOFI_OK) code = normals(&s.values, 2 * s.count, 1, err);
    if (code == LOFI_OK) code = timed(b, 1, run_encoder, &s, err);
    if (code == LOFI_OK) b->activations = lofi_audio_encoder_activation_bytes(s.encoder);
    lofi_audio_encoder_close(s.encoder);
    lofi_free(s.values);
    return code;
}

static lofi_code run_decoder(void *user, lofi_error *err) {
    sound *s = user;
    lofi_audio audio = LOFI_AUDIO_INIT;
    LOFI_TRY(lofi_audio_decoder_run(s->decoder, s->values, s->count, &audio, err));
    lofi_audio_free(&audio);
    return LOFI_OK;
}

static lofi_code decode(bench *b, lofi_error *err) {
    char dcae[LOFI_PATH_MAX], vocoder[LOFI_PATH_MAX];
    sound s = {.count = b->frames};
    LOFI_TRY(folders(dcae, vocoder, b, err));
    lofi_code code = lofi_audio_decoder_open(&s.decoder, dcae, vocoder, b->threads, err);
    if (code == LOFI_OK)
        code = normals(&s.values,
                       lofi_audio_decoder_channels(s.decoder) * lofi_audio_decoder_height(s.decoder) * s.count, 1, err);
    if (code == LOFI_OK) code = timed(b, 1, run_decoder, &s, err);
    if (code == LOFI_OK) b->activations = lofi_audio_decoder_activation_bytes(s.decoder);
    lofi_audio_decoder_close(s.decoder);
    lofi_free(s.values);
    return code;
}

static lofi_code run_ssl(void *user, lofi_error *err) {
    sound *s = user;
    float *states = NULL;
    int64_t frames;
    LOFI_TRY(lofi_ssl_encoder_run(s->ssl, s->values, s->count, s->count, &states, &frames, err));
    lofi_free(states);
    return LOFI_OK;
}

static lofi_code hear(bench *b, int kind, lofi_error *err) {
    char folder[LOFI_PATH_MAX];
    sound s = {.count = (int64_t)(b->seconds * RATE)};
    LOFI_TRY(folder_of(folder, b, lofi_ssl_kinds[kind].folders[0], err));
    lofi_code code = lofi_ssl_encoder_open(&s.ssl, &lofi_ssl_kinds[kind], folder, b->threads, err);
    if (code == LOFI_OK) code = normals(&s.values, 2 * s.count, 1, err);
    if (code == LOFI_OK) code = timed(b, 1, run_ssl, &s, err);
    if (code == LOFI_OK) b->activations = lofi_ssl_encoder_activation_bytes(s.ssl);
    lofi_ssl_encoder_close(s.ssl);
    lofi_free(s.values);
    return code;
}

static lofi_code hear_mert(bench *b, lofi_error *err) {
    return hear(b, 0, err);
}

static lofi_code hear_mhubert(bench *b, lofi_error *err) {
    return hear(b, 1, err);
}

/* ---- the program ---- */

static const struct {
    const char *name;
    lofi_code (*run)(bench *bench, lofi_error *err);
} parts[] = {{"train", train_plain},    {"train-checkpointing", train_checkpointing},
             {"sample", sample},        {"encode", encode},
             {"decode", decode},        {"mert", hear_mert},
             {"m-hubert", hear_mhubert}};

static lofi_code run_part(const char *name, bench *b, lofi_error *err) {
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strcmp(parts[i].name, name) == 0) return parts[i].run(b, err);
    return lofi_fail(err, LOFI_ERR_USAGE, "there is no part '%s'", name);
}

int main(int count, char **arguments) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_threads_bound_spinning(arguments);
    if ((count != 5 && count != 8) || strtod(arguments[3], NULL) < 1) {
        fprintf(stderr, "usage: long_songs PART MODEL_FOLDER SECONDS THREADS [DEVICE fp32|bf16 RANK]\n");
        return 2;
    }
    bench b = {.model = arguments[2],
               .seconds = strtod(arguments[3], NULL),
               .threads = (int)strtol(arguments[4], NULL, 10),
               .rank = count == 8 ? (int)strtol(arguments[7], NULL, 10) : 64};
    b.frames = lofi_song_frames(b.seconds);
    lofi_code code = LOFI_OK;
    if (count == 8) code = lofi_device_open(&b.device, arguments[5], strcmp(arguments[6], "bf16") == 0, &err);
    lofi_device_set_default(b.device);
    if (code == LOFI_OK) code = run_part(arguments[1], &b, &err);
    if (code == LOFI_OK)
        printf("{\"seconds\": %.4f, \"processor_seconds\": %.4f, \"activation_bytes\": %zu, \"weight_bytes\": %zu, "
               "\"peak_bytes\": %lld}\n",
               b.wall, b.processor, b.activations, b.weights, lofi_side_peak_bytes());
    else
        fprintf(stderr, "long_songs: %s\n", err.message);
    lofi_device_close(b.device);
    return code != LOFI_OK;
}
