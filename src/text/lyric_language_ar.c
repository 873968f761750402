/* lyric_language_ar.c - Arabic. */
#include "text/lyric_languages.h"

const lofi_lyric_language lofi_lyric_language_ar = {
    .code = "ar",
    .name = "Arabic",
    .mark = "[ar]",
    .symbols = {" و ", " على ", " في المئة ", " رقم ", " دولار ", " جنيه ", " درجة "},
    .ordinal_endings = "ون|ين|ث|ر|ى",
    .numbers = &lofi_number_words_ar,
};
