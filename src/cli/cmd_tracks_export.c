/* cmd_tracks_export.c - lofi tracks export: the catalogue as a table for a spreadsheet or another program. */
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "catalog/exchange.h"
#include "cli/tracks_files.h"

typedef struct export_settings {
    const char *metadata_dir, *output;
} export_settings;

static lofi_code write_table(const char *path, json_t *rows, lofi_error *err) {
    lofi_buffer text = LOFI_BUFFER_INIT;
    const char *extension = lofi_path_extension(path);
    lofi_code code;
    if (strcasecmp(extension, ".json") == 0) {
        json_t *document = json_pack("{s:O}", "tracks", rows);
        code = lofi_json_print(&text, document, true, err);
        lofi_buffer_text(&text, "\n");
        json_decref(document);
    } else if (strcasecmp(extension, ".csv") == 0) {
        code = lofi_exchange_csv(&text, rows, err);
    } else {
        code = lofi_fail(err, LOFI_ERR_USAGE, "'%s' ends neither in .csv nor in .json", path);
    }
    if (code == LOFI_OK) code = lofi_buffer_check(&text, err);
    if (code == LOFI_OK) code = lofi_file_write(path, text.data, text.size, err);
    lofi_buffer_free(&text);
    return code;
}

static lofi_code do_work(lofi_context *context, const export_settings *given, lofi_tracks *tracks, lofi_error *err) {
    LOFI_TRY(lofi_tracks_open(tracks, context, given->metadata_dir, LOFI_TRACKS_READ, err));
    json_t *rows = lofi_exchange_rows(tracks->catalogue);
    lofi_code code = context->dry_run ? LOFI_OK : write_table(given->output, rows, err);
    size_t count = json_array_size(rows);
    json_decref(rows);
    LOFI_TRY(code);
    lofi_print(context, "%s %s '%s'", lofi_count_of(count, "track"), context->dry_run ? "would go to" : "written to",
               given->output);
    if (!context->json) return LOFI_OK;
    return lofi_print_json(context,
                           json_pack("{s:I, s:s, s:b}", "tracks", (json_int_t)count, "output", given->output, "dry_run",
                                     (int)context->dry_run),
                           err);
}

static lofi_code run(lofi_context *context, const void *settings, lofi_error *err) {
    lofi_tracks tracks = {0};
    lofi_code code = do_work(context, settings, &tracks, err);
    lofi_tracks_free(&tracks);
    return code;
}

static const lofi_option options[] = {{.name = "FILE",
                                       .kind = LOFI_OPTION_PATH,
                                       .offset = offsetof(export_settings, output),
                                       .positional = true,
                                       .required = true,
                                       .help = "where to: a name that ends in .csv or .json"},
                                      LOFI_TRACKS_METADATA_OPTION(export_settings),
                                      {0}};

const lofi_command lofi_command_tracks_export = {
    .name = "tracks export",
    .summary = "write the catalogue as a table for a spreadsheet",
    .details = "One row a track: names, length, scores, state, styles, source with its licence, verification, and "
               "fields of your "
               "own. CSV as of RFC 4180 in UTF-8. 'lofi tracks import' takes what was changed in it back.\n\n"
               "Example:\n"
               "  lofi tracks export songs.csv",
    .options = options,
    .settings_bytes = sizeof(export_settings),
    .run = run,
    .exit_for = lofi_exit_for_input,
};
