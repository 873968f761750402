/* catalogue.c - see catalogue.h. */
#include "catalog/catalogue.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "catalog/entity.h"

struct lofi_catalogue {
    lofi_catalogue_options options;
    char folder[LOFI_PATH_MAX];
    lofi_lock *lock;
    lofi_document documents[LOFI_METADATA_KINDS];
    bool touched[LOFI_METADATA_KINDS]; /* somebody may have changed its entries */
    json_t *dataset;                   /* track id -> its entry in the manifest of the last dataset */
    /* Made of the documents, anew after every save: */
    lofi_arena *arena;
    lofi_style_mapping *mapping;
    lofi_sources *sources;
    json_t *scores; /* track id -> {scorer: score} */
    json_t *by_id;  /* track id -> place */
    lofi_catalogue_track *tracks;
    size_t count;
};

static lofi_code no_memory(lofi_error *err) {
    return lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for the catalogue");
}

/* ---- questions ---- */

const char *lofi_catalogue_folder(const lofi_catalogue *catalogue) {
    return catalogue->folder;
}

size_t lofi_catalogue_count(const lofi_catalogue *catalogue) {
    return catalogue->count;
}

const lofi_catalogue_track *lofi_catalogue_at(const lofi_catalogue *catalogue, size_t index) {
    assert(index < catalogue->count);
    return &catalogue->tracks[index];
}

const lofi_catalogue_track *lofi_catalogue_get(const lofi_catalogue *catalogue, const char *track_id) {
    const json_t *place = json_object_get(catalogue->by_id, track_id);
    return place ? &catalogue->tracks[json_integer_value(place)] : NULL;
}

static json_t *entries_of(const lofi_catalogue *catalogue, lofi_metadata_kind kind) {
    return lofi_metadata_entries(&catalogue->documents[kind], kind);
}

json_t *lofi_catalogue_entries(lofi_catalogue *catalogue, lofi_metadata_kind kind) {
    catalogue->touched[kind] = true;
    return entries_of(catalogue, kind);
}

json_t *lofi_catalogue_entry(lofi_catalogue *catalogue, lofi_metadata_kind kind, const char *key, const char *id) {
    json_t *entries = lofi_catalogue_entries(catalogue, kind);
    for (size_t i = 0; i < json_array_size(entries); i++) {
        json_t *entry = json_array_get(entries, i);
        const char *text = json_string_value(json_object_get(entry, key));
        if (text && strcmp(text, id) == 0) return entry;
    }
    return NULL;
}

lofi_code lofi_catalogue_relative(char out[LOFI_PATH_MAX], const lofi_catalogue *catalogue, const char *path,
                                  lofi_error *err) {
    return lofi_path_relative(out, path, catalogue->folder, err);
}

json_t *lofi_catalogue_style_ids(const lofi_catalogue_track *track) {
    json_t *ids = json_array();
    for (size_t i = 0; i < track->style_count; i++) json_array_append_new(ids, json_string(track->styles[i]->style_id));
    return ids;
}

json_t *lofi_catalogue_track_json(const lofi_catalogue_track *track) {
    json_t *entity = json_deep_copy(track->record);
    json_object_set_new(entity, "style_ids", lofi_catalogue_style_ids(track));
    json_object_set_new(entity, "source_id", track->source ? json_string(track->source->source_id) : json_null());
    json_object_set_new(entity, "split", track->split ? json_string(track->split) : json_null());
    json_object_set_new(entity, "state", json_string(track->state));
    return entity;
}

/* ---- putting it together ---- */

/* The last score of each person counts; earlier ones stay in the file. */
static lofi_code collect_scores(lofi_catalogue *catalogue, lofi_error *err) {
    const json_t *list = entries_of(catalogue, LOFI_METADATA_SCORES);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        const char *track_id = lofi_json_text(entry, "track_id");
        json_t *by_scorer = json_object_get(catalogue->scores, track_id);
        if (!by_scorer && json_object_set_new(catalogue->scores, track_id, by_scorer = json_object()) != 0)
            return no_memory(err);
        if (json_object_set(by_scorer, lofi_json_text(entry, "scorer"), json_object_get(entry, "score")) != 0)
            return no_memory(err);
    }
    return LOFI_OK;
}

static void average_scores(const lofi_catalogue *catalogue, lofi_catalogue_track *track) {
    const char *scorer;
    json_t *score, *by_scorer = json_object_get(catalogue->scores, track->track_id);
    double sum = 0;
    json_object_foreach(by_scorer, scorer, score) {
        sum += json_number_value(score);
    }
    track->human_count = json_object_size(by_scorer);
    if (track->human_count) track->human_score = sum / (double)track->human_count;
}

static lofi_code find_path(const char **out, lofi_catalogue *catalogue, const json_t *record, const char *key,
                           lofi_error *err) {
    *out = lofi_arena_printf(catalogue->arena, "%s/%s", catalogue->folder, lofi_json_text(record, key));
    return *out ? LOFI_OK : no_memory(err);
}

static lofi_code find_styles(lofi_catalogue *catalogue, lofi_catalogue_track *track, lofi_error *err) {
    const lofi_mapping_entry *entry = lofi_style_mapping_get(catalogue->mapping, track->track_id);
    track->has_style = entry && entry->count > 0;
    track->style_count = track->has_style ? entry->count : 1;
    if (!track->has_style)
        return lofi_styles_find(&track->styles[0], catalogue->options.styles, LOFI_STYLE_DEFAULT, err);
    memcpy(track->styles, entry->styles, sizeof track->styles);
    return LOFI_OK;
}

static const char *state_of(const lofi_catalogue_track *track) {
    if (!track->has_audio) return "RAW";
    if (!track->has_prompt || !track->has_lyrics) return "PROCESSED";
    if (track->permitted) return "TRAINING_READY";
    return json_is_true(json_object_get(track->record, "human_verified")) ? "VERIFIED" : "TAGGED";
}

static lofi_code join(lofi_catalogue *catalogue, json_t *record, lofi_error *err) {
    lofi_catalogue_track *track = &catalogue->tracks[catalogue->count];
    track->record = record;
    track->track_id = lofi_json_text(record, "track_id");
    LOFI_TRY(find_path(&track->audio_path, catalogue, record, "audio_path", err));
    LOFI_TRY(find_path(&track->prompt_path, catalogue, record, "prompt_path", err));
    LOFI_TRY(find_path(&track->lyrics_path, catalogue, record, "lyrics_path", err));
    LOFI_TRY(find_styles(catalogue, track, err));
    track->source = lofi_sources_of_track(catalogue->sources, track->track_id, &track->permitted);
    const json_t *entry = json_object_get(catalogue->dataset, track->track_id);
    track->split = lofi_json_text(entry, "split");
    track->dataset_sha256 = lofi_json_text(entry, "audio_sha256");
    track->has_audio = lofi_path_is_file(track->audio_path);
    track->has_prompt = lofi_path_is_file(track->prompt_path);
    track->has_lyrics = lofi_path_is_file(track->lyrics_path);
    average_scores(catalogue, track);
    track->state = state_of(track);
    if (json_object_set_new(catalogue->by_id, track->track_id, json_integer((json_int_t)catalogue->count++)) == 0)
        return LOFI_OK;
    return no_memory(err);
}

static lofi_code check_written_styles(const lofi_catalogue *catalogue, size_t index, const json_t *ids,
                                      lofi_error *err) {
    const lofi_style *style;
    char pointer[128];
    for (size_t i = 0; i < json_array_size(ids); i++) {
        lofi_error fault = LOFI_ERROR_INIT;
        const char *id = json_string_value(json_array_get(ids, i));
        if (lofi_styles_find(&style, catalogue->options.styles, id, &fault) == LOFI_OK) continue;
        snprintf(pointer, sizeof pointer, "/tracks/%zu/style_ids/%zu", index, i);
        return lofi_document_fail(&catalogue->documents[LOFI_METADATA_TRACKS], err, pointer, "%s", fault.message);
    }
    return LOFI_OK;
}

/* Styles that somebody wrote into tracks.json by hand are not lost when the mapping knows nothing. */
static lofi_code adopt_styles(lofi_catalogue *catalogue, lofi_error *err) {
    json_t *mapping = entries_of(catalogue, LOFI_METADATA_MAPPING);
    const json_t *list = entries_of(catalogue, LOFI_METADATA_TRACKS);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *record = json_array_get(list, i);
        const char *track_id = lofi_json_text(record, "track_id");
        json_t *ids = json_object_get(record, "style_ids");
        const char *first = json_string_value(json_array_get(ids, 0));
        if (json_object_get(mapping, track_id)) continue;
        if (json_array_size(ids) == 1 && strcmp(first, LOFI_STYLE_DEFAULT) == 0) continue;
        LOFI_TRY(check_written_styles(catalogue, i, ids, err));
        json_object_set_new(mapping, track_id, json_deep_copy(ids));
        catalogue->touched[LOFI_METADATA_MAPPING] = true;
    }
    return LOFI_OK;
}

static void forget_joined(lofi_catalogue *catalogue) {
    json_decref(catalogue->scores);
    json_decref(catalogue->by_id);
    lofi_style_mapping_free(catalogue->mapping);
    lofi_sources_free(catalogue->sources);
    lofi_arena_free(catalogue->arena);
    catalogue->scores = catalogue->by_id = NULL;
    catalogue->mapping = NULL;
    catalogue->sources = NULL;
    catalogue->arena = NULL;
    catalogue->count = 0;
}

static lofi_code join_all(lofi_catalogue *catalogue, lofi_error *err) {
    const json_t *list = entries_of(catalogue, LOFI_METADATA_TRACKS);
    size_t count = json_array_size(list);
    LOFI_TRY(adopt_styles(catalogue, err));
    forget_joined(catalogue);
    catalogue->scores = json_object();
    catalogue->by_id = json_object();
    LOFI_TRY(lofi_arena_new(&catalogue->arena, err));
    catalogue->tracks = lofi_arena_alloc(catalogue->arena, (count + 1) * sizeof *catalogue->tracks);
    if (!catalogue->tracks) return no_memory(err);
    LOFI_TRY(lofi_sources_new(&catalogue->sources, &catalogue->documents[LOFI_METADATA_SOURCES], err));
    LOFI_TRY(lofi_style_mapping_new(&catalogue->mapping, &catalogue->documents[LOFI_METADATA_MAPPING],
                                    catalogue->options.styles, err));
    LOFI_TRY(collect_scores(catalogue, err));
    for (size_t i = 0; i < count; i++) LOFI_TRY(join(catalogue, json_array_get(list, i), err));
    return LOFI_OK;
}

/* ---- opening ---- */

/* The tracks of the last dataset. A manifest that cannot be read costs a warning: it decides nothing else here. */
static void read_dataset(lofi_catalogue *catalogue) {
    char path[LOFI_PATH_MAX];
    lofi_document manifest = {0};
    lofi_error fault = LOFI_ERROR_INIT;
    catalogue->dataset = json_object();
    if (lofi_path_format(path, &fault, "%s/dataset_manifest.json", catalogue->folder) != LOFI_OK) return;
    if (!lofi_path_exists(path)) return;
    lofi_code code = lofi_document_load(&manifest, path, &fault);
    if (code == LOFI_OK) code = lofi_entity_check(LOFI_ENTITY_DATASET, manifest.root, &manifest, "", &fault);
    if (code != LOFI_OK) lofi_warn(catalogue->options.log, "the last dataset is not known: %s", fault.message);
    const json_t *tracks = code == LOFI_OK ? json_object_get(manifest.root, "tracks") : NULL;
    for (size_t i = 0; i < json_array_size(tracks); i++) {
        json_t *entry = json_array_get(tracks, i);
        json_object_set(catalogue->dataset, lofi_json_text(entry, "track_id"), entry);
    }
    lofi_document_free(&manifest);
}

static lofi_code open_into(lofi_catalogue *catalogue, lofi_error *err) {
    LOFI_TRY(lofi_path_format(catalogue->folder, err, "%s", catalogue->options.folder));
    if (catalogue->options.writing && !catalogue->options.dry_run)
        LOFI_TRY(lofi_metadata_lock(&catalogue->lock, catalogue->folder, err));
    for (int kind = 0; kind < LOFI_METADATA_KINDS; kind++)
        LOFI_TRY(lofi_metadata_open(&catalogue->documents[kind], catalogue->folder, (lofi_metadata_kind)kind, err));
    read_dataset(catalogue);
    return join_all(catalogue, err);
}

lofi_code lofi_catalogue_open(lofi_catalogue **out, const lofi_catalogue_options *options, lofi_error *err) {
    lofi_catalogue *catalogue;
    LOFI_TRY(lofi_alloc((void **)&catalogue, 1, sizeof *catalogue, "the catalogue", err));
    catalogue->options = *options;
    lofi_code code = open_into(catalogue, err);
    if (code == LOFI_OK)
        *out = catalogue;
    else
        lofi_catalogue_close(catalogue);
    return code;
}

void lofi_catalogue_close(lofi_catalogue *catalogue) {
    if (!catalogue) return;
    forget_joined(catalogue);
    for (int kind = 0; kind < LOFI_METADATA_KINDS; kind++) lofi_document_free(&catalogue->documents[kind]);
    json_decref(catalogue->dataset);
    lofi_lock_release(catalogue->lock);
    lofi_free(catalogue);
}

/* ---- saving ---- */

/* What tracks.json repeats of the other files. */
static void refresh(lofi_catalogue *catalogue) {
    static const char *const repeated[] = {"style_ids", "source_id", "split", "state"};
    for (size_t i = 0; i < catalogue->count; i++) {
        json_t *entity = lofi_catalogue_track_json(&catalogue->tracks[i]);
        for (size_t k = 0; k < sizeof repeated / sizeof *repeated; k++)
            json_object_set(catalogue->tracks[i].record, repeated[k], json_object_get(entity, repeated[k]));
        json_decref(entity);
    }
}

lofi_code lofi_catalogue_save(lofi_catalogue *catalogue, bool *changed, lofi_error *err) {
    assert(catalogue->options.writing);
    bool any = false;
    LOFI_TRY(adopt_styles(catalogue, err));
    for (int kind = 0; kind < LOFI_METADATA_KINDS; kind++) {
        bool differs = false;
        if (kind == LOFI_METADATA_TRACKS) {
            LOFI_TRY(join_all(catalogue, err));
            refresh(catalogue);
            catalogue->touched[kind] = true;
        }
        if (!catalogue->touched[kind]) continue;
        LOFI_TRY(lofi_metadata_save(&differs, &catalogue->documents[kind], (lofi_metadata_kind)kind,
                                    catalogue->options.dry_run, err));
        any = any || differs;
    }
    if (changed) *changed = any;
    return LOFI_OK;
}
