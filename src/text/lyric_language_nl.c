/* lyric_language_nl.c - Dutch. */
#include "text/lyric_languages.h"

static const char *const abbreviations[][2] = {
    {"dhr", "de heer"}, {"mevr", "mevrouw"}, {"dr", "dokter"}, {"jhr", "jonkheer"}, {NULL, NULL},
};

const lofi_lyric_language lofi_lyric_language_nl = {
    .code = "nl",
    .name = "Dutch",
    .mark = "[nl]",
    .latin = true,
    .abbreviations = abbreviations,
    .symbols = {" en ", " bij ", " procent ", " hekje ", " dollar ", " pond ", " graden "},
    .ordinal_endings = "de|ste|e",
    .numbers = &lofi_number_words_nl,
};
