/* organize.h - tracks put into folders by category: OUT/core, OUT/seasonal, OUT/thematic, OUT/instrumental, OUT/vocal.
 *
 * A track's three files (audio, prompt, lyrics) go where the category of its leading style says. Linked, they get a second name
 * there (hard links; copies where the file system has none) and tracks.json stays as it is; moved, tracks.json says the new
 * place. Nothing is ever overwritten: where another file has the name already, nothing at all is done.
 *
 * METADATA/organize.jsonl keeps what was done, so that it can be undone, one JSON object a line:
 *     {"run", "mode": "link" or "move", "track_id", "from", "to"}   paths relative to the metadata folder; before it is done
 *     {"run", "done": true}, {"run", "undone": true}
 * Files get their new names first, then tracks.json is written, then the old names go: at any moment every file that tracks.json
 * names is there. A run that was killed is finished by
 * lofi_organize_recover, or undone.
 */
#ifndef LOFI_CATALOG_ORGANIZE_H
#define LOFI_CATALOG_ORGANIZE_H

#include <jansson.h>

#include "base/error.h"
#include "catalog/catalogue.h"

typedef struct lofi_organize_request {
    lofi_catalogue *catalogue; /* open for writing */
    const lofi_catalogue_track *const *tracks;
    size_t count;
    const char *output; /* folder above the categories */
    bool move;          /* else link */
    bool dry_run;
} lofi_organize_request;

/* Brings a run that was killed to its end, and saves the catalogue: to be called before tracks are chosen. */
lofi_code lofi_organize_recover(lofi_catalogue *catalogue, lofi_error *err) LOFI_MUST_USE;

/* Does it, and saves the catalogue. `done`: an array that gets {"track_id", "from", "to"} for every file that was, or on a dry
 * run would be, given a new name; files that are there already are left out. Links that a former run made, in a folder that no
 * longer fits, go: {"track_id", "removed"}. LOFI_ERR_USAGE when another file is in the way. */
lofi_code lofi_organize(json_t *done, const lofi_organize_request *request, lofi_error *err) LOFI_MUST_USE;

/* Takes the last run back that was not undone yet: moved files get their old names, links go. A file that was changed or replaced
 * since is left alone and named in the log. LOFI_ERR_NOT_FOUND when there is nothing to be undone. */
lofi_code lofi_organize_undo(json_t *done, lofi_catalogue *catalogue, bool dry_run, lofi_log *log,
                             lofi_error *err) LOFI_MUST_USE;

#endif
