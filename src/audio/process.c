/* process.c - one raw song to one prepared track; see process.h. */
#include "audio/process.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/decode.h"
#include "base/file.h"

#define SILENT_PEAK  1e-5f
#define LONGEST_NAME 255

const char *lofi_process_status_name(lofi_process_status status) {
    static const char *const names[] = {"success", "skipped", "failed"};
    return names[status];
}

lofi_code lofi_process_check(const lofi_process_options *options, lofi_error *err) {
    LOFI_TRY(lofi_encode_check(&options->encoding, options->sample_rate, 2, err));
    if (!(options->min_seconds >= 0.0) || !(options->max_seconds > 0.0) || options->max_seconds < options->min_seconds)
        return lofi_fail(err, LOFI_ERR_USAGE, "no song can last %g to %g s", options->min_seconds,
                         options->max_seconds);
    if (options->max_seconds > 3600.0)
        return lofi_fail(err, LOFI_ERR_USAGE, "a track may be at most 3600 s long, not %g", options->max_seconds);
    if (!(options->peak_dbfs <= 0.0) || options->peak_dbfs < -60.0)
        return lofi_fail(err, LOFI_ERR_USAGE, "the peak must be -60 to 0 dBFS, not %g", options->peak_dbfs);
    if (options->workers < 0) return lofi_fail(err, LOFI_ERR_USAGE, "there cannot be %d workers", options->workers);
    return LOFI_OK;
}

void lofi_process_result_free(lofi_process_result *result) {
    free(result->source);
    free(result->output);
    free(result->message);
    *result = (lofi_process_result){0};
}

static lofi_code copy_text(char **out, const char *text, lofi_error *err) {
    char *copy = strdup(text);
    if (copy == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for a result");
    free(*out);
    *out = copy;
    return LOFI_OK;
}

static lofi_code reject(lofi_process_result *result, lofi_process_status status, const char *reason,
                        const char *message, lofi_error *err) {
    result->status = status;
    result->reason = reason;
    return copy_text(&result->message, message, err);
}

/* What a failure to decode says about the file; other codes are fatal and go on up. */
static lofi_code reject_source(lofi_process_result *result, lofi_code code, lofi_error *err) {
    lofi_error found = *err;
    if (code == LOFI_ERR_FORMAT) return reject(result, LOFI_PROCESS_FAILED, "corrupt", found.message, err);
    if (code == LOFI_ERR_IO || code == LOFI_ERR_NOT_FOUND)
        return reject(result, LOFI_PROCESS_FAILED, "unreadable", found.message, err);
    return code;
}

static void normalise_peak(lofi_audio *audio, double peak_dbfs) {
    float peak = lofi_audio_peak(audio);
    if (peak >= SILENT_PEAK) lofi_audio_scale(audio, (float)(pow(10.0, peak_dbfs / 20.0) / (double)peak));
}

/* Reads no further than what is kept. */
static lofi_code decode_source(lofi_audio *audio, lofi_audio_info *info, lofi_quality_meter *meter, const char *source,
                               const lofi_process_options *options, lofi_error *err) {
    lofi_decode_options decode = LOFI_DECODE_STEREO_48K_INIT;
    decode.sample_rate = options->sample_rate;
    decode.max_seconds = options->max_seconds;
    decode.tap = lofi_quality_add;
    decode.tap_user = meter;
    return lofi_audio_decode(audio, info, source, &decode, err);
}

static lofi_code write_track(lofi_process_result *result, lofi_audio *audio, const char *output,
                             const lofi_process_options *options, lofi_error *err) {
    if (strlen(lofi_path_base(output)) > LONGEST_NAME)
        return reject(result, LOFI_PROCESS_FAILED, "name_too_long", "the name of the output is longer than 255 bytes",
                      err);
    normalise_peak(audio, options->peak_dbfs);
    if (!options->dry_run) LOFI_TRY(lofi_audio_encode(output, audio, &options->encoding, err));
    LOFI_TRY(copy_text(&result->output, output, err));
    result->status = LOFI_PROCESS_SUCCESS;
    return LOFI_OK;
}

static lofi_code judge_and_write(lofi_process_result *result, lofi_audio *audio, const lofi_audio_info *info,
                                 const char *output, const lofi_process_options *options, lofi_error *err) {
    char text[128];
    result->seconds = lofi_audio_seconds(audio);
    result->trimmed = !info->complete && info->declared_seconds > result->seconds + 0.01;
    if (result->seconds < options->min_seconds) {
        snprintf(text, sizeof text, "%.1f s, at least %g s are needed", result->seconds, options->min_seconds);
        return reject(result, LOFI_PROCESS_SKIPPED, "too_short", text, err);
    }
    if (info->damaged > 0) {
        snprintf(text, sizeof text, "%lld of %lld packets are damaged and were left out", (long long)info->damaged,
                 (long long)info->packets);
        LOFI_TRY(copy_text(&result->message, text, err));
    }
    return write_track(result, audio, output, options, err);
}

static lofi_code process_file(lofi_process_result *result, const char *output, const lofi_process_options *options,
                              lofi_error *err) {
    lofi_audio audio = LOFI_AUDIO_INIT;
    lofi_audio_info info;
    lofi_quality_meter meter = {0};
    lofi_error found = LOFI_ERROR_INIT;
    lofi_code code = decode_source(&audio, &info, &meter, result->source, options, &found);
    if (code != LOFI_OK) {
        code = reject_source(result, code, &found);
        if (code != LOFI_OK && err != NULL) *err = found;
        return code;
    }
    result->quality = lofi_quality_result(&meter);
    result->measured = true;
    code = judge_and_write(result, &audio, &info, output, options, err);
    lofi_audio_free(&audio);
    return code;
}

lofi_code lofi_process_file(lofi_process_result *result, const char *source, const char *output,
                            const lofi_process_options *options, lofi_error *err) {
    LOFI_TRY(lofi_process_check(options, err));
    lofi_process_result made = {.seconds = -1.0};
    lofi_code code = copy_text(&made.source, source, err);
    if (code == LOFI_OK) code = process_file(&made, output, options, err);
    if (code == LOFI_OK)
        *result = made;
    else
        lofi_process_result_free(&made);
    return code;
}
