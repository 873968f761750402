/* lyric_language_ru.c - Russian. */
#include "text/lyric_languages.h"

static const char *const abbreviations[][2] = {
    {"г-жа", "госпожа"},
    {"г-н", "господин"},
    {"д-р", "доктор"},
    {NULL, NULL},
};

const lofi_lyric_language lofi_lyric_language_ru = {
    .code = "ru",
    .name = "Russian",
    .mark = "[ru]",
    .abbreviations = abbreviations,
    .abbreviation_words = true,
    .symbols = {" и ", " собака ", " процентов ", " номер ", " доллар ", " фунт ", " градус "},
    .comma_groups = true,
    .ordinal_endings = "-й|-я|-е|-ое|-ье|-го",
    .numbers = &lofi_number_words_ru,
};
