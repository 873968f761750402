/* file.c - questions about files, reading and mapping them: see file.h. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool lofi_path_exists(const char *path) {
    struct stat info;
    return stat(path, &info) == 0;
}

bool lofi_path_is_folder(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool lofi_path_is_file(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

lofi_code lofi_file_size(uint64_t *bytes, const char *path, lofi_error *err) {
    struct stat info;
    if (stat(path, &info) != 0) return lofi_fail_errno(err, errno, "cannot look at '%s'", path);
    if (!S_ISREG(info.st_mode)) return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' is not a regular file", path);
    *bytes = (uint64_t)info.st_size;
    return LOFI_OK;
}

static lofi_code open_to_read(int *out, struct stat *info, const char *path, lofi_error *err) {
    int file;
    do file = open(path, O_RDONLY | O_CLOEXEC);
    while (file < 0 && errno == EINTR);
    if (file < 0) return lofi_fail_errno(err, errno, "cannot open '%s'", path);
    lofi_code code = LOFI_OK;
    if (fstat(file, info) != 0)
        code = lofi_fail_errno(err, errno, "cannot look at '%s'", path);
    else if (S_ISDIR(info->st_mode))
        code = lofi_fail(err, LOFI_ERR_FORMAT, "cannot read '%s': it is a folder", path);
    if (code != LOFI_OK)
        close(file);
    else
        *out = file;
    return code;
}

static lofi_code read_all(lofi_buffer *buffer, int file, size_t max_bytes, const char *path, lofi_error *err) {
    char block[32768];
    for (;;) {
        ssize_t got = read(file, block, sizeof block);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return lofi_fail_errno(err, errno, "cannot read '%s'", path);
        if (got == 0) return LOFI_OK;
        if ((size_t)got > max_bytes - buffer->size)
            return lofi_fail(err, LOFI_ERR_FORMAT, "cannot read '%s': it is larger than %zu bytes", path, max_bytes);
        lofi_buffer_append(buffer, block, (size_t)got);
        if (buffer->failed != LOFI_OK) {
            lofi_code code = lofi_buffer_check(buffer, err);
            lofi_error_prefix(err, "cannot read '%s'", path);
            return code;
        }
    }
}

lofi_code lofi_file_read(lofi_buffer *buffer, const char *path, size_t max_bytes, lofi_error *err) {
    int file;
    struct stat info;
    lofi_buffer_clear(buffer);
    LOFI_TRY(open_to_read(&file, &info, path, err));
    lofi_code code = read_all(buffer, file, max_bytes, path, err);
    close(file);
    if (code != LOFI_OK) lofi_buffer_clear(buffer);
    return code;
}

lofi_code lofi_file_map(lofi_mapping *mapping, const char *path, lofi_error *err) {
    int file;
    struct stat info;
    LOFI_TRY(open_to_read(&file, &info, path, err));
    lofi_code code = LOFI_OK;
    lofi_mapping made = {NULL, (size_t)info.st_size};
    if (!S_ISREG(info.st_mode)) {
        code = lofi_fail(err, LOFI_ERR_FORMAT, "cannot map '%s': it is not a regular file", path);
    } else if (made.size > 0) {
        void *data = mmap(NULL, made.size, PROT_READ, MAP_PRIVATE, file, 0);
        if (data == MAP_FAILED)
            code = lofi_fail_errno(err, errno, "cannot map '%s' (%zu bytes)", path, made.size);
        else
            made.data = data;
    }
    close(file);
    if (code == LOFI_OK) *mapping = made;
    return code;
}

void lofi_file_unmap(lofi_mapping *mapping) {
    if (mapping->data != NULL) munmap((void *)(uintptr_t)mapping->data, mapping->size);
    *mapping = (lofi_mapping){NULL, 0};
}
