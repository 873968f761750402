/* cmd_tracks_source.c - lofi tracks source: where tracks come from, and whether a model may be trained on them. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "catalog/entity.h"
#include "cli/tracks_files.h"

typedef struct source_settings {
    const char *metadata_dir, *source_id, *type, *provider, *license, *permit, *date, *verified_by, *notes;
    double cost;
    lofi_list tracks;
    bool remove;
} source_settings;

/* ---- the record ---- */

static void set_text(json_t *record, const char *key, const char *text) {
    if (text) json_object_set_new(record, key, json_string(text));
}

static void set_fields(const lofi_context *context, const source_settings *given, json_t *record) {
    set_text(record, "source_type", given->type);
    set_text(record, "provider", given->provider);
    set_text(record, "license_type", given->license);
    set_text(record, "date_acquired", given->date);
    set_text(record, "verified_by", given->verified_by);
    set_text(record, "notes", given->notes);
    if (given->permit)
        json_object_set_new(record, "ai_training_permitted", json_boolean(strcmp(given->permit, "yes") == 0));
    if (lofi_option_given(context, "cost")) json_object_set_new(record, "cost", json_real(given->cost));
}

/* A record is made only on purpose: a mistyped id must not become a source without a licence. */
static lofi_code make_record(json_t **out, const source_settings *given, lofi_tracks *tracks, lofi_error *err) {
    if (!given->type || !given->provider || !given->license || !given->permit || !given->date) {
        lofi_fail(err, LOFI_ERR_USAGE, "there is no source '%s', and a new one needs %s", given->source_id,
                  !given->type       ? "--type"
                  : !given->provider ? "--provider"
                  : !given->license  ? "--license"
                  : !given->permit   ? "--permit"
                                     : "--date");
        return lofi_hint(err,
                         "a new source has --type, --provider, --license, --permit yes|no and --date; 'lofi tracks "
                         "source' without an id lists those that there are");
    }
    *out = json_pack("{s:s, s:[]}", "source_id", given->source_id, "track_ids");
    if (json_array_append_new(lofi_catalogue_entries(tracks->catalogue, LOFI_METADATA_SOURCES), *out) == 0)
        return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_FORMAT, "the source id is not UTF-8");
}

/* ---- its tracks ---- */

static void change_tracks(json_t *record, const lofi_selection *selection, bool remove) {
    json_t *chosen = json_object(), *ids = json_array(), *old = json_object_get(record, "track_ids");
    for (size_t i = 0; i < selection->count; i++)
        json_object_set_new(chosen, selection->tracks[i]->track_id, json_true());
    for (size_t i = 0; i < json_array_size(old); i++) {
        const char *id = json_string_value(json_array_get(old, i));
        if (remove && json_object_get(chosen, id)) continue;
        json_object_del(chosen, id);
        json_array_append_new(ids, json_string(id));
    }
    const char *id;
    json_t *ignored;
    json_object_foreach(chosen, id, ignored) {
        if (!remove) json_array_append_new(ids, json_string(id));
    }
    json_object_set_new(record, "track_ids", ids);
    json_decref(chosen);
}

/* ---- telling ---- */

static void show(const lofi_context *context, const json_t *record) {
    const json_t *cost = json_object_get(record, "cost");
    lofi_print(context, "%s", json_string_value(json_object_get(record, "source_id")));
    lofi_print(context, "  %-12s %s", "type", json_string_value(json_object_get(record, "source_type")));
    lofi_print(context, "  %-12s %s", "provider", json_string_value(json_object_get(record, "provider")));
    lofi_print(context, "  %-12s %s", "licence", json_string_value(json_object_get(record, "license_type")));
    lofi_print(context, "  %-12s %s", "AI training",
               json_is_true(json_object_get(record, "ai_training_permitted")) ? "permitted" : "not permitted");
    if (json_is_number(cost)) lofi_print(context, "  %-12s %.2f USD", "cost", json_number_value(cost));
    lofi_print(context, "  %-12s %s", "acquired", json_string_value(json_object_get(record, "date_acquired")));
    lofi_print(context, "  %-12s %zu", "tracks", json_array_size(json_object_get(record, "track_ids")));
}

static lofi_code show_all(lofi_context *context, lofi_tracks *tracks, lofi_error *err) {
    const json_t *records = lofi_catalogue_entries(tracks->catalogue, LOFI_METADATA_SOURCES);
    for (size_t i = 0; i < json_array_size(records); i++) show(context, json_array_get(records, i));
    if (json_array_size(records) == 0) lofi_print(context, "no source is on record");
    if (!context->json) return LOFI_OK;
    return lofi_print_json(context, json_pack("{s:O}", "sources", records), err);
}

/* ---- the command ---- */

static lofi_code change(lofi_context *context, const source_settings *given, lofi_tracks *tracks, lofi_error *err) {
    lofi_selection selection;
    json_t *record = lofi_catalogue_entry(tracks->catalogue, LOFI_METADATA_SOURCES, "source_id", given->source_id);
    if (!record) LOFI_TRY(make_record(&record, given, tracks, err));
    set_fields(context, given, record);
    if (given->tracks.count) {
        LOFI_TRY(lofi_tracks_select(&selection, context, tracks->catalogue, &given->tracks, err));
        change_tracks(record, &selection, given->remove);
    }
    LOFI_TRY(lofi_tracks_save(tracks, context, NULL, err));
    show(context, record);
    if (!context->json) return LOFI_OK;
    return lofi_print_json(context, json_pack("{s:b, s:O}", "dry_run", (int)context->dry_run, "source", record), err);
}

static lofi_code do_work(lofi_context *context, const source_settings *given, lofi_tracks *tracks, lofi_error *err) {
    if (given->remove && given->tracks.count == 0)
        return lofi_fail(err, LOFI_ERR_USAGE, "--remove needs the tracks that are to leave the source");
    LOFI_TRY(lofi_tracks_open(tracks, context, given->metadata_dir,
                              given->source_id ? LOFI_TRACKS_BEGIN : LOFI_TRACKS_READ, err));
    return given->source_id ? change(context, given, tracks, err) : show_all(context, tracks, err);
}

static lofi_code run(lofi_context *context, const void *settings, lofi_error *err) {
    lofi_tracks tracks = {0};
    lofi_code code = do_work(context, settings, &tracks, err);
    lofi_tracks_free(&tracks);
    return code;
}

#define TEXT(NAME, MEMBER, VALUE, HELP)                                                                                \
    {                                                                                                                  \
        .name = (NAME), .kind = LOFI_OPTION_TEXT, .offset = offsetof(source_settings, MEMBER), .value = (VALUE),       \
        .help = (HELP)                                                                                                 \
    }

static const lofi_option options[] = {
    {.name = "SOURCE",
     .kind = LOFI_OPTION_TEXT,
     .offset = offsetof(source_settings, source_id),
     .positional = true,
     .help = "id of the source record; without one, all are listed"},
    LOFI_TRACKS_ARGUMENT(source_settings, false, "tracks that come from there: ids, or patterns such as 'rain*'"),
    LOFI_TRACKS_METADATA_OPTION(source_settings),
    {.name = "type",
     .kind = LOFI_OPTION_CHOICE,
     .offset = offsetof(source_settings, type),
     .value = "TYPE",
     .choices = "commissioned|royalty_free|creative_commons|partnership",
     .help = "kind of the source"},
    TEXT("provider", provider, "NAME", "who made or gave the songs"),
    TEXT("license", license, "NAME", "licence, such as CC-BY-4.0"),
    {.name = "permit",
     .kind = LOFI_OPTION_CHOICE,
     .offset = offsetof(source_settings, permit),
     .value = "yes|no",
     .choices = "yes|no",
     .help = "whether the licence permits training a model"},
    {.name = "cost",
     .kind = LOFI_OPTION_NUMBER,
     .offset = offsetof(source_settings, cost),
     .value = "USD",
     .min = 0,
     .max = 1e12,
     .help = "what it cost; a commissioned source needs it"},
    TEXT("date", date, "YYYY-MM-DD", "when it was acquired"),
    TEXT("verified-by", verified_by, "NAME", "who read the licence"),
    TEXT("notes", notes, "TEXT", "anything else"),
    {.name = "remove",
     .kind = LOFI_OPTION_FLAG,
     .offset = offsetof(source_settings, remove),
     .help = "take the named tracks out of the source, instead of putting them in"},
    {0}};

const lofi_command lofi_command_tracks_source = {
    .name = "tracks source",
    .summary = "record where tracks come from and whether a model may be trained on them",
    .details = "Makes or changes a record of sources.json. Only the fields that are given change. A track enters a "
               "dataset when a "
               "source names it and all sources that do permit AI training.\n\n"
               "Example:\n"
               "  lofi tracks source freepd-2026 'rain*' --type creative_commons --provider freepd.com \\\n"
               "      --license CC0-1.0 --permit yes --date 2026-03-14",
    .options = options,
    .settings_bytes = sizeof(source_settings),
    .run = run,
    .exit_for = lofi_exit_for_input,
};
