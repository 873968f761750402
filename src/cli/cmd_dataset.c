/* cmd_dataset.c - lofi dataset: songs with their prompts and lyrics become a dataset folder. */
#include "base/file.h"
#include "catalog/mapping.h"
#include "catalog/sources.h"
#include "cli/command.h"
#include "cli/style_files.h"
#include "store/dataset_build.h"

typedef struct dataset_settings {
    const char *data_dir, *metadata_dir, *output_dir;
    double validation_split;
    int64_t repeat_count, seed, shards;
    bool allow_unlicensed;
} dataset_settings;

typedef struct dataset_work {
    lofi_context *context;
    const dataset_settings *settings;
    lofi_style_files presets;
    lofi_style_mapping *mapping; /* NULL: there is no file */
    lofi_sources *sources;       /* NULL: there is no file */
    lofi_ledger *ledger;
    lofi_dataset_plan *plan;
} dataset_work;

/* ---- what is read ---- */

static lofi_code load(dataset_work *work, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    LOFI_TRY(lofi_style_files_load(&work->presets, work->context, NULL, NULL, err));
    LOFI_TRY(lofi_path_format(path, err, "%s/style_mapping.json", work->settings->metadata_dir));
    if (lofi_path_exists(path))
        LOFI_TRY(lofi_style_mapping_load(&work->mapping, path, work->presets.styles, err));
    else
        lofi_warn(work->context->log, "there is no '%s': every track gets the style %s", path, LOFI_STYLE_DEFAULT);
    LOFI_TRY(lofi_path_format(path, err, "%s/sources.json", work->settings->metadata_dir));
    if (lofi_path_exists(path))
        LOFI_TRY(lofi_sources_load(&work->sources, path, err));
    else
        lofi_warn(work->context->log, "there is no '%s': no track has a known licence", path);
    return lofi_ledger_open_if_free(&work->ledger, work->settings->metadata_dir, !work->context->dry_run,
                                    work->context->log, err);
}

static lofi_code make_plan(dataset_work *work, lofi_error *err) {
    const dataset_settings *given = work->settings;
    lofi_dataset_request request = {.data_dir = given->data_dir,
                                    .styles = work->presets.styles,
                                    .mapping = work->mapping,
                                    .sources = work->sources,
                                    .ledger = work->ledger,
                                    .validation_split = given->validation_split,
                                    .repeat_count = given->repeat_count,
                                    .seed = given->seed,
                                    .shards = given->shards,
                                    .allow_unlicensed = given->allow_unlicensed,
                                    .log = work->context->log};
    return lofi_dataset_plan_make(&work->plan, &request, err);
}

/* ---- what is told ---- */

static void warn_each(dataset_work *work, const json_t *list, const char *what) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        lofi_warn(work->context->log, "%s '%s': %s", what, json_string_value(json_object_get(entry, "file")),
                  json_string_value(json_object_get(entry, "reason")));
    }
}

static void tell(dataset_work *work) {
    const lofi_dataset_plan *plan = work->plan;
    lofi_context *context = work->context;
    size_t admitted = json_array_size(lofi_dataset_plan_admitted(plan));
    size_t review = json_array_size(lofi_dataset_plan_review(plan));
    warn_each(work, lofi_dataset_plan_failed(plan), "left out, cannot be used:");
    warn_each(work, lofi_dataset_plan_excluded(plan), "left out, no licence:");
    if (admitted > 0)
        lofi_warn(context->log,
                  "%zu tracks without a licence that permits AI training were admitted; the dataset records it",
                  admitted);
    if (json_array_size(lofi_dataset_plan_duplicates(plan)) > 0)
        lofi_warn(context->log,
                  "%zu pairs of tracks are the same recording; none of them is on both sides of the split",
                  json_array_size(lofi_dataset_plan_duplicates(plan)));
    if (review > 0)
        lofi_warn(context->log, "%zu tracks have no style of their own and got %s", review, LOFI_STYLE_DEFAULT);
    lofi_print(context, "%-12s %zu tracks, %.2f hours", "songs",
               lofi_dataset_plan_track_count(plan, 0) + lofi_dataset_plan_track_count(plan, 1),
               lofi_dataset_plan_seconds(plan) / 3600);
    for (size_t i = 0; i < lofi_dataset_plan_split_count(plan); i++)
        lofi_print(context, "%-12s %zu tracks, %lld rows", i == 0 ? "train" : "validation",
                   lofi_dataset_plan_track_count(plan, i),
                   (long long)lofi_dataset_plan_track_count(plan, i) * (long long)work->settings->repeat_count);
    lofi_print(context, "%-12s %s", "hash", lofi_dataset_plan_hash(plan));
    lofi_print(context, "%-12s %s", context->dry_run ? "would go to" : "written to", work->settings->output_dir);
}

static lofi_code report(dataset_work *work, lofi_error *err) {
    const lofi_dataset_plan *plan = work->plan;
    json_int_t train = (json_int_t)lofi_dataset_plan_track_count(plan, 0);
    json_int_t validation = (json_int_t)lofi_dataset_plan_track_count(plan, 1);
    json_t *document = json_pack(
        "{s:I, s:I, s:f, s:s, s:s, s:I, s:I, s:I, s:I, s:b, s:O, s:O, s:O, s:O, s:O}", "train_samples",
        train * work->settings->repeat_count, "validation_samples", validation * work->settings->repeat_count,
        "total_duration_hours", lofi_dataset_plan_seconds(plan) / 3600, "dataset_hash", lofi_dataset_plan_hash(plan),
        "output_path", work->settings->output_dir, "train_tracks", train, "validation_tracks", validation,
        "repeat_count", (json_int_t)work->settings->repeat_count, "seed", (json_int_t)work->settings->seed, "dry_run",
        (int)work->context->dry_run, "failed", lofi_dataset_plan_failed(plan), "excluded",
        lofi_dataset_plan_excluded(plan), "admitted_without_license", lofi_dataset_plan_admitted(plan), "review",
        lofi_dataset_plan_review(plan), "duplicates", lofi_dataset_plan_duplicates(plan));
    if (!document) return lofi_fail(err, LOFI_ERR_FORMAT, "cannot report: memory is out, or a path is not UTF-8");
    return lofi_print_json(work->context, document, err);
}

/* ---- the command ---- */

static lofi_code do_work(dataset_work *work, lofi_error *err) {
    const dataset_settings *given = work->settings;
    if (given->shards * given->repeat_count > LOFI_DATASET_REPEAT_MAX)
        return lofi_fail(err, LOFI_ERR_USAGE, "--shards times --repeat-count is %lld, and may be at most %d",
                         (long long)(given->shards * given->repeat_count), LOFI_DATASET_REPEAT_MAX);
    LOFI_TRY(lofi_hf_dataset_may_replace(given->output_dir, err));
    LOFI_TRY(load(work, err));
    LOFI_TRY(make_plan(work, err));
    if (!work->context->dry_run)
        LOFI_TRY(lofi_dataset_plan_write(work->plan, given->output_dir, given->metadata_dir, err));
    if (json_array_size(lofi_dataset_plan_failed(work->plan)) > 0) work->context->exit_status = 2;
    tell(work);
    return work->context->json ? report(work, err) : LOFI_OK;
}

static lofi_code run(lofi_context *context, const void *settings, lofi_error *err) {
    dataset_work work = {.context = context, .settings = settings};
    lofi_code code = do_work(&work, err);
    code = lofi_ledger_close_after(work.ledger, code, err);
    lofi_dataset_plan_free(work.plan);
    lofi_sources_free(work.sources);
    lofi_style_mapping_free(work.mapping);
    lofi_style_files_free(&work.presets);
    return code;
}

static const lofi_option options[] = {
    {.name = "data-dir",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(dataset_settings, data_dir),
     .value = "DIR",
     .required = true,
     .help = "folder with the prepared songs and their _prompt.txt and _lyrics.txt, searched with its sub-folders"},
    {.name = "metadata-dir",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(dataset_settings, metadata_dir),
     .value = "DIR",
     .required = true,
     .help = "folder with sources.json and style_mapping.json; dataset_manifest.json is written here"},
    {.name = "output-dir",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(dataset_settings, output_dir),
     .value = "DIR",
     .required = true,
     .help = "the dataset folder; one that is there is replaced when it holds a dataset and nothing else"},
    {.name = "validation-split",
     .kind = LOFI_OPTION_NUMBER,
     .offset = offsetof(dataset_settings, validation_split),
     .value = "FRACTION",
     .fallback = "0.1",
     .min = 0,
     .max = 0.9,
     .help = "part of the tracks that is held out; 0 for none, else at least one track of two or more"},
    {.name = "repeat-count",
     .kind = LOFI_OPTION_INT,
     .offset = offsetof(dataset_settings, repeat_count),
     .value = "N",
     .fallback = "200",
     .min = 1,
     .max = LOFI_DATASET_REPEAT_MAX,
     .help = "how often each track stands in the dataset; costs no space"},
    {.name = "seed",
     .kind = LOFI_OPTION_INT,
     .offset = offsetof(dataset_settings, seed),
     .value = "N",
     .fallback = "42",
     .min = 0,
     .max = 9007199254740992.0,
     .help = "decides the split and the order"},
    {.name = "shards",
     .kind = LOFI_OPTION_INT,
     .offset = offsetof(dataset_settings, shards),
     .value = "N",
     .fallback = "1",
     .min = 1,
     .max = LOFI_DATASET_REPEAT_MAX,
     .help = "data files of each split; a split with fewer tracks has as many as it has tracks"},
    {.name = "allow-unlicensed",
     .kind = LOFI_OPTION_FLAG,
     .offset = offsetof(dataset_settings, allow_unlicensed),
     .help = "admit tracks that no source record permits to train on; the dataset records which"},
    {0}};

const lofi_command lofi_command_dataset = {
    .name = "dataset",
    .alias = "convert_dataset",
    .summary = "write a dataset from songs, prompts and lyrics",
    .details =
        "Takes every audio file below --data-dir that has NAME_prompt.txt (or a caption of another tool, NAME.txt) "
        "beside it, "
        "splits the tracks into train and validation, each style in proportion and copies of one recording on one "
        "side, "
        "and writes a folder that the datasets library opens with load_from_disk, as does the "
        "original ACE-Step trainer. A missing or blank NAME_lyrics.txt (or NAME.lyrics) means [Instrumental].\n\n"
        "A track enters only when sources.json in --metadata-dir names it in a record with ai_training_permitted true, "
        "or with --allow-unlicensed. Tracks without a licence are left out with a warning. Tracks that cannot be used "
        "(no prompt, damaged audio) are left out with a warning, the others are written, and the exit status "
        "is 2.\n\n"
        "'lofi dataset info', 'verify', 'diff' and 'unpack' look at what was written, by this program or by others.\n\n"
        "Example:\n"
        "  lofi dataset --data-dir data/final --metadata-dir data/metadata --output-dir data/dataset",
    .options = options,
    .settings_bytes = sizeof(dataset_settings),
    .run = run,
    .exit_for = lofi_exit_for_input,
};
