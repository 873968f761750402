/* metadata.c - see metadata.h. */
#include "catalog/metadata.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "catalog/entity.h"

static const struct {
    const char *file, *list; /* list NULL: the object itself */
    lofi_entity entity;
    const char *id;   /* one of a kind; NULL: none */
    const char *date; /* NULL: none */
} kinds[LOFI_METADATA_KINDS] = {
    [LOFI_METADATA_SOURCES] = {"sources.json", "sources", LOFI_ENTITY_SOURCE_RECORD, "source_id", "date_acquired"},
    [LOFI_METADATA_MAPPING] = {"style_mapping.json", NULL, LOFI_ENTITY_STYLE_MAPPING, NULL, NULL},
    [LOFI_METADATA_SCORES] = {"quality_scores.json", "scores", LOFI_ENTITY_QUALITY_SCORE, NULL, "date"},
    [LOFI_METADATA_TRACKS] = {"tracks.json", "tracks", LOFI_ENTITY_TRACK, "track_id", NULL},
};

const char *lofi_metadata_file(lofi_metadata_kind kind) {
    assert((unsigned)kind < LOFI_METADATA_KINDS);
    return kinds[kind].file;
}

json_t *lofi_metadata_entries(const lofi_document *document, lofi_metadata_kind kind) {
    return kinds[kind].list ? json_object_get(document->root, kinds[kind].list) : document->root;
}

/* ---- what no schema can say ---- */

static lofi_code check_id(const lofi_document *document, lofi_metadata_kind kind, json_t *seen, size_t index,
                          const json_t *entry, lofi_error *err) {
    char pointer[128];
    const char *id = json_string_value(json_object_get(entry, kinds[kind].id));
    const json_t *before = json_object_get(seen, id);
    snprintf(pointer, sizeof pointer, "/%s/%zu/%s", kinds[kind].list, index, kinds[kind].id);
    if (before)
        return lofi_document_fail(document, err, pointer, "'%s' is the %s of entry %d, too", id, kinds[kind].id,
                                  (int)json_integer_value(before) + 1);
    if (json_object_set_new(seen, id, json_integer((json_int_t)index)) == 0) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for '%s'", document->path);
}

static lofi_code check_entry(const lofi_document *document, lofi_metadata_kind kind, json_t *seen, size_t index,
                             lofi_error *err) {
    char pointer[128];
    const json_t *entry = json_array_get(lofi_metadata_entries(document, kind), index);
    if (kinds[kind].id) LOFI_TRY(check_id(document, kind, seen, index, entry, err));
    if (!kinds[kind].date) return LOFI_OK;
    const char *date = json_string_value(json_object_get(entry, kinds[kind].date));
    const char *fault = lofi_date_fault(date);
    snprintf(pointer, sizeof pointer, "/%s/%zu/%s", kinds[kind].list, index, kinds[kind].date);
    return fault ? lofi_document_fail(document, err, pointer, "%s, found '%s'", fault, date) : LOFI_OK;
}

static lofi_code check(const lofi_document *document, lofi_metadata_kind kind, lofi_error *err) {
    if (!kinds[kind].list) return lofi_entity_check(kinds[kind].entity, document->root, document, "", err);
    LOFI_TRY(lofi_entity_check_list(kinds[kind].entity, document, kinds[kind].list, err));
    size_t count = json_array_size(lofi_metadata_entries(document, kind));
    json_t *seen = json_object();
    lofi_code code = LOFI_OK;
    for (size_t i = 0; code == LOFI_OK && i < count; i++) code = check_entry(document, kind, seen, i, err);
    json_decref(seen);
    return code;
}

/* ---- files ---- */

lofi_code lofi_metadata_load(lofi_document *out, const char *path, lofi_metadata_kind kind, lofi_error *err) {
    LOFI_TRY(lofi_document_load(out, path, err));
    return check(out, kind, err);
}

static json_t *empty_root(lofi_metadata_kind kind) {
    return kinds[kind].list ? json_pack("{s:[]}", kinds[kind].list) : json_object();
}

lofi_code lofi_metadata_open(lofi_document *out, const char *folder, lofi_metadata_kind kind, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    *out = (lofi_document){0};
    LOFI_TRY(lofi_path_format(path, err, "%s/%s", folder, kinds[kind].file));
    if (lofi_path_exists(path)) return lofi_metadata_load(out, path, kind, err);
    return lofi_document_new(out, path, empty_root(kind), err);
}

lofi_code lofi_metadata_save(bool *changed, const lofi_document *document, lofi_metadata_kind kind, bool dry_run,
                             lofi_error *err) {
    LOFI_TRY(check(document, kind, err));
    /* Another spacing is no change: a file that somebody laid out by hand stays as it is until its content changes. */
    json_t *before = document->text.size ? json_loadb(document->text.data, document->text.size, JSON_DECODE_ANY, NULL)
                                         : empty_root(kind);
    bool differs = !before || !json_equal(before, document->root);
    json_decref(before);
    if (changed) *changed = differs;
    if (!differs || dry_run) return LOFI_OK;
    return lofi_json_save(document->root, document->path, err);
}

lofi_code lofi_metadata_lock(lofi_lock **out, const char *folder, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    LOFI_TRY(lofi_folder_make(folder, err));
    LOFI_TRY(lofi_path_format(path, err, "%s/catalogue", folder));
    return lofi_lock_take(out, path, err);
}
