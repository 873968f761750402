/* cmd_audio_validate.c - what is to be known about sound files, and whether they would be accepted. */
#include <string.h>

#include "audio/process.h"
#include "audio/report.h"
#include "base/file.h"
#include "cli/audio_json.h"
#include "cli/command.h"

typedef struct settings {
    lofi_list files;
    const char *report;
    double min_seconds, max_seconds, seconds_limit;
} settings;

static const lofi_option options[] = {
    {"file", LOFI_OPTION_LIST, offsetof(settings, files), "FILE", .required = true, .help = "Sound files to look at"},
    {"report", LOFI_OPTION_PATH, offsetof(settings, report), "FILE.html",
     .help = "Write a page with all measures, waves and spectra"},
    {"min-duration", LOFI_OPTION_NUMBER, offsetof(settings, min_seconds), "SECONDS", "30", .min = 0, .max = 3600,
     .help = "Shorter songs are not accepted"},
    {"max-duration", LOFI_OPTION_NUMBER, offsetof(settings, max_seconds), "SECONDS", "240", .min = 0.1, .max = 3600,
     .help = "How much of a file is looked at"},
    {"file-timeout", LOFI_OPTION_NUMBER, offsetof(settings, seconds_limit), "SECONDS", "300", .min = 0.1, .max = 86400,
     .help = "A file that takes longer is given up as corrupt"},
    {0}};

static lofi_code check_files(const settings *s, lofi_error *err) {
    for (size_t i = 0; i < s->files.count; i++) {
        if (lofi_path_is_file(s->files.items[i])) continue;
        if (!lofi_path_exists(s->files.items[i]))
            return lofi_fail(err, LOFI_ERR_NOT_FOUND, "there is no file '%s'", s->files.items[i]);
        lofi_fail(err, LOFI_ERR_USAGE, "'%s' is not a file", s->files.items[i]);
        return lofi_hint(err, "for a folder use 'lofi audio process --dry-run --report FILE.html'");
    }
    return LOFI_OK;
}

/* ---- output ---- */

static json_t *file_json(const lofi_process_result *result, const lofi_process_options *process) {
    json_t *object = lofi_audio_result_json(result);
    json_object_set_new(object, "valid", json_boolean(result->status == LOFI_PROCESS_SUCCESS));
    json_object_set_new(object, "prepared", json_boolean(lofi_process_is_prepared(result, process)));
    if (result->channels == 0) return object;
    json_object_set_new(object, "format", json_string(result->format));
    json_object_set_new(object, "codec", json_string(result->codec));
    json_object_set_new(object, "sample_rate", json_integer(result->sample_rate));
    json_object_set_new(object, "channels", json_integer(result->channels));
    json_object_set_new(object, "bit_rate", json_integer(result->bits_per_second));
    return object;
}

static json_t *report_json(const lofi_process_report *report, const lofi_process_options *process) {
    if (report->count == 1) return file_json(&report->results[0], process);
    json_t *results = json_array();
    for (size_t i = 0; i < report->count; i++) json_array_append_new(results, file_json(&report->results[i], process));
    return json_pack("{s:I, s:I, s:o}", "valid", (json_int_t)report->processed, "invalid",
                     (json_int_t)(report->count - report->processed), "results", results);
}

static void print_measures(const lofi_context *context, const lofi_measures *measures) {
    const char *key = lofi_key_name(&measures->key);
    for (const lofi_measure *m = lofi_measure_table; m->name != NULL; m++) {
        char text[48];
        if (lofi_measure_print(text, measures, m)) lofi_print(context, "  %-24s %s", m->title, text);
    }
    if (key != NULL) lofi_print(context, "  %-24s %s (confidence %.2f)", "key", key, measures->key.confidence);
}

static void print_file(const lofi_context *context, const lofi_process_result *result,
                       const lofi_process_options *process) {
    if (result->status == LOFI_PROCESS_SUCCESS)
        lofi_print(context, "%s: accepted, quality score %d%s", result->source, result->score,
                   lofi_process_is_prepared(result, process) ? ", already prepared" : "");
    else
        lofi_print(context, "%s: not accepted, %s (%s)", result->source, result->reason,
                   result->message == NULL ? "" : result->message);
    if (result->status == LOFI_PROCESS_SUCCESS && result->message != NULL)
        lofi_warn(context->log, "'%s': %s", result->source, result->message);
    if (!result->measured) return;
    lofi_print(context, "  %-24s %s (%s), %d Hz, %d channels, %lld kbit/s", "format", result->format, result->codec,
               result->sample_rate, result->channels, (long long)((result->bits_per_second + 500) / 1000));
    lofi_print(context, "  %-24s %.3f s%s", "length", result->seconds,
               result->trimmed ? ", as far as it was looked at" : "");
    if (result->status != LOFI_PROCESS_SUCCESS) lofi_print(context, "  %-24s %d", "quality score", result->score);
    print_measures(context, &result->measures);
}

/* ---- the command ---- */

static lofi_code show(lofi_context *context, const lofi_process_report *report, const settings *s,
                      const lofi_process_options *process, lofi_error *err) {
    for (size_t i = 0; i < report->count; i++) print_file(context, &report->results[i], process);
    if (s->report != NULL) LOFI_TRY(lofi_audio_report_write(s->report, report, process, context->log, err));
    if (report->processed < report->count) context->exit_status = 3;
    return context->json ? lofi_print_json(context, report_json(report, process), err) : LOFI_OK;
}

static lofi_code run(lofi_context *context, const void *given, lofi_error *err) {
    const settings *s = given;
    lofi_process_options process = LOFI_PROCESS_OPTIONS_INIT;
    lofi_process_report report;
    process.min_seconds = s->min_seconds;
    process.max_seconds = s->max_seconds;
    process.seconds_limit = s->seconds_limit;
    LOFI_TRY(check_files(s, err));
    LOFI_TRY(lofi_process_examine_all(&report, s->files.items, s->files.count, &process, err));
    lofi_code code = show(context, &report, s, &process, err);
    lofi_process_report_free(&report);
    return code;
}

const lofi_command lofi_command_audio_validate = {
    .name = "audio validate",
    .alias = "lofi_audio_processor validate",
    .summary = "measure sound files and say whether they would be accepted",
    .details = "Shows everything that 'lofi audio process' measures: clipping, silence, levels, loudness, true peak, "
               "bandwidth, "
               "channel balance and phase, tempo, key, and the quality score made of them. Writes no sound.\n\n"
               "The true peak of the track is that of the MP3 file which 'audio process' would write. A file is "
               "'prepared' when it "
               "already is 48 kHz stereo of the right length and level.\n\n"
               "Exit status: 0 when every file would be accepted, 3 when one would not, 1 when one is not there.\n\n"
               "Example: lofi audio validate --file song.flac --report song.html",
    .options = options,
    .settings_bytes = sizeof(settings),
    .run = run,
};
