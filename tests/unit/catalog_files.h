/* catalog_files.h - what the tests of the catalogue share: the installed presets, and files of their own. */
#ifndef LOFI_TESTS_CATALOG_FILES_H
#define LOFI_TESTS_CATALOG_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "catalog/styles.h"
#include "catalog/tags.h"

#define CONFIG(name) LOFI_SOURCE_FOLDER "/config/" name

#define assert_contains(text, part)                                                                                    \
    do {                                                                                                               \
        if (!strstr((text), (part))) fail_msg("'%s' is not in '%s'", (part), (text));                                  \
    } while (0)

static inline int make_folder(void **state) {
    char *folder = strdup("/tmp/lofi-catalog-XXXXXX");
    *state = folder;
    return folder && mkdtemp(folder) ? 0 : -1;
}

static inline int remove_folder(void **state) {
    int status = lofi_path_remove(*state, NULL) == LOFI_OK ? 0 : -1;
    free(*state);
    return status;
}

/* The path is valid until the next call. */
static inline const char *put_file(const char *folder, const char *name, const char *text) {
    static char path[LOFI_PATH_MAX];
    char parent[LOFI_PATH_MAX];
    assert_int_equal(lofi_path_format(path, NULL, "%s/%s", folder, name), LOFI_OK);
    assert_int_equal(lofi_path_parent(parent, path, NULL), LOFI_OK);
    assert_int_equal(lofi_folder_make(parent, NULL), LOFI_OK);
    assert_int_equal(lofi_file_write(path, text, strlen(text), NULL), LOFI_OK);
    return path;
}

static inline lofi_vocabulary *load_vocabulary(void) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_vocabulary *vocabulary = NULL;
    if (lofi_vocabulary_load(&vocabulary, CONFIG("tag_vocabulary.json"), &err) != LOFI_OK) fail_msg("%s", err.message);
    return vocabulary;
}

static inline lofi_styles *load_styles(const lofi_vocabulary *vocabulary) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_styles *styles = NULL;
    if (lofi_styles_load(&styles, CONFIG("style_presets.json"), vocabulary, &err) != LOFI_OK)
        fail_msg("%s", err.message);
    return styles;
}

#endif
