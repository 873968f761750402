/* lyric_language_zh.c - Chinese. */
#include "text/lyric_languages.h"

const lofi_lyric_language lofi_lyric_language_zh = {
    .code = "zh",
    .name = "Chinese",
    .mark = "[zh-cn]",
    .symbols = {" 和 ", " 在 ", " 百分之 ", " 号 ", " 美元 ", " 英镑 ", " 度 "},
    .missing = "Mandarin is written in Latin letters (pinyin with tone numbers)",
};
