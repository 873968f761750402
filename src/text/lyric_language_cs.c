/* lyric_language_cs.c - Czech. */
#include "text/lyric_languages.h"

static const char *const abbreviations[][2] = {
    {"dr", "doktor"},
    {"ing", "inženýr"},
    {"p", "pan"},
    {NULL, NULL},
};

const lofi_lyric_language lofi_lyric_language_cs = {
    .code = "cs",
    .name = "Czech",
    .mark = "[cs]",
    .latin = true,
    .abbreviations = abbreviations,
    .symbols = {" a ", " na ", " procento ", " křížek ", " dolar ", " libra ", " stupně "},
    .ordinal_endings = "\\.(?=\\s|$)",
    .numbers = &lofi_number_words_cs,
};
