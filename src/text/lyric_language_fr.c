/* lyric_language_fr.c - French. */
#include "text/lyric_languages.h"

static const char *const abbreviations[][2] = {
    {"mme", "madame"},   {"mr", "monsieur"}, {"dr", "docteur"},  {"st", "saint"},
    {"co", "compagnie"}, {"jr", "junior"},   {"ltd", "limitée"}, {NULL, NULL},
};

const lofi_lyric_language lofi_lyric_language_fr = {
    .code = "fr",
    .name = "French",
    .mark = "[fr]",
    .latin = true,
    .abbreviations = abbreviations,
    .symbols = {" et ", " arobase ", " pour cent ", " dièse ", " dollar ", " livre ", " degrés "},
    .ordinal_endings = "º|ª|er|re|e|ème",
    .numbers = &lofi_number_words_fr,
};
