/* mapping.c - style_mapping.json read and checked as a whole. */
#include "catalog/mapping.h"

#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"

struct lofi_style_mapping {
    lofi_arena *arena;
    json_t *document; /* kept: track ids are borrowed from it */
    lofi_mapping_entry *entries;
    size_t count;
};

static lofi_code add_style(lofi_mapping_entry *entry, const json_t *id, const lofi_styles *styles, lofi_error *err) {
    const lofi_style *style = NULL;
    if (!json_is_string(id))
        return lofi_fail(err, LOFI_ERR_FORMAT, "expected a style id or a list of style ids, such as \"%s\"",
                         LOFI_STYLE_DEFAULT);
    LOFI_TRY(lofi_styles_find(&style, styles, json_string_value(id), err));
    for (size_t i = 0; i < entry->count; i++)
        if (entry->styles[i] == style) return LOFI_OK;
    if (entry->count == LOFI_TRACK_STYLES_MAX)
        return lofi_fail(err, LOFI_ERR_FORMAT, "more than %d styles for one track", LOFI_TRACK_STYLES_MAX);
    entry->styles[entry->count++] = style;
    return LOFI_OK;
}

static lofi_code read_entry(lofi_mapping_entry *entry, const json_t *value, const lofi_styles *styles,
                            lofi_error *err) {
    if (!json_is_array(value)) return add_style(entry, value, styles, err);
    for (size_t i = 0; i < json_array_size(value); i++)
        LOFI_TRY(add_style(entry, json_array_get(value, i), styles, err));
    return LOFI_OK;
}

/* All entries are looked at, so that the message can say how many are wrong. */
static lofi_code read_entries(lofi_style_mapping *mapping, const lofi_styles *styles, lofi_error *err) {
    const char *track_id = NULL;
    json_t *value = NULL;
    size_t faults = 0;
    lofi_error first = LOFI_ERROR_INIT;
    json_object_foreach(mapping->document, track_id, value) {
        lofi_mapping_entry *entry = &mapping->entries[mapping->count++];
        lofi_error fault = LOFI_ERROR_INIT;
        entry->track_id = track_id;
        if (read_entry(entry, value, styles, &fault) == LOFI_OK) continue;
        lofi_error_prefix(&fault, "track '%s'", track_id);
        if (faults++ == 0) first = fault;
    }
    if (faults == 0) return LOFI_OK;
    if (faults == 1) return lofi_fail(err, first.code, "%s", first.message);
    return lofi_fail(err, first.code, "%s (and %zu more %s wrong)", first.message, faults - 1,
                     faults == 2 ? "entry is" : "entries are");
}

static lofi_code fill(lofi_style_mapping *mapping, const lofi_styles *styles, lofi_error *err) {
    if (!json_is_object(mapping->document))
        return lofi_fail(err, LOFI_ERR_FORMAT, "expected an object of track ids and style ids");
    size_t count = json_object_size(mapping->document);
    mapping->entries = lofi_arena_alloc(mapping->arena, (count + 1) * sizeof(lofi_mapping_entry));
    if (!mapping->entries) return lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for %zu entries", count);
    return read_entries(mapping, styles, err);
}

lofi_code lofi_style_mapping_load(lofi_style_mapping **out, const char *path, const lofi_styles *styles,
                                  lofi_error *err) {
    json_t *document = NULL;
    lofi_arena *arena = NULL;
    lofi_code code = lofi_json_load(&document, path, err);
    if (code != LOFI_OK) return code;
    LOFI_TRY_GOTO(lofi_arena_new(&arena, err), failed);
    lofi_style_mapping *mapping = lofi_arena_alloc(arena, sizeof *mapping);
    if (!mapping) {
        code = lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for the style mapping");
        goto failed;
    }
    *mapping = (lofi_style_mapping){.arena = arena, .document = document};
    code = fill(mapping, styles, err);
    if (code != LOFI_OK) {
        lofi_error_prefix(err, "style mapping '%s'", path);
        goto failed;
    }
    *out = mapping;
    return LOFI_OK;
failed:
    lofi_arena_free(arena);
    json_decref(document);
    return code;
}

void lofi_style_mapping_free(lofi_style_mapping *mapping) {
    if (!mapping) return;
    json_decref(mapping->document);
    lofi_arena_free(mapping->arena);
}

size_t lofi_style_mapping_count(const lofi_style_mapping *mapping) {
    return mapping->count;
}

const lofi_mapping_entry *lofi_style_mapping_at(const lofi_style_mapping *mapping, size_t index) {
    assert(index < mapping->count);
    return &mapping->entries[index];
}

const lofi_mapping_entry *lofi_style_mapping_get(const lofi_style_mapping *mapping, const char *track_id) {
    for (size_t i = 0; i < mapping->count; i++)
        if (strcmp(mapping->entries[i].track_id, track_id) == 0) return &mapping->entries[i];
    return NULL;
}
