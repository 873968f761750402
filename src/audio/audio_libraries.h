/* audio_libraries.h - the libraries of sound, loaded when they are first used (base/library.h). */
#ifndef LOFI_AUDIO_AUDIO_LIBRARIES_H
#define LOFI_AUDIO_AUDIO_LIBRARIES_H

#include "base/library.h"

extern lofi_library lofi_library_avformat, lofi_library_avcodec, lofi_library_swresample, lofi_library_avutil;
extern lofi_library lofi_library_ebur128, lofi_library_chromaprint;

/* All of them, and NULL. */
extern lofi_library *const lofi_audio_libraries[];

#endif
