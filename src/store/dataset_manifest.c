/* dataset_manifest.c - writes what a plan says: the dataset folder and dataset_manifest.json. */
#include "base/json.h"
#include "catalog/entity.h"
#include "store/dataset_plan.h"

/* ---- the manifest ---- */

static json_t *style_distribution(const lofi_dataset_plan *plan) {
    json_t *counts = json_object();
    for (size_t i = 0; i < LOFI_STYLE_CATEGORIES; i++)
        json_object_set_new(counts, lofi_style_categories[i], json_integer(0));
    for (size_t i = 0; i < plan->count; i++) lofi_json_count_up(counts, plan->tracks[i].category);
    return counts;
}

static json_t *provenance(const lofi_dataset_plan *plan) {
    json_t *sources = json_object();
    for (size_t i = 0; i < plan->count; i++)
        if (plan->tracks[i].row.source_id[0]) lofi_json_count_up(sources, plan->tracks[i].row.source_id);
    return json_pack("{s:b, s:O, s:o}", "allow_unlicensed", (int)plan->request.allow_unlicensed,
                     "admitted_without_license", plan->admitted, "tracks_by_source", sources);
}

static json_t *text_array(const char *const *texts, size_t count) {
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(array, json_string(texts[i]));
    return array;
}

static lofi_code add_tracks(json_t *list, const lofi_dataset_plan *plan, size_t split, const char *metadata_dir,
                            lofi_error *err) {
    for (size_t i = 0; i < plan->split_sizes[split]; i++) {
        const lofi_planned_track *track = plan->split_tracks[split][i];
        char relative[LOFI_PATH_MAX];
        LOFI_TRY(lofi_path_relative(relative, track->row.filename, metadata_dir, err));
        json_t *entry = json_pack("{s:s, s:s, s:s, s:f, s:o, s:s, s:s}", "track_id", track->row.track_id, "split",
                                  lofi_dataset_split_names[split], "audio_path", relative, "duration",
                                  track->row.duration, "style_ids",
                                  text_array(track->row.style_ids, track->row.style_count), "source_id",
                                  track->row.source_id, "audio_sha256", track->audio_sha256);
        if (json_array_append_new(list, entry) != 0)
            return lofi_fail(err, LOFI_ERR_FORMAT, "the path '%s' is not UTF-8", relative);
    }
    return LOFI_OK;
}

static lofi_code make_manifest(json_t **out, const lofi_dataset_plan *plan, const char *output_dir,
                               const char *metadata_dir, lofi_error *err) {
    char id[64], created[32], path[LOFI_PATH_MAX];
    json_t *tracks = json_array();
    lofi_code code = lofi_path_relative(path, output_dir, metadata_dir, err);
    for (size_t split = 0; code == LOFI_OK && split < plan->split_count; split++)
        code = add_tracks(tracks, plan, split, metadata_dir, err);
    snprintf(id, sizeof id, "dataset-%.12s", plan->hash);
    lofi_now_iso8601(created);
    json_t *manifest = code != LOFI_OK
                           ? NULL
                           : json_pack("{s:s, s:s, s:I, s:I, s:I, s:f, s:o, s:s, s:I, s:I, s:f, s:s, s:o}",
                                       "dataset_id", id, "created", created, "track_count", (json_int_t)plan->count,
                                       "train_count", (json_int_t)plan->split_sizes[0], "validation_count",
                                       (json_int_t)plan->split_sizes[1], "total_duration", plan->seconds / 3600,
                                       "style_distribution", style_distribution(plan), "hash", plan->hash, "seed",
                                       (json_int_t)plan->request.seed, "repeat_count",
                                       (json_int_t)plan->request.repeat_count, "validation_split",
                                       plan->request.validation_split, "path", path, "provenance", provenance(plan));
    if (code == LOFI_OK && (!manifest || json_object_set(manifest, "tracks", tracks) != 0))
        code = lofi_fail(err, LOFI_ERR_FORMAT, "cannot compose the manifest: memory is out, or '%s' is not UTF-8",
                         path);
    json_decref(tracks);
    if (code == LOFI_OK)
        *out = manifest;
    else
        json_decref(manifest);
    return code;
}

/* Lays the fields over those that are there, so that what a person added survives. */
static lofi_code merge_and_save(const char *path, const json_t *manifest, lofi_error *err) {
    json_t *old = NULL;
    if (lofi_path_exists(path)) LOFI_TRY(lofi_json_load(&old, path, err));
    json_t *merged = old ? old : json_object();
    lofi_code code = LOFI_OK;
    if (!json_is_object(merged) || json_object_update(merged, (json_t *)manifest) != 0) {
        lofi_fail(err, LOFI_ERR_FORMAT, "'%s' is there and is not an object", path);
        code = lofi_hint(err, "move it away");
    }
    if (code == LOFI_OK) code = lofi_entity_check_new(LOFI_ENTITY_DATASET, merged, path, err);
    if (code == LOFI_OK) code = lofi_json_save(merged, path, err);
    json_decref(merged);
    return code;
}

static lofi_code save_manifest(const lofi_dataset_plan *plan, const char *output_dir, const char *metadata_dir,
                               lofi_error *err) {
    char path[LOFI_PATH_MAX];
    json_t *manifest;
    lofi_lock *lock;
    LOFI_TRY(lofi_path_format(path, err, "%s/dataset_manifest.json", metadata_dir));
    LOFI_TRY(make_manifest(&manifest, plan, output_dir, metadata_dir, err));
    lofi_code code = lofi_lock_take(&lock, path, err);
    if (code == LOFI_OK) {
        code = merge_and_save(path, manifest, err);
        lofi_lock_release(lock);
    }
    json_decref(manifest);
    return code;
}

/* ---- the dataset ---- */

/* The licence types of all tracks, each once, joined by ", ". */
static void list_licences(lofi_buffer *text, const lofi_dataset_plan *plan) {
    json_t *seen = json_object();
    for (size_t i = 0; i < plan->count; i++) {
        bool permitted;
        const lofi_source *source = lofi_sources_of_track(plan->request.sources, plan->tracks[i].row.track_id,
                                                          &permitted);
        if (!source || json_object_get(seen, source->license_type)) continue;
        json_object_set_new(seen, source->license_type, json_true());
        lofi_buffer_printf(text, "%s%s", text->size ? ", " : "", source->license_type);
    }
    json_decref(seen);
}

static void describe(lofi_buffer *text, const lofi_dataset_plan *plan) {
    size_t unlicensed = json_array_size(plan->admitted);
    lofi_buffer_printf(text, "%zu tracks, %.2f hours, each %lld times", plan->count, plan->seconds / 3600,
                       (long long)plan->request.repeat_count);
    if (unlicensed > 0)
        lofi_buffer_printf(text, "; %zu of them were admitted without a licence that permits AI training", unlicensed);
}

static lofi_code write_folder(const lofi_dataset_plan *plan, const char *output_dir, lofi_error *err) {
    lofi_buffer licences = LOFI_BUFFER_INIT, description = LOFI_BUFFER_INIT;
    lofi_dataset_split splits[2];
    for (size_t i = 0; i < plan->split_count; i++)
        splits[i] = (lofi_dataset_split){lofi_dataset_split_names[i], plan->split_rows[i], plan->split_sizes[i]};
    list_licences(&licences, plan);
    describe(&description, plan);
    json_t *more = json_pack("{s:o}", "provenance", provenance(plan));
    lofi_dataset_facts facts = {.dataset_hash = plan->hash,
                                .seed = (uint64_t)plan->request.seed,
                                .repeat_count = plan->request.repeat_count,
                                .shards = plan->request.shards,
                                .audio_folder = plan->data_dir,
                                .license = lofi_buffer_str(&licences),
                                .description = lofi_buffer_str(&description),
                                .more = more};
    lofi_code code = lofi_hf_dataset_write(output_dir, splits, plan->split_count, &facts, err);
    json_decref(more);
    lofi_buffer_free(&licences);
    lofi_buffer_free(&description);
    return code;
}

lofi_code lofi_dataset_plan_write(const lofi_dataset_plan *plan, const char *output_dir, const char *metadata_dir,
                                  lofi_error *err) {
    LOFI_TRY(lofi_folder_make(metadata_dir, err));
    LOFI_TRY(write_folder(plan, output_dir, err));
    return save_manifest(plan, output_dir, metadata_dir, err);
}
