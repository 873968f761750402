/* exchange.h - the catalogue as one table, for spreadsheets and other programs, and changes taken back from it.
 *
 * A row is a track. Columns, of which an import needs only track_id:
 *     track_id filename audio_path duration quality_score split state       shown; an import leaves them alone
 *     style_ids                                                             separated by spaces, the leading one first; "none"
 *     source_id source_type provider license_type ai_training_permitted cost date_acquired
 *     human_verified verified_by notes                                      true or false; texts
 *     human_score                                                           mean over people; left alone
 *     score scorer score_date score_notes                                   empty when written; a score to be added
 * Any other column is a field of the track's entry in tracks.json, kept as text. An empty cell changes nothing.
 *
 * CSV: RFC 4180, UTF-8 (a byte order mark is let pass), separated by commas, or, when the first line has more of them, by
 * semicolons or tabs, as spreadsheets of some languages write it. JSON: {"tracks": [{column: value, ...}, ...]}, with style_ids
 * as a list, numbers as numbers, true and false.
 */
#ifndef LOFI_CATALOG_EXCHANGE_H
#define LOFI_CATALOG_EXCHANGE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"
#include "catalog/catalogue.h"

/* The rows as JSON; the reference is yours. */
json_t *lofi_exchange_rows(const lofi_catalogue *catalogue);
/* Rows as CSV, with a line of column names. */
lofi_code lofi_exchange_csv(lofi_buffer *out, const json_t *rows, lofi_error *err) LOFI_MUST_USE;

/* A file as rows: JSON when its first sign is '{', else CSV. Every row gets "_line", where it stands in the file. *rows is
 * yours. LOFI_ERR_FORMAT names the line. */
lofi_code lofi_exchange_read(json_t **rows, const char *path, lofi_error *err) LOFI_MUST_USE;

typedef struct lofi_exchange_counts {
    size_t rows, styles, sources, source_fields, verified, scores, fields; /* tracks or records that change */
} lofi_exchange_counts;

/* Puts what rows say into the entries of a catalogue open for writing; the caller saves. Everything is checked first:
 * LOFI_ERR_FORMAT names file, line, column, and the value found, and nothing was changed. */
lofi_code lofi_exchange_apply(lofi_exchange_counts *counts, lofi_catalogue *catalogue, const lofi_styles *styles,
                              const json_t *rows, const char *path, lofi_error *err) LOFI_MUST_USE;

#endif
