/* examples.c - songs made ready once, and visited many times. */
#include "train/examples.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/decode.h"
#include "base/hash.h"
#include "base/interrupt.h"
#include "base/memory.h"
#include "base/random.h"
#include "graph/device.h"
#include "models/audio_encoder.h"
#include "models/text_encoder.h"
#include "text/lyric_tokenizer.h"

#define SAMPLE_RATE       48000
#define MIN_SECONDS       3
#define MAX_SECONDS       240
#define MAX_ZEROS         0.95
#define PROMPT_CHARACTERS 256
#define TEXT_CACHE_BYTES  ((uint64_t)1 << 30)
#define MAX_NAMED         8

/* One song of a split. */
typedef struct song {
    const lofi_dataset_track *track;
    lofi_safetensors *entry; /* of the cache: the latents lie in it */
    const float *latents;
    int64_t frames;
    lofi_lyric_tokens lyrics;
    float *speaker;                                   /* NULL: zeros */
    lofi_safetensors *target_entries[LOFI_SSL_KINDS]; /* of the cache; NULL without */
    const float *targets[LOFI_SSL_KINDS];
    int64_t target_frames[LOFI_SSL_KINDS];
    bool usable;
} song;

typedef struct split {
    lofi_hf_dataset *dataset;
    song *songs; /* one per different track */
    size_t count;
    size_t *rows; /* rows of usable songs: the song's index */
    size_t row_count;
} split;

struct lofi_examples {
    lofi_examples_settings settings;
    split train, validation;
    lofi_cache *cache;
    lofi_audio_encoder *audio; /* open while songs are prepared */
    char audio_hash[LOFI_SHA256_HEX];
    lofi_ssl_encoder *ssl[LOFI_SSL_KINDS]; /* open while songs are prepared */
    char ssl_hash[LOFI_SSL_KINDS][LOFI_SHA256_HEX];
    lofi_text_encoder *text;
    char text_hash[LOFI_SHA256_HEX];
    lofi_lyric_tokenizer *lyrics;
    lofi_safetensors *text_entry; /* of the last visit */
    float *zero_speaker;
    char *prompt; /* of the last visit */
    size_t prompt_capacity, *tag_order, tag_capacity;
    int64_t max_frames;
    size_t left_out;
    lofi_buffer unlicensed;
};

/* ---- latents ---- */

/* What a device computes with rounded operands is kept apart from what is computed in f32. */
static void add_arithmetic(lofi_sha256 *sha) {
    const lofi_device *device = lofi_device_default();
    if (device && device->bf16) lofi_sha256_add_text(sha, "products of bf16");
}

/* The key of what a network makes of a song's file; `what` tells kinds of content and rules of decoding apart. */
static lofi_code song_key(char hex[LOFI_SHA256_HEX], const char *what, const char *network, const char *path,
                          lofi_error *err) {
    char file[LOFI_SHA256_HEX];
    lofi_sha256 *sha;
    LOFI_TRY(lofi_sha256_file(file, path, err));
    LOFI_TRY(lofi_sha256_new(&sha, err));
    lofi_sha256_add_text(sha, what);
    lofi_sha256_add_text(sha, network);
    lofi_sha256_add_text(sha, file);
    add_arithmetic(sha);
    lofi_sha256_end(sha, hex);
    return LOFI_OK;
}

/* Pads to the shortest length with silence. */
static lofi_code pad(lofi_audio *audio, lofi_error *err) {
    int64_t frames = (int64_t)MIN_SECONDS * SAMPLE_RATE;
    if (audio->frames >= frames) return LOFI_OK;
    float *samples;
    LOFI_TRY(lofi_alloc((void **)&samples, (size_t)(2 * frames), sizeof *samples, "a short song", err));
    for (int c = 0; c < 2; c++)
        memcpy(samples + c * frames, audio->samples + c * audio->frames, (size_t)audio->frames * sizeof *samples);
    lofi_audio_free(audio);
    *audio = (lofi_audio){samples, frames, 2, SAMPLE_RATE};
    return LOFI_OK;
}

static double share_of_zeros(const lofi_audio *audio) {
    int64_t zeros = 0, count = 2 * audio->frames;
    for (int64_t i = 0; i < count; i++) zeros += audio->samples[i] == 0.0f;
    return (double)zeros / (double)count;
}

static lofi_code store_latents(lofi_examples *e, const char *key, const lofi_latents *latents, lofi_error *err) {
    int64_t dims[] = {latents->channels, latents->height, latents->frames};
    lofi_stored_tensor tensor = lofi_stored_declare("latents", LOFI_STORED_F32, 3, dims);
    tensor.data = latents->values;
    return lofi_cache_store(e->cache, "latents", key, &tensor, 1, 0, err);
}

/* A song as the networks see it: at least 3 s, at most 240 s. */
static lofi_code decode_song(lofi_audio *audio, const char *path, lofi_error *err) {
    lofi_decode_options options = LOFI_DECODE_STEREO_48K_INIT;
    options.max_seconds = MAX_SECONDS;
    LOFI_TRY(lofi_audio_decode(audio, NULL, path, &options, err));
    lofi_code code = pad(audio, err);
    if (code == LOFI_OK && audio->frames > (int64_t)MAX_SECONDS * SAMPLE_RATE)
        code = lofi_fail(err, LOFI_ERR_FORMAT, "'%s' was decoded past %d s", path, MAX_SECONDS);
    if (code != LOFI_OK) lofi_audio_free(audio);
    return code;
}

/* Decodes and encodes one song into the cache; *silent when it is one that the original leaves out. */
static lofi_code encode_audio(lofi_examples *e, const char *path, const char *key, bool *silent, lofi_error *err) {
    lofi_audio audio = LOFI_AUDIO_INIT;
    lofi_latents latents;
    LOFI_TRY(decode_song(&audio, path, err));
    *silent = share_of_zeros(&audio) > MAX_ZEROS;
    lofi_code code = LOFI_OK;
    if (!*silent) {
        code = lofi_audio_encoder_run(e->audio, audio.samples, audio.frames, &latents, err);
        if (code == LOFI_OK) code = store_latents(e, key, &latents, err);
    }
    lofi_audio_free(&audio);
    return code;
}

static lofi_code use_latents(lofi_examples *e, song *s, lofi_error *err) {
    const lofi_stored_tensor *tensor;
    LOFI_TRY(lofi_safetensors_get(&tensor, s->entry, "latents", err));
    bool fits = tensor->type == LOFI_STORED_F32 && tensor->aligned && tensor->rank == 3 &&
                tensor->dims[0] == e->settings.latent_channels && tensor->dims[1] == e->settings.latent_height &&
                tensor->dims[2] > 0;
    if (!fits) {
        char shape[128];
        lofi_stored_shape_text(shape, tensor);
        return lofi_fail(err, LOFI_ERR_FORMAT,
                         "the audio encoder gives latents %s, the transformer takes [%lld, %lld, frames]", shape,
                         (long long)e->settings.latent_channels, (long long)e->settings.latent_height);
    }
    s->latents = tensor->data;
    s->frames = tensor->dims[2];
    s->usable = true;
    if (s->frames > e->max_frames) e->max_frames = s->frames;
    return LOFI_OK;
}

static lofi_code open_audio_encoder(lofi_examples *e, lofi_error *err) {
    if (e->audio) return LOFI_OK;
    LOFI_TRY(lofi_audio_encoder_open(&e->audio, e->settings.model->component[LOFI_COMPONENT_DCAE],
                                     e->settings.model->component[LOFI_COMPONENT_VOCODER], e->settings.threads, err));
    return lofi_audio_encoder_hash(e->audio, e->audio_hash, err);
}

static lofi_code prepare_latents(lofi_examples *e, const lofi_hf_dataset *dataset, song *s, lofi_log *log,
                                 lofi_error *err) {
    char path[LOFI_PATH_MAX], key[LOFI_SHA256_HEX];
    bool silent = false;
    LOFI_TRY(lofi_hf_dataset_audio_path(path, dataset, s->track, err));
    LOFI_TRY(song_key(key, "latents, 48 kHz stereo, clipped, 3 to 240 s", e->audio_hash, path, err));
    LOFI_TRY(lofi_cache_find(&s->entry, e->cache, "latents", key, err));
    if (!s->entry) {
        LOFI_TRY(encode_audio(e, path, key, &silent, err));
        if (silent) {
            lofi_warn(log, "'%s' is left out: more than %.0f %% of it is digital silence", path, 100 * MAX_ZEROS);
            e->left_out++;
            return LOFI_OK;
        }
        LOFI_TRY(lofi_cache_find(&s->entry, e->cache, "latents", key, err));
        if (!s->entry) return lofi_fail(err, LOFI_ERR_IO, "the cache lost the latents of '%s'", path);
    }
    return use_latents(e, s, err);
}

/* ---- what the self-supervised networks hear ---- */

static lofi_code open_ssl(lofi_examples *e, lofi_error *err) {
    for (int k = 0; k < LOFI_SSL_KINDS; k++) {
        const char *folder = e->settings.ssl_folders[k];
        if (!folder) continue;
        LOFI_TRY(lofi_ssl_encoder_open(&e->ssl[k], &lofi_ssl_kinds[k], folder, e->settings.threads, err));
        LOFI_TRY(lofi_ssl_encoder_hash(e->ssl[k], e->ssl_hash[k], err));
        if (lofi_ssl_encoder_width(e->ssl[k]) == e->settings.ssl_widths[k]) continue;
        lofi_fail(err, LOFI_ERR_FORMAT, "the network in '%s' gives states of %lld numbers, the transformer tells %lld",
                  folder, (long long)lofi_ssl_encoder_width(e->ssl[k]), (long long)e->settings.ssl_widths[k]);
        return lofi_hint(err, "train without it: --ssl-coefficient 0");
    }
    return LOFI_OK;
}

static lofi_code hear_song(lofi_examples *e, int kind, const char *path, const char *key, lofi_error *err) {
    lofi_audio audio = LOFI_AUDIO_INIT;
    float *states = NULL;
    int64_t frames = 0;
    LOFI_TRY(decode_song(&audio, path, err));
    for (int64_t i = 0; i < 2 * audio.frames; i++) audio.samples[i] = fmaxf(-1.0f, fminf(1.0f, audio.samples[i]));
    lofi_code code = lofi_ssl_encoder_run(e->ssl[kind], audio.samples, audio.frames, audio.frames, &states, &frames,
                                          err);
    lofi_audio_free(&audio);
    LOFI_TRY(code);
    int64_t dims[] = {frames, lofi_ssl_encoder_width(e->ssl[kind])};
    lofi_stored_tensor tensor = lofi_stored_declare("states", LOFI_STORED_F32, 2, dims);
    tensor.data = states;
    code = lofi_cache_store(e->cache, lofi_ssl_kinds[kind].name, key, &tensor, 1, 0, err);
    lofi_free(states);
    return code;
}

static lofi_code prepare_target(lofi_examples *e, int kind, const char *path, song *s, lofi_error *err) {
    char key[LOFI_SHA256_HEX];
    const char *cache = lofi_ssl_kinds[kind].name;
    LOFI_TRY(song_key(key, "states, 48 kHz stereo, clipped, 3 to 240 s", e->ssl_hash[kind], path, err));
    LOFI_TRY(lofi_cache_find(&s->target_entries[kind], e->cache, cache, key, err));
    if (!s->target_entries[kind]) {
        LOFI_TRY(hear_song(e, kind, path, key, err));
        LOFI_TRY(lofi_cache_find(&s->target_entries[kind], e->cache, cache, key, err));
        if (!s->target_entries[kind]) return lofi_fail(err, LOFI_ERR_IO, "the cache lost the states of '%s'", path);
    }
    const lofi_stored_tensor *tensor;
    LOFI_TRY(lofi_safetensors_get(&tensor, s->target_entries[kind], "states", err));
    if (tensor->type != LOFI_STORED_F32 || !tensor->aligned || tensor->rank != 2 || tensor->dims[0] < 1 ||
        tensor->dims[1] != e->settings.ssl_widths[kind])
        return lofi_fail(err, LOFI_ERR_FORMAT, "the cache holds something else than the states of '%s'", path);
    s->targets[kind] = tensor->data;
    s->target_frames[kind] = tensor->dims[0];
    return LOFI_OK;
}

static lofi_code prepare_targets(lofi_examples *e, const lofi_hf_dataset *dataset, song *s, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    LOFI_TRY(lofi_hf_dataset_audio_path(path, dataset, s->track, err));
    for (int k = 0; k < LOFI_SSL_KINDS; k++)
        if (e->ssl[k]) LOFI_TRY(prepare_target(e, k, path, s, err));
    return LOFI_OK;
}

/* ---- conditions that do not change ---- */

static lofi_code prepare_lyrics(lofi_examples *e, song *s, lofi_log *log, lofi_error *err) {
    lofi_code code = lofi_lyric_tokenizer_encode(e->lyrics, s->track->lyrics, NULL, &s->lyrics, err);
    if (code != LOFI_OK) {
        lofi_error_prefix(err, "lyrics of track '%s'", s->track->track_id);
        return code;
    }
    if (s->lyrics.truncated)
        lofi_warn(log, "lyrics of track '%s' are cut at %d tokens", s->track->track_id, LOFI_LYRIC_MAX_TOKENS);
    if (s->lyrics.note_count)
        lofi_warn(log, "lyrics of track '%s', line %zu (%s): %s%s", s->track->track_id, s->lyrics.notes[0].line,
                  s->lyrics.notes[0].language, s->lyrics.notes[0].reason,
                  s->lyrics.note_count > 1 ? "; other lines too" : "");
    return LOFI_OK;
}

/* The hub's rows have an empty speaker_emb_path; a safetensors file with one tensor of the right size is taken. */
static lofi_code prepare_speaker(lofi_examples *e, song *s, lofi_error *err) {
    lofi_safetensors *file;
    const char *path = s->track->speaker_path;
    if (!path || !*path) return LOFI_OK;
    if (lofi_safetensors_open(&file, path, err) != LOFI_OK) {
        lofi_error_prefix(err, "speaker embedding of track '%s'", s->track->track_id);
        return lofi_hint(err, "save the embedding as one tensor in a .safetensors file");
    }
    const lofi_stored_tensor *tensor = lofi_safetensors_count(file) == 1 ? lofi_safetensors_at(file, 0) : NULL;
    lofi_code code = LOFI_OK;
    if (!tensor || tensor->count != (size_t)e->settings.speaker_width)
        code = lofi_fail(err, LOFI_ERR_FORMAT, "'%s' is not one tensor of %lld numbers", path,
                         (long long)e->settings.speaker_width);
    if (code == LOFI_OK)
        code = lofi_alloc((void **)&s->speaker, tensor->count, sizeof(float), "a speaker embedding", err);
    if (code == LOFI_OK) lofi_stored_read_f32(tensor, 0, s->speaker, tensor->count);
    lofi_safetensors_close(file);
    return code;
}

/* ---- opening ---- */

static size_t name_missing(const split *sp, lofi_buffer *names, size_t missing) {
    char path[LOFI_PATH_MAX];
    for (size_t i = 0; i < sp->count; i++) {
        lofi_error why = LOFI_ERROR_INIT;
        if (lofi_hf_dataset_audio_path(path, sp->dataset, sp->songs[i].track, &why) == LOFI_OK) continue;
        if (missing++ < MAX_NAMED)
            lofi_buffer_printf(names, "%s'%s'", missing > 1 ? ", " : "", sp->songs[i].track->filename);
    }
    return missing;
}

/* All songs of both splits whose audio is not there, in one error. */
static lofi_code check_audio(const lofi_examples *e, lofi_error *err) {
    lofi_buffer names = LOFI_BUFFER_INIT;
    size_t missing = name_missing(&e->validation, &names, name_missing(&e->train, &names, 0));
    if (missing) {
        lofi_fail(err, LOFI_ERR_NOT_FOUND, "the audio of %zu of %zu tracks of dataset '%s' is not there: %s%s", missing,
                  e->train.count + e->validation.count, e->settings.dataset, lofi_buffer_str(&names),
                  missing > MAX_NAMED ? ", ..." : "");
        lofi_hint(err, "put the songs back, or make the dataset again with 'lofi dataset'");
    }
    lofi_buffer_free(&names);
    return missing ? LOFI_ERR_NOT_FOUND : LOFI_OK;
}

static lofi_code open_split(split *sp, const char *folder, const char *name, lofi_error *err) {
    LOFI_TRY(lofi_hf_dataset_open(&sp->dataset, folder, name, err));
    sp->count = lofi_hf_dataset_track_count(sp->dataset);
    LOFI_TRY(lofi_alloc((void **)&sp->songs, sp->count, sizeof *sp->songs, "the songs of a dataset", err));
    for (size_t i = 0; i < sp->count; i++) sp->songs[i].track = lofi_hf_dataset_track_at(sp->dataset, i);
    return LOFI_OK;
}

static lofi_code prepare_split(lofi_examples *e, split *sp, lofi_progress *progress, size_t *done, lofi_log *log,
                               lofi_error *err) {
    for (size_t i = 0; i < sp->count; i++) {
        if (lofi_interrupt_asked()) {
            lofi_fail(err, LOFI_ERR_INTERRUPTED, "stopped while encoding songs; what is encoded is kept");
            return lofi_hint(err, "run the same command again to go on");
        }
        LOFI_TRY(prepare_latents(e, sp->dataset, &sp->songs[i], log, err));
        if (sp == &e->train && sp->songs[i].usable) LOFI_TRY(prepare_targets(e, sp->dataset, &sp->songs[i], err));
        LOFI_TRY(prepare_lyrics(e, &sp->songs[i], log, err));
        LOFI_TRY(prepare_speaker(e, &sp->songs[i], err));
        lofi_progress_step(progress, (int64_t)++ * done, NULL);
    }
    return LOFI_OK;
}

static lofi_code collect_rows(split *sp, lofi_error *err) {
    size_t rows = lofi_hf_dataset_row_count(sp->dataset);
    LOFI_TRY(lofi_alloc((void **)&sp->rows, rows, sizeof *sp->rows, "the rows of a dataset", err));
    for (size_t r = 0; r < rows; r++) {
        size_t track = lofi_hf_dataset_row_track(sp->dataset, r);
        if (sp->songs[track].usable) sp->rows[sp->row_count++] = track;
    }
    if (sp->row_count) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_FORMAT, "dataset '%s' has no usable track", lofi_hf_dataset_folder(sp->dataset));
}

/* A held-out track that cannot be used is no row. */
static void keep_usable(split *sp) {
    size_t kept = 0;
    for (size_t i = 0; i < sp->count; i++) {
        song s = sp->songs[i];
        sp->songs[i] = sp->songs[kept];
        if (s.usable)
            sp->songs[kept++] = s;
        else
            sp->songs[i] = s;
    }
    sp->row_count = kept;
}

static lofi_code open_text(lofi_examples *e, lofi_error *err) {
    const char *folder = e->settings.model->component[LOFI_COMPONENT_TEXT_ENCODER];
    LOFI_TRY(lofi_text_encoder_open(&e->text, folder, e->settings.threads, err));
    if (lofi_text_encoder_width(e->text) != e->settings.text_width)
        return lofi_fail(err, LOFI_ERR_FORMAT,
                         "the text encoder in '%s' gives states of %lld numbers, the transformer takes %lld", folder,
                         (long long)lofi_text_encoder_width(e->text), (long long)e->settings.text_width);
    return lofi_text_encoder_hash(e->text, e->text_hash, err);
}

static lofi_code open_lyrics(lofi_examples *e, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    LOFI_TRY(
        lofi_lyric_vocab_find(path, e->settings.model->root, e->settings.lyric_vocab, e->settings.ace_step_dir, err));
    return lofi_lyric_tokenizer_open(&e->lyrics, path, err);
}

/* Tracks that the dataset's maker admitted without a permitting licence: their ids, joined. */
static lofi_code note_unlicensed(lofi_examples *e, lofi_error *err) {
    const json_t *provenance = json_object_get(lofi_hf_dataset_own_facts(e->train.dataset), "provenance");
    const json_t *ids = json_object_get(provenance, "admitted_without_license");
    for (size_t i = 0; i < json_array_size(ids); i++) {
        const char *id = json_string_value(json_array_get(ids, i));
        lofi_buffer_printf(&e->unlicensed, "%s%s", i ? ", " : "", id ? id : "?");
    }
    return lofi_buffer_check(&e->unlicensed, err);
}

static void close_song_encoders(lofi_examples *e) {
    lofi_audio_encoder_close(e->audio);
    e->audio = NULL;
    for (int k = 0; k < LOFI_SSL_KINDS; k++) {
        lofi_ssl_encoder_close(e->ssl[k]);
        e->ssl[k] = NULL;
    }
}

static lofi_code open_all(lofi_examples *e, lofi_log *log, lofi_error *err) {
    const lofi_examples_settings *s = &e->settings;
    LOFI_TRY(open_split(&e->train, s->dataset, NULL, err));
    if (lofi_hf_dataset_has_split(s->dataset, "validation"))
        LOFI_TRY(open_split(&e->validation, s->dataset, "validation", err));
    LOFI_TRY(check_audio(e, err));
    LOFI_TRY(note_unlicensed(e, err));
    LOFI_TRY(lofi_cache_open(&e->cache, s->cache_dir, err));
    LOFI_TRY(
        lofi_alloc((void **)&e->zero_speaker, (size_t)s->speaker_width, sizeof(float), "a speaker embedding", err));
    LOFI_TRY(open_lyrics(e, err));
    LOFI_TRY(open_text(e, err));
    LOFI_TRY(open_audio_encoder(e, err));
    LOFI_TRY(open_ssl(e, err));
    size_t total = e->train.count + e->validation.count, done = 0;
    lofi_progress progress = lofi_progress_start(log, "encoding", "songs", (int64_t)total);
    lofi_code code = prepare_split(e, &e->train, &progress, &done, log, err);
    if (code == LOFI_OK) code = prepare_split(e, &e->validation, &progress, &done, log, err);
    lofi_progress_end(&progress);
    LOFI_TRY(code);
    close_song_encoders(e);
    keep_usable(&e->validation);
    return collect_rows(&e->train, err);
}

lofi_code lofi_examples_open(lofi_examples **out, const lofi_examples_settings *settings, lofi_log *log,
                             lofi_error *err) {
    lofi_examples *e = calloc(1, sizeof *e);
    if (!e) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for a dataset");
    e->settings = *settings;
    e->unlicensed = (lofi_buffer)LOFI_BUFFER_INIT;
    lofi_code code = open_all(e, log, err);
    if (code == LOFI_OK)
        *out = e;
    else
        lofi_examples_close(e);
    return code;
}

static void close_split(split *sp) {
    for (size_t i = 0; sp->songs && i < sp->count; i++) {
        lofi_safetensors_close(sp->songs[i].entry);
        for (int k = 0; k < LOFI_SSL_KINDS; k++) lofi_safetensors_close(sp->songs[i].target_entries[k]);
        lofi_lyric_tokens_free(&sp->songs[i].lyrics);
        lofi_free(sp->songs[i].speaker);
    }
    lofi_free(sp->songs);
    lofi_free(sp->rows);
    lofi_hf_dataset_close(sp->dataset);
}

void lofi_examples_close(lofi_examples *e) {
    if (!e) return;
    close_split(&e->train);
    close_split(&e->validation);
    lofi_cache_close(e->cache);
    close_song_encoders(e);
    lofi_text_encoder_close(e->text);
    lofi_lyric_tokenizer_free(e->lyrics);
    lofi_safetensors_close(e->text_entry);
    lofi_free(e->zero_speaker);
    lofi_buffer_free(&e->unlicensed);
    free(e->prompt);
    free(e->tag_order);
    free(e);
}

const char *lofi_examples_dataset_hash(const lofi_examples *e) {
    return lofi_hf_dataset_hash(e->train.dataset);
}

const char *lofi_examples_unlicensed(const lofi_examples *e) {
    return lofi_buffer_str(&e->unlicensed);
}

size_t lofi_examples_row_count(const lofi_examples *e) {
    return e->train.row_count;
}

size_t lofi_examples_validation_count(const lofi_examples *e) {
    return e->validation.row_count;
}

int64_t lofi_examples_max_frames(const lofi_examples *e) {
    return e->max_frames;
}

size_t lofi_examples_left_out(const lofi_examples *e) {
    return e->left_out;
}

const char *lofi_examples_ssl_hash(const lofi_examples *e, int kind) {
    return e->ssl_hash[kind];
}

/* ---- a visit ---- */

/* Cuts UTF-8 text after so many characters. */
static void cut_characters(char *text, size_t characters) {
    for (; *text; text++)
        if (((unsigned char)*text & 0xc0) != 0x80 && characters-- == 0) break;
    *text = '\0';
}

/* The tags in the order of `random` (their own when NULL), joined. */
static lofi_code join_tags(lofi_examples *e, const lofi_dataset_track *track, const lofi_random *random,
                           lofi_error *err) {
    size_t count = track->tag_count, size = sizeof "music";
    for (size_t i = 0; i < count; i++) size += strlen(track->tags[i]) + 2;
    LOFI_TRY(lofi_grow((void **)&e->prompt, &e->prompt_capacity, size, 1, (size_t)1 << 24, err));
    LOFI_TRY(
        lofi_grow((void **)&e->tag_order, &e->tag_capacity, count + 1, sizeof *e->tag_order, (size_t)1 << 20, err));
    for (size_t i = 0; i < count; i++) e->tag_order[i] = i;
    if (random && count) lofi_random_permutation(random, e->tag_order, count);
    char *end = e->prompt;
    for (size_t i = 0; i < count; i++) {
        const char *tag = track->tags[e->tag_order[i]];
        end += snprintf(end, size - (size_t)(end - e->prompt), "%s%s", i ? ", " : "", tag);
    }
    if (!count) snprintf(e->prompt, size, "music");
    cut_characters(e->prompt, PROMPT_CHARACTERS);
    return LOFI_OK;
}

static lofi_code text_key(char hex[LOFI_SHA256_HEX], const lofi_examples *e, lofi_error *err) {
    lofi_sha256 *sha;
    LOFI_TRY(lofi_sha256_new(&sha, err));
    lofi_sha256_add_text(sha, "text states");
    lofi_sha256_add_text(sha, e->text_hash);
    lofi_sha256_add_text(sha, e->prompt);
    add_arithmetic(sha);
    lofi_sha256_end(sha, hex);
    return LOFI_OK;
}

/* Text states of e->prompt, from the cache or computed and stored. */
static lofi_code text_states(lofi_examples *e, lofi_example *out, lofi_error *err) {
    char key[LOFI_SHA256_HEX];
    LOFI_TRY(text_key(key, e, err));
    lofi_safetensors_close(e->text_entry);
    e->text_entry = NULL;
    LOFI_TRY(lofi_cache_find(&e->text_entry, e->cache, "text", key, err));
    const lofi_stored_tensor *stored = e->text_entry ? lofi_safetensors_find(e->text_entry, "states") : NULL;
    if (stored && stored->aligned && stored->type == LOFI_STORED_F32 && stored->rank == 2 && stored->dims[0] > 0 &&
        stored->dims[0] <= LOFI_TEXT_MAX_TOKENS && stored->dims[1] == e->settings.text_width) {
        out->text_states = stored->data;
        out->text = stored->dims[0];
        return LOFI_OK;
    }
    LOFI_TRY(lofi_text_encoder_run(e->text, e->prompt, &out->text_states, &out->text, err));
    int64_t dims[] = {out->text, e->settings.text_width};
    lofi_stored_tensor tensor = lofi_stored_declare("states", LOFI_STORED_F32, 2, dims);
    tensor.data = out->text_states;
    return lofi_cache_store(e->cache, "text", key, &tensor, 1, TEXT_CACHE_BYTES, err);
}

static lofi_code visit_song(lofi_examples *e, const song *s, const lofi_random *tags, lofi_example *out,
                            lofi_error *err) {
    LOFI_TRY(join_tags(e, s->track, tags, err));
    *out = (lofi_example){.track_id = s->track->track_id,
                          .prompt = e->prompt,
                          .latents = s->latents,
                          .frames = s->frames,
                          .lyric_token_ids = s->lyrics.ids,
                          .lyric = (int64_t)s->lyrics.count,
                          .speaker = s->speaker ? s->speaker : e->zero_speaker};
    for (int k = 0; k < LOFI_SSL_KINDS; k++) {
        out->targets[k] = s->targets[k];
        out->target_frames[k] = s->target_frames[k];
    }
    return text_states(e, out, err);
}

lofi_code lofi_examples_visit(lofi_examples *e, size_t row, uint64_t seed, uint64_t visit, lofi_example *out,
                              lofi_error *err) {
    lofi_random tags = lofi_random_at(seed, LOFI_RANDOM_TAGS, visit);
    return visit_song(e, &e->train.songs[e->train.rows[row]], &tags, out, err);
}

lofi_code lofi_examples_validation(lofi_examples *e, size_t index, lofi_example *out, lofi_error *err) {
    return visit_song(e, &e->validation.songs[index], NULL, out, err);
}
