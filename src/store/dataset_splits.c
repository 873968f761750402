/* dataset_splits.c - opens all splits of a folder, describes and compares them. Checking: dataset_verify.c. */
#include "store/dataset_splits.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "catalog/lyrics.h"

/* ---- opening ---- */

static lofi_code open_one(lofi_dataset_splits *out, const char *folder, const char *name, lofi_error *err) {
    LOFI_TRY(lofi_hf_dataset_open(&out->splits[out->count], folder, name, err));
    const lofi_hf_dataset *opened = out->splits[out->count];
    const char *own = json_string_value(json_object_get(lofi_hf_dataset_own_facts(opened), "split"));
    snprintf(out->names[out->count++], sizeof out->names[0], "%s", name ? name : own ? own : "train");
    return LOFI_OK;
}

static lofi_code open_several(lofi_dataset_splits *out, const char *folder, const char *path, lofi_error *err) {
    json_t *document;
    const json_t *list;
    LOFI_TRY(lofi_json_load(&document, path, err));
    lofi_code code = lofi_json_array(&list, document, "splits", path, err);
    if (code == LOFI_OK && (json_array_size(list) == 0 || json_array_size(list) > LOFI_DATASET_SPLITS_MAX))
        code = lofi_fail(err, LOFI_ERR_FORMAT, "'%s' names %zu splits, expected 1 to %d", path, json_array_size(list),
                         LOFI_DATASET_SPLITS_MAX);
    for (size_t i = 0; code == LOFI_OK && i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (!name || !*name || strchr(name, '/') || name[0] == '.' || strlen(name) >= sizeof out->names[0])
            code = lofi_fail(err, LOFI_ERR_FORMAT, "'%s': entry %zu of 'splits' is no name of a split", path, i + 1);
        else
            code = open_one(out, folder, name, err);
    }
    json_decref(document);
    return code;
}

lofi_code lofi_dataset_splits_open(lofi_dataset_splits *out, const char *folder, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    *out = (lofi_dataset_splits){0};
    LOFI_TRY(lofi_path_format(path, err, "%s/dataset_dict.json", folder));
    return lofi_path_is_file(path) ? open_several(out, folder, path, err) : open_one(out, folder, NULL, err);
}

void lofi_dataset_splits_close(lofi_dataset_splits *splits) {
    for (size_t i = 0; i < splits->count; i++) lofi_hf_dataset_close(splits->splits[i]);
    *splits = (lofi_dataset_splits){0};
}

/* ---- describing ---- */

static json_t *hours_json(double seconds, bool known) {
    return known ? json_real(seconds / 3600) : json_null();
}

typedef struct description {
    json_t *splits, *styles, *sources;
    size_t tracks, rows, instrumental;
    double seconds;
    bool lengths_known;
} description;

static void describe_split(description *d, const char *name, const lofi_hf_dataset *split) {
    size_t count = lofi_hf_dataset_track_count(split);
    double seconds = 0;
    bool known = true;
    for (size_t i = 0; i < count; i++) {
        const lofi_dataset_track *track = lofi_hf_dataset_track_at(split, i);
        for (size_t k = 0; k < track->style_count; k++) lofi_json_count_up(d->styles, track->style_ids[k]);
        if (track->source_id[0]) lofi_json_count_up(d->sources, track->source_id);
        d->instrumental += lofi_lyrics_are_instrumental(track->lyrics, strlen(track->lyrics));
        seconds += track->duration;
        known = known && track->duration > 0;
    }
    d->tracks += count;
    d->rows += lofi_hf_dataset_row_count(split);
    d->seconds += seconds;
    d->lengths_known = d->lengths_known && known;
    json_object_set_new(d->splits, name,
                        json_pack("{s:I, s:I, s:o}", "tracks", (json_int_t)count, "rows",
                                  (json_int_t)lofi_hf_dataset_row_count(split), "hours", hours_json(seconds, known)));
}

json_t *lofi_dataset_describe(const lofi_dataset_splits *splits) {
    description d = {json_object(), json_object(), json_object(), 0, 0, 0, 0, true};
    for (size_t i = 0; i < splits->count; i++) describe_split(&d, splits->names[i], splits->splits[i]);
    json_t *own = (json_t *)lofi_hf_dataset_own_facts(splits->splits[0]);
    return json_pack("{s:o, s:I, s:I, s:o, s:o, s:o, s:{s:I, s:I}, s:O}", "splits", d.splits, "tracks",
                     (json_int_t)d.tracks, "rows", (json_int_t)d.rows, "hours", hours_json(d.seconds, d.lengths_known),
                     "styles", d.styles, "sources", d.sources, "lyrics", "instrumental", (json_int_t)d.instrumental,
                     "with_words", (json_int_t)(d.tracks - d.instrumental), "own", own ? own : json_null());
}

/* ---- comparing ---- */

/* Everything of a track that may differ, as an object; the reference is yours. */
static json_t *track_facts(const char *split, const lofi_dataset_track *track) {
    json_t *styles = json_array();
    for (size_t i = 0; i < track->style_count; i++) json_array_append_new(styles, json_string(track->style_ids[i]));
    return json_pack("{s:s, s:s, s:s, s:o, s:s, s:f, s:s}", "split", split, "prompt", track->prompt, "lyrics",
                     track->lyrics, "style_ids", styles, "source_id", track->source_id, "duration", track->duration,
                     "audio", lofi_path_base(track->filename));
}

/* Track id -> facts. */
static json_t *all_facts(const lofi_dataset_splits *splits) {
    json_t *all = json_object();
    for (size_t s = 0; s < splits->count; s++)
        for (size_t i = 0; i < lofi_hf_dataset_track_count(splits->splits[s]); i++) {
            const lofi_dataset_track *track = lofi_hf_dataset_track_at(splits->splits[s], i);
            json_object_set_new(all, track->track_id, track_facts(splits->names[s], track));
        }
    return all;
}

/* Members that differ, as {name: [before, after]}; the reference is yours. */
static json_t *differing(json_t *before, json_t *after) {
    json_t *found = json_object(), *value;
    const char *name;
    json_object_foreach(before, name, value) {
        json_t *other = json_object_get(after, name);
        if (other && json_equal(value, other)) continue;
        json_object_set_new(found, name, json_pack("[O, O]", value, other ? other : json_null()));
    }
    json_object_foreach(after, name, value) {
        if (!json_object_get(before, name)) json_object_set_new(found, name, json_pack("[n, O]", value));
    }
    return found;
}

/* What decides about a dataset besides its tracks. */
static json_t *settings_of(const lofi_dataset_splits *splits) {
    static const char *const names[] = {"seed", "repeat_count", "dataset_hash"};
    json_t *settings = json_object();
    const json_t *own = lofi_hf_dataset_own_facts(splits->splits[0]);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        json_object_set(settings, names[i], own ? json_object_get(own, names[i]) : json_null());
    return settings;
}

json_t *lofi_dataset_difference(const lofi_dataset_splits *before, const lofi_dataset_splits *after) {
    json_t *old = all_facts(before), *new = all_facts(after), *facts;
    json_t *added = json_array(), *removed = json_array(), *changed = json_object();
    json_t *old_settings = settings_of(before), *new_settings = settings_of(after);
    const char *track_id;
    json_object_foreach(old, track_id, facts) {
        json_t *other = json_object_get(new, track_id), *fields = other ? differing(facts, other) : NULL;
        if (!other) json_array_append_new(removed, json_string(track_id));
        if (json_object_size(fields)) json_object_set(changed, track_id, fields);
        json_decref(fields);
    }
    json_object_foreach(new, track_id, facts) {
        if (!json_object_get(old, track_id)) json_array_append_new(added, json_string(track_id));
    }
    json_t *result = json_pack("{s:o, s:o, s:o, s:o}", "added", added, "removed", removed, "changed", changed,
                               "settings", differing(old_settings, new_settings));
    json_decref(old);
    json_decref(new);
    json_decref(old_settings);
    json_decref(new_settings);
    return result;
}
