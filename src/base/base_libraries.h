/* base_libraries.h - the library of hashing, loaded when it is first used (library.h). */
#ifndef LOFI_BASE_BASE_LIBRARIES_H
#define LOFI_BASE_BASE_LIBRARIES_H

#include "base/library.h"

extern lofi_library lofi_library_crypto;

/* It, and NULL. */
extern lofi_library *const lofi_base_libraries[];

#endif
