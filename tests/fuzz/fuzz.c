/* fuzz.c - see fuzz.h. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

const char *fuzz_file(const uint8_t *data, size_t size) {
    static char path[64];
    static int file = -1;
    if (file < 0) file = memfd_create("fuzz", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, 0) != 0) abort();
    for (size_t done = 0; done < size;) {
        ssize_t written = pwrite(file, data + done, size - done, (off_t)done);
        if (written <= 0) abort();
        done += (size_t)written;
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    return path;
}

char *fuzz_text(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    if (!text) abort();
    if (size) memcpy(text, data, size);
    text[size] = 0;
    return text;
}

void fuzz_use(const void *value) {
    (void)value;
}
