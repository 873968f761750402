/* measures.c - see measures.h. */
#include "audio/measures.h"

#include <math.h>
#include <stdio.h>

#include "audio/bandwidth.h"
#include "audio/loudness.h"
#include "audio/tempo.h"
#include "base/json.h"

#define ANALYSIS_RATE  11025
#define UPCONVERTED_HZ 17600.0 /* encoders at 160 kbit/s and more leave more than this */

#define MEASURE(field, title, unit, scale, decimals)                                                                   \
    { #field, title, unit, offsetof(lofi_measures, field), scale, decimals }
const lofi_measure lofi_measure_table[] = {MEASURE(clipped_share, "clipped samples", "%", 100, 4),
                                           MEASURE(flat_runs, "flat runs", "", 1, 0),
                                           MEASURE(silence_share, "silence", "%", 100, 1),
                                           MEASURE(peak_dbfs, "peak", "dBFS", 1, 2),
                                           MEASURE(rms_dbfs, "level (RMS)", "dBFS", 1, 1),
                                           MEASURE(crest_db, "crest", "dB", 1, 1),
                                           MEASURE(dc_offset, "DC offset", "", 1, 5),
                                           MEASURE(balance_db, "balance left/right", "dB", 1, 1),
                                           MEASURE(phase, "phase correlation", "", 1, 2),
                                           MEASURE(loudness_lufs, "loudness", "LUFS", 1, 1),
                                           MEASURE(loudness_range_lu, "loudness range", "LU", 1, 1),
                                           MEASURE(true_peak_dbtp, "true peak", "dBTP", 1, 2),
                                           MEASURE(bandwidth_hz, "bandwidth", "Hz", 1, 0),
                                           MEASURE(cutoff_hz, "steepest fall at", "Hz", 1, 0),
                                           MEASURE(cutoff_db, "steepest fall", "dB", 1, 1),
                                           MEASURE(upconverted, "up-converted", "", 1, -1),
                                           MEASURE(tempo_bpm, "tempo", "bpm", 1, 1),
                                           MEASURE(tempo_confidence, "tempo confidence", "", 1, 2),
                                           MEASURE(gain_db, "gain", "dB", 1, 2),
                                           MEASURE(track_true_peak_dbtp, "track true peak", "dBTP", 1, 2),
                                           MEASURE(track_loudness_lufs, "track loudness", "LUFS", 1, 1),
                                           {0}};

static double *field(lofi_measures *measures, const lofi_measure *measure) {
    return (void *)((char *)measures + measure->offset);
}

double lofi_measure_value(const lofi_measures *measures, const lofi_measure *measure) {
    const void *place = (const char *)measures + measure->offset;
    return *(const double *)place;
}

bool lofi_measure_print(char text[48], const lofi_measures *measures, const lofi_measure *measure) {
    double value = lofi_measure_value(measures, measure) * measure->scale;
    if (isnan(value)) return false;
    if (measure->decimals < 0) {
        snprintf(text, 48, "%s", value != 0.0 ? "yes" : "no");
        return true;
    }
    if (fabs(value) < pow(10.0, -measure->decimals) / 2.0) value = 0.0; /* never "-0.0" */
    snprintf(text, 48, "%.*f%s%s", measure->decimals, value, measure->unit[0] != '\0' ? " " : "", measure->unit);
    return true;
}

lofi_measures lofi_measures_none(void) {
    lofi_measures none = {.key = {.tonic = -1}};
    for (const lofi_measure *m = lofi_measure_table; m->name != NULL; m++) *field(&none, m) = NAN;
    return none;
}

void lofi_measures_take_levels(lofi_measures *measures, const lofi_levels *levels) {
    measures->clipped_share = levels->clipped_share;
    measures->flat_runs = (double)levels->flat_runs;
    measures->silence_share = levels->silence_share;
    measures->peak_dbfs = levels->peak_dbfs;
    measures->rms_dbfs = levels->rms_dbfs;
    measures->crest_db = levels->peak_dbfs - levels->rms_dbfs;
    measures->dc_offset = levels->dc_offset;
    measures->balance_db = levels->balance_db;
    measures->phase = levels->phase;
}

static lofi_code take_music(lofi_measures *measures, lofi_fingerprint *print, const lofi_audio *mono, lofi_error *err) {
    lofi_tempo tempo;
    LOFI_TRY(lofi_tempo_measure(&tempo, mono, err));
    LOFI_TRY(lofi_key_measure(&measures->key, mono, err));
    measures->tempo_bpm = tempo.bpm;
    measures->tempo_confidence = tempo.confidence;
    return lofi_fingerprint_compute(print, mono, err);
}

lofi_code lofi_measures_take_stereo(lofi_measures *measures, lofi_fingerprint *print, const lofi_audio *stereo,
                                    bool claims_better, lofi_error *err) {
    lofi_loudness loudness;
    lofi_bandwidth band;
    lofi_audio mono = LOFI_AUDIO_INIT;
    LOFI_TRY(lofi_loudness_measure(&loudness, stereo, err));
    LOFI_TRY(lofi_bandwidth_measure(&band, stereo, err));
    measures->loudness_lufs = loudness.integrated_lufs;
    measures->loudness_range_lu = loudness.range_lu;
    measures->true_peak_dbtp = loudness.true_peak_dbtp;
    measures->bandwidth_hz = band.bandwidth_hz;
    measures->cutoff_hz = band.cutoff_hz;
    measures->cutoff_db = band.cutoff_db;
    measures->upconverted = band.encoded && band.cutoff_hz < UPCONVERTED_HZ && claims_better ? 1.0 : 0.0;
    LOFI_TRY(lofi_audio_convert_quickly(&mono, stereo, ANALYSIS_RATE, 1, err));
    lofi_code code = take_music(measures, print, &mono, err);
    lofi_audio_free(&mono);
    return code;
}

json_t *lofi_measures_json(const lofi_measures *measures) {
    json_t *object = json_object();
    const char *key = lofi_key_name(&measures->key);
    for (const lofi_measure *m = lofi_measure_table; m->name != NULL; m++)
        json_object_set_new(object, m->name, lofi_json_finite(lofi_measure_value(measures, m)));
    json_object_set_new(object, "key", key == NULL ? json_null() : json_string(key));
    json_object_set_new(object, "key_confidence", key == NULL ? json_null() : json_real(measures->key.confidence));
    return object;
}

lofi_measures lofi_measures_from_json(const json_t *object) {
    lofi_measures measures = lofi_measures_none();
    for (const lofi_measure *m = lofi_measure_table; m->name != NULL; m++) {
        const json_t *value = json_object_get(object, m->name);
        if (json_is_number(value)) *field(&measures, m) = json_number_value(value);
    }
    const char *key = json_string_value(json_object_get(object, "key"));
    if (key != NULL && lofi_key_parse(&measures.key, key))
        measures.key.confidence = json_number_value(json_object_get(object, "key_confidence"));
    return measures;
}
