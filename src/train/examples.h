/* examples.h - the songs of a dataset as training sees them: latents, text states, lyric tokens.
 *
 * As the original's data reader (acestep/text2music_dataset.py): audio clipped to [-1, 1], padded to 3 s, cut at 240 s; what is
 * more than 95 % exact zeros is left out (here: with a line that says so); tags shuffled at every visit and joined by
 * ", ", the prompt cut at 256 characters and LOFI_TEXT_MAX_TOKENS tokens; lyrics at most LOFI_LYRIC_MAX_TOKENS tokens, [0]
 * when empty. Where the self-supervised networks are given, what they hear in a song is kept as well (models/ssl_encoder.h), for
 * the train split. Never another song in the place of one that cannot be read: that is an error, before training starts. Songs
 * that are not there are all named in one.
 */
#ifndef LOFI_TRAIN_EXAMPLES_H
#define LOFI_TRAIN_EXAMPLES_H

#include <stdint.h>

#include "base/log.h"
#include "models/ssl_encoder.h"
#include "store/checkpoint_folder.h"
#include "store/hf_dataset.h"
#include "train/cache.h"

typedef struct lofi_examples lofi_examples;

typedef struct lofi_examples_settings {
    const char *dataset; /* folder of a Hugging Face dataset */
    const lofi_checkpoint_folder *model;
    const char *lyric_vocab;  /* file, or NULL: looked for in the model's folder and in ace_step_dir */
    const char *ace_step_dir; /* may be NULL */
    const char *cache_dir;
    const char *ssl_folders[LOFI_SSL_KINDS]; /* of the self-supervised networks; all NULL: none */
    int64_t ssl_widths[LOFI_SSL_KINDS];      /* what the transformer's heads tell */
    int64_t speaker_width, text_width, latent_channels, latent_height; /* what the transformer takes */
    int threads;
} lofi_examples_settings;

/* Opens the dataset (train and, where there is one, validation), encodes every song that the cache does not hold, and
 * tokenizes all lyrics. LOFI_ERR_INTERRUPTED when asked to stop: what is encoded stays in the cache. *out is yours. */
lofi_code lofi_examples_open(lofi_examples **out, const lofi_examples_settings *settings, lofi_log *log,
                             lofi_error *err) LOFI_MUST_USE;
void lofi_examples_close(lofi_examples *examples); /* NULL is fine */

const char *lofi_examples_dataset_hash(const lofi_examples *examples);
/* Tracks that the user admitted without a licence that permits training, from the dataset's provenance; "" when none. */
const char *lofi_examples_unlicensed(const lofi_examples *examples);
size_t lofi_examples_row_count(const lofi_examples *examples);        /* of the train split, usable ones */
size_t lofi_examples_validation_count(const lofi_examples *examples); /* different held-out tracks */
int64_t lofi_examples_max_frames(const lofi_examples *examples);
size_t lofi_examples_left_out(const lofi_examples *examples);
/* SHA-256 of the self-supervised network of that kind; "" without. */
const char *lofi_examples_ssl_hash(const lofi_examples *examples, int kind);

/* One visit to a song. Everything is borrowed until the next visit. */
typedef struct lofi_example {
    const char *track_id, *prompt;
    const float *latents; /* [channels, height, frames] */
    int64_t frames;
    const float *text_states;             /* [text, text_width] */
    int64_t text;                         /* 1..LOFI_TEXT_MAX_TOKENS */
    const int64_t *lyric_token_ids;       /* [lyric] */
    int64_t lyric;                        /* 1..LOFI_LYRIC_MAX_TOKENS */
    const float *speaker;                 /* [speaker_width], zeros unless the dataset names a file */
    const float *targets[LOFI_SSL_KINDS]; /* [target_frames, ssl_widths]; NULL where there is none */
    int64_t target_frames[LOFI_SSL_KINDS];
} lofi_example;

/* The song of a row of the train split; `seed` and `visit` choose the order of its tags. */
lofi_code lofi_examples_visit(lofi_examples *examples, size_t row, uint64_t seed, uint64_t visit, lofi_example *out,
                              lofi_error *err) LOFI_MUST_USE;
/* A held-out track, with its tags in their own order. */
lofi_code lofi_examples_validation(lofi_examples *examples, size_t index, lofi_example *out,
                                   lofi_error *err) LOFI_MUST_USE;

#endif
