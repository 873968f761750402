/* tracks_files.h - what the commands `lofi tracks ...` share: the catalogue with its presets, and choosing tracks by name. */
#ifndef LOFI_CLI_TRACKS_FILES_H
#define LOFI_CLI_TRACKS_FILES_H

#include "catalog/catalogue.h"
#include "cli/command.h"
#include "cli/style_files.h"

/* The option of every one of them; SETTINGS has a member `metadata_dir`. */
#define LOFI_TRACKS_METADATA_OPTION(SETTINGS)                                                                          \
    {                                                                                                                  \
        .name = "metadata-dir", .kind = LOFI_OPTION_PATH, .offset = offsetof(SETTINGS, metadata_dir), .value = "DIR",  \
        .fallback = "$LOFI_DATA_DIR/metadata",                                                                         \
        .help = "folder with tracks.json, sources.json, style_mapping.json and quality_scores.json"                    \
    }

/* The positional argument of those that are about some tracks; SETTINGS has a member `tracks`. */
#define LOFI_TRACKS_ARGUMENT(SETTINGS, REQUIRED, HELP)                                                                 \
    {                                                                                                                  \
        .name = "TRACK", .kind = LOFI_OPTION_LIST, .offset = offsetof(SETTINGS, tracks), .positional = true,           \
        .required = (REQUIRED), .help = (HELP)                                                                         \
    }

typedef struct lofi_tracks {
    lofi_style_files presets;
    lofi_catalogue *catalogue;
} lofi_tracks;

typedef enum lofi_tracks_use {
    LOFI_TRACKS_READ,
    LOFI_TRACKS_CHANGE, /* keeps other writers out */
    LOFI_TRACKS_BEGIN   /* the same, and a folder that is not there is made */
} lofi_tracks_use;

/* Opens the catalogue with the installed presets. LOFI_ERR_NOT_FOUND when there is no such folder. On failure, too, *tracks is to be
 * freed. */
lofi_code lofi_tracks_open(lofi_tracks *tracks, lofi_context *context, const char *metadata_dir, lofi_tracks_use use,
                           lofi_error *err) LOFI_MUST_USE;
void lofi_tracks_free(lofi_tracks *tracks); /* zeroes it; fine on a zeroed one */

/* lofi_catalogue_save, and on a dry run a line that says so. */
lofi_code lofi_tracks_save(lofi_tracks *tracks, lofi_context *context, bool *changed, lofi_error *err) LOFI_MUST_USE;

typedef struct lofi_selection {
    const lofi_catalogue_track **tracks; /* in the order of the catalogue, each once; borrowed from the context */
    size_t count;
} lofi_selection;

/* The tracks that ids or patterns ("rain*", with * ? and []) name; all of them when there are none. LOFI_ERR_NOT_FOUND for one that
 * names nothing, with the nearest id. A later lofi_catalogue_save makes the selection stale. */
lofi_code lofi_tracks_select(lofi_selection *out, lofi_context *context, const lofi_catalogue *catalogue,
                             const lofi_list *names, lofi_error *err) LOFI_MUST_USE;

/* Appends the ids of the styles that --style "A,B, C" names. LOFI_ERR_USAGE for an empty word, LOFI_ERR_FORMAT for an unknown
 * style. */
lofi_code lofi_tracks_find_styles(json_t *ids, const lofi_tracks *tracks, lofi_context *context, const char *text,
                                  lofi_error *err) LOFI_MUST_USE;

/* "3 tracks", "1 track". Borrowed until the next call in this thread. */
const char *lofi_count_of(size_t count, const char *one);

#endif
