/* lyric_language_es.c - Spanish. */
#include "text/lyric_languages.h"

static const char *const abbreviations[][2] = {
    {"sra", "señora"},  {"sr", "señor"},  {"dr", "doctor"},    {"dra", "doctora"}, {"st", "santo"},
    {"co", "compañía"}, {"jr", "junior"}, {"ltd", "limitada"}, {NULL, NULL},
};

const lofi_lyric_language lofi_lyric_language_es = {
    .code = "es",
    .name = "Spanish",
    .mark = "[es]",
    .latin = true,
    .abbreviations = abbreviations,
    .symbols = {" y ", " arroba ", " por ciento ", " numeral ", " dolar ", " libra ", " grados "},
    .ordinal_endings = "º|ª|er|o|a|os|as",
    .numbers = &lofi_number_words_es,
};
