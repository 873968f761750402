/* process_duplicates.c - see process_duplicates.h. */
#include "audio/process_duplicates.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"

typedef struct collected {
    const char *metadata;
    json_t *tracks; /* object: paths relative to the metadata folder, of those that are in */
    char **names;
    lofi_fingerprint *prints;
    size_t count, name_capacity, print_capacity;
} collected;

static lofi_code make_room(collected *c, lofi_error *err) {
    void *names = c->names, *prints = c->prints;
    lofi_code code = lofi_grow(&names, &c->name_capacity, c->count + 1, sizeof *c->names, (size_t)1 << 31, err);
    c->names = names;
    if (code == LOFI_OK)
        code = lofi_grow(&prints, &c->print_capacity, c->count + 1, sizeof *c->prints, (size_t)1 << 31, err);
    c->prints = prints;
    return code;
}

/* A fingerprint that somebody damaged says nothing about its track. */
static lofi_code add(collected *c, const char *track, const char *text, lofi_error *err) {
    lofi_fingerprint print;
    LOFI_TRY(make_room(c, err));
    lofi_code code = lofi_fingerprint_read(&print, text, err);
    if (code != LOFI_OK) return code == LOFI_ERR_FORMAT ? LOFI_OK : code;
    c->names[c->count] = strdup(track);
    c->prints[c->count] = print;
    if (c->names[c->count++] != NULL) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for names");
}

/* Tracks of this run; on a dry run they are in no ledger. */
static lofi_code add_results(collected *c, const lofi_process_report *report, lofi_error *err) {
    char track[LOFI_PATH_MAX];
    for (size_t i = 0; i < report->count; i++) {
        const lofi_process_result *result = &report->results[i];
        if (result->output == NULL || result->fingerprint == NULL) continue;
        LOFI_TRY(lofi_path_relative(track, result->output, c->metadata, err));
        json_object_set_new(c->tracks, track, json_true());
        LOFI_TRY(add(c, result->output, result->fingerprint, err));
    }
    return LOFI_OK;
}

/* Tracks of earlier runs. */
static lofi_code add_recorded(void *user, const char *path, const char *text, lofi_error *err) {
    collected *c = user;
    char track[LOFI_PATH_MAX], shown[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_relative(track, path, c->metadata, err));
    if (json_object_get(c->tracks, track) != NULL) return LOFI_OK;
    LOFI_TRY(lofi_path_relative(shown, path, ".", err));
    return add(c, shown, text, err);
}

static lofi_code find(lofi_process_report *report, const collected *c, lofi_error *err) {
    lofi_duplicate *found;
    size_t count;
    LOFI_TRY(lofi_duplicates_find(&found, &count, c->prints, c->count, err));
    lofi_code code = lofi_alloc((void **)&report->duplicates, count, sizeof *report->duplicates, "duplicates", err);
    for (size_t i = 0; code == LOFI_OK && i < count; i++)
        report->duplicates[i] = (lofi_process_duplicate){c->names[found[i].first], c->names[found[i].second], found[i]};
    if (code == LOFI_OK) report->duplicate_count = count;
    report->compared_pairs = c->count < 2 ? 0 : c->count * (c->count - 1) / 2;
    free(found);
    return code;
}

json_t *lofi_process_duplicate_json(const char *first, const char *second, const lofi_duplicate *match) {
    return json_pack("{s:s, s:s, s:f, s:f, s:f}", "first", first, "second", second, "offset_seconds",
                     match->offset_seconds, "overlap_seconds", match->overlap_seconds, "similarity", match->similarity);
}

static lofi_code add_pair(json_t *pairs, const lofi_process_duplicate *pair, const char *metadata, lofi_error *err) {
    char first[LOFI_PATH_MAX], second[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_relative(first, pair->first, metadata, err));
    LOFI_TRY(lofi_path_relative(second, pair->second, metadata, err));
    if (json_array_append_new(pairs, lofi_process_duplicate_json(first, second, &pair->match)) == 0) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for the duplicates");
}

static lofi_code save(const lofi_process_report *report, size_t tracks, const char *metadata, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    json_t *pairs = json_array();
    lofi_code code = lofi_path_format(path, err, "%s/duplicates.json", metadata);
    for (size_t i = 0; code == LOFI_OK && i < report->duplicate_count; i++)
        code = add_pair(pairs, &report->duplicates[i], metadata, err);
    json_t *document = json_pack("{s:I, s:I, s:o}", "tracks", (json_int_t)tracks, "pairs_compared",
                                 (json_int_t)report->compared_pairs, "duplicates", pairs);
    if (code == LOFI_OK && document == NULL) code = lofi_fail(err, LOFI_ERR_MEMORY, "no memory for the duplicates");
    if (code == LOFI_OK) code = lofi_json_save(document, path, err);
    json_decref(document);
    return code;
}

lofi_code lofi_process_find_duplicates(lofi_process_report *report, const lofi_ledger *ledger,
                                       const lofi_process_options *options, lofi_error *err) {
    collected c = {.metadata = options->metadata, .tracks = json_object()};
    lofi_code code = add_results(&c, report, err);
    if (code == LOFI_OK) code = lofi_ledger_tracks(ledger, add_recorded, &c, err);
    if (code == LOFI_OK) code = find(report, &c, err);
    if (code == LOFI_OK && !options->dry_run) code = save(report, c.count, options->metadata, err);
    for (size_t i = 0; i < c.count; i++) lofi_fingerprint_free(&c.prints[i]);
    free(c.prints);
    json_decref(c.tracks);
    report->names = c.names;
    report->name_count = c.count;
    return code;
}
