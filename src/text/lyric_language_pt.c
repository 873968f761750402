/* lyric_language_pt.c - Portuguese. */
#include "text/lyric_languages.h"

static const char *const abbreviations[][2] = {
    {"sra", "senhora"},  {"sr", "senhor"}, {"dr", "doutor"},    {"dra", "doutora"}, {"st", "santo"},
    {"co", "companhia"}, {"jr", "júnior"}, {"ltd", "limitada"}, {NULL, NULL},
};

const lofi_lyric_language lofi_lyric_language_pt = {
    .code = "pt",
    .name = "Portuguese",
    .mark = "[pt]",
    .latin = true,
    .abbreviations = abbreviations,
    .symbols = {" e ", " arroba ", " por cento ", " cardinal ", " dólar ", " libra ", " graus "},
    .ordinal_endings = "º|ª|o|a|os|as",
    .numbers = &lofi_number_words_pt,
};
