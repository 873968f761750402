/* schema_texts.h - the files of config/schemas, put into the program by the build (src/catalog/flags.cmake). */
#ifndef LOFI_CATALOG_SCHEMA_TEXTS_H
#define LOFI_CATALOG_SCHEMA_TEXTS_H

#include <stddef.h>

typedef struct lofi_embedded {
    const char *name; /* "track" for track.schema.json */
    const char *bytes;
    size_t size;
} lofi_embedded;

extern const lofi_embedded lofi_schema_texts[]; /* the last has no name */

#endif
