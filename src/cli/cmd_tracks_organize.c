/* cmd_tracks_organize.c - lofi tracks organize: tracks put into folders by category. */
#include "base/json.h"
#include "catalog/organize.h"
#include "cli/tracks_files.h"

typedef struct organize_settings {
    const char *metadata_dir, *output_dir, *mode;
    bool undo;
    lofi_list tracks;
} organize_settings;

/* The path under a key as it can be opened from here, in place of that of the journal; shown is "" when there is none. */
static lofi_code show_path(char shown[LOFI_PATH_MAX], const lofi_catalogue *catalogue, json_t *step, const char *key,
                           lofi_error *err) {
    char path[LOFI_PATH_MAX];
    const char *relative = json_string_value(json_object_get(step, key));
    shown[0] = 0;
    if (!relative) return LOFI_OK;
    LOFI_TRY(lofi_path_format(path, err, "%s/%s", lofi_catalogue_folder(catalogue), relative));
    LOFI_TRY(lofi_path_relative(shown, path, ".", err));
    json_object_set_new(step, key, lofi_json_name(shown));
    return LOFI_OK;
}

static lofi_code show_step(const lofi_context *context, const lofi_catalogue *catalogue, json_t *step,
                           lofi_error *err) {
    char from[LOFI_PATH_MAX], to[LOFI_PATH_MAX], removed[LOFI_PATH_MAX];
    LOFI_TRY(show_path(from, catalogue, step, "from", err));
    LOFI_TRY(show_path(to, catalogue, step, "to", err));
    LOFI_TRY(show_path(removed, catalogue, step, "removed", err));
    if (removed[0])
        lofi_print(context, "  removed, as it no longer fits: %s", removed);
    else
        lofi_print(context, "  %s -> %s", from, to);
    return LOFI_OK;
}

static lofi_code do_work(lofi_context *context, const organize_settings *given, lofi_tracks *tracks, json_t *done,
                         lofi_error *err) {
    lofi_selection selection;
    LOFI_TRY(lofi_tracks_open(tracks, context, given->metadata_dir, LOFI_TRACKS_CHANGE, err));
    if (given->undo) {
        LOFI_TRY(lofi_organize_undo(done, tracks->catalogue, context->dry_run, context->log, err));
    } else {
        if (!context->dry_run) LOFI_TRY(lofi_organize_recover(tracks->catalogue, err));
        LOFI_TRY(lofi_tracks_select(&selection, context, tracks->catalogue, &given->tracks, err));
        const lofi_organize_request request = {.catalogue = tracks->catalogue,
                                               .tracks = selection.tracks,
                                               .count = selection.count,
                                               .output = given->output_dir,
                                               .move = given->mode[0] == 'm',
                                               .dry_run = context->dry_run};
        LOFI_TRY(lofi_organize(done, &request, err));
    }
    for (size_t i = 0; i < json_array_size(done); i++)
        LOFI_TRY(show_step(context, tracks->catalogue, json_array_get(done, i), err));
    lofi_print(context, "%s%s %s", context->dry_run ? "would be: " : "", lofi_count_of(json_array_size(done), "file"),
               given->undo             ? "put back"
               : given->mode[0] == 'm' ? "moved"
                                       : "linked");
    if (!context->json) return LOFI_OK;
    return lofi_print_json(context,
                           json_pack("{s:b, s:b, s:s, s:O}", "dry_run", (int)context->dry_run, "undo", (int)given->undo,
                                     "mode", given->mode, "files", done),
                           err);
}

static lofi_code run(lofi_context *context, const void *settings, lofi_error *err) {
    lofi_tracks tracks = {0};
    json_t *done = json_array();
    lofi_code code = do_work(context, settings, &tracks, done, err);
    json_decref(done);
    lofi_tracks_free(&tracks);
    return code;
}

static const lofi_option options[] = {
    LOFI_TRACKS_ARGUMENT(organize_settings, false, "track ids, or patterns such as 'rain*' (default: all)"),
    LOFI_TRACKS_METADATA_OPTION(organize_settings),
    {.name = "output-dir",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(organize_settings, output_dir),
     .value = "DIR",
     .fallback = "$LOFI_DATA_DIR/processed",
     .help = "folder above the categories"},
    {.name = "mode",
     .kind = LOFI_OPTION_CHOICE,
     .offset = offsetof(organize_settings, mode),
     .value = "link|move",
     .choices = "link|move",
     .fallback = "link",
     .help = "give files a second name there, or move them"},
    {.name = "undo",
     .kind = LOFI_OPTION_FLAG,
     .offset = offsetof(organize_settings, undo),
     .help = "take the last run back"},
    {0}};

const lofi_command lofi_command_tracks_organize = {
    .name = "tracks organize",
    .summary = "put tracks into folders by category",
    .details = "Audio, prompt and lyrics of a track go to DIR/core, DIR/seasonal, DIR/thematic, DIR/instrumental or "
               "DIR/vocal, by its "
               "leading style. Nothing is overwritten. What was done stands in organize.jsonl of the metadata folder, "
               "and --undo "
               "takes the last run back, again and again. Where 'lofi audio process' is to be run again later, link: "
               "it makes moved "
               "tracks anew.\n\n"
               "Examples:\n"
               "  lofi tracks organize --dry-run\n"
               "  lofi tracks organize --mode move\n"
               "  lofi tracks organize --undo",
    .options = options,
    .settings_bytes = sizeof(organize_settings),
    .run = run,
    .exit_for = lofi_exit_for_input,
};
