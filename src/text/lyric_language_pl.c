/* lyric_language_pl.c - Polish. */
#include "text/lyric_languages.h"

static const char *const abbreviations[][2] = {
    {"p", "pani"}, {"m", "pan"}, {"dr", "doktor"}, {"sw", "święty"}, {"jr", "junior"}, {NULL, NULL},
};

const lofi_lyric_language lofi_lyric_language_pl = {
    .code = "pl",
    .name = "Polish",
    .mark = "[pl]",
    .latin = true,
    .abbreviations = abbreviations,
    .symbols = {" i ", " małpa ", " procent ", " krzyżyk ", " dolar ", " funt ", " stopnie "},
    .ordinal_endings = "º|ª|st|nd|rd|th",
    .numbers = &lofi_number_words_pl,
};
