/* process.c - one raw song to one prepared track; see process.h. */
#include "audio/process.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/decode.h"
#include "audio/loudness.h"
#include "audio/quality.h"

#define SILENT_PEAK     1e-5f
#define LONGEST_NAME    255
#define CAREFUL_BITRATE 192000 /* at which no encoder needs to cut the top off */
#define LOSSY_PEAK_DB   0.35   /* that a lossy format may lift a peak */
#define BASE_MEMORY     ((size_t)192 << 20)
#define RULES           "1" /* changes when the same settings make another track than before */

const char *lofi_process_status_name(lofi_process_status status) {
    static const char *const names[] = {"success", "skipped", "failed"};
    return names[status];
}

/* ---- options ---- */

lofi_code lofi_process_check(const lofi_process_options *options, lofi_error *err) {
    LOFI_TRY(lofi_encode_check(&options->encoding, options->sample_rate, 2, err));
    if (!(options->min_seconds >= 0.0) || !(options->max_seconds > 0.0) || options->max_seconds < options->min_seconds)
        return lofi_fail(err, LOFI_ERR_USAGE, "no song can last %g to %g s", options->min_seconds,
                         options->max_seconds);
    if (options->max_seconds > 3600.0)
        return lofi_fail(err, LOFI_ERR_USAGE, "a track may be at most 3600 s long, not %g", options->max_seconds);
    if (!(options->peak_dbfs <= 0.0) || options->peak_dbfs < -60.0)
        return lofi_fail(err, LOFI_ERR_USAGE, "the peak must be -60 to 0 dBFS, not %g", options->peak_dbfs);
    if (options->loudness_lufs > 0.0 || options->loudness_lufs < -70.0)
        return lofi_fail(err, LOFI_ERR_USAGE, "the loudness must be -70 to 0 LUFS, not %g", options->loudness_lufs);
    if (options->workers < 0) return lofi_fail(err, LOFI_ERR_USAGE, "there cannot be %d workers", options->workers);
    if (!(options->seconds_limit > 0.0))
        return lofi_fail(err, LOFI_ERR_USAGE, "no file can be done in %g s", options->seconds_limit);
    return LOFI_OK;
}

size_t lofi_process_memory(const lofi_process_options *options) {
    double track_bytes = options->max_seconds * options->sample_rate * 2.0 * sizeof(float);
    return BASE_MEMORY + 4 * (size_t)track_bytes;
}

char *lofi_process_settings(const lofi_process_options *options) {
    const lofi_encode_options *encoding = &options->encoding;
    char *text = NULL, level[64] = "peak";
    if (!isnan(options->loudness_lufs)) snprintf(level, sizeof level, "%g LUFS, peak", options->loudness_lufs);
    int length = encoding->format == LOFI_AUDIO_MP3
                     ? asprintf(&text, "%d Hz, mp3 %d kbit/s -q %d", options->sample_rate, encoding->bitrate_kbps,
                                encoding->mp3_quality)
                     : asprintf(&text, "%d Hz, %s %d bits", options->sample_rate,
                                lofi_audio_format_name(encoding->format), encoding->bits);
    if (length < 0) return NULL;
    char *all = NULL;
    length = asprintf(&all, "%s, %g to %g s, %s %g dBFS, rules " RULES, text, options->min_seconds,
                      options->max_seconds, level, options->peak_dbfs);
    free(text);
    return length < 0 ? NULL : all;
}

/* ---- results ---- */

void lofi_process_result_free(lofi_process_result *result) {
    free(result->source);
    free(result->output);
    free(result->message);
    free(result->fingerprint);
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
    snprintf(result->reason, sizeof result->reason, "%s", reason);
    result->lasting = true;
    return copy_text(&result->message, message, err);
}

/* What a failure to decode says about the file; other codes are fatal and go on up. A file that takes too much memory is one that
 * nobody can use; another time there may be more. */
static lofi_code reject_source(lofi_process_result *result, lofi_code code, lofi_error *err) {
    lofi_error found = *err;
    bool unreadable = code == LOFI_ERR_IO || code == LOFI_ERR_NOT_FOUND;
    if (!unreadable && code != LOFI_ERR_FORMAT && code != LOFI_ERR_MEMORY && code != LOFI_ERR_UNSUPPORTED) return code;
    const char *reason = unreadable ? "unreadable" : code == LOFI_ERR_UNSUPPORTED ? "unsupported" : "corrupt";
    LOFI_TRY(reject(result, LOFI_PROCESS_FAILED, reason, found.message, err));
    result->out_of_memory = code == LOFI_ERR_MEMORY;
    result->lasting = code == LOFI_ERR_FORMAT;
    return LOFI_OK;
}

/* ---- one file ---- */

/* What is known of a file on its way. */
typedef struct job {
    lofi_process_result *result;
    const char *content;
    const char *output; /* NULL: nothing is to be written, everything to be measured */
    const lofi_process_options *options;
    lofi_process_seal_fn *seal;
    void *user;
    lofi_audio audio;
    lofi_audio_info info;
} job;

/* Reads no further than what is kept. */
static lofi_code decode_source(job *j, lofi_error *err) {
    lofi_process_result *result = j->result;
    lofi_level_meter meter = {0};
    lofi_decode_options decode = LOFI_DECODE_STEREO_48K_INIT;
    decode.sample_rate = j->options->sample_rate;
    decode.max_seconds = j->options->max_seconds;
    decode.tap = lofi_levels_add;
    decode.tap_user = &meter;
    LOFI_TRY(lofi_audio_decode(&j->audio, &j->info, result->source, &decode, err));
    lofi_levels levels = lofi_levels_result(&meter);
    result->measures = lofi_measures_none();
    lofi_measures_take_levels(&result->measures, &levels);
    result->seconds = lofi_audio_seconds(&j->audio);
    /* Lossy files count the padding of their encoder in the length that they declare. */
    double slack = j->info.lossless ? 0.01 : 0.1;
    result->trimmed = !j->info.complete && j->info.declared_seconds > result->seconds + slack;
    snprintf(result->format, sizeof result->format, "%s", j->info.format);
    snprintf(result->codec, sizeof result->codec, "%s", j->info.codec);
    result->sample_rate = j->info.sample_rate;
    result->channels = j->info.channels;
    result->bits_per_second = j->info.bits_per_second;
    return LOFI_OK;
}

static lofi_code judge(job *j, lofi_error *err) {
    lofi_process_result *result = j->result;
    const lofi_measures *m = &result->measures;
    char text[160];
    if (result->seconds < j->options->min_seconds) {
        snprintf(text, sizeof text, "%.1f s, at least %g s are needed", result->seconds, j->options->min_seconds);
        return reject(result, LOFI_PROCESS_SKIPPED, "too_short", text, err);
    }
    if (m->clipped_share > LOFI_MOST_CLIPPED) {
        snprintf(text, sizeof text, "%.2f %% of the samples are clipped, at most %g %% may be",
                 100.0 * m->clipped_share, 100.0 * LOFI_MOST_CLIPPED);
        return reject(result, LOFI_PROCESS_FAILED, "excessive_clipping", text, err);
    }
    if (m->silence_share > LOFI_MOST_SILENCE) {
        snprintf(text, sizeof text, "%.0f %% of it is silence, at most %g %% may be", 100.0 * m->silence_share,
                 100.0 * LOFI_MOST_SILENCE);
        return reject(result, LOFI_PROCESS_FAILED, "excessive_silence", text, err);
    }
    if (j->info.damaged == 0) return LOFI_OK;
    snprintf(text, sizeof text, "%lld of %lld packets are damaged and were left out", (long long)j->info.damaged,
             (long long)j->info.packets);
    return copy_text(&result->message, text, err);
}

static lofi_code measure_stereo(job *j, lofi_error *err) {
    lofi_fingerprint print = {0};
    bool claims_better = j->info.lossless || j->info.bits_per_second >= CAREFUL_BITRATE;
    LOFI_TRY(lofi_measures_take_stereo(&j->result->measures, &print, &j->audio, claims_better, err));
    lofi_code code = print.count > 0 ? lofi_fingerprint_write(&j->result->fingerprint, &print, err) : LOFI_OK;
    lofi_fingerprint_free(&print);
    return code;
}

static lofi_code choose_gain(double *gain_db, job *j, lofi_error *err) {
    const lofi_measures *m = &j->result->measures;
    const lofi_process_options *options = j->options;
    float peak = lofi_audio_peak(&j->audio);
    *gain_db = 0.0;
    if (!(peak >= SILENT_PEAK)) return LOFI_OK;
    *gain_db = options->peak_dbfs - 20.0 * log10((double)peak);
    if (isnan(options->loudness_lufs) || isnan(m->loudness_lufs)) return LOFI_OK;
    double most = options->peak_dbfs - m->true_peak_dbtp;
    *gain_db = fmin(most, options->loudness_lufs - m->loudness_lufs);
    if (*gain_db < most) return LOFI_OK;
    char text[160];
    snprintf(text, sizeof text, "%.1f LUFS and not %g: more would lift the true peak above %g dB",
             m->loudness_lufs + most, options->loudness_lufs, options->peak_dbfs);
    return copy_text(&j->result->message, text, err);
}

static lofi_code encode(job *j, lofi_writer *writer, lofi_error *err) {
    lofi_measures *m = &j->result->measures;
    lofi_encode_options encoding = j->options->encoding;
    lofi_true_peak *peak;
    LOFI_TRY(lofi_true_peak_new(&peak, 2, j->options->sample_rate, err));
    encoding.tap = lofi_true_peak_add;
    encoding.tap_user = peak;
    const char *name = j->output == NULL ? j->result->source : j->output;
    lofi_code code = lofi_audio_encode_to(writer, name, &j->audio, &encoding, err);
    if (code == LOFI_OK) code = lofi_true_peak_result(&m->track_true_peak_dbtp, peak, err);
    lofi_true_peak_free(peak);
    m->track_loudness_lufs = m->loudness_lufs + m->gain_db;
    j->result->score = lofi_quality_score(m, j->result->seconds);
    return code;
}

static lofi_code put_on_record(const job *j, lofi_error *err) {
    return j->seal == NULL || j->options->dry_run ? LOFI_OK : j->seal(j->user, j->result, err);
}

static lofi_code write_file(job *j, lofi_error *err) {
    char folder[LOFI_PATH_MAX];
    lofi_writer *writer;
    LOFI_TRY(lofi_path_parent(folder, j->output, err));
    LOFI_TRY(lofi_folder_make(folder, err));
    LOFI_TRY(lofi_writer_open(&writer, j->output, err));
    lofi_code code = encode(j, writer, err);
    if (code == LOFI_OK) code = lofi_writer_seal(&j->result->facts, writer, err);
    if (code == LOFI_OK) code = put_on_record(j, err);
    if (code == LOFI_OK) return lofi_writer_commit(writer, err);
    lofi_writer_abort(writer);
    return code;
}

static lofi_code make_track(job *j, lofi_error *err) {
    lofi_process_result *result = j->result;
    LOFI_TRY(choose_gain(&result->measures.gain_db, j, err));
    lofi_audio_scale(&j->audio, (float)pow(10.0, result->measures.gain_db / 20.0));
    if (j->output == NULL) return encode(j, NULL, err);
    if (strlen(lofi_path_base(j->output)) > LONGEST_NAME)
        return reject(result, LOFI_PROCESS_FAILED, "bad_name", "the name of the output is longer than 255 bytes", err);
    LOFI_TRY(copy_text(&result->output, j->output, err));
    result->lasting = true;
    return j->options->dry_run ? encode(j, NULL, err) : write_file(j, err);
}

static lofi_code process_decoded(job *j, lofi_error *err) {
    lofi_process_result *result = j->result;
    LOFI_TRY(judge(j, err));
    result->measured = true;
    if (result->status == LOFI_PROCESS_SKIPPED && j->output != NULL) {
        result->measured = false;
        return put_on_record(j, err);
    }
    LOFI_TRY(measure_stereo(j, err));
    result->score = lofi_quality_score(&result->measures, result->seconds);
    if (result->status == LOFI_PROCESS_FAILED && j->output != NULL) return put_on_record(j, err);
    return make_track(j, err);
}

static lofi_code process_file(job *j, lofi_error *err) {
    lofi_error found = LOFI_ERROR_INIT;
    lofi_code code = decode_source(j, &found);
    bool decoded = code == LOFI_OK;
    if (decoded) code = process_decoded(j, &found);
    if (code == LOFI_OK) return LOFI_OK;
    if (!decoded || code == LOFI_ERR_MEMORY) code = reject_source(j->result, code, &found);
    if (code == LOFI_OK && j->result->lasting) return put_on_record(j, err);
    if (code != LOFI_OK && err != NULL) *err = found;
    return code;
}

static lofi_code run(job j, lofi_process_result *result, const char *source, lofi_error *err) {
    LOFI_TRY(lofi_process_check(j.options, err));
    lofi_process_result made = {.seconds = -1.0};
    snprintf(made.content, sizeof made.content, "%s", j.content);
    j.result = &made;
    lofi_code code = copy_text(&made.source, source, err);
    if (code == LOFI_OK) code = process_file(&j, err);
    lofi_audio_free(&j.audio);
    if (code == LOFI_OK)
        *result = made;
    else
        lofi_process_result_free(&made);
    return code;
}

lofi_code lofi_process_file(lofi_process_result *result, const char *source, const char *content, const char *output,
                            const lofi_process_options *options, lofi_process_seal_fn *seal, void *user,
                            lofi_error *err) {
    return run((job){.content = content, .output = output, .options = options, .seal = seal, .user = user}, result,
               source, err);
}

lofi_code lofi_process_examine(lofi_process_result *result, const char *source, const lofi_process_options *options,
                               lofi_error *err) {
    return run((job){.content = "", .options = options}, result, source, err);
}

bool lofi_process_is_prepared(const lofi_process_result *result, const lofi_process_options *options) {
    return result->measured && result->sample_rate == options->sample_rate && result->channels == 2 &&
           !result->trimmed && result->seconds >= options->min_seconds &&
           result->measures.peak_dbfs <= options->peak_dbfs + LOSSY_PEAK_DB;
}
