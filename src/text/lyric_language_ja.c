/* lyric_language_ja.c - Japanese. */
#include "text/lyric_languages.h"

const lofi_lyric_language lofi_lyric_language_ja = {
    .code = "ja",
    .name = "Japanese",
    .mark = "[ja]",
    .untouched = true,
    .romanize = lofi_romanize_ja,
    .missing = "it is not romanised as the original does: that needs MeCab with UniDic (LOFI_MECAB_DICT)",
};
