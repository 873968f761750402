/* cmd_dataset_unpack.c - lofi dataset unpack: a dataset becomes a folder of songs with their texts again. */
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "catalog/tracks.h"
#include "cli/command.h"
#include "store/dataset_splits.h"

typedef struct unpack_settings {
    const char *folder, *output_dir;
    bool force;
} unpack_settings;

typedef struct unpacking {
    lofi_context *context;
    const unpack_settings *settings;
    lofi_file_batch *texts;
    json_t *results;
    size_t done, failed;
} unpacking;

static void tell(unpacking *work, const lofi_dataset_track *track, const char *reason) {
    json_t *result = json_pack("{s:s, s:s}", "track_id", track->track_id, "status", reason ? "failed" : "success");
    if (reason) json_object_set_new(result, "reason", lofi_json_name(reason));
    json_array_append_new(work->results, result);
    work->done += !reason;
    work->failed += reason != NULL;
    if (reason) lofi_warn(work->context->log, "'%s': %s", track->track_id, reason);
}

/* A key of another program may be anything; here it is the name of three files. */
static lofi_code check_name(const lofi_dataset_track *track, lofi_error *err) {
    const char *id = track->track_id;
    if (id[0] && id[0] != '.' && !strchr(id, '/') && strlen(id) < 200 && lofi_utf8_printable(id)) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_FORMAT, "its key cannot be the name of a file");
}

static lofi_code put_audio(const unpacking *work, const lofi_hf_dataset *split, const lofi_dataset_track *track,
                           lofi_error *err) {
    char from[LOFI_PATH_MAX], to[LOFI_PATH_MAX], hashes[2][LOFI_SHA256_HEX];
    LOFI_TRY(lofi_hf_dataset_audio_path(from, split, track, err));
    LOFI_TRY(
        lofi_path_format(to, err, "%s/%s%s", work->settings->output_dir, track->track_id, lofi_path_extension(from)));
    if (!lofi_path_exists(to)) return work->context->dry_run ? LOFI_OK : lofi_file_share(from, to, err);
    LOFI_TRY(lofi_sha256_file(hashes[0], from, err));
    LOFI_TRY(lofi_sha256_file(hashes[1], to, err));
    if (strcmp(hashes[0], hashes[1]) == 0) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_USAGE, "'%s' is there and is another file", to);
}

/* A text that is there and differs is somebody's work. */
static lofi_code put_text(const unpacking *work, const lofi_dataset_track *track, const char *ending, const char *text,
                          lofi_error *err) {
    char path[LOFI_PATH_MAX];
    lofi_text_outcome outcome;
    lofi_buffer line = LOFI_BUFFER_INIT;
    lofi_buffer_printf(&line, "%s\n", text);
    lofi_code code = lofi_buffer_check(&line, err);
    if (code == LOFI_OK)
        code = lofi_path_format(path, err, "%s/%s%s", work->settings->output_dir, track->track_id, ending);
    if (code == LOFI_OK)
        code = lofi_text_file_put(&outcome, path, lofi_buffer_str(&line), work->settings->force, work->context->dry_run,
                                  work->texts, err);
    if (code == LOFI_OK && outcome == LOFI_TEXT_KEPT)
        code = lofi_fail(err, LOFI_ERR_USAGE, "'%s' holds another text; --force replaces it", path);
    lofi_buffer_free(&line);
    return code;
}

static lofi_code unpack_track(const unpacking *work, const lofi_hf_dataset *split, const lofi_dataset_track *track,
                              lofi_error *err) {
    LOFI_TRY(check_name(track, err));
    LOFI_TRY(put_audio(work, split, track, err));
    LOFI_TRY(put_text(work, track, "_prompt.txt", track->prompt, err));
    return put_text(work, track, "_lyrics.txt", track->lyrics[0] ? track->lyrics : "[Instrumental]", err);
}

static lofi_code unpack(unpacking *work, lofi_dataset_splits *splits, lofi_error *err) {
    LOFI_TRY(lofi_dataset_splits_open(splits, work->settings->folder, err));
    if (!work->context->dry_run) LOFI_TRY(lofi_folder_make(work->settings->output_dir, err));
    LOFI_TRY(lofi_file_batch_new(&work->texts, err));
    for (size_t s = 0; s < splits->count; s++)
        for (size_t i = 0; i < lofi_hf_dataset_track_count(splits->splits[s]); i++) {
            const lofi_dataset_track *track = lofi_hf_dataset_track_at(splits->splits[s], i);
            lofi_error fault = LOFI_ERROR_INIT;
            lofi_code code = unpack_track(work, splits->splits[s], track, &fault);
            tell(work, track, code == LOFI_OK ? NULL : fault.message);
        }
    lofi_file_batch *texts = work->texts;
    work->texts = NULL;
    LOFI_TRY(lofi_file_batch_commit(texts, err));
    if (work->failed) work->context->exit_status = 2;
    lofi_print(work->context, "%s%zu tracks in '%s', %zu failed", work->context->dry_run ? "would be: " : "",
               work->done, work->settings->output_dir, work->failed);
    if (!work->context->json) return LOFI_OK;
    return lofi_print_json(work->context,
                           json_pack("{s:I, s:I, s:b, s:O}", "unpacked", (json_int_t)work->done, "failed",
                                     (json_int_t)work->failed, "dry_run", (int)work->context->dry_run, "results",
                                     work->results),
                           err);
}

static lofi_code run(lofi_context *context, const void *settings, lofi_error *err) {
    unpacking work = {.context = context, .settings = settings, .results = json_array()};
    lofi_dataset_splits splits = {0};
    lofi_code code = unpack(&work, &splits, err);
    lofi_file_batch_abort(work.texts);
    json_decref(work.results);
    lofi_dataset_splits_close(&splits);
    return code;
}

static const lofi_option options[] = {{.name = "DATASET",
                                       .kind = LOFI_OPTION_PATH,
                                       .offset = offsetof(unpack_settings, folder),
                                       .positional = true,
                                       .required = true,
                                       .help = "folder of a dataset, of this or another program"},
                                      {.name = "output-dir",
                                       .kind = LOFI_OPTION_PATH,
                                       .offset = offsetof(unpack_settings, output_dir),
                                       .value = "DIR",
                                       .required = true,
                                       .help = "where the songs and their texts go"},
                                      {.name = "force",
                                       .kind = LOFI_OPTION_FLAG,
                                       .offset = offsetof(unpack_settings, force),
                                       .help = "replace texts that are there and differ"},
                                      {0}};

const lofi_command lofi_command_dataset_unpack = {
    .name = "dataset unpack",
    .summary = "turn a dataset back into songs with prompts and lyrics",
    .details =
        "For datasets that another program made, so that this one can work with them: each track becomes NAME.mp3 (or "
        "as "
        "it was; a hard link where that can be), NAME_prompt.txt and NAME_lyrics.txt, named by its key. Tracks that "
        "cannot be unpacked are named, and the exit status is 2.\n\n"
        "Example:\n"
        "  lofi dataset unpack zh_lora_dataset --output-dir data/final",
    .options = options,
    .settings_bytes = sizeof(unpack_settings),
    .run = run,
    .exit_for = lofi_exit_for_input,
};
