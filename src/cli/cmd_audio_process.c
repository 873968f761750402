/* cmd_audio_process.c - raw songs to prepared tracks. */
#include "audio/process.h"
#include "base/memory.h"
#include "cli/command.h"

typedef struct settings {
    const char *input, *output;
    const char *format;
    int64_t sample_rate, bitrate, workers;
    double min_seconds, max_seconds, peak_dbfs;
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
                                      {.name = "workers",
                                       .kind = LOFI_OPTION_INT,
                                       .offset = offsetof(settings, workers),
                                       .value = "N",
                                       .fallback = "0",
                                       .min = 0,
                                       .max = 256,
                                       .help = "Files worked on at a time; 0 means one per processor"},
                                      {0}};

static json_t *result_json(const lofi_process_result *result) {
    json_t *object = json_object();
    json_object_set_new(object, "source", json_string(result->source));
    json_object_set_new(object, "status", json_string(lofi_process_status_name(result->status)));
    if (result->output != NULL) json_object_set_new(object, "output_path", json_string(result->output));
    if (result->seconds >= 0.0) json_object_set_new(object, "duration", json_real(result->seconds));
    if (result->measured) json_object_set_new(object, "quality_score", json_integer(result->quality.score));
    if (result->reason != NULL) json_object_set_new(object, "reason", json_string(result->reason));
    return object;
}

static json_t *report_json(const lofi_context *context, const lofi_process_report *report) {
    json_t *results = json_array();
    for (size_t i = 0; i < report->count; i++) json_array_append_new(results, result_json(&report->results[i]));
    json_t *document = json_pack("{s:I, s:I, s:I, s:o}", "processed", (json_int_t)report->processed, "skipped",
                                 (json_int_t)report->skipped, "failed", (json_int_t)report->failed, "results", results);
    if (context->dry_run) json_object_set_new(document, "dry_run", json_true());
    return document;
}

static void print_summary(const lofi_context *context, const lofi_process_report *report, const char *output) {
    double seconds = 0.0;
    for (size_t i = 0; i < report->count; i++)
        if (report->results[i].status == LOFI_PROCESS_SUCCESS) seconds += report->results[i].seconds;
    const char *done = context->dry_run ? "would be written to" : "written to";
    lofi_print(context, "%zu tracks (%.1f minutes) %s '%s', %zu files skipped, %zu failed", report->processed,
               seconds / 60.0, done, output, report->skipped, report->failed);
}

static lofi_code run(lofi_context *context, const void *given, lofi_error *err) {
    const settings *s = given;
    lofi_process_options process = LOFI_PROCESS_OPTIONS_INIT;
    process.sample_rate = (int)s->sample_rate;
    process.encoding.bitrate_kbps = (int)s->bitrate;
    process.min_seconds = s->min_seconds;
    process.max_seconds = s->max_seconds;
    process.peak_dbfs = s->peak_dbfs;
    process.workers = (int)s->workers;
    process.dry_run = context->dry_run;
    LOFI_TRY(lofi_audio_format_of(&process.encoding.format, s->format, err));
    if (process.encoding.format != LOFI_AUDIO_MP3) process.encoding.bits = 24;
    lofi_process_report report;
    LOFI_TRY(lofi_process_folder(&report, s->input, s->output, &process, context->log, err));
    if (report.count == 0) lofi_warn(context->log, "there are no files in '%s'", s->input);
    if (report.failed > 0 || report.unreadable_folders > 0) context->exit_status = 2;
    print_summary(context, &report, s->output);
    lofi_code code = LOFI_OK;
    if (context->json) code = lofi_print_json(context, report_json(context, &report), err);
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
    .summary = "Prepare songs: 48 kHz stereo, right length, even level, MP3",
    .details =
        "Reads every file of a folder and its sub-folders: MP3, WAV, FLAC, M4A/AAC, Ogg Vorbis and Opus and others, "
        "known by their "
        "content. Each song is made 48 kHz stereo, cut to the longest duration, raised or lowered to one peak, and "
        "written as MP3 under its own name.\n\n"
        "Files that are too short or hold no sound are skipped, files that cannot be decoded fail; each is named with "
        "its "
        "reason. The originals are only read. Songs that share a name get their sub-folders before it: 'win/Apex.ogg' "
        "becomes 'win_Apex.mp3'. Tracks of that name that are there already are replaced.\n\n"
        "Exit status: 0 when every file was processed or skipped, 2 when some failed, 1 when nothing could be done.\n\n"
        "Example: lofi audio process --input-dir raw --output-dir data/processed",
    .options = options,
    .settings_bytes = sizeof(settings),
    .run = run,
    .exit_for = exit_for,
};
