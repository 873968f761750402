/* cmd_tracks_list.c - lofi tracks list: the tracks of the catalogue as a table. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/tracks_files.h"

typedef struct list_settings {
    const char *metadata_dir, *style, *category, *state, *source, *split;
    bool unlicensed, unstyled;
    lofi_list tracks;
} list_settings;

static bool has_style(const lofi_catalogue_track *track, const char *style_id) {
    for (size_t i = 0; i < track->style_count; i++)
        if (strcmp(track->styles[i]->style_id, style_id) == 0) return true;
    return false;
}

static bool fits(const list_settings *given, const lofi_catalogue_track *track) {
    if (given->style && !has_style(track, given->style)) return false;
    if (given->category && strcmp(track->styles[0]->category, given->category) != 0) return false;
    if (given->state && strcmp(track->state, given->state) != 0) return false;
    if (given->source && (!track->source || strcmp(track->source->source_id, given->source) != 0)) return false;
    if (given->split && strcmp(track->split ? track->split : "none", given->split) != 0) return false;
    if (given->unlicensed && track->permitted) return false;
    return !given->unstyled || !track->has_style;
}

static json_t *track_json(const lofi_catalogue_track *track) {
    json_t *entity = lofi_catalogue_track_json(track);
    json_object_set_new(entity, "category", json_string(track->styles[0]->category));
    json_object_set_new(entity, "has_style", json_boolean(track->has_style));
    json_object_set_new(entity, "ai_training_permitted", json_boolean(track->permitted));
    json_object_set_new(entity, "human_score", track->human_count ? json_real(track->human_score) : json_null());
    json_object_set_new(entity, "human_scores", json_integer((json_int_t)track->human_count));
    return entity;
}

static void join_styles(char *text, size_t size, const lofi_catalogue_track *track) {
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < track->style_count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? "," : "", track->styles[i]->style_id);
    if (!track->has_style && used < size) snprintf(text + used, size - used, "?");
}

static void print_track(const lofi_context *context, const lofi_catalogue_track *track) {
    char styles[128], human[16] = "-";
    join_styles(styles, sizeof styles, track);
    if (track->human_count) snprintf(human, sizeof human, "%.0f", track->human_score);
    double seconds = json_number_value(json_object_get(track->record, "duration"));
    lofi_print(context, "%-14s %4d:%02d %7.0f %6s  %-20s %-20s %-10s %s", track->state, (int)seconds / 60,
               (int)seconds % 60, json_number_value(json_object_get(track->record, "quality_score")), human, styles,
               track->source ? track->source->source_id : "-", track->split ? track->split : "-", track->track_id);
}

static lofi_code do_work(lofi_context *context, const list_settings *given, lofi_tracks *tracks, json_t *list,
                         lofi_error *err) {
    lofi_selection selection;
    const lofi_style *style;
    size_t shown = 0;
    LOFI_TRY(lofi_tracks_open(tracks, context, given->metadata_dir, LOFI_TRACKS_READ, err));
    if (given->style) LOFI_TRY(lofi_styles_find(&style, tracks->presets.styles, given->style, err));
    LOFI_TRY(lofi_tracks_select(&selection, context, tracks->catalogue, &given->tracks, err));
    lofi_print(context, "%-14s %7s %7s %6s  %-20s %-20s %-10s %s", "state", "length", "quality", "people", "styles",
               "source", "split", "track");
    for (size_t i = 0; i < selection.count; i++) {
        if (!fits(given, selection.tracks[i])) continue;
        print_track(context, selection.tracks[i]);
        if (context->json) json_array_append_new(list, track_json(selection.tracks[i]));
        shown++;
    }
    lofi_print(context, "%s of %zu", lofi_count_of(shown, "track"), lofi_catalogue_count(tracks->catalogue));
    if (!context->json) return LOFI_OK;
    return lofi_print_json(context, json_pack("{s:I, s:O}", "count", (json_int_t)shown, "tracks", list), err);
}

static lofi_code run(lofi_context *context, const void *settings, lofi_error *err) {
    lofi_tracks tracks = {0};
    json_t *list = json_array();
    lofi_code code = do_work(context, settings, &tracks, list, err);
    json_decref(list);
    lofi_tracks_free(&tracks);
    return code;
}

static const lofi_option options[] = {
    LOFI_TRACKS_ARGUMENT(list_settings, false, "track ids, or patterns such as 'rain*' (default: all)"),
    LOFI_TRACKS_METADATA_OPTION(list_settings),
    {.name = "style",
     .kind = LOFI_OPTION_TEXT,
     .offset = offsetof(list_settings, style),
     .value = "ID",
     .help = "only tracks of this style"},
    {.name = "category",
     .kind = LOFI_OPTION_CHOICE,
     .offset = offsetof(list_settings, category),
     .value = "CATEGORY",
     .choices = "core|seasonal|thematic|instrumental|vocal",
     .help = "only tracks whose leading style is of it"},
    {.name = "state",
     .kind = LOFI_OPTION_CHOICE,
     .offset = offsetof(list_settings, state),
     .value = "STATE",
     .choices = "RAW|PROCESSED|TAGGED|VERIFIED|TRAINING_READY",
     .help = "only tracks in this state"},
    {.name = "source",
     .kind = LOFI_OPTION_TEXT,
     .offset = offsetof(list_settings, source),
     .value = "ID",
     .help = "only tracks of this source"},
    {.name = "split",
     .kind = LOFI_OPTION_CHOICE,
     .offset = offsetof(list_settings, split),
     .value = "SPLIT",
     .choices = "train|validation|none",
     .help = "only tracks of this part of the last dataset"},
    {.name = "unlicensed",
     .kind = LOFI_OPTION_FLAG,
     .offset = offsetof(list_settings, unlicensed),
     .help = "only tracks that no source permits to train on"},
    {.name = "unstyled",
     .kind = LOFI_OPTION_FLAG,
     .offset = offsetof(list_settings, unstyled),
     .help = "only tracks of which nobody said a style"},
    {0}};

const lofi_command lofi_command_tracks_list = {
    .name = "tracks list",
    .summary = "show the tracks of the catalogue",
    .details =
        "States: RAW (the prepared audio is not there), PROCESSED (it is), TAGGED (so are prompt and lyrics), VERIFIED "
        "(a person has verified it, but no source permits training), TRAINING_READY (tagged and permitted). "
        "CORE-01? is a track of which nobody said a style.",
    .options = options,
    .settings_bytes = sizeof(list_settings),
    .run = run,
    .exit_for = lofi_exit_for_input,
};
