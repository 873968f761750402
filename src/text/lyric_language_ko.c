/* lyric_language_ko.c - Korean. */
#include "text/lyric_languages.h"

const lofi_lyric_language lofi_lyric_language_ko = {
    .code = "ko",
    .name = "Korean",
    .mark = "[ko]",
    .symbols = {" 그리고 ", " 에 ", " 퍼센트 ", " 번호 ", " 달러 ", " 파운드 ", " 도 "},
    .romanize = lofi_romanize_ko,
    .ordinal_endings = "번째|번|차|째",
    .numbers = &lofi_number_words_ko,
};
