/* cmd_audio_process.c - raw songs to prepared tracks. */
#include <math.h>
#include <string.h>

#include "audio/process.h"
#include "audio/report.h"
#include "base/memory.h"
#include "cli/audio_json.h"
#include "cli/command.h"

typedef struct settings {
    const char *input, *output, *metadata, *report;
    const char *format;
    int64_t sample_rate, bitrate, mp3_quality, workers;
    double min_seconds, max_seconds, peak_dbfs, loudness_lufs, seconds_limit;
} settings;

static const lofi_option options[] = {{.name = "input-dir",
                                       .kind = LOFI_OPTION_PATH,
                                       .offset = offsetof(settings, input),
                                       .value = "DIR",
                                       .required = true,
                                       .help = "Folder of songs; sub-folders too"},
                                      {.name = "output-dir",
                                       .kind = LOFI_OPTION_PATH,
                                       .offset = offsetof(settings, output),
                                       .value = "DIR",
                                       .required = true,
                                       .help = "Where the tracks go; made when it is missing"},
                                      {.name = "sample-rate",
                                       .kind = LOFI_OPTION_INT,
                                       .offset = offsetof(settings, sample_rate),
                                       .value = "HZ",
                                       .fallback = "48000",
                                       .min = 8000,
                                       .max = 192000,
                                       .help = "Sample rate of the tracks"},
                                      {.name = "target-format",
                                       .kind = LOFI_OPTION_CHOICE,
                                       .offset = offsetof(settings, format),
                                       .value = "FORMAT",
                                       .fallback = "mp3",
                                       .choices = "mp3|flac|wav",
                                       .help = "Format of the tracks (flac and wav: 24 bits)"},
                                      {.name = "bitrate",
                                       .kind = LOFI_OPTION_INT,
                                       .offset = offsetof(settings, bitrate),
                                       .value = "KBIT",
                                       .fallback = "320",
                                       .min = 32,
                                       .max = 320,
                                       .help = "Bit rate of MP3 in kbit/s"},
                                      {.name = "mp3-quality",
                                       .kind = LOFI_OPTION_INT,
                                       .offset = offsetof(settings, mp3_quality),
                                       .value = "N",
                                       .fallback = "7",
                                       .min = 0,
                                       .max = 9,
                                       .help = "LAME's quality level, 0 slowest to 9"},
                                      {.name = "min-duration",
                                       .kind = LOFI_OPTION_NUMBER,
                                       .offset = offsetof(settings, min_seconds),
                                       .value = "SECONDS",
                                       .fallback = "30",
                                       .min = 0,
                                       .max = 3600,
                                       .help = "Shorter songs are skipped"},
                                      {.name = "max-duration",
                                       .kind = LOFI_OPTION_NUMBER,
                                       .offset = offsetof(settings, max_seconds),
                                       .value = "SECONDS",
                                       .fallback = "240",
                                       .min = 0.1,
                                       .max = 3600,
                                       .help = "Longer songs are cut to this length"},
                                      {.name = "normalize-peak",
                                       .kind = LOFI_OPTION_NUMBER,
                                       .offset = offsetof(settings, peak_dbfs),
                                       .value = "DBFS",
                                       .fallback = "-1",
                                       .min = -60,
                                       .max = 0,
                                       .help = "Highest sample of a track, in dB below full scale"},
                                      {.name = "normalize-loudness",
                                       .kind = LOFI_OPTION_NUMBER,
                                       .offset = offsetof(settings, loudness_lufs),
                                       .value = "LUFS",
                                       .min = -70,
                                       .max = 0,
                                       .help = "Integrated loudness of a track, as far as its true peak stays below "
                                               "--normalize-peak"},
                                      {.name = "metadata-dir",
                                       .kind = LOFI_OPTION_PATH,
                                       .offset = offsetof(settings, metadata),
                                       .value = "DIR",
                                       .help = "Where measures, fingerprints and what is done are kept; the default is "
                                               "'metadata' beside the output folder"},
                                      {.name = "report",
                                       .kind = LOFI_OPTION_PATH,
                                       .offset = offsetof(settings, report),
                                       .value = "FILE.html",
                                       .help = "Write a page with the measures, waves and spectra of all files"},
                                      {.name = "file-timeout",
                                       .kind = LOFI_OPTION_NUMBER,
                                       .offset = offsetof(settings, seconds_limit),
                                       .value = "SECONDS",
                                       .fallback = "300",
                                       .min = 0.1,
                                       .max = 86400,
                                       .help = "A file that takes longer is given up as corrupt"},
                                      {.name = "workers",
                                       .kind = LOFI_OPTION_INT,
                                       .offset = offsetof(settings, workers),
                                       .value = "N",
                                       .fallback = "0",
                                       .min = 0,
                                       .max = 256,
                                       .help = "Processes that work at a time; 0 means one per processor"},
                                      {0}};

static json_t *report_json(const lofi_context *context, const lofi_process_report *report) {
    json_t *results = json_array();
    for (size_t i = 0; i < report->count; i++)
        json_array_append_new(results, lofi_audio_result_json(&report->results[i]));
    json_t *document = json_pack("{s:I, s:I, s:I, s:o}", "processed", (json_int_t)report->processed, "skipped",
                                 (json_int_t)report->skipped, "failed", (json_int_t)report->failed, "results", results);
    json_object_set_new(document, "duplicates", lofi_audio_duplicates_json(report));
    json_object_set_new(document, "pairs_compared", json_integer((json_int_t)report->compared_pairs));
    if (context->dry_run) json_object_set_new(document, "dry_run", json_true());
    return document;
}

static void print_summary(const lofi_context *context, const lofi_process_report *report, const char *output) {
    double seconds = 0.0;
    size_t unchanged = 0;
    char kept[64] = "";
    for (size_t i = 0; i < report->count; i++) {
        if (report->results[i].status == LOFI_PROCESS_SUCCESS) seconds += report->results[i].seconds;
        unchanged += strcmp(report->results[i].reason, "unchanged") == 0;
    }
    if (unchanged > 0) snprintf(kept, sizeof kept, " (%zu of them unchanged)", unchanged);
    const char *done = context->dry_run ? "would be written to" : "written to";
    lofi_print(context, "%zu tracks (%.1f minutes) %s '%s', %zu files skipped%s, %zu failed", report->processed,
               seconds / 60.0, done, output, report->skipped, kept, report->failed);
}

static void tell_duplicates(const lofi_context *context, const lofi_process_report *report) {
    for (size_t i = 0; i < report->duplicate_count; i++) {
        const lofi_process_duplicate *pair = &report->duplicates[i];
        lofi_warn(context->log, "'%s' and '%s' hold the same recording: %.0f s of it, %.0f %% alike", pair->first,
                  pair->second, pair->match.overlap_seconds, 100.0 * pair->match.similarity);
    }
}

static lofi_code fill_options(lofi_process_options *process, const lofi_context *context, const settings *s,
                              char metadata[LOFI_PATH_MAX], lofi_error *err) {
    process->sample_rate = (int)s->sample_rate;
    process->encoding.bitrate_kbps = (int)s->bitrate;
    process->encoding.mp3_quality = (int)s->mp3_quality;
    process->min_seconds = s->min_seconds;
    process->max_seconds = s->max_seconds;
    process->peak_dbfs = s->peak_dbfs;
    if (lofi_option_given(context, "normalize-loudness")) process->loudness_lufs = s->loudness_lufs;
    process->workers = (int)s->workers;
    process->seconds_limit = s->seconds_limit;
    process->dry_run = context->dry_run;
    LOFI_TRY(lofi_audio_format_of(&process->encoding.format, s->format, err));
    if (process->encoding.format != LOFI_AUDIO_MP3) process->encoding.bits = 24;
    process->metadata = s->metadata;
    if (s->metadata != NULL) return LOFI_OK;
    char parent[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_parent(parent, s->output, err));
    process->metadata = metadata;
    return lofi_path_format(metadata, err, "%s/metadata", parent);
}

static lofi_code run(lofi_context *context, const void *given, lofi_error *err) {
    const settings *s = given;
    lofi_process_options process = LOFI_PROCESS_OPTIONS_INIT;
    char metadata[LOFI_PATH_MAX];
    LOFI_TRY(fill_options(&process, context, s, metadata, err));
    lofi_process_report report;
    LOFI_TRY(lofi_process_folder(&report, s->input, s->output, &process, context->log, err));
    if (report.count == 0) lofi_warn(context->log, "there are no files in '%s'", s->input);
    if (report.failed > 0 || report.unreadable_folders > 0) context->exit_status = 2;
    tell_duplicates(context, &report);
    print_summary(context, &report, s->output);
    lofi_code code = LOFI_OK;
    if (s->report != NULL) code = lofi_audio_report_write(s->report, &report, &process, context->log, err);
    if (code == LOFI_OK && context->json) code = lofi_print_json(context, report_json(context, &report), err);
    lofi_process_report_free(&report);
    return code;
}

/* 2 is kept for files that failed; whatever stops everything is 1. */
static int exit_for(lofi_code code) {
    return code == LOFI_ERR_INTERRUPTED ? 130 : 1;
}

const lofi_command lofi_command_audio_process = {
    .name = "audio process",
    .alias = "lofi_audio_processor process",
    .summary = "prepare songs: 48 kHz stereo, right length, even level, MP3",
    .details =
        "Reads every file of a folder and its sub-folders: MP3, WAV, FLAC, M4A/AAC and ALAC, Ogg Vorbis, Opus and "
        "others, known "
        "by their content. Each song is made 48 kHz stereo, cut to the longest duration, raised or lowered to one "
        "peak, and "
        "written as MP3 under its own name, in the same sub-folder.\n\n"
        "Songs that are too short are skipped; songs that are clipped, mostly silent or cannot be decoded fail; each "
        "is named with "
        "its reason. The originals are only read. What was measured, and what is done, is kept in the metadata folder: "
        "a song that is "
        "unchanged is not done again, and a run that was stopped or killed goes on where it was. The same recording "
        "under two names is "
        "a warning.\n\n"
        "Songs that share a name get their sub-folders before it: 'win/Apex.ogg' becomes 'win/win_Apex.mp3'. A track "
        "of that name "
        "that is there already is replaced when its song or the settings changed.\n\n"
        "With --dry-run everything is done but written; a page asked for with --report is.\n\n"
        "Exit status: 0 when every file was processed or skipped, 2 when some failed, 1 when nothing could be done.\n\n"
        "Example: lofi audio process --input-dir raw --output-dir data/final",
    .options = options,
    .settings_bytes = sizeof(settings),
    .run = run,
    .exit_for = exit_for,
};
