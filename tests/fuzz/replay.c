/* replay.c - runs a fuzz target on files, and on all files directly in folders: the corpus as a plain test.
 * usage: TARGET FILE_OR_FOLDER... */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static int run_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) return fprintf(stderr, "cannot open '%s'\n", path), 1;
    uint8_t *data = malloc(1 << 24);
    size_t size = data ? fread(data, 1, 1 << 24, file) : 0;
    fclose(file);
    if (data) LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 0;
}

static int run_folder(const char *path, DIR *folder, int *count) {
    struct dirent *entry;
    int failed = 0;
    while ((entry = readdir(folder))) {
        char name[4096];
        if (entry->d_name[0] == '.' || entry->d_type == DT_DIR) continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        failed += run_file(name);
        ++*count;
    }
    return failed;
}

int main(int argc, char **argv) {
    int count = 0, failed = 0;
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        failed += folder ? run_folder(argv[i], folder, &count) : (count++, run_file(argv[i]));
        if (folder) closedir(folder);
    }
    printf("%d passed, %d failed\n", count - failed, failed);
    return failed || !count;
}
