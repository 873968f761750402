/* dataset_verify.c - is a dataset what it says, and is its audio there? */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "audio/decode.h"
#include "base/json.h"
#include "store/dataset_hash.h"
#include "store/dataset_splits.h"

typedef struct verification {
    json_t *faults;
    const lofi_dataset_splits *splits;
    lofi_ledger *ledger;
    json_t *where;  /* track id -> name of the split that had it first */
    json_t *hashes; /* SHA-256 of audio -> [split, track id] that had it first */
    lofi_sha256 *sum;
    bool complete; /* every audio file could be hashed: the sum means something */
} verification;

LOFI_PRINTF(4, 5)
static void find(const verification *v, const char *split, const char *track_id, const char *format, ...) {
    char message[LOFI_PATH_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    json_array_append_new(v->faults, json_pack("{s:s, s:s, s:o}", "split", split, "track_id", track_id, "message",
                                               lofi_json_name(message)));
}

/* ---- one track ---- */

static void check_place(verification *v, const char *split, const lofi_dataset_track *track) {
    const char *before = json_string_value(json_object_get(v->where, track->track_id));
    if (before && strcmp(before, split) != 0)
        find(v, split, track->track_id, "the track is in the split '%s', too", before);
    if (!before) json_object_set_new(v->where, track->track_id, json_string(split));
    if (track->tag_count == 0) find(v, split, track->track_id, "the track has no tags");
}

static void check_bytes(verification *v, const char *split, const lofi_dataset_track *track, const char *sha256) {
    const json_t *before = json_object_get(v->hashes, sha256);
    const char *other = json_string_value(json_array_get(before, 0));
    if (other && strcmp(other, split) != 0)
        find(v, split, track->track_id, "its audio is the same file as that of '%s' in the split '%s'",
             json_string_value(json_array_get(before, 1)), other);
    if (!before) json_object_set_new(v->hashes, sha256, json_pack("[s, s]", split, track->track_id));
}

static lofi_code hash_audio(char hex[LOFI_SHA256_HEX], const verification *v, const char *path, lofi_error *err) {
    const json_t *record = v->ledger ? lofi_ledger_find(v->ledger, path) : NULL;
    const char *known = json_string_value(json_object_get(record, "sha256"));
    lofi_audio_info info;
    if (!known) {
        LOFI_TRY(lofi_audio_probe(&info, path, err));
        return lofi_sha256_file(hex, path, err);
    }
    snprintf(hex, LOFI_SHA256_HEX, "%s", known);
    return LOFI_OK;
}

static void check_track(verification *v, size_t split, const lofi_dataset_track *track) {
    char path[LOFI_PATH_MAX], hex[LOFI_SHA256_HEX];
    lofi_error fault = LOFI_ERROR_INIT;
    const char *name = v->splits->names[split];
    check_place(v, name, track);
    lofi_code code = lofi_hf_dataset_audio_path(path, v->splits->splits[split], track, &fault);
    if (code == LOFI_OK) code = hash_audio(hex, v, path, &fault);
    if (code != LOFI_OK) {
        find(v, name, track->track_id, "%s", fault.message);
        v->complete = false;
        return;
    }
    check_bytes(v, name, track, hex);
    lofi_dataset_hash_track(v->sum, track, hex);
}

/* ---- one split ---- */

static void check_rows(verification *v, size_t split) {
    const lofi_hf_dataset *of = v->splits->splits[split];
    size_t tracks = lofi_hf_dataset_track_count(of), rows = lofi_hf_dataset_row_count(of);
    const json_t *repeat = json_object_get(lofi_hf_dataset_own_facts(of), "repeat_count");
    if (!json_is_integer(repeat)) return;
    if (rows != tracks * (size_t)json_integer_value(repeat)) {
        find(v, v->splits->names[split], "", "%zu rows, but %zu tracks %lld times", rows, tracks,
             (long long)json_integer_value(repeat));
        return;
    }
    for (size_t row = 0; row < rows; row++) {
        if (lofi_hf_dataset_row_track(of, row) == row % tracks) continue;
        find(v, v->splits->names[split], "", "row %zu is not the repetition of row %zu", row, row % tracks);
        return;
    }
}

static void check_split(verification *v, size_t split, lofi_progress *progress) {
    const lofi_hf_dataset *of = v->splits->splits[split];
    check_rows(v, split);
    lofi_dataset_hash_split(v->sum, v->splits->names[split], lofi_hf_dataset_track_count(of));
    for (size_t i = 0; i < lofi_hf_dataset_track_count(of); i++) {
        check_track(v, split, lofi_hf_dataset_track_at(of, i));
        lofi_progress_step(progress, progress->done + 1, NULL);
    }
}

/* The splits in the order in which the hash was made. */
static void check_splits(verification *v, lofi_log *log) {
    size_t tracks = 0;
    for (size_t i = 0; i < v->splits->count; i++) tracks += lofi_hf_dataset_track_count(v->splits->splits[i]);
    lofi_progress progress = lofi_progress_start(log, "checking tracks", "tracks", (int64_t)tracks);
    for (size_t i = 0; i < v->splits->count; i++) check_split(v, i, &progress);
    lofi_progress_end(&progress);
}

static void check_hash(verification *v, const char *found) {
    const char *stated = lofi_hf_dataset_hash(v->splits->splits[0]);
    if (!stated[0] || !v->complete || strcmp(stated, found) == 0) return;
    find(v, v->splits->names[0], "",
         "the hash of what is there is %.12s..., but the dataset says %.12s...: audio, prompts, "
         "lyrics, styles or their order were changed",
         found, stated);
}

lofi_code lofi_dataset_verify(json_t *faults, const lofi_dataset_splits *splits, lofi_ledger *ledger, lofi_log *log,
                              lofi_error *err) {
    char found[LOFI_SHA256_HEX];
    const json_t *own = lofi_hf_dataset_own_facts(splits->splits[0]);
    verification v = {faults, splits, ledger, NULL, NULL, NULL, true};
    LOFI_TRY(lofi_dataset_hash_new(&v.sum, json_integer_value(json_object_get(own, "seed")),
                                   json_integer_value(json_object_get(own, "repeat_count")), err));
    v.where = json_object();
    v.hashes = json_object();
    check_splits(&v, log);
    lofi_sha256_end(v.sum, found);
    check_hash(&v, found);
    json_decref(v.where);
    json_decref(v.hashes);
    return LOFI_OK;
}
