/* tracks.c - see tracks.h. */
#include "catalog/tracks.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/utf8.h"

#define TEXT_BYTES_MAX ((size_t)16 << 20) /* a larger one is nothing that this program wrote */

struct lofi_track_files {
    lofi_arena *arena;
    lofi_track_file *items;
    size_t count;
    json_t *by_id; /* track id -> number of the first file that has it */
};

bool lofi_track_is_audio_name(const char *name) {
    static const char *const extensions[] = {".mp3", ".wav", ".flac", ".m4a", ".aac", ".ogg", ".opus"};
    const char *extension = lofi_path_extension(name);
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
        if (strcasecmp(extension, extensions[i]) == 0) return true;
    return false;
}

/* The name with every byte that cannot be shown as \xNN. */
static lofi_code refuse_name(const char *name, lofi_error *err) {
    lofi_buffer shown = LOFI_BUFFER_INIT;
    for (const char *at = name; *at; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte >= 32 && byte < 127)
            lofi_buffer_append(&shown, at, 1);
        else
            lofi_buffer_printf(&shown, "\\x%02x", byte);
    }
    lofi_fail(err, LOFI_ERR_FORMAT, "the file name '%s' is not UTF-8, or holds a control character",
              lofi_buffer_str(&shown));
    lofi_buffer_free(&shown);
    return lofi_hint(err, "rename the file");
}

static lofi_code add_track(lofi_track_files *files, const char *name, lofi_log *log, lofi_error *err) {
    char stem[LOFI_PATH_MAX];
    if (!lofi_utf8_printable(name)) return refuse_name(name, err);
    LOFI_TRY(lofi_path_stem(stem, name, err));
    lofi_track_file *added = &files->items[files->count];
    added->name = lofi_arena_strdup(files->arena, name);
    added->track_id = lofi_arena_strdup(files->arena, stem);
    if (!added->name || !added->track_id)
        return lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for the list of tracks");
    const json_t *before = json_object_get(files->by_id, stem);
    if (before)
        lofi_warn(log, "'%s' and '%s' have the same track id '%s'; rename one of them",
                  files->items[json_integer_value(before)].name, name, stem);
    else if (json_object_set_new(files->by_id, stem, json_integer((json_int_t)files->count)) != 0)
        return lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for the list of tracks");
    files->count++;
    return LOFI_OK;
}

static lofi_code fill(lofi_track_files *files, const lofi_listing *listing, const char *folder, lofi_log *log,
                      lofi_error *err) {
    files->items = lofi_arena_alloc(files->arena, (listing->count + 1) * sizeof(lofi_track_file));
    if (!files->items) return lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for %zu files", listing->count);
    for (size_t i = 0; i < listing->count; i++)
        if (lofi_track_is_audio_name(listing->names[i])) LOFI_TRY(add_track(files, listing->names[i], log, err));
    if (files->count) return LOFI_OK;
    lofi_fail(err, LOFI_ERR_NOT_FOUND, "no audio file below '%s'", folder);
    return lofi_hint(err, "audio files end in .mp3 .wav .flac .m4a .aac .ogg or .opus");
}

static void tell_problem(void *user, const char *message) {
    lofi_warn((lofi_log *)user, "%s", message);
}

lofi_code lofi_track_files_list(lofi_track_files **out, const char *folder, lofi_log *log, lofi_error *err) {
    lofi_listing listing = {0};
    lofi_arena *arena = NULL;
    lofi_code code = lofi_folder_list(&listing, folder, true, tell_problem, log, err);
    if (code != LOFI_OK) return code;
    LOFI_TRY_GOTO(lofi_arena_new(&arena, err), done);
    lofi_track_files *files = lofi_arena_alloc(arena, sizeof *files);
    if (!files) {
        code = lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for the list of tracks");
        goto done;
    }
    files->arena = arena;
    files->by_id = json_object();
    arena = NULL;
    code = fill(files, &listing, folder, log, err);
    if (code == LOFI_OK)
        *out = files;
    else
        lofi_track_files_free(files);
done:
    lofi_arena_free(arena);
    lofi_listing_free(&listing);
    return code;
}

void lofi_track_files_free(lofi_track_files *files) {
    if (!files) return;
    json_decref(files->by_id);
    lofi_arena_free(files->arena);
}

size_t lofi_track_files_count(const lofi_track_files *files) {
    return files->count;
}

const lofi_track_file *lofi_track_files_at(const lofi_track_files *files, size_t index) {
    assert(index < files->count);
    return &files->items[index];
}

bool lofi_track_files_have(const lofi_track_files *files, const char *track_id) {
    return json_object_get(files->by_id, track_id) != NULL;
}

lofi_code lofi_track_text_path(char path[LOFI_PATH_MAX], const char *folder, const lofi_track_file *track,
                               const char *ending, lofi_error *err) {
    int sub_folder = (int)(lofi_path_base(track->name) - track->name); /* with its slash */
    const char *slash = folder[0] && folder[strlen(folder) - 1] == '/' ? "" : "/";
    return lofi_path_format(path, err, "%s%s%.*s%s%s", folder, slash, sub_folder, track->name, track->track_id, ending);
}

const char *lofi_text_outcome_name(lofi_text_outcome outcome) {
    static const char *const names[] = {"generated", "unchanged", "kept"};
    assert((unsigned)outcome < sizeof names / sizeof *names);
    return names[outcome];
}

static bool is_blank(const char *text) {
    return text[strspn(text, " \t\r\n")] == '\0';
}

/* What is at `path` now, against the text that should be there. */
static lofi_code compare(lofi_text_outcome *outcome, const char *path, const char *text, bool force, lofi_error *err) {
    uint64_t bytes = 0;
    *outcome = LOFI_TEXT_GENERATED;
    if (!lofi_path_exists(path)) return LOFI_OK;
    if (lofi_path_is_folder(path)) return lofi_fail(err, LOFI_ERR_IO, "'%s' is a folder, not a text file", path);
    LOFI_TRY(lofi_file_size(&bytes, path, err));
    if (bytes > TEXT_BYTES_MAX) {
        *outcome = force ? LOFI_TEXT_GENERATED : LOFI_TEXT_KEPT;
        return LOFI_OK;
    }
    lofi_buffer there = LOFI_BUFFER_INIT;
    LOFI_TRY(lofi_file_read(&there, path, TEXT_BYTES_MAX, err));
    bool same = there.size == strlen(text) && memcmp(lofi_buffer_str(&there), text, there.size) == 0;
    bool blank = strlen(lofi_buffer_str(&there)) == there.size && is_blank(lofi_buffer_str(&there));
    if (same)
        *outcome = LOFI_TEXT_UNCHANGED;
    else if (!blank && !force)
        *outcome = LOFI_TEXT_KEPT;
    lofi_buffer_free(&there);
    return LOFI_OK;
}

lofi_code lofi_text_file_put(lofi_text_outcome *outcome, const char *path, const char *text, bool force, bool dry_run,
                             lofi_file_batch *batch, lofi_error *err) {
    char folder[LOFI_PATH_MAX];
    LOFI_TRY(compare(outcome, path, text, force, err));
    if (*outcome != LOFI_TEXT_GENERATED || dry_run) return LOFI_OK;
    LOFI_TRY(lofi_path_parent(folder, path, err));
    LOFI_TRY(lofi_folder_make(folder, err));
    return batch ? lofi_file_batch_add(batch, path, text, strlen(text), err)
                 : lofi_file_write(path, text, strlen(text), err);
}
