/* mapping.c - see mapping.h. */
#include "catalog/mapping.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "catalog/metadata.h"

struct lofi_style_mapping {
    json_t *places; /* track id -> number of the entry; owns the ids */
    lofi_mapping_entry *entries;
    size_t count;
};

static lofi_code add_style(lofi_mapping_entry *entry, const json_t *id, const lofi_styles *styles, lofi_error *err) {
    const lofi_style *style = NULL;
    LOFI_TRY(lofi_styles_find(&style, styles, json_string_value(id), err));
    for (size_t i = 0; i < entry->count; i++)
        if (entry->styles[i] == style) return LOFI_OK;
    entry->styles[entry->count++] = style; /* the schema lets no more than LOFI_TRACK_STYLES_MAX pass */
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
static lofi_code read_entries(lofi_style_mapping *mapping, const lofi_document *document, const lofi_styles *styles,
                              lofi_error *err) {
    const char *track_id = NULL;
    json_t *value = NULL;
    size_t faults = 0;
    char pointer[512] = "", more[64] = "";
    lofi_error first = LOFI_ERROR_INIT;
    json_object_foreach(document->root, track_id, value) {
        lofi_mapping_entry *entry = &mapping->entries[mapping->count];
        lofi_error fault = LOFI_ERROR_INIT;
        if (json_object_set_new(mapping->places, track_id, json_integer((json_int_t)mapping->count++)) != 0)
            return lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for the style mapping");
        if (read_entry(entry, value, styles, &fault) == LOFI_OK || faults++ > 0) continue;
        first = fault;
        lofi_json_pointer_add(pointer, sizeof pointer, track_id);
    }
    if (faults == 0) return LOFI_OK;
    if (faults > 1)
        snprintf(more, sizeof more, " (and %zu more %s wrong)", faults - 1, faults == 2 ? "entry is" : "entries are");
    return lofi_document_fail(document, err, pointer, "%s%s", first.message, more);
}

/* The keys of an object live as long as the object. */
static void name_entries(lofi_style_mapping *mapping) {
    const char *track_id;
    json_t *place;
    json_object_foreach(mapping->places, track_id, place) {
        mapping->entries[json_integer_value(place)].track_id = track_id;
    }
}

lofi_code lofi_style_mapping_new(lofi_style_mapping **out, const lofi_document *document, const lofi_styles *styles,
                                 lofi_error *err) {
    lofi_style_mapping *mapping;
    LOFI_TRY(lofi_alloc((void **)&mapping, 1, sizeof *mapping, "the style mapping", err));
    mapping->places = json_object();
    lofi_code code = lofi_alloc((void **)&mapping->entries, json_object_size(document->root), sizeof *mapping->entries,
                                "the style mapping", err);
    if (code == LOFI_OK) code = read_entries(mapping, document, styles, err);
    if (code == LOFI_OK) {
        name_entries(mapping);
        *out = mapping;
    } else {
        lofi_style_mapping_free(mapping);
    }
    return code;
}

lofi_code lofi_style_mapping_load(lofi_style_mapping **out, const char *path, const lofi_styles *styles,
                                  lofi_error *err) {
    lofi_document document = {0};
    lofi_code code = lofi_metadata_load(&document, path, LOFI_METADATA_MAPPING, err);
    if (code == LOFI_OK) code = lofi_style_mapping_new(out, &document, styles, err);
    lofi_document_free(&document);
    return code;
}

void lofi_style_mapping_free(lofi_style_mapping *mapping) {
    if (!mapping) return;
    json_decref(mapping->places);
    lofi_free(mapping->entries);
    lofi_free(mapping);
}

size_t lofi_style_mapping_count(const lofi_style_mapping *mapping) {
    return mapping->count;
}

const lofi_mapping_entry *lofi_style_mapping_at(const lofi_style_mapping *mapping, size_t index) {
    assert(index < mapping->count);
    return &mapping->entries[index];
}

const lofi_mapping_entry *lofi_style_mapping_get(const lofi_style_mapping *mapping, const char *track_id) {
    const json_t *place = json_object_get(mapping->places, track_id);
    return place ? &mapping->entries[json_integer_value(place)] : NULL;
}
