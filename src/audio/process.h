/* process.h - raw songs to prepared tracks: one file, or a folder with all below it.
 *
 * A file is decoded (decode.h), measured as decoded (quality.h), made 48 kHz stereo, cut to max_seconds, scaled so
 * that its highest sample is peak_dbfs, and written (encode.h). Nothing is passed over without a word: every file
 * gets a result.
 *
 *     status   reason         when
 *     success
 *     skipped  too_short      shorter than min_seconds
 *     skipped  not_audio      no sound in it by its content, nor by its extension (README, cover, licence)
 *     failed   corrupt        decoding fails (see decode.h); an empty file, or text, with an extension of sound
 *     failed   unreadable     the system refuses to open or read it
 *     failed   name_too_long  the output's name would be longer than 255 bytes
 *
 * Clipping and silence are measured and lower the score; they do not reject a file.
 * Silence (a peak below -100 dBFS) is not scaled. A lossy format shifts the peak a little when it is decoded again.
 *
 * Output names: STEM.EXT, all in one folder, spaces and other characters kept. Where several sounds of a folder tree
 * would get the same name (compared without case for A-Z), each of these gets its sub-folders before it, joined with
 * '_' ("win/Apex.ogg": win_Apex.mp3); those that still clash get their old extension behind ("a.wav": a_wav.mp3),
 * and as a last resort a number in the order of the sorted paths. The names depend on nothing but the paths of the
 * sounds.
 */
#ifndef LOFI_AUDIO_PROCESS_H
#define LOFI_AUDIO_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audio/encode.h"
#include "audio/quality.h"
#include "base/error.h"
#include "base/log.h"

typedef enum lofi_process_status {
    LOFI_PROCESS_SUCCESS,
    LOFI_PROCESS_SKIPPED,
    LOFI_PROCESS_FAILED
} lofi_process_status;

typedef struct lofi_process_options {
    int sample_rate; /* Hz, of the output */
    lofi_encode_options encoding;
    double min_seconds, max_seconds;
    double peak_dbfs; /* at most 0 */
    int workers;      /* files at a time; 0: one per processor. Changes nothing in files and order */
    bool dry_run;     /* do everything but write */
} lofi_process_options;

#define LOFI_PROCESS_OPTIONS_INIT                                                                                      \
    { 48000, LOFI_ENCODE_MP3_INIT, 30.0, 240.0, -1.0, 0, false }

typedef struct lofi_process_result {
    char *source; /* as it can be opened from here */
    char *output; /* NULL unless success */
    lofi_process_status status;
    const char *reason; /* see above; NULL on success */
    char *message;  /* a sentence about a failure, or a warning on success ("2 damaged packets left out"); or NULL */
    double seconds; /* of the output on success, of the source when too short; negative when not known */
    bool trimmed;
    bool measured; /* `quality` is */
    lofi_quality quality;
} lofi_process_result;

typedef struct lofi_process_report {
    lofi_process_result *results; /* in the bytewise order of the relative paths */
    size_t count;
    size_t processed, skipped, failed;
    size_t unreadable_folders; /* each was named in the log */
} lofi_process_report;

/* The word of the JSON: "success", "skipped", "failed". */
const char *lofi_process_status_name(lofi_process_status status);

/* LOFI_ERR_USAGE for options that make no sense together. */
lofi_code lofi_process_check(const lofi_process_options *options, lofi_error *err) LOFI_MUST_USE;

/* One file, whose result is in *result (lofi_process_result_free) when LOFI_OK is returned, also when it was
 * rejected. Other codes mean that nothing further makes sense: the output cannot be written, memory is out. */
lofi_code lofi_process_file(lofi_process_result *result, const char *source, const char *output,
                            const lofi_process_options *options, lofi_error *err) LOFI_MUST_USE;
void lofi_process_result_free(lofi_process_result *result);

/* All regular files below `input` (hidden ones and what lies below `output` left out), in parallel, to `output`
 * (made when missing). Rejected files and progress are told to `log`. *report is yours: lofi_process_report_free.
 * LOFI_ERR_INTERRUPTED: after the files in work were finished; what was written stays. */
lofi_code lofi_process_folder(lofi_process_report *report, const char *input, const char *output,
                              const lofi_process_options *options, lofi_log *log, lofi_error *err) LOFI_MUST_USE;
void lofi_process_report_free(lofi_process_report *report);

/* The extension is one that people give to sound: ".mp3", ".FLAC". */
bool lofi_is_sound_extension(const char *extension);
/* outputs[i], each yours by free(): the name for sources[i] (relative paths, sorted), by the rule above. */
lofi_code lofi_process_names(char **outputs, const char *const *sources, size_t count, const char *extension,
                             lofi_error *err) LOFI_MUST_USE;

#endif
