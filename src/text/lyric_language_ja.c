/* lyric_language_ja.c - Japanese. */
#include "text/lyric_languages.h"

const lofi_lyric_language lofi_lyric_language_ja = {
    .code = "ja",
    .name = "Japanese",
    .mark = "[ja]",
    .plain = true,
    .missing = "Japanese is written in Latin letters (romaji)",
};
