/* text_libraries.h - the libraries of text, loaded when they are first used (base/library.h). */
#ifndef LOFI_TEXT_TEXT_LIBRARIES_H
#define LOFI_TEXT_TEXT_LIBRARIES_H

#include "base/library.h"

extern lofi_library lofi_library_icuuc, lofi_library_icui18n;
/* Those that the build has found: LOFI_HAVE_MECAB, LOFI_HAVE_TEXTCAT, LOFI_HAVE_LZMA. */
extern lofi_library lofi_library_mecab, lofi_library_exttextcat, lofi_library_lzma;

/* All that there are, and NULL. */
extern lofi_library *const lofi_text_libraries[];

#endif
