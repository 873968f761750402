/* prompts_file.h - a list of songs to be generated: what a user writes for many of them at once.
 *
 * Text: one prompt per line. Empty lines are left out, and lines that begin with '#': notes for the reader.
 * JSON (the first character is '[' or '{'): a list, or {"prompts": list}. An entry is a prompt, or an object:
 *     {"prompt": "lofi hip hop, rainy night", "lyrics": "[verse]\n...", "language": "en", "seed": 7, "duration": 60,
 *      "output": "rain"}
 * of which only the prompt is needed. Other keys are refused. A song is called by its "output" (a plain file name; an
 * extension .wav, .flac or .mp3 is left out), else by its number and the first words of its prompt: "003-lofi-hip-hop-rainy-night".
 */
#ifndef LOFI_CATALOG_PROMPTS_FILE_H
#define LOFI_CATALOG_PROMPTS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define LOFI_MAX_PROMPTS 100000

typedef struct lofi_wanted_song {
    const char *prompt, *lyrics, *language; /* lyrics "": none; language NULL: guessed */
    const char *name;                       /* of the file, without folder and extension */
    double seconds;                         /* 0: as the command says */
    bool has_seed;
    uint64_t seed;
} lofi_wanted_song;

typedef struct lofi_prompts_file {
    lofi_wanted_song *songs; /* in the order of the file, at least one */
    size_t count;
    struct lofi_arena *arena;
} lofi_prompts_file;

/* LOFI_ERR_FORMAT names the entry and what is wrong with it; two songs of one name are an error. *out is yours. */
lofi_code lofi_prompts_file_load(lofi_prompts_file *out, const char *path, lofi_error *err) LOFI_MUST_USE;
void lofi_prompts_file_free(lofi_prompts_file *file); /* zeroes it; fine on a zeroed one */

#endif
