/* track_facts.h - what a step after preparing needs to know about a track: from the ledger, else found out and put there.
 *
 * Tracks that `lofi audio process` made are all on record. Others are decoded once.
 */
#ifndef LOFI_AUDIO_TRACK_FACTS_H
#define LOFI_AUDIO_TRACK_FACTS_H

#include "audio/ledger.h"
#include "base/error.h"
#include "base/hash.h"

typedef struct lofi_track_facts {
    char sha256[LOFI_SHA256_HEX];
    double seconds;
    char *fingerprint; /* as text (fingerprint.h), or NULL when it is too short for one; yours */
} lofi_track_facts;

/* ledger may be NULL (nothing is known, nothing is kept), or open for reading only (nothing is kept). Errors as
 * lofi_audio_decode. Free *out: lofi_track_facts_free. */
lofi_code lofi_track_facts_get(lofi_track_facts *out, lofi_ledger *ledger, const char *path,
                               lofi_error *err) LOFI_MUST_USE;
void lofi_track_facts_free(lofi_track_facts *facts); /* zeroes it; fine on a zeroed one */

#endif
