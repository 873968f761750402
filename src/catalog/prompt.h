/* prompt.h - the prompt of a track: one line of tags.
 *
 * Order: genre, mood, instruments, tempo, production, atmosphere, vocal type; separated by comma and space; no tag twice.
 *
 * Moods: those that the style always has, and one of its mood options. Tempo: a whole number ("85 bpm") and the word for it
 * ("medium tempo"). What is not measured is drawn from the track id alone (LOFI_RANDOM_PROMPT, seeded with the 64-bit FNV-1a
 * hash of the id): the same track, styles and facts give the same line on every machine.
 *
 * Several styles: the first leads. Each category takes the first tag of every style, then the second of every style, and
 * so on; the mood option is the leading style's; the range of the tempo is the leading style's, narrowed by every
 * further one that overlaps with what is left; "instrumental" goes when another style has a voice.
 *
 * A measured tempo may be counted at half or at double: the first of it, twice and half of it that lies within the range is taken,
 * rounded to a whole number; when none does, the measured one, and the track should be looked at. Without one it is drawn from the
 * range.
 *
 * A measured key ("f# minor") is the first tag of production. It takes the place of a style's "minor key" ("major key") that says
 * the same. Where a style says the opposite, the style's tag stays, the key is left out, and the track should be looked at.
 *
 * Length: the trainer reads 256 characters and cuts the rest, after it has shuffled the tags, so anything could be cut.
 * A line that would be longer loses whole tags, the least important first: the word for the tempo, then one by one the last tag of
 * whichever of production, atmosphere, instruments, mood, genre has most tags (that order among equals); at least one of each stays,
 * and the number of the tempo and the vocal types always do. A measured key is a tag of production like others, but goes before
 * the last one of the style: how a style sounds says more than its key.
 */
#ifndef LOFI_CATALOG_PROMPT_H
#define LOFI_CATALOG_PROMPT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "catalog/mapping.h"
#include "catalog/styles.h"
#include "catalog/tags.h"

#define LOFI_PROMPT_CHARACTERS_MAX 256 /* Unicode characters that reach the text encoder */

/* What was measured of a track's sound. */
typedef struct lofi_prompt_facts {
    double tempo_bpm; /* not known: 0, not finite, or outside LOFI_BPM_MIN to LOFI_BPM_MAX */
    const char *key;  /* as lofi_key_tag takes it; NULL, or what is no key: not known */
} lofi_prompt_facts;

/* What a record of the ledger (audio/ledger.h) says, as far as it is to be believed; NULL: nothing. */
lofi_prompt_facts lofi_prompt_measured(const json_t *record);

/* What a prompt says of tempo and key. */
typedef struct lofi_prompt_music {
    int bpm;                  /* beats per minute in the line */
    int tempo_min, tempo_max; /* the range of all styles together */
    bool tempo_measured;      /* from the facts, else from the range */
    bool tempo_outside;       /* measured, and not within the range at half or double either */
    char key[LOFI_TAG_BYTES]; /* measured, as a tag; "" when there is none or it contradicts */
    bool key_contradicts;     /* it was measured, and a style says the opposite */
} lofi_prompt_music;

/* styles: 1 to LOFI_TRACK_STYLES_MAX, the leading one first. facts NULL: nothing was measured. */
void lofi_prompt_settle(lofi_prompt_music *out, const char *track_id, const lofi_style *const *styles, size_t count,
                        const lofi_prompt_facts *facts);

/* Appends the line, without newline, to `prompt`, and what did not fit, separated in the same way, to `left_out`. Styles and facts
 * as above. */
lofi_code lofi_prompt_build(lofi_buffer *prompt, lofi_buffer *left_out, const char *track_id,
                            const lofi_style *const *styles, size_t count, const lofi_prompt_facts *facts,
                            lofi_error *err) LOFI_MUST_USE;

/* LOFI_ERR_FORMAT, with the first reason, for a line that breaks a rule: a tag that is not in the vocabulary, or not in its canonical
 * form, or out of order, or there twice. */
lofi_code lofi_prompt_check_tags(const char *prompt, const lofi_vocabulary *vocabulary, lofi_error *err) LOFI_MUST_USE;
/* The same, and more than LOFI_PROMPT_CHARACTERS_MAX characters are refused, too. */
lofi_code lofi_prompt_check(const char *prompt, const lofi_vocabulary *vocabulary, lofi_error *err) LOFI_MUST_USE;

#endif
