/* dataset_hash.c - see dataset_hash.h. */
#include "store/dataset_hash.h"

#include <stdio.h>

static void add_number(lofi_sha256 *hash, int64_t value) {
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)value);
    lofi_sha256_add_text(hash, text);
}

static void add_texts(lofi_sha256 *hash, const char *const *texts, size_t count) {
    add_number(hash, (int64_t)count);
    for (size_t i = 0; i < count; i++) lofi_sha256_add_text(hash, texts[i]);
}

lofi_code lofi_dataset_hash_new(lofi_sha256 **out, int64_t seed, int64_t repeat_count, lofi_error *err) {
    LOFI_TRY(lofi_sha256_new(out, err));
    lofi_sha256_add_text(*out, "lofi dataset 1");
    add_number(*out, seed);
    add_number(*out, repeat_count);
    return LOFI_OK;
}

void lofi_dataset_hash_split(lofi_sha256 *hash, const char *name, size_t track_count) {
    lofi_sha256_add_text(hash, name);
    add_number(hash, (int64_t)track_count);
}

void lofi_dataset_hash_track(lofi_sha256 *hash, const lofi_dataset_track *track, const char *audio_sha256) {
    lofi_sha256_add_text(hash, audio_sha256);
    lofi_sha256_add_text(hash, track->prompt);
    add_texts(hash, track->tags, track->tag_count);
    lofi_sha256_add_text(hash, track->lyrics);
    add_texts(hash, track->style_ids, track->style_count);
}
