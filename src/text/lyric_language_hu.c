/* lyric_language_hu.c - Hungarian. */
#include "text/lyric_languages.h"

static const char *const abbreviations[][2] = {
    {"dr", "doktor"},
    {"b", "bácsi"},
    {"nőv", "nővér"},
    {NULL, NULL},
};

const lofi_lyric_language lofi_lyric_language_hu = {
    .code = "hu",
    .name = "Hungarian",
    .mark = "[hu]",
    .latin = true,
    .abbreviations = abbreviations,
    .symbols = {" és ", " kukac ", " százalék ", " kettőskereszt ", " dollár ", " font ", " fok "},
    .ordinal_endings = "\\.|adik|edik|odik|ödik|ödike|ik",
    .numbers = &lofi_number_words_hu,
};
