/* lyric_language_zh.c - Chinese. */
#include "text/lyric_languages.h"

const lofi_lyric_language lofi_lyric_language_zh = {
    .code = "zh",
    .name = "Chinese",
    .mark = "[zh-cn]",
    .symbols = {" 和 ", " 在 ", " 百分之 ", " 号 ", " 美元 ", " 英镑 ", " 度 "},
    .rewrite = lofi_chinese_numbers,
    .romanize = lofi_romanize_zh,
    .missing = "its characters are read one by one: LOFI_PINYIN_DIR does not name the data of pypinyin",
};
