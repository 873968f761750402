/* zip_members.h - where the stored members of a mapped zip archive lie. Only what PyTorch writes: members without compression,
 * zip64 included. Inside of store/ only.
 *
 * Ours instead of libzip, because tensors are used where they lie in the mapped file, and libzip does not tell where that is.
 * Format: PKWARE APPNOTE 6.3.
 */
#ifndef LOFI_STORE_ZIP_MEMBERS_H
#define LOFI_STORE_ZIP_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/memory.h"

typedef struct lofi_zip_member {
    const char *name; /* in the arena */
    const unsigned char *data;
    size_t size;
} lofi_zip_member;

typedef struct lofi_zip_members {
    lofi_zip_member *items; /* sorted by name; in the arena */
    size_t count;
} lofi_zip_members;

/* True when the bytes begin as a zip archive does. */
bool lofi_zip_begins(const unsigned char *data, size_t size);
/* LOFI_ERR_FORMAT for an archive that is damaged, holds a name twice or members that overlap its end; LOFI_ERR_UNSUPPORTED
 * for members that are compressed or encrypted, and for archives of several disks. Messages do not name the file. */
lofi_code lofi_zip_members_read(lofi_zip_members *out, lofi_arena *arena, const unsigned char *data, size_t size,
                                lofi_error *err) LOFI_MUST_USE;
/* NULL when there is none of that name. */
const lofi_zip_member *lofi_zip_member_find(const lofi_zip_members *members, const char *name);

#endif
