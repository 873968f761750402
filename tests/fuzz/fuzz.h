/* fuzz.h - what fuzz targets share: the entry point, and bytes as a file for readers that take a path. */
#ifndef LOFI_TESTS_FUZZ_H
#define LOFI_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The path of a file in memory that holds these bytes; the same one every time. Aborts when the system gives none. */
const char *fuzz_file(const uint8_t *data, size_t size);
/* A zero-terminated copy; yours: free. */
char *fuzz_text(const uint8_t *data, size_t size);
/* Does nothing with it, which the compiler cannot know. */
void fuzz_use(const void *value);

#endif
