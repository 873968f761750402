/* exchange_apply.c - what the rows of a table change in the catalogue. Everything is checked before anything changes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "catalog/entity.h"
#include "catalog/exchange.h"
#include "catalog/nearest.h"

typedef struct applying {
    lofi_catalogue *catalogue;
    const lofi_styles *styles;
    const char *path;
    json_t *sources; /* source id -> {column: value} as rows say it, and "_line" of the first */
    json_t *moves;   /* track id -> source id that it gets */
    json_t *scores;  /* those that are there, as one text each: an import that is repeated adds nothing */
    lofi_exchange_counts *counts;
} applying;

/* ---- cells ---- */

static long long line_of(const json_t *row) {
    return (long long)json_integer_value(json_object_get(row, "_line"));
}

LOFI_PRINTF(5, 6)
static lofi_code refuse(const applying *work, const json_t *row, const char *column, lofi_error *err,
                        const char *format, ...) {
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' line %lld, column '%s': %s", work->path, line_of(row), column,
                     message);
}

/* The cell, or NULL when it is empty. */
static json_t *cell(const json_t *row, const char *column) {
    json_t *value = json_object_get(row, column);
    if (!value || json_is_null(value)) return NULL;
    return json_is_string(value) && json_string_length(value) == 0 ? NULL : value;
}

/* "true", "TRUE", "yes", "1" and their opposites; *value NULL when the cell is empty, else yours. */
static lofi_code read_truth(json_t **value, const applying *work, const json_t *row, const char *column,
                            lofi_error *err) {
    static const char *const words[][2] = {{"false", "true"}, {"no", "yes"}, {"0", "1"}};
    json_t *found = cell(row, column);
    *value = json_is_boolean(found) ? json_incref(found) : NULL;
    if (!found || *value) return LOFI_OK;
    for (size_t i = 0; json_is_string(found) && i < 3; i++)
        for (int truth = 0; truth < 2; truth++)
            if (strcasecmp(json_string_value(found), words[i][truth]) == 0) {
                *value = json_boolean(truth);
                return LOFI_OK;
            }
    return refuse(work, row, column, err, "must be true or false, found '%s'",
                  json_is_string(found) ? json_string_value(found) : "something else");
}

/* Spreadsheets of some languages write 12,5. */
static lofi_code read_number(json_t **value, const applying *work, const json_t *row, const char *column,
                             lofi_error *err) {
    json_t *found = cell(row, column);
    char text[64], *end;
    *value = json_is_number(found) ? json_incref(found) : NULL;
    if (!found || *value) return LOFI_OK;
    snprintf(text, sizeof text, "%s", json_is_string(found) ? json_string_value(found) : "?");
    for (char *comma = strchr(text, ','); comma; comma = NULL) *comma = '.';
    double number = strtod(text, &end);
    if (end == text || *end) return refuse(work, row, column, err, "must be a number, found '%s'", text);
    *value = json_real(number);
    return *value ? LOFI_OK : refuse(work, row, column, err, "must be a number, found '%s'", text);
}

/* ---- checking a row ---- */

static lofi_code check_track(const applying *work, const json_t *row, lofi_error *err) {
    json_t *id = cell(row, "track_id");
    if (!json_is_string(id)) return refuse(work, row, "track_id", err, "must not be empty");
    if (lofi_catalogue_get(work->catalogue, json_string_value(id))) return LOFI_OK;
    refuse(work, row, "track_id", err, "there is no track '%s'", json_string_value(id));
    return lofi_hint(err, "'lofi tracks add' enters prepared songs");
}

/* The styles of a row as a list of ids; *ids NULL when the cell is empty, else yours. */
static lofi_code read_styles(json_t **ids, const applying *work, const json_t *row, lofi_error *err) {
    json_t *found = cell(row, "style_ids");
    lofi_error fault = LOFI_ERROR_INIT;
    const lofi_style *style;
    *ids = NULL;
    if (!found || (json_is_array(found) && json_array_size(found) == 0)) return LOFI_OK;
    lofi_buffer text = LOFI_BUFFER_INIT;
    for (size_t i = 0; i < json_array_size(found); i++)
        if (json_is_string(json_array_get(found, i)))
            lofi_buffer_printf(&text, "%s ", json_string_value(json_array_get(found, i)));
    if (json_is_string(found)) lofi_buffer_text(&text, json_string_value(found));
    json_t *list = json_array();
    bool right = lofi_buffer_check(&text, err) == LOFI_OK;
    for (char *rest = text.data, *word; right && (word = strsep(&rest, " ,;")) != NULL;) {
        if (!*word || strcmp(word, "none") == 0) continue;
        right = lofi_styles_find(&style, work->styles, word, &fault) == LOFI_OK;
        if (right) json_array_append_new(list, json_string(style->style_id));
    }
    lofi_buffer_free(&text);
    if (right && json_array_size(list) <= LOFI_TRACK_STYLES_MAX) {
        *ids = list;
        return LOFI_OK;
    }
    json_decref(list);
    return right ? refuse(work, row, "style_ids", err, "more than %d styles", LOFI_TRACK_STYLES_MAX)
                 : refuse(work, row, "style_ids", err, "%s", fault.message);
}

static const char *const source_texts[] = {"source_type", "provider", "license_type", "date_acquired"};

/* One field of a source; rows that contradict each other are refused. Takes the reference. */
static lofi_code note_field(applying *work, const json_t *row, json_t *said, const char *column, json_t *value,
                            lofi_error *err) {
    json_t *before = json_object_get(said, column);
    bool same = !value || !before || json_equal(before, value);
    if (value && !before) json_object_set(said, column, value);
    json_decref(value);
    if (same) return LOFI_OK;
    return refuse(work, row, column, err, "differs from line %lld, which is of the same source", line_of(said));
}

static lofi_code note_source(applying *work, const json_t *row, lofi_error *err) {
    const char *id = json_string_value(cell(row, "source_id"));
    json_t *value;
    if (!id) return LOFI_OK;
    json_t *said = json_object_get(work->sources, id);
    if (!said) {
        said = json_pack("{s:O}", "_line", json_object_get(row, "_line"));
        json_object_set_new(work->sources, id, said);
    }
    for (size_t i = 0; i < sizeof source_texts / sizeof *source_texts; i++) {
        value = cell(row, source_texts[i]);
        LOFI_TRY(note_field(work, row, said, source_texts[i], json_is_string(value) ? json_incref(value) : NULL, err));
    }
    LOFI_TRY(read_truth(&value, work, row, "ai_training_permitted", err));
    LOFI_TRY(note_field(work, row, said, "ai_training_permitted", value, err));
    LOFI_TRY(read_number(&value, work, row, "cost", err));
    return note_field(work, row, said, "cost", value, err);
}

static lofi_code check_score(const applying *work, const json_t *row, lofi_error *err) {
    json_t *score;
    LOFI_TRY(read_number(&score, work, row, "score", err));
    if (!score) return LOFI_OK;
    double number = json_number_value(score);
    json_decref(score);
    if (number < 0 || number > 100) return refuse(work, row, "score", err, "must be from 0 to 100, found %g", number);
    if (!json_is_string(cell(row, "scorer"))) return refuse(work, row, "scorer", err, "a score needs who gave it");
    const char *date = json_string_value(cell(row, "score_date"));
    const char *fault = date ? lofi_date_fault(date) : NULL;
    return fault ? refuse(work, row, "score_date", err, "%s, found '%s'", fault, date) : LOFI_OK;
}

static lofi_code check_row(applying *work, const json_t *row, lofi_error *err) {
    json_t *ids, *verified;
    LOFI_TRY(check_track(work, row, err));
    LOFI_TRY(read_styles(&ids, work, row, err));
    json_decref(ids);
    LOFI_TRY(read_truth(&verified, work, row, "human_verified", err));
    json_decref(verified);
    LOFI_TRY(check_score(work, row, err));
    return note_source(work, row, err);
}

/* A source that does not exist yet needs everything; one that does, keeps the rest. What it will be is checked as a whole. */
static lofi_code check_sources(applying *work, lofi_error *err) {
    const char *id;
    json_t *said;
    json_object_foreach(work->sources, id, said) {
        const json_t *record = lofi_catalogue_entry(work->catalogue, LOFI_METADATA_SOURCES, "source_id", id);
        json_t *made = record ? json_deep_copy(record) : json_pack("{s:s, s:[]}", "source_id", id, "track_ids");
        lofi_error fault = LOFI_ERROR_INIT;
        json_object_update(made, said);
        json_object_del(made, "_line");
        lofi_code code = lofi_entity_check_new(LOFI_ENTITY_SOURCE_RECORD, made, id, &fault);
        const char *date = json_string_value(json_object_get(made, "date_acquired"));
        const char *wrong = code == LOFI_OK ? lofi_date_fault(date) : NULL;
        json_decref(made);
        if (code != LOFI_OK) return refuse(work, said, "source_id", err, "source %s", fault.message);
        if (wrong) return refuse(work, said, "date_acquired", err, "%s", wrong);
    }
    return LOFI_OK;
}

/* ---- changing ---- */

static void apply_styles(applying *work, const json_t *row, const lofi_catalogue_track *track) {
    json_t *ids = NULL, *before = track->has_style ? lofi_catalogue_style_ids(track) : json_array();
    if (read_styles(&ids, work, row, NULL) == LOFI_OK && ids && !json_equal(ids, before)) {
        json_t *mapping = lofi_catalogue_entries(work->catalogue, LOFI_METADATA_MAPPING);
        json_object_set_new(track->record, "style_ids", json_pack("[s]", LOFI_STYLE_DEFAULT));
        json_object_set(mapping, track->track_id, ids);
        work->counts->styles++;
    }
    json_decref(ids);
    json_decref(before);
}

static void apply_source(applying *work, const json_t *row, const lofi_catalogue_track *track) {
    json_t *id = cell(row, "source_id");
    if (!json_is_string(id)) return;
    if (track->source && strcmp(track->source->source_id, json_string_value(id)) == 0) return;
    json_object_set(work->moves, track->track_id, id);
    work->counts->sources++;
}

/* Tracks that move leave the sources that they were in. */
static void leave_sources(const applying *work, json_t *record) {
    json_t *kept = json_array(), *tracks = json_object_get(record, "track_ids");
    for (size_t i = 0; i < json_array_size(tracks); i++) {
        json_t *track_id = json_array_get(tracks, i);
        if (!json_object_get(work->moves, json_string_value(track_id))) json_array_append(kept, track_id);
    }
    json_object_set_new(record, "track_ids", kept);
}

static void move_tracks(const applying *work) {
    const json_t *list = lofi_catalogue_entries(work->catalogue, LOFI_METADATA_SOURCES);
    const char *track_id;
    json_t *id, *by_id = json_object();
    if (json_object_size(work->moves) == 0) {
        json_decref(by_id);
        return;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *record = json_array_get(list, i);
        leave_sources(work, record);
        json_object_set(by_id, json_string_value(json_object_get(record, "source_id")), record);
    }
    json_object_foreach(work->moves, track_id, id) {
        const json_t *record = json_object_get(by_id, json_string_value(id));
        json_array_append_new(json_object_get(record, "track_ids"), json_string(track_id));
    }
    json_decref(by_id);
}

static void apply_verified(applying *work, const json_t *row, const lofi_catalogue_track *track) {
    json_t *verified = NULL;
    if (read_truth(&verified, work, row, "human_verified", NULL) == LOFI_OK && verified &&
        !json_equal(verified, json_object_get(track->record, "human_verified"))) {
        char today[16];
        lofi_today(today);
        json_object_set(track->record, "human_verified", verified);
        json_object_del(track->record, "verified_at");
        if (json_is_true(verified)) json_object_set_new(track->record, "verified_at", json_string(today));
        work->counts->verified++;
    }
    json_decref(verified);
}

/* Whether nobody has given this score to this track on this day; notes it. */
static bool is_new_score(const applying *work, const json_t *entry) {
    lofi_buffer text = LOFI_BUFFER_INIT;
    lofi_buffer_printf(&text, "%s\n%s\n%s\n%.6f", json_string_value(json_object_get(entry, "track_id")),
                       json_string_value(json_object_get(entry, "scorer")),
                       json_string_value(json_object_get(entry, "date")),
                       json_number_value(json_object_get(entry, "score")));
    bool is_new = !json_object_get(work->scores, lofi_buffer_str(&text));
    json_object_set_new(work->scores, lofi_buffer_str(&text), json_true());
    lofi_buffer_free(&text);
    return is_new;
}

static void note_scores(const applying *work) {
    const json_t *list = lofi_catalogue_entries(work->catalogue, LOFI_METADATA_SCORES);
    for (size_t i = 0; i < json_array_size(list); i++) (void)is_new_score(work, json_array_get(list, i));
}

static void apply_score(applying *work, const json_t *row, const lofi_catalogue_track *track) {
    json_t *score = NULL;
    char today[16];
    if (read_number(&score, work, row, "score", NULL) != LOFI_OK || !score) return;
    lofi_today(today);
    json_t *date = cell(row, "score_date"), *notes = cell(row, "score_notes");
    json_t *entry = json_pack("{s:s, s:o, s:O, s:s}", "track_id", track->track_id, "score", score, "scorer",
                              cell(row, "scorer"), "date", date ? json_string_value(date) : today);
    if (json_is_string(notes)) json_object_set(entry, "notes", notes);
    if (is_new_score(work, entry)) {
        json_array_append(lofi_catalogue_entries(work->catalogue, LOFI_METADATA_SCORES), entry);
        work->counts->scores++;
    }
    json_decref(entry);
}

/* A cell of a spreadsheet is text: "85" is the number 85 that was there before. */
static bool says_the_same(const json_t *before, const json_t *value) {
    lofi_buffer text = LOFI_BUFFER_INIT;
    bool same = json_equal(before, value);
    if (!same && before && json_is_string(value) && !json_is_string(before) &&
        lofi_json_print(&text, before, false, NULL) == LOFI_OK)
        same = strcmp(lofi_buffer_str(&text), json_string_value(value)) == 0;
    lofi_buffer_free(&text);
    return same;
}

/* Columns that are no field of this program, and the two texts that are. */
static void apply_fields(applying *work, const json_t *row, const lofi_catalogue_track *track) {
    static const char *const known[] = {"_line",         "track_id",
                                        "filename",      "audio_path",
                                        "prompt_path",   "lyrics_path",
                                        "duration",      "sample_rate",
                                        "quality_score", "split",
                                        "state",         "style_ids",
                                        "source_id",     "source_type",
                                        "provider",      "license_type",
                                        "cost",          "date_acquired",
                                        "human_score",   "human_verified",
                                        "verified_at",   "score",
                                        "scorer",        "score_date",
                                        "score_notes",   "ai_training_permitted"};
    const char *name;
    json_t *value;
    bool changed = false;
    json_object_foreach((json_t *)row, name, value) {
        bool own = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) own = own || strcmp(known[i], name) == 0;
        if (own || !*name || !cell(row, name) || says_the_same(json_object_get(track->record, name), value)) continue;
        json_object_set(track->record, name, value);
        changed = true;
    }
    work->counts->fields += changed;
}

static void apply_sources(applying *work) {
    const char *id;
    json_t *said;
    json_object_foreach(work->sources, id, said) {
        json_t *record = lofi_catalogue_entry(work->catalogue, LOFI_METADATA_SOURCES, "source_id", id);
        if (!record) {
            record = json_pack("{s:s, s:[]}", "source_id", id, "track_ids");
            json_array_append_new(lofi_catalogue_entries(work->catalogue, LOFI_METADATA_SOURCES), record);
        }
        json_t *before = json_deep_copy(record);
        json_object_del(said, "_line");
        json_object_update(record, said);
        work->counts->source_fields += !json_equal(before, record);
        json_decref(before);
    }
}

static lofi_code apply(applying *work, const json_t *rows, lofi_error *err) {
    for (size_t i = 0; i < json_array_size(rows); i++) LOFI_TRY(check_row(work, json_array_get(rows, i), err));
    LOFI_TRY(check_sources(work, err));
    apply_sources(work);
    note_scores(work);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const lofi_catalogue_track *track = lofi_catalogue_get(work->catalogue,
                                                               json_string_value(cell(row, "track_id")));
        apply_styles(work, row, track);
        apply_source(work, row, track);
        apply_verified(work, row, track);
        apply_score(work, row, track);
        apply_fields(work, row, track);
        work->counts->rows++;
    }
    move_tracks(work);
    return LOFI_OK;
}

lofi_code lofi_exchange_apply(lofi_exchange_counts *counts, lofi_catalogue *catalogue, const lofi_styles *styles,
                              const json_t *rows, const char *path, lofi_error *err) {
    *counts = (lofi_exchange_counts){0};
    applying work = {catalogue, styles, path, json_object(), json_object(), json_object(), counts};
    lofi_code code = apply(&work, rows, err);
    json_decref(work.sources);
    json_decref(work.moves);
    json_decref(work.scores);
    return code;
}
