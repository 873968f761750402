/* lyric_language_de.c - German. */
#include "text/lyric_languages.h"

static const char *const abbreviations[][2] = {
    {"fr", "frau"}, {"dr", "doktor"}, {"st", "sankt"}, {"co", "firma"}, {"jr", "junior"}, {NULL, NULL},
};

const lofi_lyric_language lofi_lyric_language_de = {
    .code = "de",
    .name = "German",
    .mark = "[de]",
    .latin = true,
    .abbreviations = abbreviations,
    .symbols = {" und ", " at ", " prozent ", " raute ", " dollar ", " pfund ", " grad "},
    .ordinal_endings = "st|nd|rd|th|º|ª|\\.(?=\\s|$)",
    .numbers = &lofi_number_words_de,
};
