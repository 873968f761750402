/* dataset_build.h - from a folder of prepared songs to a dataset folder: which tracks, which split, which order,
 * which hash.
 *
 * Read: below data_dir, each audio file with its NAME_prompt.txt and NAME_lyrics.txt beside it (no lyrics file, or
 * a blank one: "[Instrumental]"). Texts: ends trimmed, CRLF and CR become LF, a byte order mark is dropped. Tags
 * are the prompt split at commas, blanks around them removed.
 *
 * Faults of single tracks do not stop the rest; they are listed in `failed`: no prompt, a prompt of several lines,
 * text that is not UTF-8, audio that is no sound, an id that another track has already.
 *
 * Licence: a track enters when sources.json names it and every record that does permits AI training. Others are
 * listed in `excluded`, or, with allow_unlicensed, enter and are listed in `admitted`.
 *
 * Side-cars of other tools: NAME.txt (a caption) counts where there is no NAME_prompt.txt, NAME.lyrics where there is no
 * NAME_lyrics.txt.
 *
 * Split, by track: see hold_out.h; the same recording (audio/fingerprint.h) is never on both sides. Rows: the tracks of a
 * split, sorted by id, permuted (LOFI_RANDOM_ROWS, seed, step 0: train, 1: validation). dataset_hash: see dataset_hash.h.
 */
#ifndef LOFI_STORE_DATASET_BUILD_H
#define LOFI_STORE_DATASET_BUILD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "audio/ledger.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "catalog/mapping.h"
#include "catalog/sources.h"
#include "catalog/styles.h"
#include "store/hf_dataset.h"

typedef struct lofi_dataset_request {
    const char *data_dir;
    const lofi_styles *styles;
    const lofi_style_mapping *mapping; /* NULL: every track has the default style */
    const lofi_sources *sources;       /* NULL: no licence is known */
    lofi_ledger *ledger;               /* what is known of the audio (audio/track_facts.h); NULL: nothing */
    double validation_split;           /* 0 .. 0.9 */
    int64_t repeat_count;              /* 1 .. LOFI_DATASET_REPEAT_MAX */
    int64_t seed;                      /* >= 0 */
    int64_t shards; /* data files of each split, 1 .. LOFI_DATASET_SHARDS_MAX; no more than it has tracks */
    bool allow_unlicensed;
    lofi_log *log; /* may be NULL */
} lofi_dataset_request;

typedef struct lofi_planned_track {
    lofi_dataset_track row;
    const char *name; /* relative to data_dir */
    const char *category;
    char audio_sha256[LOFI_SHA256_HEX];
    const char *fingerprint; /* as text; NULL: too short for one */
} lofi_planned_track;

typedef struct lofi_dataset_plan lofi_dataset_plan;

/* Reads and hashes everything, writes nothing. *out is yours. LOFI_ERR_NOT_FOUND: no audio; LOFI_ERR_USAGE: no
 * track is left. */
lofi_code lofi_dataset_plan_make(lofi_dataset_plan **out, const lofi_dataset_request *request,
                                 lofi_error *err) LOFI_MUST_USE;
void lofi_dataset_plan_free(lofi_dataset_plan *plan); /* NULL is fine */

const char *lofi_dataset_plan_hash(const lofi_dataset_plan *plan);
/* 1 split, "train", or 2, "train" and "validation". Tracks in row order. */
size_t lofi_dataset_plan_split_count(const lofi_dataset_plan *plan);
size_t lofi_dataset_plan_track_count(const lofi_dataset_plan *plan, size_t split);
const lofi_planned_track *lofi_dataset_plan_track(const lofi_dataset_plan *plan, size_t split, size_t index);
double lofi_dataset_plan_seconds(const lofi_dataset_plan *plan); /* of all tracks, each once */
/* Arrays, borrowed. failed, excluded: {track_id, file, reason}; admitted, review: track ids. review: tracks without
 * a style of their own. */
const json_t *lofi_dataset_plan_failed(const lofi_dataset_plan *plan);
const json_t *lofi_dataset_plan_excluded(const lofi_dataset_plan *plan);
const json_t *lofi_dataset_plan_admitted(const lofi_dataset_plan *plan);
const json_t *lofi_dataset_plan_duplicates(const lofi_dataset_plan *plan); /* pairs of track ids: one recording */
const json_t *lofi_dataset_plan_review(const lofi_dataset_plan *plan);

/* Writes the dataset folder, and dataset_manifest.json (the Dataset entity and its tracks) in metadata_dir: fields
 * that a person added there survive, concurrent writers wait for each other. */
lofi_code lofi_dataset_plan_write(const lofi_dataset_plan *plan, const char *output_dir, const char *metadata_dir,
                                  lofi_error *err) LOFI_MUST_USE;

#endif
