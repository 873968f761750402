/* measures.h - everything that is measured of one recording, with the names that JSON, reports and the terminal use.
 *
 * To add a measure: a field here, a line in the table of measures.c.
 */
#ifndef LOFI_AUDIO_MEASURES_H
#define LOFI_AUDIO_MEASURES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "audio/audio.h"
#include "audio/fingerprint.h"
#include "audio/key.h"
#include "audio/levels.h"
#include "base/error.h"

/* Numbers that are not known are NaN, in JSON null. */
typedef struct lofi_measures {
    /* Of the samples as decoded (levels.h). */
    double clipped_share, flat_runs, silence_share, peak_dbfs, rms_dbfs, crest_db, dc_offset, balance_db, phase;
    /* Of the stereo at the target's rate, before any gain (loudness.h, bandwidth.h). */
    double loudness_lufs, loudness_range_lu, true_peak_dbtp, bandwidth_hz, cutoff_hz, cutoff_db;
    /* 1 when an encoder cut the top off, as at 128 kbit/s, and the file says it is better than that; 0 when not. */
    double upconverted;
    /* tempo.h, key.h */
    double tempo_bpm, tempo_confidence;
    lofi_key key;
    /* Of the track that was written, as it decodes again. */
    double gain_db, track_true_peak_dbtp, track_loudness_lufs;
} lofi_measures;

/* How a measure is shown. */
typedef struct lofi_measure {
    const char *name;  /* in JSON: "loudness_lufs" */
    const char *title; /* for people: "loudness" */
    const char *unit;  /* "LUFS", or "" */
    size_t offset;     /* of the double in lofi_measures */
    double scale;      /* what people see is the value times this: 100 for shares shown in % */
    int decimals;      /* negative: yes or no */
} lofi_measure;

/* The table; ends with a zeroed entry. The key is not a number and not in it. */
extern const lofi_measure lofi_measure_table[];
double lofi_measure_value(const lofi_measures *measures, const lofi_measure *measure);
/* What people see: "-12.3 LUFS", "yes"; false when it is not known. */
bool lofi_measure_print(char text[48], const lofi_measures *measures, const lofi_measure *measure);

/* Everything NaN, no key. */
lofi_measures lofi_measures_none(void);
void lofi_measures_take_levels(lofi_measures *measures, const lofi_levels *levels);
/* Everything that is measured of the stereo, and the fingerprint (yours). claims_better: the file is lossless or has a bit rate
 * at which no encoder needs to cut the top off. */
lofi_code lofi_measures_take_stereo(lofi_measures *measures, lofi_fingerprint *print, const lofi_audio *stereo,
                                    bool claims_better, lofi_error *err) LOFI_MUST_USE;

/* An object with every measure by its name, "key" and "key_confidence"; NULL when memory is out. The reference is yours. */
json_t *lofi_measures_json(const lofi_measures *measures);
/* What is missing or null is not known. */
lofi_measures lofi_measures_from_json(const json_t *object);

#endif
