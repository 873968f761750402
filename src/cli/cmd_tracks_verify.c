/* cmd_tracks_verify.c - lofi tracks verify: are the tracks as the catalogue says, and has a person looked at them? */
#include <string.h>

#include "base/json.h"
#include "catalog/review.h"
#include "cli/tracks_files.h"

typedef struct verify_settings {
    const char *metadata_dir, *by;
    bool undo;
    lofi_list tracks;
} verify_settings;

typedef struct verification {
    lofi_context *context;
    const verify_settings *settings;
    lofi_tracks tracks;
    lofi_review *review;
    json_t *results;
    size_t right, wrong;
} verification;

/* Notes that a person has looked, or no longer stands for it. */
static void mark(const verification *work, const lofi_catalogue_track *track) {
    char today[16];
    lofi_today(today);
    json_object_set_new(track->record, "human_verified", json_boolean(!work->settings->undo));
    if (work->settings->undo) {
        json_object_del(track->record, "verified_by");
        json_object_del(track->record, "verified_at");
        return;
    }
    json_object_set_new(track->record, "verified_by", json_string(work->settings->by));
    json_object_set_new(track->record, "verified_at", json_string(today));
}

static lofi_code verify(verification *work, const lofi_catalogue_track *track, lofi_error *err) {
    json_t *findings = json_array();
    lofi_code code = work->settings->undo ? LOFI_OK : lofi_review_track(findings, work->review, track, err);
    bool right = code == LOFI_OK && !lofi_review_has_fault(findings);
    if (right && !work->settings->undo && !lofi_review_same_bytes(work->review, track)) {
        json_array_append_new(findings,
                              json_pack("{s:s, s:s, s:b}", "code", "changed_audio", "message",
                                        "the audio is not the file that the last dataset was made of", "fault", 1));
        right = false;
    }
    for (size_t i = 0; !right && i < json_array_size(findings); i++)
        if (json_is_true(json_object_get(json_array_get(findings, i), "fault")))
            lofi_print(work->context, "  %s: %s", track->track_id,
                       json_string_value(json_object_get(json_array_get(findings, i), "message")));
    *(right ? &work->right : &work->wrong) += 1;
    if (right && (work->settings->by || work->settings->undo)) mark(work, track);
    json_array_append_new(work->results, json_pack("{s:s, s:b, s:o}", "track_id", track->track_id, "valid", (int)right,
                                                   "findings", findings));
    return code;
}

static lofi_code check_settings(const verify_settings *given, lofi_error *err) {
    if (given->by && given->undo) return lofi_fail(err, LOFI_ERR_USAGE, "--by and --undo contradict each other");
    if (given->undo && given->tracks.count == 0)
        return lofi_fail(err, LOFI_ERR_USAGE, "--undo needs the tracks that it is about ('*' for all)");
    return LOFI_OK;
}

static lofi_code do_work(verification *work, lofi_error *err) {
    const verify_settings *given = work->settings;
    lofi_selection selection;
    bool changes = given->by || given->undo;
    LOFI_TRY(check_settings(given, err));
    LOFI_TRY(lofi_tracks_open(&work->tracks, work->context, given->metadata_dir,
                              changes ? LOFI_TRACKS_CHANGE : LOFI_TRACKS_READ, err));
    LOFI_TRY(lofi_tracks_select(&selection, work->context, work->tracks.catalogue, &given->tracks, err));
    LOFI_TRY(lofi_review_new(&work->review, work->tracks.catalogue, work->tracks.presets.vocabulary, work->context->log,
                             err));
    for (size_t i = 0; i < selection.count; i++) LOFI_TRY(verify(work, selection.tracks[i], err));
    if (changes) LOFI_TRY(lofi_tracks_save(&work->tracks, work->context, NULL, err));
    lofi_print(work->context, "%zu valid, %zu not%s%s", work->right, work->wrong,
               given->by ? "; the valid ones are verified by " : "", given->by ? given->by : "");
    if (work->wrong) work->context->exit_status = 3;
    if (!work->context->json) return LOFI_OK;
    return lofi_print_json(work->context,
                           json_pack("{s:I, s:I, s:b, s:O}", "valid", (json_int_t)work->right, "invalid",
                                     (json_int_t)work->wrong, "dry_run", (int)work->context->dry_run, "results",
                                     work->results),
                           err);
}

static lofi_code run(lofi_context *context, const void *settings, lofi_error *err) {
    verification work = {.context = context, .settings = settings, .results = json_array()};
    lofi_code code = do_work(&work, err);
    json_decref(work.results);
    lofi_review_free(work.review);
    lofi_tracks_free(&work.tracks);
    return code;
}

static const lofi_option options[] = {
    LOFI_TRACKS_ARGUMENT(verify_settings, false, "track ids, or patterns such as 'rain*' (default: all)"),
    LOFI_TRACKS_METADATA_OPTION(verify_settings),
    {.name = "by",
     .kind = LOFI_OPTION_TEXT,
     .offset = offsetof(verify_settings, by),
     .value = "NAME",
     .help = "who has listened: the valid tracks are recorded as verified by this person"},
    {.name = "undo",
     .kind = LOFI_OPTION_FLAG,
     .offset = offsetof(verify_settings, undo),
     .help = "take the verification of the named tracks back"},
    {0}};

const lofi_command lofi_command_tracks_verify = {
    .name = "tracks verify",
    .summary = "check that tracks are as the catalogue says, and record that a person has",
    .details = "Checks that audio, prompt and lyrics are there, that the prompt is in the vocabulary and in order, "
               "that lyrics are "
               "text, and that the audio is still the file that the last dataset was made of. Without --by nothing is "
               "changed. The exit "
               "status is 3 when a track is not valid.",
    .options = options,
    .settings_bytes = sizeof(verify_settings),
    .run = run,
    .exit_for = lofi_exit_for_input,
};
