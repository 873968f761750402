/* lyric_language_en.c - English. */
#include "text/lyric_languages.h"

static const char *const abbreviations[][2] = {
    {"mrs", "misess"},    {"mr", "mister"},     {"dr", "doctor"},    {"st", "saint"},     {"co", "company"},
    {"jr", "junior"},     {"maj", "major"},     {"gen", "general"},  {"drs", "doctors"},  {"rev", "reverend"},
    {"lt", "lieutenant"}, {"hon", "honorable"}, {"sgt", "sergeant"}, {"capt", "captain"}, {"esq", "esquire"},
    {"ltd", "limited"},   {"col", "colonel"},   {"ft", "fort"},      {NULL, NULL},
};

const lofi_lyric_language lofi_lyric_language_en = {
    .code = "en",
    .name = "English",
    .mark = "[en]",
    .latin = true,
    .abbreviations = abbreviations,
    .symbols = {" and ", " at ", " percent ", " hash ", " dollar ", " pound ", " degree "},
    .comma_groups = true,
    .ordinal_endings = "st|nd|rd|th",
    .numbers = &lofi_number_words_en,
};
