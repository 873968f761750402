/* lyric_language_it.c - Italian. */
#include "text/lyric_languages.h"

static const char *const abbreviations[][2] = {
    {"sig", "signore"}, {"dr", "dottore"},   {"st", "santo"}, {"co", "compagnia"},
    {"jr", "junior"},   {"ltd", "limitata"}, {NULL, NULL},
};

const lofi_lyric_language lofi_lyric_language_it = {
    .code = "it",
    .name = "Italian",
    .mark = "[it]",
    .latin = true,
    .abbreviations = abbreviations,
    .symbols = {" e ", " chiocciola ", " per cento ", " cancelletto ", " dollaro ", " sterlina ", " gradi "},
    .ordinal_endings = "º|°|ª|o|a|i|e",
    .numbers = &lofi_number_words_it,
};
