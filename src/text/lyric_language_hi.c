/* lyric_language_hi.c - Hindi. */
#include "text/lyric_languages.h"

const lofi_lyric_language lofi_lyric_language_hi = {
    .code = "hi",
    .name = "Hindi",
    .mark = "[hi]",
    .plain = true,
};
