/* lyric_language_tr.c - Turkish. */
#include "text/lyric_languages.h"

static const char *const abbreviations[][2] = {
    {"b", "bay"},
    {"byk", "büyük"},
    {"dr", "doktor"},
    {NULL, NULL},
};

const lofi_lyric_language lofi_lyric_language_tr = {
    .code = "tr",
    .name = "Turkish",
    .mark = "[tr]",
    .latin = true,
    .abbreviations = abbreviations,
    .symbols = {" ve ", " at ", " yüzde ", " diyez ", " dolar ", " sterlin ", " derece "},
    .dotted_capital = true,
    .ordinal_endings = "\\.|inci|nci|uncu|üncü",
    .numbers = &lofi_number_words_tr,
};
