/* tracks_files.c - see tracks_files.h. */
#include "cli/tracks_files.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "catalog/nearest.h"

lofi_code lofi_tracks_open(lofi_tracks *tracks, lofi_context *context, const char *metadata_dir, lofi_tracks_use use,
                           lofi_error *err) {
    if (use != LOFI_TRACKS_BEGIN && !lofi_path_is_folder(metadata_dir)) {
        lofi_fail(err, LOFI_ERR_NOT_FOUND, "there is no metadata folder '%s'", metadata_dir);
        return lofi_hint(err, "'lofi tracks add FOLDER' enters prepared songs, --metadata-dir names another folder");
    }
    LOFI_TRY(lofi_style_files_load(&tracks->presets, context, NULL, NULL, err));
    const lofi_catalogue_options options = {.folder = metadata_dir,
                                            .styles = tracks->presets.styles,
                                            .writing = use != LOFI_TRACKS_READ,
                                            .dry_run = context->dry_run,
                                            .log = context->log};
    return lofi_catalogue_open(&tracks->catalogue, &options, err);
}

void lofi_tracks_free(lofi_tracks *tracks) {
    lofi_catalogue_close(tracks->catalogue);
    lofi_style_files_free(&tracks->presets);
    *tracks = (lofi_tracks){0};
}

lofi_code lofi_tracks_save(lofi_tracks *tracks, lofi_context *context, bool *changed, lofi_error *err) {
    LOFI_TRY(lofi_catalogue_save(tracks->catalogue, changed, err));
    if (context->dry_run) lofi_print(context, "dry run: nothing was written");
    return LOFI_OK;
}

/* ---- choosing ---- */

static lofi_code none_of_that_name(lofi_context *context, const lofi_catalogue *catalogue, const char *name,
                                   lofi_error *err) {
    size_t count = lofi_catalogue_count(catalogue);
    if (count == 0) {
        lofi_fail(err, LOFI_ERR_NOT_FOUND, "there is no track in '%s'", lofi_catalogue_folder(catalogue));
        return lofi_hint(err, "'lofi tracks add FOLDER' enters prepared songs, --metadata-dir names another folder");
    }
    const char **ids = lofi_arena_alloc(context->arena, count * sizeof *ids);
    if (!ids) return lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for the names of tracks");
    for (size_t i = 0; i < count; i++) ids[i] = lofi_catalogue_at(catalogue, i)->track_id;
    lofi_fail(err, LOFI_ERR_NOT_FOUND, "there is no track '%s' in '%s'", name, lofi_catalogue_folder(catalogue));
    return lofi_hint(err, "the nearest is '%s'; * and ? stand for other letters", lofi_nearest(name, ids, count));
}

static lofi_code mark(bool *chosen, lofi_context *context, const lofi_catalogue *catalogue, const char *name,
                      lofi_error *err) {
    const lofi_catalogue_track *exact = lofi_catalogue_get(catalogue, name);
    size_t found = 0;
    for (size_t i = 0; i < lofi_catalogue_count(catalogue); i++) {
        const lofi_catalogue_track *track = lofi_catalogue_at(catalogue, i);
        if (exact ? track != exact : fnmatch(name, track->track_id, 0) != 0) continue;
        chosen[i] = true;
        found++;
    }
    return found ? LOFI_OK : none_of_that_name(context, catalogue, name, err);
}

lofi_code lofi_tracks_select(lofi_selection *out, lofi_context *context, const lofi_catalogue *catalogue,
                             const lofi_list *names, lofi_error *err) {
    size_t count = lofi_catalogue_count(catalogue);
    bool *chosen = lofi_arena_alloc(context->arena, count + 1);
    out->tracks = lofi_arena_alloc(context->arena, (count + 1) * sizeof *out->tracks);
    out->count = 0;
    if (!chosen || !out->tracks) return lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for the names of tracks");
    for (size_t i = 0; i < names->count; i++) LOFI_TRY(mark(chosen, context, catalogue, names->items[i], err));
    for (size_t i = 0; i < count; i++)
        if (names->count == 0 || chosen[i]) out->tracks[out->count++] = lofi_catalogue_at(catalogue, i);
    return LOFI_OK;
}

/* ---- words ---- */

lofi_code lofi_tracks_find_styles(json_t *ids, const lofi_tracks *tracks, lofi_context *context, const char *text,
                                  lofi_error *err) {
    const lofi_style *style;
    char *rest = lofi_arena_strdup(context->arena, text);
    if (!rest) return lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for a list");
    while (rest) {
        char *word = strsep(&rest, ",");
        word += strspn(word, " ");
        size_t length = strlen(word);
        while (length > 0 && word[length - 1] == ' ') word[--length] = 0;
        if (length == 0) return lofi_fail(err, LOFI_ERR_USAGE, "--style holds an empty word: '%s'", text);
        LOFI_TRY(lofi_styles_find(&style, tracks->presets.styles, word, err));
        json_array_append_new(ids, json_string(style->style_id));
    }
    return LOFI_OK;
}

const char *lofi_count_of(size_t count, const char *one) {
    static _Thread_local char text[64];
    snprintf(text, sizeof text, "%zu %s%s", count, one, count == 1 ? "" : "s");
    return text;
}
