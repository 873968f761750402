/* sources.c - see sources.h. */
#include "catalog/sources.h"

#include <assert.h>

#include "base/json.h"
#include "base/memory.h"

struct lofi_sources {
    json_t *document; /* owns all texts */
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

/* ---- the rules of a record ---- */

static lofi_code check_type(const char *type, const char *where, lofi_error *err) {
    static const char *const known[] = {"commissioned", "royalty_free", "creative_commons", "partnership"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(type, known[i]) == 0) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_FORMAT,
                     "%s: 'source_type' is '%s', expected commissioned, royalty_free, creative_commons or partnership",
                     where, type);
}

static lofi_code check_cost(const json_t *record, const char *type, const char *where, lofi_error *err) {
    const json_t *cost = json_object_get(record, "cost");
    if (!cost || json_is_null(cost)) {
        if (strcmp(type, "commissioned") != 0) return LOFI_OK;
        return lofi_fail(err, LOFI_ERR_FORMAT, "%s: a commissioned source needs its 'cost'", where);
    }
    if (json_is_number(cost) && json_number_value(cost) >= 0) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_FORMAT, "%s: 'cost' is not a number of at least 0", where);
}

/* A day as its ISO 8601 date begins, YYYY-MM-DD; texts of that form compare as the days do. */
static bool is_date(const char *text) {
    static const char form[] = "dddd-dd-dd";
    for (size_t i = 0; i < sizeof form - 1; i++)
        if (form[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != form[i]) return false;
    int month = 10 * (text[5] - '0') + text[6] - '0', day = 10 * (text[8] - '0') + text[9] - '0';
    return month >= 1 && month <= 12 && day >= 1 && day <= 31 && (text[10] == 0 || text[10] == 'T' || text[10] == ' ');
}

static lofi_code check_date(const char *date, const char *where, lofi_error *err) {
    char tomorrow[32];
    time_t now = time(NULL) + 24 * 60 * 60; /* it may be tomorrow already where it was written */
    struct tm parts;
    gmtime_r(&now, &parts);
    strftime(tomorrow, sizeof tomorrow, "%Y-%m-%d", &parts);
    if (!is_date(date))
        return lofi_fail(err, LOFI_ERR_FORMAT, "%s: 'date_acquired' is '%s', expected a date like 2025-01-31", where,
                         date);
    if (strncmp(date, tomorrow, 10) <= 0) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_FORMAT, "%s: 'date_acquired' is '%s', which is in the future", where, date);
}

static lofi_code check_tracks(const json_t *track_ids, const char *where, lofi_error *err) {
    for (size_t i = 0; i < json_array_size(track_ids); i++) {
        const char *id = json_string_value(json_array_get(track_ids, i));
        if (!id || !*id)
            return lofi_fail(err, LOFI_ERR_FORMAT, "%s: entry %zu of 'track_ids' is no track id", where, i + 1);
    }
    return LOFI_OK;
}

static lofi_code read_permission(bool *permitted, const json_t *record, const char *where, lofi_error *err) {
    const json_t *value = json_object_get(record, "ai_training_permitted");
    if (!json_is_boolean(value))
        return lofi_fail(err, LOFI_ERR_FORMAT, "%s: 'ai_training_permitted' must be true or false", where);
    *permitted = json_is_true(value);
    return LOFI_OK;
}

static lofi_code read_record(lofi_source *out, const json_t **track_ids, const json_t *record, const char *where,
                             lofi_error *err) {
    const char *date;
    if (!json_is_object(record)) return lofi_fail(err, LOFI_ERR_FORMAT, "%s is not an object", where);
    LOFI_TRY(lofi_json_string(&out->source_id, record, "source_id", where, err));
    LOFI_TRY(lofi_json_string(&out->source_type, record, "source_type", where, err));
    LOFI_TRY(lofi_json_string(&out->provider, record, "provider", where, err));
    LOFI_TRY(lofi_json_string(&out->license_type, record, "license_type", where, err));
    LOFI_TRY(lofi_json_string(&date, record, "date_acquired", where, err));
    LOFI_TRY(lofi_json_array(track_ids, record, "track_ids", where, err));
    LOFI_TRY(read_permission(&out->ai_training_permitted, record, where, err));
    LOFI_TRY(check_type(out->source_type, where, err));
    LOFI_TRY(check_cost(record, out->source_type, where, err));
    LOFI_TRY(check_date(date, where, err));
    return check_tracks(*track_ids, where, err);
}

/* ---- the file ---- */

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

static lofi_code read_records(lofi_sources *sources, const json_t *list, const char *path, lofi_error *err) {
    size_t count = json_array_size(list);
    LOFI_TRY(lofi_alloc((void **)&sources->records, count, sizeof *sources->records, "the sources", err));
    for (size_t i = 0; i < count; i++) {
        char where[512];
        const json_t *track_ids;
        lofi_source *record = &sources->records[i];
        snprintf(where, sizeof where, "'%s': source %zu", path, i + 1);
        LOFI_TRY(read_record(record, &track_ids, json_array_get(list, i), where, err));
        for (size_t k = 0; k < i; k++)
            if (strcmp(sources->records[k].source_id, record->source_id) == 0)
                return lofi_fail(err, LOFI_ERR_FORMAT, "%s has the 'source_id' '%s' of source %zu", where,
                                 record->source_id, k + 1);
        sources->count++;
        LOFI_TRY(note_tracks(sources, i, track_ids, err));
    }
    return LOFI_OK;
}

static lofi_code load_into(lofi_sources *sources, const char *path, lofi_error *err) {
    const json_t *list;
    LOFI_TRY(lofi_json_load(&sources->document, path, err));
    sources->by_track = json_object();
    LOFI_TRY(lofi_json_array(&list, sources->document, "sources", path, err));
    return read_records(sources, list, path, err);
}

lofi_code lofi_sources_load(lofi_sources **out, const char *path, lofi_error *err) {
    lofi_sources *sources;
    LOFI_TRY(lofi_alloc((void **)&sources, 1, sizeof *sources, "the sources", err));
    lofi_code code = load_into(sources, path, err);
    if (code != LOFI_OK) {
        lofi_sources_free(sources);
        return code;
    }
    *out = sources;
    return LOFI_OK;
}

void lofi_sources_free(lofi_sources *sources) {
    if (!sources) return;
    json_decref(sources->by_track);
    lofi_free(sources->records);
    json_decref(sources->document);
    lofi_free(sources);
}
