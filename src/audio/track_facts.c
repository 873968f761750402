/* track_facts.c - see track_facts.h. */
#include "audio/track_facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/decode.h"
#include "audio/fingerprint.h"

#define FINGERPRINT_RATE 11025
#define MOST_SECONDS     3600.0 /* of a track; nothing longer is ever trained on */

static bool recall(lofi_track_facts *out, const json_t *record) {
    const char *print = json_string_value(json_object_get(record, "fingerprint"));
    const char *sha256 = json_string_value(json_object_get(record, "sha256"));
    const json_t *seconds = json_object_get(record, "duration");
    if (sha256 == NULL || !json_is_number(seconds) || json_object_get(record, "fingerprint") == NULL) return false;
    *out = (lofi_track_facts){.seconds = json_number_value(seconds)};
    snprintf(out->sha256, sizeof out->sha256, "%s", sha256);
    if (print != NULL) out->fingerprint = strdup(print);
    return true;
}

static lofi_code listen(lofi_track_facts *out, const char *path, lofi_error *err) {
    const lofi_decode_options options = {FINGERPRINT_RATE, 1, 0.0, MOST_SECONDS, NULL, NULL};
    lofi_fingerprint print = {0};
    lofi_audio audio;
    LOFI_TRY(lofi_audio_decode(&audio, NULL, path, &options, err));
    out->seconds = (double)audio.frames / audio.sample_rate;
    lofi_code code = lofi_fingerprint_compute(&print, &audio, err);
    if (code == LOFI_OK && print.count > 0) code = lofi_fingerprint_write(&out->fingerprint, &print, err);
    lofi_fingerprint_free(&print);
    lofi_audio_free(&audio);
    return code;
}

static lofi_code find_out(lofi_track_facts *out, const char *path, lofi_error *err) {
    *out = (lofi_track_facts){0};
    lofi_code code = listen(out, path, err);
    if (code == LOFI_OK) code = lofi_sha256_file(out->sha256, path, err);
    if (code != LOFI_OK) lofi_track_facts_free(out);
    return code;
}

static lofi_code keep(lofi_ledger *ledger, const lofi_track_facts *facts, const char *path, lofi_error *err) {
    json_t *known = json_object();
    json_object_set_new(known, "duration", json_real(facts->seconds));
    json_object_set_new(known, "sha256", json_string(facts->sha256));
    json_object_set_new(known, "fingerprint", facts->fingerprint ? json_string(facts->fingerprint) : json_null());
    lofi_code code = lofi_ledger_note(ledger, path, known, err);
    json_decref(known);
    return code;
}

lofi_code lofi_track_facts_get(lofi_track_facts *out, lofi_ledger *ledger, const char *path, lofi_error *err) {
    if (ledger && recall(out, lofi_ledger_find(ledger, path))) return LOFI_OK;
    LOFI_TRY(find_out(out, path, err));
    if (!ledger || !lofi_ledger_is_writing(ledger)) return LOFI_OK;
    lofi_code code = keep(ledger, out, path, err);
    if (code != LOFI_OK) lofi_track_facts_free(out);
    return code;
}

void lofi_track_facts_free(lofi_track_facts *facts) {
    free(facts->fingerprint);
    *facts = (lofi_track_facts){0};
}
