/* lyric_languages.h - the list of languages. To add one: its file, and one line here. Private to text/. */
#ifndef LOFI_TEXT_LYRIC_LANGUAGES_H
#define LOFI_TEXT_LYRIC_LANGUAGES_H

#include "text/lyric_language.h"

#define LOFI_LYRIC_LANGUAGES(X)                                                                                        \
    X(en)                                                                                                              \
    X(es)                                                                                                              \
    X(fr)                                                                                                              \
    X(de)                                                                                                              \
    X(it)                                                                                                              \
    X(pt)                                                                                                              \
    X(pl)                                                                                                              \
    X(cs)                                                                                                              \
    X(ru)                                                                                                              \
    X(nl)                                                                                                              \
    X(tr)                                                                                                              \
    X(hu)                                                                                                              \
    X(ar)                                                                                                              \
    X(ko)                                                                                                              \
    X(zh)                                                                                                              \
    X(ja)                                                                                                              \
    X(hi)

#define LOFI_LYRIC_DECLARE(code) extern const lofi_lyric_language lofi_lyric_language_##code;
LOFI_LYRIC_LANGUAGES(LOFI_LYRIC_DECLARE)
#undef LOFI_LYRIC_DECLARE

#endif
