/* hf_dataset_read.c - reads dataset folders: each different track once, and the rows as references to them. */
#include <assert.h>
#include <math.h>

#include "base/json.h"
#include "base/memory.h"
#include "store/arrow.h"
#include "store/hf_dataset.h"

#define MAX_ROWS ((size_t)1 << 31)
enum { MAX_FILES = 100000 };

typedef struct column_places {
    int keys, filename, tags, lyrics, track_id, prompt, style_ids, duration, source_id, speaker; /* -1: not there */
} column_places;

/* A data file, open while the folder is read. */
typedef struct data_source {
    const char *name; /* borrowed from state.json */
    lofi_arrow_file *file;
    column_places at;
    size_t first_row; /* of its first mention */
} data_source;

/* A row of a data file. */
typedef struct row_place {
    const data_source *source;
    size_t row;
} row_place;

struct lofi_hf_dataset {
    lofi_arena *arena;
    char folder[LOFI_PATH_MAX]; /* of the split */
    char hash[LOFI_SHA256_HEX];
    json_t *own;                                                            /* "lofi" of dataset_info.json, or NULL */
    char audio_folder[LOFI_PATH_MAX], audio_folder_relative[LOFI_PATH_MAX]; /* "" when not recorded */
    lofi_dataset_track **tracks;
    size_t track_count, track_capacity;
    uint32_t *rows;
    size_t row_count, row_capacity;
};

/* While a folder is read: the files, and a hash table of the different rows. */
typedef struct dataset_reader {
    lofi_hf_dataset *dataset;
    data_source *sources;
    size_t source_count;
    row_place *origins; /* of each track: its first row */
    size_t origin_capacity;
    uint32_t *slots; /* index of a track + 1, 0 when empty */
    size_t slot_count;
} dataset_reader;

size_t lofi_hf_dataset_row_count(const lofi_hf_dataset *dataset) {
    return dataset->row_count;
}

size_t lofi_hf_dataset_row_track(const lofi_hf_dataset *dataset, size_t row) {
    assert(row < dataset->row_count);
    return dataset->rows[row];
}

size_t lofi_hf_dataset_track_count(const lofi_hf_dataset *dataset) {
    return dataset->track_count;
}

const lofi_dataset_track *lofi_hf_dataset_track_at(const lofi_hf_dataset *dataset, size_t index) {
    assert(index < dataset->track_count);
    return dataset->tracks[index];
}

const char *lofi_hf_dataset_hash(const lofi_hf_dataset *dataset) {
    return dataset->hash;
}

const json_t *lofi_hf_dataset_own_facts(const lofi_hf_dataset *dataset) {
    return dataset->own;
}

const char *lofi_hf_dataset_folder(const lofi_hf_dataset *dataset) {
    return dataset->folder;
}

/* ---- equal rows ---- */

enum { TEXT_COLUMNS = 7, LIST_COLUMNS = 2 };

static void text_columns(int places[TEXT_COLUMNS], const column_places *at) {
    int all[TEXT_COLUMNS] = {at->keys, at->filename, at->lyrics, at->track_id, at->prompt, at->source_id, at->speaker};
    memcpy(places, all, sizeof all);
}

static void list_columns(int places[LIST_COLUMNS], const column_places *at) {
    places[0] = at->tags;
    places[1] = at->style_ids;
}

static lofi_arrow_text text_of(row_place place, int column) {
    return column < 0 ? (lofi_arrow_text){NULL, 0} : lofi_arrow_get_text(place.source->file, (size_t)column, place.row);
}

static size_t items_of(row_place place, int column) {
    return column < 0 ? 0 : lofi_arrow_get_text_count(place.source->file, (size_t)column, place.row);
}

static lofi_arrow_text item_of(row_place place, int column, size_t item) {
    return lofi_arrow_get_text_item(place.source->file, (size_t)column, place.row, item);
}

static bool same_text(lofi_arrow_text a, lofi_arrow_text b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.bytes, b.bytes, a.size) == 0);
}

static bool same_list(row_place a, int a_column, row_place b, int b_column) {
    size_t count = items_of(a, a_column);
    if (count != items_of(b, b_column)) return false;
    for (size_t i = 0; i < count; i++)
        if (!same_text(item_of(a, a_column, i), item_of(b, b_column, i))) return false;
    return true;
}

static bool same_row(row_place a, row_place b) {
    int of_a[TEXT_COLUMNS], of_b[TEXT_COLUMNS];
    text_columns(of_a, &a.source->at);
    text_columns(of_b, &b.source->at);
    for (int i = 0; i < TEXT_COLUMNS; i++)
        if (!same_text(text_of(a, of_a[i]), text_of(b, of_b[i]))) return false;
    list_columns(of_a, &a.source->at);
    list_columns(of_b, &b.source->at);
    for (int i = 0; i < LIST_COLUMNS; i++)
        if (!same_list(a, of_a[i], b, of_b[i])) return false;
    return true;
}

static uint64_t row_hash(row_place place) {
    uint64_t state = 0xcbf29ce484222325u; /* FNV-1a */
    int columns[TEXT_COLUMNS];
    text_columns(columns, &place.source->at);
    for (int i = 0; i < TEXT_COLUMNS; i++) {
        lofi_arrow_text text = text_of(place, columns[i]);
        for (size_t at = 0; at < text.size; at++) state = (state ^ (unsigned char)text.bytes[at]) * 0x100000001b3u;
        state = (state ^ text.size) * 0x100000001b3u;
    }
    return state ^ state >> 29;
}

/* The slot of an equal row, or the empty one where it belongs. */
static size_t find_slot(const dataset_reader *reader, row_place place) {
    size_t mask = reader->slot_count - 1;
    size_t slot = (size_t)row_hash(place) & mask;
    while (reader->slots[slot] && !same_row(reader->origins[reader->slots[slot] - 1], place)) slot = (slot + 1) & mask;
    return slot;
}

static lofi_code grow_slots(dataset_reader *reader, lofi_error *err) {
    if (2 * (reader->dataset->track_count + 1) <= reader->slot_count) return LOFI_OK;
    uint32_t *slots;
    size_t count = reader->slot_count ? 2 * reader->slot_count : 256;
    LOFI_TRY(lofi_alloc((void **)&slots, count, sizeof *slots, "the table of tracks", err));
    lofi_free(reader->slots);
    reader->slots = slots;
    reader->slot_count = count;
    for (size_t i = 0; i < reader->dataset->track_count; i++)
        reader->slots[find_slot(reader, reader->origins[i])] = (uint32_t)i + 1;
    return LOFI_OK;
}

/* ---- rows of an Arrow file ---- */

/* *place: the column of that name, -1 when it is missing and may be. */
static lofi_code find_column(int *place, const lofi_arrow_file *file, const char *path, const char *name,
                             lofi_arrow_kind kind, bool needed, lofi_error *err) {
    *place = lofi_arrow_column(file, name);
    if (*place < 0) {
        if (!needed) return LOFI_OK;
        lofi_fail(err, LOFI_ERR_FORMAT, "'%s' has no column '%s'", path, name);
        return lofi_hint(err, "a dataset needs keys, filename, tags and norm_lyrics: make one with 'lofi dataset'");
    }
    lofi_arrow_kind found = lofi_arrow_field_at(file, (size_t)*place).kind;
    if (found == kind) return LOFI_OK;
    bool number = found == LOFI_ARROW_F32 || found == LOFI_ARROW_F64 || found == LOFI_ARROW_I64;
    if (kind == LOFI_ARROW_F64 && number) return LOFI_OK;
    const char *expected = kind == LOFI_ARROW_TEXT ? "text" : kind == LOFI_ARROW_TEXTS ? "a list of texts" : "a number";
    return lofi_fail(err, LOFI_ERR_FORMAT, "'%s': the column '%s' is not %s", path, name, expected);
}

static lofi_code find_columns(column_places *at, const lofi_arrow_file *file, const char *path, lofi_error *err) {
    LOFI_TRY(find_column(&at->keys, file, path, "keys", LOFI_ARROW_TEXT, true, err));
    LOFI_TRY(find_column(&at->filename, file, path, "filename", LOFI_ARROW_TEXT, true, err));
    LOFI_TRY(find_column(&at->tags, file, path, "tags", LOFI_ARROW_TEXTS, true, err));
    LOFI_TRY(find_column(&at->lyrics, file, path, "norm_lyrics", LOFI_ARROW_TEXT, true, err));
    LOFI_TRY(find_column(&at->track_id, file, path, "track_id", LOFI_ARROW_TEXT, false, err));
    LOFI_TRY(find_column(&at->prompt, file, path, "prompt", LOFI_ARROW_TEXT, false, err));
    LOFI_TRY(find_column(&at->style_ids, file, path, "style_ids", LOFI_ARROW_TEXTS, false, err));
    LOFI_TRY(find_column(&at->duration, file, path, "duration", LOFI_ARROW_F64, false, err));
    LOFI_TRY(find_column(&at->speaker, file, path, "speaker_emb_path", LOFI_ARROW_TEXT, false, err));
    return find_column(&at->source_id, file, path, "source_id", LOFI_ARROW_TEXT, false, err);
}

/* ---- tracks ---- */

/* A copy with a zero behind it; a zero within ends it. NULL when memory is out. */
static const char *copy_text(lofi_arena *arena, lofi_arrow_text text) {
    char *copy = lofi_arena_alloc(arena, text.size + 1);
    if (copy && text.size > 0) memcpy(copy, text.bytes, text.size);
    return copy;
}

static const char *const *copy_list(lofi_arena *arena, row_place place, int column, size_t *count) {
    size_t items = items_of(place, column);
    const char **texts = lofi_arena_alloc(arena, (items + 1) * sizeof *texts);
    for (size_t i = 0; texts && i < items; i++) {
        texts[i] = copy_text(arena, item_of(place, column, i));
        if (!texts[i]) return NULL;
    }
    *count = items;
    return texts;
}

static const char *joined(lofi_arena *arena, const char *const *texts, size_t count) {
    lofi_buffer text = LOFI_BUFFER_INIT;
    for (size_t i = 0; i < count; i++) {
        if (i > 0) lofi_buffer_text(&text, ", ");
        lofi_buffer_text(&text, texts[i]);
    }
    const char *copy = text.failed == LOFI_OK ? lofi_arena_strdup(arena, lofi_buffer_str(&text)) : NULL;
    lofi_buffer_free(&text);
    return copy;
}

/* False when memory is out. */
static bool copy_track(lofi_dataset_track *track, lofi_arena *arena, row_place place) {
    const column_places *at = &place.source->at;
    track->track_id = copy_text(arena, text_of(place, at->track_id < 0 ? at->keys : at->track_id));
    track->filename = copy_text(arena, text_of(place, at->filename));
    track->lyrics = copy_text(arena, text_of(place, at->lyrics));
    track->source_id = copy_text(arena, text_of(place, at->source_id));
    track->speaker_path = copy_text(arena, text_of(place, at->speaker));
    track->tags = copy_list(arena, place, at->tags, &track->tag_count);
    track->style_ids = copy_list(arena, place, at->style_ids, &track->style_count);
    if (!track->track_id || !track->filename || !track->lyrics || !track->source_id || !track->speaker_path ||
        !track->tags || !track->style_ids)
        return false;
    track->prompt = at->prompt < 0 ? joined(arena, track->tags, track->tag_count)
                                   : copy_text(arena, text_of(place, at->prompt));
    double duration = at->duration < 0 ? 0 : lofi_arrow_get_number(place.source->file, (size_t)at->duration, place.row);
    track->duration = isfinite(duration) && duration > 0 ? duration : 0;
    return track->prompt != NULL;
}

static lofi_code add_track(dataset_reader *reader, row_place place, lofi_error *err) {
    lofi_hf_dataset *dataset = reader->dataset;
    LOFI_TRY(lofi_grow((void **)&dataset->tracks, &dataset->track_capacity, dataset->track_count + 1,
                       sizeof *dataset->tracks, MAX_ROWS, err));
    LOFI_TRY(lofi_grow((void **)&reader->origins, &reader->origin_capacity, dataset->track_count + 1,
                       sizeof *reader->origins, MAX_ROWS, err));
    lofi_dataset_track *track = lofi_arena_alloc(dataset->arena, sizeof *track);
    if (!track || !copy_track(track, dataset->arena, place))
        return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for the tracks of '%s'", dataset->folder);
    reader->origins[dataset->track_count] = place;
    dataset->tracks[dataset->track_count++] = track;
    return LOFI_OK;
}

static lofi_code add_reference(lofi_hf_dataset *dataset, uint32_t track, lofi_error *err) {
    LOFI_TRY(lofi_grow((void **)&dataset->rows, &dataset->row_capacity, dataset->row_count + 1, sizeof *dataset->rows,
                       MAX_ROWS, err));
    dataset->rows[dataset->row_count++] = track;
    return LOFI_OK;
}

static lofi_code add_row(dataset_reader *reader, row_place place, lofi_error *err) {
    LOFI_TRY(grow_slots(reader, err));
    size_t slot = find_slot(reader, place);
    if (!reader->slots[slot]) {
        LOFI_TRY(add_track(reader, place, err));
        reader->slots[slot] = (uint32_t)reader->dataset->track_count;
    }
    return add_reference(reader->dataset, reader->slots[slot] - 1, err);
}

/* ---- data files ---- */

static lofi_code add_new_file(dataset_reader *reader, const char *name, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    data_source *source = &reader->sources[reader->source_count];
    LOFI_TRY(lofi_path_format(path, err, "%s/%s", reader->dataset->folder, name));
    LOFI_TRY(lofi_arrow_open(&source->file, path, err));
    reader->source_count++;
    source->name = name;
    source->first_row = reader->dataset->row_count;
    LOFI_TRY(find_columns(&source->at, source->file, path, err));
    for (size_t row = 0; row < lofi_arrow_row_count(source->file); row++)
        LOFI_TRY(add_row(reader, (row_place){source, row}, err));
    return LOFI_OK;
}

static lofi_code repeat_file(lofi_hf_dataset *dataset, const data_source *source, lofi_error *err) {
    for (size_t row = 0; row < lofi_arrow_row_count(source->file); row++)
        LOFI_TRY(add_reference(dataset, dataset->rows[source->first_row + row], err));
    return LOFI_OK;
}

static lofi_code add_file(dataset_reader *reader, const char *name, lofi_error *err) {
    for (size_t i = reader->source_count; i-- > 0;)
        if (strcmp(reader->sources[i].name, name) == 0) return repeat_file(reader->dataset, &reader->sources[i], err);
    return add_new_file(reader, name, err);
}

static lofi_code read_files(dataset_reader *reader, const json_t *files, const char *path, lofi_error *err) {
    size_t count = json_array_size(files);
    if (count == 0 || count > MAX_FILES)
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s': '_data_files' names %zu files, expected 1 to %d", path, count,
                         MAX_FILES);
    LOFI_TRY(lofi_alloc((void **)&reader->sources, count, sizeof *reader->sources, "the list of data files", err));
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_object_get(json_array_get(files, i), "filename"));
        if (!name || !*name || strchr(name, '/'))
            return lofi_fail(err, LOFI_ERR_FORMAT, "'%s': entry %zu of '_data_files' names no file of its folder", path,
                             i + 1);
        LOFI_TRY(add_file(reader, name, err));
    }
    return LOFI_OK;
}

static void release_reader(dataset_reader *reader) {
    for (size_t i = 0; i < reader->source_count; i++) lofi_arrow_close(reader->sources[i].file);
    lofi_free(reader->sources);
    lofi_free(reader->slots);
    free(reader->origins);
}

static lofi_code read_state(lofi_hf_dataset *dataset, const json_t *state, const char *path, lofi_error *err) {
    const json_t *files;
    if (json_array_size(json_object_get(state, "_indices_files")) > 0 ||
        json_array_size(json_object_get(state, "_indices_data_files")) > 0) {
        lofi_fail(err, LOFI_ERR_UNSUPPORTED, "'%s' selects rows through an indices file", path);
        return lofi_hint(err, "save the dataset again with a current version of the datasets library");
    }
    LOFI_TRY(lofi_json_array(&files, state, "_data_files", path, err));
    dataset_reader reader = {.dataset = dataset};
    lofi_code code = read_files(&reader, files, path, err);
    release_reader(&reader);
    LOFI_TRY(code);
    if (dataset->row_count > 0) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_FORMAT, "the dataset in '%s' has no rows", dataset->folder);
}

/* ---- the folder ---- */

/* Our own facts; a dataset of another program has none. */
static lofi_code read_info(lofi_hf_dataset *dataset, const json_t *info, const char *path, lofi_error *err) {
    const json_t *own = json_object_get(info, "lofi");
    const char *hash, *folder, *relative;
    if (!json_is_object(own)) return LOFI_OK;
    dataset->own = json_incref((json_t *)own);
    LOFI_TRY(lofi_json_string_or(&hash, own, "dataset_hash", "", path, err));
    LOFI_TRY(lofi_json_string_or(&folder, own, "audio_folder", "", path, err));
    LOFI_TRY(lofi_json_string_or(&relative, own, "audio_folder_relative", "", path, err));
    snprintf(dataset->hash, sizeof dataset->hash, "%s", hash);
    LOFI_TRY(lofi_path_format(dataset->audio_folder, err, "%s", folder));
    return lofi_path_format(dataset->audio_folder_relative, err, "%s", relative);
}

static lofi_code has_file(bool *there, const char *folder, const char *name, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_format(path, err, "%s/%s", folder, name));
    *there = lofi_path_is_file(path);
    return LOFI_OK;
}

bool lofi_hf_dataset_has_split(const char *folder, const char *split) {
    char path[LOFI_PATH_MAX];
    lofi_error ignored = LOFI_ERROR_INIT;
    bool several, there;
    if (has_file(&several, folder, "dataset_dict.json", &ignored) != LOFI_OK || !several) return false;
    if (lofi_path_format(path, &ignored, "%s/%s", folder, split) != LOFI_OK) return false;
    return has_file(&there, path, "state.json", &ignored) == LOFI_OK && there;
}

/* The folder of the split: a sub-folder when there are several, else the folder itself. */
static lofi_code find_split(char out[LOFI_PATH_MAX], const char *folder, const char *split, lofi_error *err) {
    bool several, one;
    LOFI_TRY(has_file(&several, folder, "dataset_dict.json", err));
    LOFI_TRY(has_file(&one, folder, "state.json", err));
    if (several) {
        const char *name = split ? split : "train";
        LOFI_TRY(lofi_path_format(out, err, "%s/%s", folder, name));
        LOFI_TRY(has_file(&one, out, "state.json", err));
        return one ? LOFI_OK
                   : lofi_fail(err, LOFI_ERR_NOT_FOUND, "the dataset in '%s' has no split '%s'", folder, name);
    }
    if (one) return lofi_path_format(out, err, "%s", folder);
    lofi_fail(err, LOFI_ERR_NOT_FOUND, "no dataset in '%s': neither state.json nor dataset_dict.json is there", folder);
    return lofi_hint(err, "make one with 'lofi dataset'");
}

/* A folder that is one split may say which; without a word it is "train". */
static lofi_code check_split(const lofi_hf_dataset *dataset, const json_t *state, const char *split, lofi_error *err) {
    const char *own = json_string_value(json_object_get(state, "_split"));
    if (!split || strcmp(split, own ? own : "train") == 0) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_NOT_FOUND, "'%s' is the split '%s', not '%s'", dataset->folder, own ? own : "train",
                     split);
}

static lofi_code open_into(lofi_hf_dataset *dataset, const char *folder, const char *split, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    json_t *state = NULL, *info = NULL;
    LOFI_TRY(lofi_arena_new(&dataset->arena, err));
    LOFI_TRY(find_split(dataset->folder, folder, split, err));
    LOFI_TRY(lofi_path_format(path, err, "%s/dataset_info.json", dataset->folder));
    LOFI_TRY(lofi_json_load(&info, path, err));
    lofi_code code = read_info(dataset, info, path, err);
    json_decref(info);
    LOFI_TRY(code);
    LOFI_TRY(lofi_path_format(path, err, "%s/state.json", dataset->folder));
    LOFI_TRY(lofi_json_load(&state, path, err));
    code = check_split(dataset, state, split, err);
    if (code == LOFI_OK) code = read_state(dataset, state, path, err);
    json_decref(state);
    return code;
}

lofi_code lofi_hf_dataset_open(lofi_hf_dataset **out, const char *folder, const char *split, lofi_error *err) {
    lofi_hf_dataset *dataset;
    LOFI_TRY(lofi_alloc((void **)&dataset, 1, sizeof *dataset, "a dataset", err));
    lofi_code code = open_into(dataset, folder, split, err);
    if (code != LOFI_OK) {
        lofi_hf_dataset_close(dataset);
        return code;
    }
    *out = dataset;
    return LOFI_OK;
}

void lofi_hf_dataset_close(lofi_hf_dataset *dataset) {
    if (!dataset) return;
    json_decref(dataset->own);
    free(dataset->rows);
    free(dataset->tracks);
    lofi_arena_free(dataset->arena);
    lofi_free(dataset);
}

/* ---- audio ---- */

/* The part of `path` below `folder`, or NULL. */
static const char *below(const char *path, const char *folder) {
    size_t length = strlen(folder);
    if (length == 0 || strncmp(path, folder, length) != 0 || path[length] != '/') return NULL;
    return path + length + 1;
}

lofi_code lofi_hf_dataset_audio_path(char path[LOFI_PATH_MAX], const lofi_hf_dataset *dataset,
                                     const lofi_dataset_track *track, lofi_error *err) {
    char moved[LOFI_PATH_MAX] = "";
    if (track->filename[0] != '/') {
        LOFI_TRY(lofi_path_format(moved, err, "%s/%s", dataset->folder, track->filename));
    } else {
        const char *rest = below(track->filename, dataset->audio_folder);
        if (rest)
            LOFI_TRY(lofi_path_format(moved, err, "%s/%s/%s", dataset->folder, dataset->audio_folder_relative, rest));
    }
    if (lofi_path_is_file(track->filename)) return lofi_path_format(path, err, "%s", track->filename);
    if (moved[0] && lofi_path_is_file(moved)) return lofi_path_format(path, err, "%s", moved);
    lofi_fail(err, LOFI_ERR_NOT_FOUND, "the audio of track '%s' is gone: looked for '%s'%s%s%s", track->track_id,
              track->filename, moved[0] ? " and '" : "", moved, moved[0] ? "'" : "");
    return lofi_hint(err, "put the file back, or write the dataset again with 'lofi dataset'");
}
