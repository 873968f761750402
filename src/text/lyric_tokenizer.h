/* lyric_tokenizer.h - lyrics to token ids, as upstream's training path makes them
 * (acestep/text2music_dataset.py, acestep/models/lyrics_utils/lyric_tokenizer.py).
 *
 * The ids of a song: 261, then for each line its tokens and a 2; an empty line is a 2 alone. A line is the mark of its
 * language ("[en]"), then the spelled text (lyric_language.h) with [SPACE] between words, cut by the vocabulary's BPE. A
 * line that begins with a section mark in brackets ("[verse]") is always English. Lyrics without any text are the one
 * id 0. At most 4,096 ids.
 *
 * What is exact and what is not: lines of a known language get upstream's ids, Chinese and Japanese ones where the data for
 * them is there (romanize.h). English songs are also cut and respaced as upstream does (lyric_segments.h). The language of
 * a song is guessed (its script, language_guess.h) unless the caller names it, where upstream asks a statistical model for
 * every few words and ends a line where that changes its mind; here that is done where the script or the section marks
 * tell. Lines whose spelling is known to differ from upstream's are listed in the result, so that they can be shown to the
 * user. A tokenizer is not to be shared between threads.
 */
#ifndef LOFI_TEXT_LYRIC_TOKENIZER_H
#define LOFI_TEXT_LYRIC_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/file.h"

#define LOFI_LYRIC_MAX_TOKENS 4096
#define LOFI_LYRIC_START      261
#define LOFI_LYRIC_LINE_END   2
#define LOFI_LYRIC_UNKNOWN    1

/* ---- the vocabulary ---- */

/* Where the lyric vocabulary is; the first that is there:
 *   explicit_path (must be there when given), CHECKPOINT_DIR/lyric_vocab.json,
 *   ACE_STEP_DIR/acestep/models/lyrics_utils/vocab.json, ACE_STEP_DIR/lyric_vocab.json, ACE_STEP_DIR/vocab.json.
 * Any argument may be NULL. LOFI_ERR_NOT_FOUND says where was looked, with a hint where to get it. */
lofi_code lofi_lyric_vocab_find(char out[LOFI_PATH_MAX], const char *checkpoint_dir, const char *explicit_path,
                                const char *ace_step_dir, lofi_error *err) LOFI_MUST_USE;

/* ---- what is there ---- */

/* For some languages libraries and data of others are needed; lines that lack them are approximated, and listed. */
typedef struct lofi_lyric_support {
    const char *what; /* "Japanese" */
    bool there;
    const char *meaning; /* half a sentence: what comes of it */
} lofi_lyric_support;

#define LOFI_LYRIC_SUPPORTS 4
void lofi_lyric_support_look(lofi_lyric_support out[LOFI_LYRIC_SUPPORTS]);

/* ---- the tokenizer ---- */

typedef struct lofi_lyric_tokenizer lofi_lyric_tokenizer;

/* `vocab_path` is a tokenizer file with upstream's marks at their ids ([UNK] 1, [SPACE] 2, [START] 261); *out is yours. */
lofi_code lofi_lyric_tokenizer_open(lofi_lyric_tokenizer **out, const char *vocab_path, lofi_error *err) LOFI_MUST_USE;
void lofi_lyric_tokenizer_free(lofi_lyric_tokenizer *tokenizer); /* NULL is fine */
/* One more than the largest id. */
int64_t lofi_lyric_tokenizer_vocab_size(const lofi_lyric_tokenizer *tokenizer);

/* A line that upstream would spell otherwise. */
typedef struct lofi_lyric_note {
    size_t line;          /* counted from 1 */
    const char *language; /* its name, "Japanese": not to be freed */
    const char *reason;   /* half a sentence: "its numbers are not spelled out": not to be freed */
} lofi_lyric_note;

typedef struct lofi_lyric_tokens {
    int64_t *ids;
    size_t count;
    lofi_lyric_note *notes;
    size_t note_count;
    bool heard;           /* its languages are those of upstream's own model: all ids are claimed to be upstream's */
    const char *language; /* code of the song's language ("en"), given or guessed: not to be freed */
    bool truncated;       /* there were more than LOFI_LYRIC_MAX_TOKENS */
} lofi_lyric_tokens;

/* `lyrics` is UTF-8, lines separated by newlines (a carriage return before one is left out). `language` is a code ("en",
 * "de", "ja"...) or NULL: guessed. LOFI_ERR_USAGE for an unknown code. *out is yours: lofi_lyric_tokens_free. */
lofi_code lofi_lyric_tokenizer_encode(const lofi_lyric_tokenizer *tokenizer, const char *lyrics, const char *language,
                                      lofi_lyric_tokens *out, lofi_error *err) LOFI_MUST_USE;
/* The same as upstream's pipeline makes them when it generates (tokenize_lyrics, acestep/pipeline_ace_step.py): line by line,
 * nothing respaced, each line without whitespace at its ends and in a language of its own unless `language` names one. Lyrics of
 * no characters are the one id 0. Nothing is cut: `truncated` and `heard` stay false. */
lofi_code lofi_lyric_tokenizer_encode_lines(const lofi_lyric_tokenizer *tokenizer, const char *lyrics,
                                            const char *language, lofi_lyric_tokens *out,
                                            lofi_error *err) LOFI_MUST_USE;
void lofi_lyric_tokens_free(lofi_lyric_tokens *tokens); /* zeroes it; fine on a zeroed one */

/* The ids of one line alone, with its language's mark, without start and end. *approximation (bits of
 * lyric_language.h, may be NULL) is 0 when they are upstream's. *ids is yours: free(). */
lofi_code lofi_lyric_tokenizer_line(const lofi_lyric_tokenizer *tokenizer, const char *line, const char *language,
                                    int64_t **ids, size_t *count, unsigned *approximation,
                                    lofi_error *err) LOFI_MUST_USE;

#endif
