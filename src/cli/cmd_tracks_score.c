/* cmd_tracks_score.c - lofi tracks score: what a person thinks of tracks. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "catalog/entity.h"
#include "cli/tracks_files.h"

typedef struct score_settings {
    const char *metadata_dir, *scorer, *date, *notes;
    double score;
    lofi_list tracks;
} score_settings;

/* Who is at the keyboard, where nobody said a name. */
static lofi_code find_scorer(const char **out, const score_settings *given, lofi_error *err) {
    const char *user = getenv("USER");
    *out = given->scorer ? given->scorer : user && *user ? user : NULL;
    if (*out) return LOFI_OK;
    lofi_fail(err, LOFI_ERR_USAGE, "whose score is it?");
    return lofi_hint(err, "--scorer NAME says it (USER is not set)");
}

static lofi_code enter(lofi_context *context, const score_settings *given, lofi_tracks *tracks,
                       const lofi_catalogue_track *track, const char *scorer, json_t *results, lofi_error *err) {
    char today[16];
    lofi_today(today);
    json_t *entry = json_pack("{s:s, s:f, s:s, s:s}", "track_id", track->track_id, "score", given->score, "scorer",
                              scorer, "date", given->date ? given->date : today);
    if (!entry) return lofi_fail(err, LOFI_ERR_FORMAT, "the name of the scorer is not UTF-8");
    if (given->notes) json_object_set_new(entry, "notes", json_string(given->notes));
    json_array_append(lofi_catalogue_entries(tracks->catalogue, LOFI_METADATA_SCORES), entry);
    json_array_append_new(results, entry);
    lofi_print(context, "  %s: %g, says %s", track->track_id, given->score, scorer);
    return LOFI_OK;
}

static lofi_code do_work(lofi_context *context, const score_settings *given, lofi_tracks *tracks, json_t *results,
                         lofi_error *err) {
    lofi_selection selection;
    const char *scorer;
    LOFI_TRY(find_scorer(&scorer, given, err));
    LOFI_TRY(lofi_tracks_open(tracks, context, given->metadata_dir, LOFI_TRACKS_CHANGE, err));
    LOFI_TRY(lofi_tracks_select(&selection, context, tracks->catalogue, &given->tracks, err));
    for (size_t i = 0; i < selection.count; i++)
        LOFI_TRY(enter(context, given, tracks, selection.tracks[i], scorer, results, err));
    LOFI_TRY(lofi_tracks_save(tracks, context, NULL, err));
    if (!context->json) return LOFI_OK;
    return lofi_print_json(context, json_pack("{s:b, s:O}", "dry_run", (int)context->dry_run, "scores", results), err);
}

static lofi_code run(lofi_context *context, const void *settings, lofi_error *err) {
    lofi_tracks tracks = {0};
    json_t *results = json_array();
    lofi_code code = do_work(context, settings, &tracks, results, err);
    json_decref(results);
    lofi_tracks_free(&tracks);
    return code;
}

static const lofi_option options[] = {
    LOFI_TRACKS_ARGUMENT(score_settings, true, "track ids, or patterns such as 'rain*'"),
    LOFI_TRACKS_METADATA_OPTION(score_settings),
    {.name = "score",
     .kind = LOFI_OPTION_NUMBER,
     .offset = offsetof(score_settings, score),
     .value = "0..100",
     .required = true,
     .min = 0,
     .max = 100,
     .help = "how good it is as an example of its style"},
    {.name = "scorer",
     .kind = LOFI_OPTION_TEXT,
     .offset = offsetof(score_settings, scorer),
     .value = "NAME",
     .help = "whose score it is (default: the user's name, from USER)"},
    {.name = "date",
     .kind = LOFI_OPTION_TEXT,
     .offset = offsetof(score_settings, date),
     .value = "YYYY-MM-DD",
     .help = "when it was given (default: today)"},
    {.name = "notes",
     .kind = LOFI_OPTION_TEXT,
     .offset = offsetof(score_settings, notes),
     .value = "TEXT",
     .help = "why"},
    {0}};

const lofi_command lofi_command_tracks_score = {
    .name = "tracks score",
    .summary = "record what a person thinks of tracks",
    .details =
        "Adds an entry to quality_scores.json. Of several scores by one person for a track the last one counts; the "
        "earlier ones stay in the file. A track's human score is the mean over people.\n\n"
        "Example:\n"
        "  lofi tracks score 'night walk' --score 85 --scorer Mara --notes 'the bass is a little loud'",
    .options = options,
    .settings_bytes = sizeof(score_settings),
    .run = run,
    .exit_for = lofi_exit_for_input,
};
