/* cmd_tracks_import.c - lofi tracks import: what was changed in a table goes back into the catalogue. */
#include "base/json.h"
#include "catalog/exchange.h"
#include "cli/tracks_files.h"

typedef struct import_settings {
    const char *metadata_dir, *input;
} import_settings;

static lofi_code report(lofi_context *context, const lofi_exchange_counts *counts, bool changed, lofi_error *err) {
    lofi_print(
        context,
        "%s%zu rows: new styles for %zu tracks, new source for %zu, %zu source records, %zu verifications, %zu scores, "
        "other fields of %zu",
        context->dry_run ? "would be: " : "", counts->rows, counts->styles, counts->sources, counts->source_fields,
        counts->verified, counts->scores, counts->fields);
    if (!changed) lofi_print(context, "nothing changes");
    if (!context->json) return LOFI_OK;
    json_t *document = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:b}", "rows", (json_int_t)counts->rows,
                                 "styles", (json_int_t)counts->styles, "sources", (json_int_t)counts->sources,
                                 "source_records", (json_int_t)counts->source_fields, "verified",
                                 (json_int_t)counts->verified, "scores", (json_int_t)counts->scores, "fields",
                                 (json_int_t)counts->fields, "changed", (int)changed, "dry_run", (int)context->dry_run);
    return lofi_print_json(context, document, err);
}

static lofi_code do_work(lofi_context *context, const import_settings *given, lofi_tracks *tracks, json_t **rows,
                         lofi_error *err) {
    lofi_exchange_counts counts;
    bool changed = false;
    LOFI_TRY(lofi_exchange_read(rows, given->input, err));
    LOFI_TRY(lofi_tracks_open(tracks, context, given->metadata_dir, LOFI_TRACKS_CHANGE, err));
    LOFI_TRY(lofi_exchange_apply(&counts, tracks->catalogue, tracks->presets.styles, *rows, given->input, err));
    LOFI_TRY(lofi_tracks_save(tracks, context, &changed, err));
    return report(context, &counts, changed, err);
}

static lofi_code run(lofi_context *context, const void *settings, lofi_error *err) {
    lofi_tracks tracks = {0};
    json_t *rows = NULL;
    lofi_code code = do_work(context, settings, &tracks, &rows, err);
    json_decref(rows);
    lofi_tracks_free(&tracks);
    return code;
}

static const lofi_option options[] = {{.name = "FILE",
                                       .kind = LOFI_OPTION_PATH,
                                       .offset = offsetof(import_settings, input),
                                       .positional = true,
                                       .required = true,
                                       .help = "a table: CSV or JSON, as 'lofi tracks export' writes it"},
                                      LOFI_TRACKS_METADATA_OPTION(import_settings),
                                      {0}};

const lofi_command lofi_command_tracks_import = {
    .name = "tracks import",
    .summary = "take what was changed in a table into the catalogue",
    .details = "The column track_id says which track; style_ids, source_id with its fields, human_verified, "
               "verified_by, notes, and "
               "score with scorer are taken, lengths, paths and measured scores are left alone, any other column "
               "becomes a field "
               "of the track. An empty cell changes nothing. The separator may be a comma, a semicolon or a tab. "
               "Everything is checked "
               "first: when a row is wrong, nothing is changed and the message names its line and column.\n\n"
               "Example:\n"
               "  lofi tracks import songs.csv --dry-run",
    .options = options,
    .settings_bytes = sizeof(import_settings),
    .run = run,
    .exit_for = lofi_exit_for_input,
};
