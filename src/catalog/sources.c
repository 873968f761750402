/* sources.c - see sources.h. */
#include "catalog/sources.h"

#include <assert.h>

#include "base/json.h"
#include "base/memory.h"
#include "catalog/metadata.h"

struct lofi_sources {
    json_t *list; /* owns all texts */
    lofi_source *records;
    size_t count;
    json_t *by_track; /* track id -> array of record numbers */
};

size_t lofi_sources_count(const lofi_sources *sources) {
    return sources->count;
}

const lofi_source *lofi_sources_at(const lofi_sources *sources, size_t index) {
    assert(index < sources->count);
    return &sources->records[index];
}

const lofi_source *lofi_sources_of_track(const lofi_sources *sources, const char *track_id, bool *permitted) {
    const json_t *numbers = sources ? json_object_get(sources->by_track, track_id) : NULL;
    *permitted = numbers != NULL;
    for (size_t i = 0; i < json_array_size(numbers); i++)
        if (!sources->records[json_integer_value(json_array_get(numbers, i))].ai_training_permitted) *permitted = false;
    return numbers ? &sources->records[json_integer_value(json_array_get(numbers, 0))] : NULL;
}

static lofi_code note_tracks(lofi_sources *sources, size_t number, const json_t *track_ids, lofi_error *err) {
    for (size_t i = 0; i < json_array_size(track_ids); i++) {
        const char *id = json_string_value(json_array_get(track_ids, i));
        json_t *numbers = json_object_get(sources->by_track, id);
        if (!numbers && json_object_set_new(sources->by_track, id, numbers = json_array()) != 0) numbers = NULL;
        if (json_array_append_new(numbers, json_integer((json_int_t)number)) != 0)
            return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for the sources");
    }
    return LOFI_OK;
}

static lofi_code read_records(lofi_sources *sources, lofi_error *err) {
    sources->count = json_array_size(sources->list);
    LOFI_TRY(lofi_alloc((void **)&sources->records, sources->count, sizeof *sources->records, "the sources", err));
    for (size_t i = 0; i < sources->count; i++) {
        const json_t *record = json_array_get(sources->list, i);
        sources->records[i] = (lofi_source){lofi_json_text(record, "source_id"),
                                            lofi_json_text(record, "source_type"),
                                            lofi_json_text(record, "provider"),
                                            lofi_json_text(record, "license_type"),
                                            json_is_true(json_object_get(record, "ai_training_permitted")),
                                            record};
        LOFI_TRY(note_tracks(sources, i, json_object_get(record, "track_ids"), err));
    }
    return LOFI_OK;
}

lofi_code lofi_sources_new(lofi_sources **out, const lofi_document *document, lofi_error *err) {
    lofi_sources *sources;
    LOFI_TRY(lofi_alloc((void **)&sources, 1, sizeof *sources, "the sources", err));
    sources->list = json_deep_copy(lofi_metadata_entries(document, LOFI_METADATA_SOURCES));
    sources->by_track = json_object();
    lofi_code code = read_records(sources, err);
    if (code == LOFI_OK)
        *out = sources;
    else
        lofi_sources_free(sources);
    return code;
}

lofi_code lofi_sources_load(lofi_sources **out, const char *path, lofi_error *err) {
    lofi_document document = {0};
    lofi_code code = lofi_metadata_load(&document, path, LOFI_METADATA_SOURCES, err);
    if (code == LOFI_OK) code = lofi_sources_new(out, &document, err);
    lofi_document_free(&document);
    return code;
}

void lofi_sources_free(lofi_sources *sources) {
    if (!sources) return;
    json_decref(sources->by_track);
    lofi_free(sources->records);
    json_decref(sources->list);
    lofi_free(sources);
}
