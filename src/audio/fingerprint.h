/* fingerprint.h - the same recording found again, whatever its format, loudness and beginning (Chromaprint).
 *
 * A fingerprint is one 32-bit word for every 0.124 s (Chromaprint's default algorithm, as AcoustID uses it). Two recordings are
 * compared at every shift at which some of their words are equal: the similarity is the share of equal bits where they
 * overlap. Unrelated music has 0.5 to 0.6, two pieces made of the same sounds up to 0.77, the same recording re-encoded, cut or scaled 0.88 and more.
 */
#ifndef LOFI_AUDIO_FINGERPRINT_H
#define LOFI_AUDIO_FINGERPRINT_H

#include <stddef.h>
#include <stdint.h>

#include "audio/audio.h"
#include "base/error.h"

#define LOFI_SAME_RECORDING  0.85 /* similarity */
#define LOFI_SHORTEST_COMMON 8.0  /* seconds of overlap below which nothing is said */

typedef struct lofi_fingerprint {
    uint32_t *words; /* yours through lofi_fingerprint_free */
    size_t count;
} lofi_fingerprint;

/* audio: mono, 11,025 Hz. A piece of less than 3 s has an empty one. */
lofi_code lofi_fingerprint_compute(lofi_fingerprint *out, const lofi_audio *audio, lofi_error *err) LOFI_MUST_USE;
void lofi_fingerprint_free(lofi_fingerprint *print); /* zeroes it; fine on a zeroed one */

/* As text: Chromaprint's packed form in base64url, which AcoustID takes. *text is yours by free(). */
lofi_code lofi_fingerprint_write(char **text, const lofi_fingerprint *print, lofi_error *err) LOFI_MUST_USE;
/* LOFI_ERR_FORMAT for what is no such text. */
lofi_code lofi_fingerprint_read(lofi_fingerprint *out, const char *text, lofi_error *err) LOFI_MUST_USE;

typedef struct lofi_duplicate {
    size_t first, second;   /* places in the array, first < second */
    double offset_seconds;  /* where the second begins in the first; negative: the first begins later */
    double overlap_seconds; /* that both hold */
    double similarity;      /* 0..1 */
} lofi_duplicate;

/* All pairs of the same recording, ordered by first, then second. Time and memory grow with the number of words, not with the
 * number of pairs: 20 bytes a word (400 MB for 10,000 songs of 240 s). *out is yours by free(). */
lofi_code lofi_duplicates_find(lofi_duplicate **out, size_t *count, const lofi_fingerprint *prints, size_t print_count,
                               lofi_error *err) LOFI_MUST_USE;

#endif
