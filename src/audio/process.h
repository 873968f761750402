/* process.h - raw songs to prepared tracks: one file, or a folder with all below it.
 *
 * A file is decoded (decode.h), measured as decoded (levels.h) and judged, made 48 kHz stereo, cut to max_seconds, measured
 * further (measures.h), scaled, and written (encode.h). Nothing is passed over without a word: every file gets a result.
 *
 *     status   reason              when
 *     success
 *     skipped  unchanged           an earlier run made this track of the same content with the same settings, and it is there
 *     skipped  too_short           shorter than min_seconds
 *     skipped  not_audio           no sound in it by its content, nor by its extension (README, cover, licence)
 *     skipped  not_a_file          a link to a folder, a pipe, a socket, a device
 *     failed   excessive_clipping  more than 0.1 % of the samples at or above 0.99 of full scale
 *     failed   excessive_silence   more than half of it below 0.01 of full scale
 *     failed   corrupt             decoding fails (see decode.h), ends the process that does it, takes longer than seconds_limit
 *                                  or more memory than lofi_process_memory; an empty file, or text, with an extension of sound
 *     failed   unsupported         sound that is understood and cannot be converted: ten channels that say nothing of where they are
 *     failed   unreadable          the system refuses to open or read it; a link that leads nowhere
 *     failed   bad_name            the name is not UTF-8, holds a control character, or the output's would be longer than 255 bytes
 *
 * Clipping and silence are judged on what is kept of the file, as decoded. The length is judged first, then clipping, then
 * silence.
 *
 * The gain makes the highest sample peak_dbfs. With loudness_lufs it makes the integrated loudness that, or as much of it as
 * leaves the true peak at peak_dbfs. Silence (a peak below -100 dBFS) is not scaled. A lossy format shifts the peak a little
 * when it is decoded again; measures.track_true_peak_dbtp says what came out.
 *
 * Output names: FOLDER/STEM.EXT, with the sub-folders of the input. The stem is the track's id in a catalogue, so where several
 * sounds of a tree would get the same one (compared without case for A-Z), each gets its sub-folders before it, joined with '_'
 * ("win/Apex.ogg": win/win_Apex.mp3); those that still clash get their old extension behind ("a.wav": a_wav.mp3), and as a
 * last resort a number in the order of the sorted paths. The names depend on nothing but the paths of the sounds.
 */
#ifndef LOFI_AUDIO_PROCESS_H
#define LOFI_AUDIO_PROCESS_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audio/encode.h"
#include "audio/measures.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"

#define LOFI_MOST_CLIPPED 0.001 /* share */
#define LOFI_MOST_SILENCE 0.5   /* share */

typedef enum lofi_process_status {
    LOFI_PROCESS_SUCCESS,
    LOFI_PROCESS_SKIPPED,
    LOFI_PROCESS_FAILED
} lofi_process_status;

typedef struct lofi_process_options {
    int sample_rate; /* Hz, of the output */
    lofi_encode_options encoding;
    double min_seconds, max_seconds;
    double peak_dbfs;     /* at most 0 */
    double loudness_lufs; /* NaN: by the peak alone */
    int workers;          /* processes; 0: one per processor. Changes nothing in files and order */
    double seconds_limit; /* for one file */
    const char
        *metadata; /* folder of the ledger (ledger.h); NULL: nothing is remembered, no duplicates are looked for */
    bool dry_run;  /* do everything but write */
} lofi_process_options;

#define LOFI_PROCESS_OPTIONS_INIT                                                                                      \
    { 48000, LOFI_ENCODE_MP3_INIT, 30.0, 240.0, -1.0, NAN, 0, 300.0, NULL, false }

typedef struct lofi_process_result {
    char *source; /* as it can be opened from here */
    char *output; /* NULL unless the track is there: success, or skipped as unchanged */
    lofi_process_status status;
    char reason[24]; /* see above; "" on success */
    char *message;   /* a sentence about a failure, or a warning on success ("2 damaged packets left out"); or NULL */
    double seconds;  /* of the output on success, of the source when too short; negative when not known */
    bool trimmed;
    bool lasting;       /* the verdict is about the content: it need not be found again */
    bool out_of_memory; /* this is why it is corrupt */
    bool measured;      /* measures and score are */
    lofi_measures measures;
    int score;         /* 0..100 (quality.h) */
    char *fingerprint; /* as text (fingerprint.h), or NULL */
    char format[32], codec[32];
    int sample_rate, channels;     /* of the source */
    int64_t bits_per_second;       /* likewise; 0 when not known */
    char content[LOFI_SHA256_HEX]; /* of the source (ledger.h), "" when not known */
    lofi_file_facts facts;         /* of the track; zero bytes when none was written */
} lofi_process_result;

typedef struct lofi_process_duplicate {
    const char *first, *second; /* paths of the tracks; borrowed from the report */
    lofi_duplicate match;
} lofi_process_duplicate;

typedef struct lofi_process_report {
    lofi_process_result *results; /* in the bytewise order of the relative paths */
    size_t count;
    size_t processed, skipped, failed;
    size_t unreadable_folders;          /* each was named in the log */
    lofi_process_duplicate *duplicates; /* among these tracks and those that the ledger knows of earlier runs */
    size_t duplicate_count;
    size_t compared_pairs; /* of tracks */
    char **names;          /* [name_count], of the tracks that were compared */
    size_t name_count;
} lofi_process_report;

/* The word of the JSON: "success", "skipped", "failed". */
const char *lofi_process_status_name(lofi_process_status status);

/* LOFI_ERR_USAGE for options that make no sense together. */
lofi_code lofi_process_check(const lofi_process_options *options, lofi_error *err) LOFI_MUST_USE;
/* What one worker may need beyond what it begins with, in bytes: 192 MiB and four times the samples of the longest track. */
size_t lofi_process_memory(const lofi_process_options *options);
/* The settings that a track depends on, as one line; yours by free(). NULL when memory is out. */
char *lofi_process_settings(const lofi_process_options *options);

/* Called when a track is ready but for its name, so that it can be put on record before it is there. */
typedef lofi_code lofi_process_seal_fn(void *user, const lofi_process_result *result, lofi_error *err);

/* One file, whose result is in *result (lofi_process_result_free) when LOFI_OK is returned, also when it was
 * rejected. Other codes mean that nothing further makes sense: the output cannot be written. `content` goes into the result
 * ("" when not known). seal may be NULL; it is called for rejections that last, too, and never on a dry run. The folder of the
 * output is made when it is missing. */
lofi_code lofi_process_file(lofi_process_result *result, const char *source, const char *content, const char *output,
                            const lofi_process_options *options, lofi_process_seal_fn *seal, void *user,
                            lofi_error *err) LOFI_MUST_USE;
void lofi_process_result_free(lofi_process_result *result);

/* What is known of one file without writing anything: the same result as a dry run of lofi_process_file, with all measures also
 * where a rule rejects it. */
lofi_code lofi_process_examine(lofi_process_result *result, const char *source, const lofi_process_options *options,
                               lofi_error *err) LOFI_MUST_USE;
/* The same for several files, in worker processes. *report is yours: lofi_process_report_free. */
lofi_code lofi_process_examine_all(lofi_process_report *report, const char *const *sources, size_t count,
                                   const lofi_process_options *options, lofi_error *err) LOFI_MUST_USE;
/* The source already is what preparing would make of it: the rate, stereo, a length within the limits, a peak not above the
 * one asked for (0.35 dB are left to lossy formats). */
bool lofi_process_is_prepared(const lofi_process_result *result, const lofi_process_options *options);

/* All files below `input` (hidden ones and what lies below `output` and the metadata folder left out), in worker processes
 * (workers.h), to `output` (made when missing). Rejected files and progress are told to `log`. *report is yours:
 * lofi_process_report_free. LOFI_ERR_INTERRUPTED: after the files in work were finished; what was written stays and is on
 * record. */
lofi_code lofi_process_folder(lofi_process_report *report, const char *input, const char *output,
                              const lofi_process_options *options, lofi_log *log, lofi_error *err) LOFI_MUST_USE;
void lofi_process_report_free(lofi_process_report *report);

/* The extension is one that people give to sound: ".mp3", ".FLAC". */
bool lofi_is_sound_extension(const char *extension);
/* outputs[i], each yours by free(): the name for sources[i] (relative paths, sorted), by the rule above. */
lofi_code lofi_process_names(char **outputs, const char *const *sources, size_t count, const char *extension,
                             lofi_error *err) LOFI_MUST_USE;

#endif
