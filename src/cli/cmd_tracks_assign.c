/* cmd_tracks_assign.c - lofi tracks assign: which styles tracks have. */
#include <string.h>

#include "base/json.h"
#include "cli/tracks_files.h"

typedef struct assign_settings {
    const char *metadata_dir, *style;
    lofi_list tracks;
    bool add, remove, none;
} assign_settings;

static lofi_code check_settings(const assign_settings *given, lofi_error *err) {
    if (given->add + given->remove + given->none > 1)
        return lofi_fail(err, LOFI_ERR_USAGE, "only one of --add, --remove and --none makes sense at a time");
    if (given->none && given->style) return lofi_fail(err, LOFI_ERR_USAGE, "--none takes all styles away: no --style");
    if (given->none || given->style) return LOFI_OK;
    lofi_fail(err, LOFI_ERR_USAGE, "--style is missing");
    return lofi_hint(err, "'lofi styles list' shows the styles");
}

/* The styles that a track will have; the reference is yours. */
static json_t *new_styles(const assign_settings *given, const lofi_catalogue_track *track, const json_t *ids) {
    json_t *old = track->has_style ? lofi_catalogue_style_ids(track) : json_array(), *made = json_array();
    for (size_t i = 0; (given->add || given->remove) && i < json_array_size(old); i++)
        if (given->add || !lofi_json_holds(ids, json_array_get(old, i)))
            json_array_append(made, json_array_get(old, i));
    for (size_t i = 0; !given->remove && i < json_array_size(ids); i++)
        if (!lofi_json_holds(made, json_array_get(ids, i))) json_array_append(made, json_array_get(ids, i));
    json_decref(old);
    return made;
}

static char *join(lofi_buffer *text, const json_t *ids) {
    lofi_buffer_clear(text);
    for (size_t i = 0; i < json_array_size(ids); i++)
        lofi_buffer_printf(text, "%s%s", i ? ", " : "", json_string_value(json_array_get(ids, i)));
    if (json_array_size(ids) == 0) lofi_buffer_text(text, "none");
    return text->data;
}

static void assign(lofi_context *context, lofi_tracks *tracks, const assign_settings *given,
                   const lofi_catalogue_track *track, const json_t *ids, json_t *results) {
    json_t *mapping = lofi_catalogue_entries(tracks->catalogue, LOFI_METADATA_MAPPING);
    json_t *made = new_styles(given, track, ids);
    lofi_buffer text = LOFI_BUFFER_INIT;
    lofi_print(context, "  %s: %s", track->track_id, join(&text, made));
    lofi_buffer_free(&text);
    json_array_append_new(results, json_pack("{s:s, s:O}", "track_id", track->track_id, "style_ids", made));
    /* A record that says a style by itself would bring it back. */
    json_object_set_new(track->record, "style_ids", json_pack("[s]", LOFI_STYLE_DEFAULT));
    json_object_set(mapping, track->track_id, made);
    json_decref(made);
}

static lofi_code do_work(lofi_context *context, const assign_settings *given, lofi_tracks *tracks, json_t *ids,
                         lofi_error *err) {
    lofi_selection selection;
    LOFI_TRY(check_settings(given, err));
    LOFI_TRY(lofi_tracks_open(tracks, context, given->metadata_dir, LOFI_TRACKS_CHANGE, err));
    if (given->style) LOFI_TRY(lofi_tracks_find_styles(ids, tracks, context, given->style, err));
    LOFI_TRY(lofi_tracks_select(&selection, context, tracks->catalogue, &given->tracks, err));
    json_t *results = json_array();
    for (size_t i = 0; i < selection.count; i++) assign(context, tracks, given, selection.tracks[i], ids, results);
    json_t *document = json_pack("{s:b, s:o}", "dry_run", (int)context->dry_run, "results", results);
    lofi_code code = lofi_tracks_save(tracks, context, NULL, err);
    if (code != LOFI_OK || !context->json) {
        json_decref(document);
        return code;
    }
    return lofi_print_json(context, document, err);
}

static lofi_code run(lofi_context *context, const void *settings, lofi_error *err) {
    lofi_tracks tracks = {0};
    json_t *ids = json_array();
    lofi_code code = do_work(context, settings, &tracks, ids, err);
    json_decref(ids);
    lofi_tracks_free(&tracks);
    return code;
}

static const lofi_option options[] = {
    LOFI_TRACKS_ARGUMENT(assign_settings, true, "track ids, or patterns such as 'rain*'"),
    LOFI_TRACKS_METADATA_OPTION(assign_settings),
    {.name = "style",
     .kind = LOFI_OPTION_TEXT,
     .offset = offsetof(assign_settings, style),
     .value = "ID,ID...",
     .help = "the styles, the leading one first"},
    {.name = "add",
     .kind = LOFI_OPTION_FLAG,
     .offset = offsetof(assign_settings, add),
     .help = "put them behind the styles that a track has, instead of in their place"},
    {.name = "remove",
     .kind = LOFI_OPTION_FLAG,
     .offset = offsetof(assign_settings, remove),
     .help = "take these styles away"},
    {.name = "none",
     .kind = LOFI_OPTION_FLAG,
     .offset = offsetof(assign_settings, none),
     .help = "take all styles away: the tracks count as CORE-01 and are for a person to look at"},
    {0}};

const lofi_command lofi_command_tracks_assign = {
    .name = "tracks assign",
    .summary = "say which styles tracks have",
    .details = "Writes style_mapping.json, from which prompts are made, and brings tracks.json up to date.\n\n"
               "Examples:\n"
               "  lofi tracks assign 'rain*' --style SEASON-06,INST-01\n"
               "  lofi tracks assign 'night walk' --style THEME-02 --add",
    .options = options,
    .settings_bytes = sizeof(assign_settings),
    .run = run,
    .exit_for = lofi_exit_for_input,
};
