/* library.c - see library.h. */
#include "base/library.h"

#include <ctype.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

/* Debian's rule: "libavformat.so.59" is in libavformat59, "libebur128.so.1", whose name ends in a digit, in libebur128-1. */
static void name_package(char *out, size_t size, const lofi_library *library) {
    const char *version = strstr(library->file, ".so.");
    if (library->package != NULL || version == NULL) {
        snprintf(out, size, "%s", library->package != NULL ? library->package : library->file);
        return;
    }
    const char *hyphen = isdigit((unsigned char)version[-1]) ? "-" : "";
    snprintf(out, size, "%.*s%s%s", (int)(version - library->file), library->file, hyphen, version + 4);
}

/* The loader names the file that it could not load, which may be one that the library needs itself. */
static lofi_code fail_to_load(const lofi_library *library, const char *reason, lofi_error *err) {
    char package[128];
    size_t length = strlen(library->file);
    if (strncmp(reason, library->file, length) == 0 && strncmp(reason + length, ": ", 2) == 0) reason += length + 2;
    name_package(package, sizeof package, library);
    lofi_fail(err, LOFI_ERR_IO, "cannot load the library '%s': %s", library->file, reason);
    return lofi_hint(err, "on Debian, it is in the package %s; 'lofi doctor' shows all libraries", package);
}

lofi_code lofi_library_open(lofi_library *library, lofi_error *err) {
    if (__atomic_load_n(&library->handle, __ATOMIC_ACQUIRE) != NULL) return LOFI_OK;
    void *handle = dlopen(library->file, RTLD_LAZY | RTLD_GLOBAL);
    if (handle == NULL) return fail_to_load(library, dlerror(), err);
    __atomic_store_n(&library->handle, handle, __ATOMIC_RELEASE);
    return LOFI_OK;
}

lofi_code lofi_libraries_open(lofi_library *const *list, lofi_error *err) {
    for (; *list != NULL; list++) LOFI_TRY(lofi_library_open(*list, err));
    return LOFI_OK;
}

void *lofi_library_find(lofi_library *library, const char *function) {
    lofi_error problem = LOFI_ERROR_INIT;
    if (lofi_library_open(library, &problem) != LOFI_OK) lofi_give_up(&problem);
    void *found = dlsym(RTLD_DEFAULT, function);
    if (found == NULL) {
        lofi_fail(&problem, LOFI_ERR_UNSUPPORTED, "the library '%s' has no function '%s'", library->file, function);
        lofi_give_up(&problem);
    }
    return found;
}
