/* cmd_tracks_review.c - lofi tracks review: what a person should look at. */
#include "base/json.h"
#include "catalog/review.h"
#include "cli/tracks_files.h"

typedef struct review_settings {
    const char *metadata_dir;
    lofi_list tracks;
} review_settings;

static void tell(const lofi_context *context, const lofi_catalogue_track *track, const json_t *findings) {
    lofi_print(context, "%s", track->track_id);
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *finding = json_array_get(findings, i);
        lofi_print(context, "  %s %s", json_is_true(json_object_get(finding, "fault")) ? "!" : "-",
                   json_string_value(json_object_get(finding, "message")));
    }
}

static lofi_code look(lofi_context *context, const lofi_selection *selection, const lofi_review *review, json_t *list,
                      size_t *faults, lofi_error *err) {
    for (size_t i = 0; i < selection->count; i++) {
        json_t *findings = json_array();
        lofi_code code = lofi_review_track(findings, review, selection->tracks[i], err);
        if (code == LOFI_OK && json_array_size(findings)) {
            tell(context, selection->tracks[i], findings);
            json_array_append_new(
                list, json_pack("{s:s, s:O}", "track_id", selection->tracks[i]->track_id, "findings", findings));
            *faults += lofi_review_has_fault(findings);
        }
        json_decref(findings);
        LOFI_TRY(code);
    }
    return LOFI_OK;
}

static lofi_code do_work(lofi_context *context, const review_settings *given, lofi_tracks *tracks, lofi_review **review,
                         json_t *list, lofi_error *err) {
    lofi_selection selection;
    size_t faults = 0;
    LOFI_TRY(lofi_tracks_open(tracks, context, given->metadata_dir, LOFI_TRACKS_READ, err));
    LOFI_TRY(lofi_tracks_select(&selection, context, tracks->catalogue, &given->tracks, err));
    LOFI_TRY(lofi_review_new(review, tracks->catalogue, tracks->presets.vocabulary, context->log, err));
    LOFI_TRY(look(context, &selection, *review, list, &faults, err));
    lofi_print(context, "%s, %zu to be looked at, %zu of them with faults (!) that keep them from being trained on",
               lofi_count_of(selection.count, "track"), json_array_size(list), faults);
    if (!context->json) return LOFI_OK;
    json_t *document = json_pack("{s:I, s:I, s:I, s:O}", "tracks", (json_int_t)selection.count, "to_review",
                                 (json_int_t)json_array_size(list), "with_faults", (json_int_t)faults, "review", list);
    return lofi_print_json(context, document, err);
}

static lofi_code run(lofi_context *context, const void *settings, lofi_error *err) {
    lofi_tracks tracks = {0};
    lofi_review *review = NULL;
    json_t *list = json_array();
    lofi_code code = do_work(context, settings, &tracks, &review, list, err);
    json_decref(list);
    lofi_review_free(review);
    lofi_tracks_free(&tracks);
    return code;
}

static const lofi_option options[] = {
    LOFI_TRACKS_ARGUMENT(review_settings, false, "track ids, or patterns such as 'rain*' (default: all)"),
    LOFI_TRACKS_METADATA_OPTION(review_settings),
    {0}};

const lofi_command lofi_command_tracks_review = {
    .name = "tracks review",
    .summary = "list the tracks that a person should look at, and why",
    .details = "Missing files, prompts with unknown or misplaced tags, lyrics that contradict the style, no style, no "
               "licence, a tempo "
               "that differs from the measured one, duplicates, low scores. Nothing is changed. 'lofi tracks verify "
               "--by NAME' "
               "records that a person has looked.",
    .options = options,
    .settings_bytes = sizeof(review_settings),
    .run = run,
    .exit_for = lofi_exit_for_input,
};
