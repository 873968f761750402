/* song_lyrics.h - the lyrics of the songs of a folder: found, brought into section form, written, and looked at. */
#ifndef LOFI_CLI_SONG_LYRICS_H
#define LOFI_CLI_SONG_LYRICS_H

#include "catalog/tracks.h"
#include "cli/command.h"
#include "text/lyric_tokenizer.h"

/* What all songs of a run share. */
typedef struct lofi_song_lyrics {
    lofi_context *context;
    const char *audio_dir, *output_dir; /* side-cars stand in the first, lyrics files in the second */
    lofi_file_batch *texts;             /* where they are written, with the prompts */
    bool force;                         /* bring lyrics files that are there into section form */
    lofi_lyric_tokenizer *tokenizer;    /* opened for the first song with words */
    bool exact;                         /* its vocabulary is the model's */
    bool looked;                        /* for a vocabulary */
} lofi_song_lyrics;

/* Sees to NAME_lyrics.txt of one song. Where it is there and not blank, it stays, or with `force` gets section form; else it is
 * made of NAME.lyrics or NAME.lrc beside the song, and where there is none, says [Instrumental]. Sets lyrics_path and lyrics_status
 * in *result and appends to *reasons why a person should look at it. words: the song's style is sung or spoken. */
lofi_code lofi_song_lyrics_put(lofi_song_lyrics *self, const lofi_track_file *track, bool words, json_t *result,
                               json_t *reasons, lofi_error *err) LOFI_MUST_USE;
void lofi_song_lyrics_close(lofi_song_lyrics *self);

#endif
