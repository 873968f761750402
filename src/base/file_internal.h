/* file_internal.h - what the files behind file.h share with each other, and nobody else uses. */
#ifndef LOFI_BASE_FILE_INTERNAL_H
#define LOFI_BASE_FILE_INTERNAL_H

#include "base/error.h"

/* The prefix of what is being written. A leading dot, so that listings leave it out. */
#define LOFI_TEMPORARY_PREFIX ".lofi-tmp-"

lofi_code lofi_sync_folder(const char *folder, lofi_error *err) LOFI_MUST_USE;
/* The folder that holds `path`. */
lofi_code lofi_sync_parent(const char *path, lofi_error *err) LOFI_MUST_USE;
/* A new name for a temporary file or folder beside `target`; unique in this process and very likely outside. */
lofi_code lofi_temporary_name(char path[4096], const char *target, lofi_error *err) LOFI_MUST_USE;

#endif
