/* hf_dataset_write.c - writes dataset folders. */
#include <assert.h>
#include <dirent.h>

#include "base/json.h"
#include "store/arrow.h"
#include "store/hf_dataset.h"

enum {
    KEYS,
    FILENAME,
    TAGS,
    SPEAKER,
    LYRICS,
    RECAPTION,
    TRACK_ID,
    PROMPT,
    STYLE_IDS,
    DURATION,
    SOURCE_ID,
    COLUMN_COUNT
};

static const lofi_arrow_field columns[COLUMN_COUNT] = {
    [KEYS] = {"keys", LOFI_ARROW_TEXT},
    [FILENAME] = {"filename", LOFI_ARROW_TEXT},
    [TAGS] = {"tags", LOFI_ARROW_TEXTS},
    [SPEAKER] = {"speaker_emb_path", LOFI_ARROW_TEXT},
    [LYRICS] = {"norm_lyrics", LOFI_ARROW_TEXT},
    [RECAPTION] = {"recaption", LOFI_ARROW_STRUCT},
    [TRACK_ID] = {"track_id", LOFI_ARROW_TEXT},
    [PROMPT] = {"prompt", LOFI_ARROW_TEXT},
    [STYLE_IDS] = {"style_ids", LOFI_ARROW_TEXTS},
    [DURATION] = {"duration", LOFI_ARROW_F64},
    [SOURCE_ID] = {"source_id", LOFI_ARROW_TEXT},
};

static lofi_code data_file_name(char name[LOFI_PATH_MAX], size_t shard, size_t shards, lofi_error *err) {
    return lofi_path_format(name, err, "data-%05zu-of-%05zu.arrow", shard, shards);
}

/* A file has at least one row. */
static size_t shards_of(const lofi_dataset_split *split, const lofi_dataset_facts *facts) {
    return (size_t)facts->shards < split->count ? (size_t)facts->shards : split->count;
}

/* ---- the rows ---- */

/* The columns as `datasets` describes them; "Sequence" is the name that its old and new versions know. */
static json_t *features(void) {
    json_t *all = json_object();
    for (int i = 0; i < COLUMN_COUNT; i++) {
        json_t *one = NULL;
        switch (columns[i].kind) {
        case LOFI_ARROW_TEXT: one = json_pack("{s:s, s:s}", "dtype", "string", "_type", "Value"); break;
        case LOFI_ARROW_F64: one = json_pack("{s:s, s:s}", "dtype", "float64", "_type", "Value"); break;
        case LOFI_ARROW_TEXTS:
            one = json_pack("{s:{s:s, s:s}, s:s}", "feature", "dtype", "string", "_type", "Value", "_type", "Sequence");
            break;
        default: one = json_object();
        }
        json_object_set_new(all, columns[i].name, one);
    }
    return all;
}

static lofi_code add_row(lofi_arrow_writer *writer, const lofi_dataset_track *track, lofi_error *err) {
    lofi_arrow_add_text(writer, KEYS, track->track_id);
    lofi_arrow_add_text(writer, FILENAME, track->filename);
    lofi_arrow_add_texts(writer, TAGS, track->tags, track->tag_count);
    lofi_arrow_add_text(writer, SPEAKER, "");
    lofi_arrow_add_text(writer, LYRICS, track->lyrics);
    lofi_arrow_add_text(writer, TRACK_ID, track->track_id);
    lofi_arrow_add_text(writer, PROMPT, track->prompt);
    lofi_arrow_add_texts(writer, STYLE_IDS, track->style_ids, track->style_count);
    lofi_arrow_add_number(writer, DURATION, track->duration);
    lofi_arrow_add_text(writer, SOURCE_ID, track->source_id);
    return lofi_arrow_end_row(writer, err);
}

static lofi_code add_rows(lofi_arrow_writer *writer, const lofi_dataset_split *split, size_t from, size_t end,
                          lofi_error *err) {
    for (size_t i = from; i < end; i++) LOFI_TRY(add_row(writer, split->tracks[i], err));
    return LOFI_OK;
}

static lofi_code write_shard(const char *folder, const lofi_dataset_split *split, size_t shard, size_t shards,
                             const char *metadata, lofi_error *err) {
    char path[LOFI_PATH_MAX], name[LOFI_PATH_MAX];
    lofi_arrow_writer *writer;
    LOFI_TRY(data_file_name(name, shard, shards, err));
    LOFI_TRY(lofi_path_format(path, err, "%s/%s", folder, name));
    LOFI_TRY(lofi_arrow_writer_open(&writer, path, columns, COLUMN_COUNT, "huggingface", metadata, err));
    lofi_code code = add_rows(writer, split, shard * split->count / shards, (shard + 1) * split->count / shards, err);
    if (code == LOFI_OK) return lofi_arrow_writer_commit(writer, err);
    lofi_arrow_writer_abort(writer);
    return code;
}

static lofi_code write_data(const char *folder, const lofi_dataset_split *split, size_t shards, lofi_error *err) {
    lofi_buffer text = LOFI_BUFFER_INIT;
    json_t *metadata = json_pack("{s:{s:o}}", "info", "features", features());
    lofi_code code = metadata ? lofi_json_print(&text, metadata, false, err)
                              : lofi_fail(err, LOFI_ERR_MEMORY, "no memory for the description of the columns");
    for (size_t i = 0; code == LOFI_OK && i < shards; i++)
        code = write_shard(folder, split, i, shards, lofi_buffer_str(&text), err);
    json_decref(metadata);
    lofi_buffer_free(&text);
    return code;
}

/* ---- the two JSON files of a split ---- */

static lofi_code save(json_t *value, const char *folder, const char *name, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    lofi_code code = value ? LOFI_OK
                           : lofi_fail(err, LOFI_ERR_MEMORY,
                                       "cannot compose '%s': no memory, or a text that is not UTF-8", name);
    if (code == LOFI_OK) code = lofi_path_format(path, err, "%s/%s", folder, name);
    if (code == LOFI_OK) code = lofi_json_save(value, path, err);
    json_decref(value);
    return code;
}

static lofi_code write_state(const char *folder, const lofi_dataset_split *split, const lofi_dataset_facts *facts,
                             lofi_error *err) {
    lofi_sha256 *hash;
    char fingerprint[LOFI_SHA256_HEX];
    LOFI_TRY(lofi_sha256_new(&hash, err));
    lofi_sha256_add_text(hash, facts->dataset_hash);
    lofi_sha256_add_text(hash, split->name);
    lofi_sha256_end(hash, fingerprint);
    json_t *files = json_array();
    size_t shards = shards_of(split, facts);
    for (size_t i = 0; i < shards * (size_t)facts->repeat_count; i++) {
        char name[LOFI_PATH_MAX];
        LOFI_TRY(data_file_name(name, i % shards, shards, err));
        json_array_append_new(files, json_pack("{s:s}", "filename", name));
    }
    json_t *state = json_pack("{s:o, s:s%, s:n, s:{}, s:n, s:b, s:s}", "_data_files", files, "_fingerprint",
                              fingerprint, (size_t)16, "_format_columns", "_format_kwargs", "_format_type",
                              "_output_all_columns", 0, "_split", split->name);
    return save(state, folder, "state.json", err);
}

static json_t *own_facts(const lofi_dataset_split *split, const lofi_dataset_facts *facts, const char *relative) {
    json_t *own = json_pack("{s:s, s:I, s:I, s:s, s:I, s:s, s:s}", "dataset_hash", facts->dataset_hash, "seed",
                            (json_int_t)facts->seed, "repeat_count", (json_int_t)facts->repeat_count, "split",
                            split->name, "track_count", (json_int_t)split->count, "audio_folder", facts->audio_folder,
                            "audio_folder_relative", relative);
    if (own && facts->more && json_object_update_missing(own, (json_t *)facts->more) != 0) {
        json_decref(own);
        own = NULL;
    }
    return own;
}

/* `target`: where the split's folder will be, while it is still written elsewhere. */
static lofi_code write_info(const char *folder, const char *target, const lofi_dataset_split *split,
                            const lofi_dataset_facts *facts, lofi_error *err) {
    char relative[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_relative(relative, facts->audio_folder, target, err));
    json_t *info = json_pack("{s:s, s:s, s:o, s:s, s:s, s:o}", "citation", "", "description", facts->description,
                             "features", features(), "homepage", "", "license", facts->license, "lofi",
                             own_facts(split, facts, relative));
    return save(info, folder, "dataset_info.json", err);
}

static lofi_code write_split(const char *folder, const char *target, const lofi_dataset_split *split,
                             const lofi_dataset_facts *facts, lofi_error *err) {
    LOFI_TRY(write_data(folder, split, shards_of(split, facts), err));
    LOFI_TRY(write_state(folder, split, facts, err));
    return write_info(folder, target, split, facts, err);
}

/* ---- the folder ---- */

static lofi_code write_splits(const char *folder, const char *target, const lofi_dataset_split *splits, size_t count,
                              const lofi_dataset_facts *facts, lofi_error *err) {
    if (count == 1) return write_split(folder, target, &splits[0], facts, err);
    json_t *names = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(names, json_string(splits[i].name));
    LOFI_TRY(save(json_pack("{s:o}", "splits", names), folder, "dataset_dict.json", err));
    for (size_t i = 0; i < count; i++) {
        char path[LOFI_PATH_MAX], split_target[LOFI_PATH_MAX];
        LOFI_TRY(lofi_path_format(path, err, "%s/%s", folder, splits[i].name));
        LOFI_TRY(lofi_path_format(split_target, err, "%s/%s", target, splits[i].name));
        LOFI_TRY(lofi_folder_make(path, err));
        LOFI_TRY(write_split(path, split_target, &splits[i], facts, err));
    }
    return LOFI_OK;
}

/* Whether a name (relative to the folder) is one that datasets are made of, or that can be made again. */
static bool belongs_to_dataset(const char *name) {
    static const char *const known[] = {"dataset_dict.json", "dataset_info.json", "state.json"};
    const char *base = lofi_path_base(name);
    if (strncmp(name, "train/", 6) != 0 && strncmp(name, "validation/", 11) != 0 && base != name) return false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(base, known[i]) == 0) return true;
    if (strcmp(lofi_path_extension(base), ".arrow") != 0) return false;
    return strncmp(base, "data-", 5) == 0 || strncmp(base, "cache-", 6) == 0; /* caches are of the datasets library */
}

/* The first hidden name in `folder` into `name`, which becomes "" when there is none; listings leave them out. */
static void find_hidden(char name[256], const char *folder) {
    name[0] = 0;
    DIR *open_folder = opendir(folder);
    if (!open_folder) return;
    for (struct dirent *entry; !name[0] && (entry = readdir(open_folder)) != NULL;)
        if (entry->d_name[0] == '.' && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            snprintf(name, 256, "%s", entry->d_name);
    closedir(open_folder);
}

static lofi_code refuse_to_replace(const char *folder, const char *name, lofi_error *err) {
    lofi_fail(err, LOFI_ERR_USAGE, "'%s' holds '%s', which is no part of a dataset and would be lost", folder, name);
    return lofi_hint(err, "name a new or empty folder for the dataset");
}

lofi_code lofi_hf_dataset_may_replace(const char *folder, lofi_error *err) {
    lofi_listing listing = {0};
    lofi_code code = LOFI_OK;
    if (!lofi_path_exists(folder)) return LOFI_OK;
    if (!lofi_path_is_folder(folder)) return lofi_fail(err, LOFI_ERR_USAGE, "'%s' is there and is no folder", folder);
    char hidden[256];
    find_hidden(hidden, folder);
    if (hidden[0]) return refuse_to_replace(folder, hidden, err);
    LOFI_TRY(lofi_folder_list(&listing, folder, true, NULL, NULL, err));
    for (size_t i = 0; code == LOFI_OK && i < listing.count; i++)
        if (!belongs_to_dataset(listing.names[i])) code = refuse_to_replace(folder, listing.names[i], err);
    lofi_listing_free(&listing);
    return code;
}

lofi_code lofi_hf_dataset_write(const char *folder, const lofi_dataset_split *splits, size_t split_count,
                                const lofi_dataset_facts *facts, lofi_error *err) {
    assert(split_count > 0 && facts->repeat_count >= 1 && facts->repeat_count <= LOFI_DATASET_REPEAT_MAX);
    assert(facts->shards >= 1 && facts->shards <= LOFI_DATASET_SHARDS_MAX);
    lofi_folder_writer *writer;
    LOFI_TRY(lofi_hf_dataset_may_replace(folder, err));
    LOFI_TRY(lofi_folder_writer_open(&writer, folder, err));
    lofi_code code = write_splits(lofi_folder_writer_path(writer), folder, splits, split_count, facts, err);
    if (code == LOFI_OK) return lofi_folder_writer_commit(writer, err);
    lofi_folder_writer_abort(writer);
    return code;
}
