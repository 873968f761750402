/* hf_dataset.h - dataset folders as `datasets.load_from_disk` opens them.
 *
 * A split is a folder: data-0000i-of-0000N.arrow (store/arrow.h), dataset_info.json, state.json. With several
 * splits they are sub-folders, named in dataset_dict.json.
 *
 * Columns, in this order: keys, filename, tags (list of text), speaker_emb_path (""), norm_lyrics, recaption
 * (struct without fields), track_id, prompt, style_ids (list of text), duration (seconds, double), source_id. The
 * first six are what the upstream trainer reads.
 *
 * Repeats are a view: the rows of a split are written once, in one or more files of about the same number of rows, and
 * `_data_files` of state.json names those files repeat_count times. `datasets` maps each mention (3.4.1 and 5.0.1 were tried), so rows are there repeat_count times
 * and the disk holds them once. (An indices file, the other kind of view, is not read by load_from_disk.) Every
 * repeat has the same order: that of the caller, a seeded shuffle.
 *
 * Our own facts stand in dataset_info.json under "lofi" (other readers ignore it):
 *     dataset_hash, seed, repeat_count, split, audio_folder (absolute), audio_folder_relative (seen from the
 *     split's folder),
 *     and what the caller adds.
 */
#ifndef LOFI_STORE_HF_DATASET_H
#define LOFI_STORE_HF_DATASET_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"

/* More mentions than this make load_from_disk slow (20,000: 8 s) and come near the system's limit of mappings. */
#define LOFI_DATASET_REPEAT_MAX 20000
#define LOFI_DATASET_SHARDS_MAX 99999 /* what the names of the files have room for */

typedef struct lofi_dataset_track {
    const char *track_id; /* also written as `keys` */
    const char *filename; /* absolute: the upstream trainer opens it as it is, from any working folder */
    const char *prompt;
    const char *const *tags;
    size_t tag_count;
    const char *lyrics; /* norm_lyrics */
    const char *const *style_ids;
    size_t style_count;
    const char *source_id;    /* "" when unknown */
    const char *speaker_path; /* speaker_emb_path as it stands; read only, "" when there is none */
    double duration;          /* seconds; 0 when unknown */
} lofi_dataset_track;

/* ---- writing ---- */

typedef struct lofi_dataset_split {
    const char *name;                        /* "train", "validation" */
    const lofi_dataset_track *const *tracks; /* in the order of the rows, at least one */
    size_t count;
} lofi_dataset_split;

typedef struct lofi_dataset_facts {
    const char *dataset_hash; /* the fingerprints of the splits follow from it */
    uint64_t seed;
    int64_t repeat_count;     /* 1 .. LOFI_DATASET_REPEAT_MAX */
    int64_t shards;           /* files of a split, at least 1; a split with fewer tracks has as many. The mentions,
                                 shards x repeat_count, are at most LOFI_DATASET_REPEAT_MAX */
    const char *audio_folder; /* absolute: what moves along with the dataset when both are moved together */
    const char *license;      /* dataset_info.json: license and description */
    const char *description;
    const json_t *more; /* an object put into "lofi", or NULL */
} lofi_dataset_facts;

/* Writes the folder whole or not at all; with one split the folder itself is the split. A folder that is there is
 * replaced only when it holds a dataset and nothing else, or nothing at all; else LOFI_ERR_USAGE. */
lofi_code lofi_hf_dataset_write(const char *folder, const lofi_dataset_split *splits, size_t split_count,
                                const lofi_dataset_facts *facts, lofi_error *err) LOFI_MUST_USE;
/* The question that lofi_hf_dataset_write asks first. */
lofi_code lofi_hf_dataset_may_replace(const char *folder, lofi_error *err) LOFI_MUST_USE;

/* ---- reading ---- */

/* A split in memory: each different track once, and which track each row shows. */
typedef struct lofi_hf_dataset lofi_hf_dataset;

/* `folder` holds a dataset with splits, or is one split itself; `split` NULL: "train" of a folder with splits.
 * Datasets of other programs are read too; columns that they lack are empty, `prompt` is then the tags
 * with commas. LOFI_ERR_NOT_FOUND: no dataset, or no such split; LOFI_ERR_FORMAT: damaged, or a needed column (keys, filename,
 * tags, norm_lyrics) is missing or of another type. *out is yours. */
lofi_code lofi_hf_dataset_open(lofi_hf_dataset **out, const char *folder, const char *split,
                               lofi_error *err) LOFI_MUST_USE;
void lofi_hf_dataset_close(lofi_hf_dataset *dataset); /* NULL is fine */

size_t lofi_hf_dataset_row_count(const lofi_hf_dataset *dataset);
size_t lofi_hf_dataset_row_track(const lofi_hf_dataset *dataset, size_t row); /* index of the row's track */
/* Different tracks, in the order of their first row: what a validation goes over. */
size_t lofi_hf_dataset_track_count(const lofi_hf_dataset *dataset);
const lofi_dataset_track *lofi_hf_dataset_track_at(const lofi_hf_dataset *dataset, size_t index); /* borrowed */
/* "" for datasets of other programs. */
const char *lofi_hf_dataset_hash(const lofi_hf_dataset *dataset);
/* Whether `folder` is a dataset with splits that has one of this name. */
bool lofi_hf_dataset_has_split(const char *folder, const char *split);
/* What dataset_info.json says under "lofi", borrowed; NULL for datasets of other programs. */
const json_t *lofi_hf_dataset_own_facts(const lofi_hf_dataset *dataset);
/* The folder of the split. */
const char *lofi_hf_dataset_folder(const lofi_hf_dataset *dataset);

/* Where the audio of a track is now. Tried: the filename as it stands; an absolute one below the recorded audio
 * folder, at the same place seen from the dataset's folder (the whole was moved); a relative one from the dataset's
 * folder. LOFI_ERR_NOT_FOUND names what was tried. */
lofi_code lofi_hf_dataset_audio_path(char path[LOFI_PATH_MAX], const lofi_hf_dataset *dataset,
                                     const lofi_dataset_track *track, lofi_error *err) LOFI_MUST_USE;

#endif
