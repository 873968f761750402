/* path.c - names of files: the first part of file.h. */
#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/file.h"

lofi_code lofi_path_format(char path[LOFI_PATH_MAX], lofi_error *err, const char *format, ...) {
    char made[LOFI_PATH_MAX];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(made, sizeof made, format, arguments);
    va_end(arguments);
    if (length < 0 || length >= LOFI_PATH_MAX)
        return lofi_fail(err, LOFI_ERR_USAGE, "a path is too long (more than %d bytes): '%.80s...'", LOFI_PATH_MAX - 1,
                         made);
    memcpy(path, made, (size_t)length + 1);
    return LOFI_OK;
}

const char *lofi_path_base(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

const char *lofi_path_extension(const char *path) {
    const char *base = lofi_path_base(path);
    const char *dot = strrchr(base, '.');
    return dot == NULL || dot == base ? path + strlen(path) : dot;
}

lofi_code lofi_path_stem(char stem[LOFI_PATH_MAX], const char *path, lofi_error *err) {
    const char *base = lofi_path_base(path);
    return lofi_path_format(stem, err, "%.*s", (int)(lofi_path_extension(path) - base), base);
}

lofi_code lofi_path_parent(char parent[LOFI_PATH_MAX], const char *path, lofi_error *err) {
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    while (length > 0 && path[length - 1] != '/') length--;
    if (length == 0) return lofi_path_format(parent, err, ".");
    while (length > 1 && path[length - 1] == '/') length--;
    return lofi_path_format(parent, err, "%.*s", (int)length, path);
}

lofi_code lofi_path_expand(char out[LOFI_PATH_MAX], const char *path, lofi_error *err) {
    if (path[0] != '~' || (path[1] != '/' && path[1] != '\0')) return lofi_path_format(out, err, "%s", path);
    const char *home = getenv("HOME");
    struct passwd entry, *found = NULL;
    char memory[4096];
    if (home == NULL || *home == '\0') {
        if (getpwuid_r(getuid(), &entry, memory, sizeof memory, &found) != 0 || found == NULL) {
            lofi_fail(err, LOFI_ERR_NOT_FOUND, "cannot expand '%s': this user has no home folder", path);
            lofi_hint(err, "set HOME or give the whole path");
            return LOFI_ERR_NOT_FOUND;
        }
        home = found->pw_dir;
    }
    return lofi_path_format(out, err, "%s%s", home, path + 1);
}

/* Absolute, with '.', '..' and repeated slashes taken away by name. */
static lofi_code make_absolute(char out[LOFI_PATH_MAX], const char *path, lofi_error *err) {
    char whole[LOFI_PATH_MAX] = "";
    if (path[0] == '/') {
        LOFI_TRY(lofi_path_format(whole, err, "%s", path));
    } else {
        char folder[LOFI_PATH_MAX];
        if (getcwd(folder, sizeof folder) == NULL) return lofi_fail_errno(err, errno, "cannot find the working folder");
        LOFI_TRY(lofi_path_format(whole, err, "%s/%s", folder, path));
    }
    size_t size = 0;
    for (const char *at = whole; *at != '\0';) {
        while (*at == '/') at++;
        size_t length = strcspn(at, "/");
        if (length == 2 && at[0] == '.' && at[1] == '.') {
            while (size > 0 && out[--size] != '/') {
            }
        } else if (length > 0 && !(length == 1 && at[0] == '.')) {
            out[size++] = '/';
            memcpy(out + size, at, length);
            size += length;
        }
        at += length;
    }
    out[size] = '\0';
    return LOFI_OK;
}

lofi_code lofi_path_relative(char out[LOFI_PATH_MAX], const char *path, const char *base, lofi_error *err) {
    char target[LOFI_PATH_MAX], folder[LOFI_PATH_MAX];
    LOFI_TRY(make_absolute(target, path, err));
    LOFI_TRY(make_absolute(folder, base, err));
    size_t common = 0; /* where the part of `target` that differs begins: behind a whole component */
    size_t i = 0;
    while (target[i] != '\0' && target[i] == folder[i]) {
        i++;
        if ((target[i] == '/' || target[i] == '\0') && (folder[i] == '/' || folder[i] == '\0')) common = i;
    }
    lofi_buffer made = LOFI_BUFFER_INIT;
    for (const char *at = folder + common; *at != '\0'; at++)
        if (*at == '/') lofi_buffer_text(&made, "../");
    const char *rest = target + common;
    lofi_buffer_text(&made, *rest == '/' ? rest + 1 : rest);
    if (made.size > 1 && made.data[made.size - 1] == '/') made.data[--made.size] = '\0';
    lofi_code code = lofi_buffer_check(&made, err);
    if (code == LOFI_OK) code = lofi_path_format(out, err, "%s", made.size == 0 ? "." : made.data);
    lofi_buffer_free(&made);
    return code;
}
