/* review.h - what a person should look at before a track is trained on.
 *
 * Faults: a track with one cannot be trained on as it is.
 *     no_audio, no_prompt, no_lyrics       the file is not there
 *     bad_prompt                           not one line of UTF-8, or tags that are unknown, not in canonical form, there twice or out
 *                                          of order (lofi_prompt_check_tags)
 *     bad_lyrics                           not UTF-8
 * Hints: it can, but somebody should know.
 *     no_style                             nobody said one; it counts as CORE-01
 *     no_source, not_permitted             no source names it; one does not permit AI training
 *     long_prompt                          more than the 256 characters that the trainer reads
 *     other_style                          the prompt has no genre of any of its styles
 *     lyrics                               words in an instrumental style, none in one with words, marks that are not known,
 *                                          not in section form (catalog/lyrics.h)
 *     tempo                                the prompt says another tempo than was measured (and not half or double)
 *     tempo_style, key_style               the measured tempo or key does not go with the style
 *     duplicate                            the same recording as another track
 *     low_quality, low_score               measured below 50; people gave less than 50
 */
#ifndef LOFI_CATALOG_REVIEW_H
#define LOFI_CATALOG_REVIEW_H

#include <jansson.h>

#include "audio/ledger.h"
#include "base/error.h"
#include "catalog/catalogue.h"
#include "catalog/tags.h"

typedef struct lofi_review lofi_review;

/* Reads what is on record about sound (the ledger, duplicates.json) once. *out is yours; the vocabulary must outlive it. */
lofi_code lofi_review_new(lofi_review **out, const lofi_catalogue *catalogue, const lofi_vocabulary *vocabulary,
                          lofi_log *log, lofi_error *err) LOFI_MUST_USE;
void lofi_review_free(lofi_review *review); /* NULL is fine */

/* Appends {"code", "message", "fault"} for everything that there is to say of a track. */
lofi_code lofi_review_track(json_t *findings, const lofi_review *review, const lofi_catalogue_track *track,
                            lofi_error *err) LOFI_MUST_USE;
/* Whether the audio is still the file that the last dataset was made of; true when that is not known. Reads the whole file, unless
 * the ledger knows it. */
bool lofi_review_same_bytes(const lofi_review *review, const lofi_catalogue_track *track);
/* Whether one of the findings is a fault. */
bool lofi_review_has_fault(const json_t *findings);

#endif
