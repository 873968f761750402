/* folder_writer.c - whole folders written or not at all, and locks: see file.h.
 *
 * The folder being filled is a hidden one beside its target, held by flock. What a killed process left (something
 * temporary that nobody holds) is removed by the next writer in the same place.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/file_internal.h"
#include "base/interrupt.h"

#define NAME_TRIES 100

struct lofi_folder_writer {
    int held; /* the temporary folder, opened and locked */
    char target[LOFI_PATH_MAX], temporary[LOFI_PATH_MAX];
};

/* Best effort: what cannot be removed now is left to a later writer. */
void lofi_folder_clean(const char *name) {
    char path[LOFI_PATH_MAX];
    DIR *folder = opendir(name);
    if (folder == NULL) return;
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        if (strncmp(entry->d_name, LOFI_TEMPORARY_PREFIX, strlen(LOFI_TEMPORARY_PREFIX)) != 0) continue;
        if (lofi_path_format(path, NULL, "%s/%s", name, entry->d_name) != LOFI_OK) continue;
        int held = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
        if (held < 0) continue;
        lofi_code removed = LOFI_OK;
        if (flock(held, LOCK_EX | LOCK_NB) == 0) removed = lofi_path_remove(path, NULL);
        (void)removed;
        close(held);
    }
    closedir(folder);
}

/* Between making and locking, another process may take the folder for an abandoned one and remove it: then again. */
static lofi_code make_temporary(lofi_folder_writer *writer, lofi_error *err) {
    for (int i = 0; i < NAME_TRIES; i++) {
        LOFI_TRY(lofi_temporary_name(writer->temporary, writer->target, err));
        if (mkdir(writer->temporary, 0777) != 0) {
            if (errno == EEXIST) continue;
            return lofi_fail_errno(err, errno, "cannot make folder '%s'", writer->target);
        }
        writer->held = open(writer->temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (writer->held < 0) continue;
        int locked;
        do locked = flock(writer->held, LOCK_EX);
        while (locked != 0 && errno == EINTR);
        struct stat info;
        if (lofi_path_is_folder(writer->temporary) && fstat(writer->held, &info) == 0 && info.st_nlink > 0)
            return LOFI_OK;
        close(writer->held);
        writer->held = -1;
    }
    return lofi_fail(err, LOFI_ERR_IO, "cannot make a temporary folder beside '%s'", writer->target);
}

static lofi_code prepare(lofi_folder_writer *writer, const char *target, lofi_error *err) {
    LOFI_TRY(lofi_path_format(writer->target, err, "%s", target));
    size_t length = strlen(writer->target);
    while (length > 1 && writer->target[length - 1] == '/') writer->target[--length] = '\0';
    const char *base = lofi_path_base(writer->target);
    if (*base == '\0' || strcmp(base, ".") == 0 || strcmp(base, "..") == 0) {
        lofi_fail(err, LOFI_ERR_USAGE, "cannot write folder '%s': it has no name of its own", target);
        return lofi_hint(err, "name a folder that can be made new");
    }
    if (lofi_path_exists(writer->target) && !lofi_path_is_folder(writer->target))
        return lofi_fail(err, LOFI_ERR_IO, "cannot write folder '%s': there is a file of that name", target);
    char parent[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_parent(parent, writer->target, err));
    LOFI_TRY(lofi_folder_make(parent, err));
    lofi_folder_clean(parent);
    return make_temporary(writer, err);
}

lofi_code lofi_folder_writer_open(lofi_folder_writer **out, const char *target, lofi_error *err) {
    lofi_folder_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "cannot write folder '%s': out of memory", target);
    writer->held = -1;
    lofi_code code = prepare(writer, target, err);
    if (code == LOFI_OK)
        *out = writer;
    else
        free(writer);
    return code;
}

const char *lofi_folder_writer_path(const lofi_folder_writer *writer) {
    return writer->temporary;
}

static lofi_code sync_file(const char *path, lofi_error *err) {
    int file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0) return lofi_fail_errno(err, errno, "cannot open '%s'", path);
    int failed = fsync(file), problem = errno;
    close(file);
    if (failed != 0 && problem != EINVAL) return lofi_fail_errno(err, problem, "cannot sync '%s'", path);
    return LOFI_OK;
}

static lofi_code sync_tree(const char *path, lofi_error *err) {
    char *roots[] = {(char *)(uintptr_t)path, NULL};
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (tree == NULL) return lofi_fail_errno(err, errno, "cannot sync '%s'", path);
    lofi_code code = LOFI_OK;
    FTSENT *entry;
    while (code == LOFI_OK && (errno = 0, entry = fts_read(tree)) != NULL) {
        if (entry->fts_info == FTS_F)
            code = sync_file(entry->fts_path, err);
        else if (entry->fts_info == FTS_DP)
            code = lofi_sync_folder(entry->fts_path, err);
        else if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS)
            code = lofi_fail_errno(err, entry->fts_errno, "cannot sync '%s'", entry->fts_path);
    }
    if (code == LOFI_OK && errno != 0) code = lofi_fail_errno(err, errno, "cannot sync '%s'", path);
    fts_close(tree);
    return code;
}

/* For file systems that cannot exchange two names at once: the old folder steps aside, and back when that fails. Its
 * name aside is not one that lofi_folder_clean takes away: were the process killed here, it would be all there is. */
static lofi_code replace_in_two_steps(lofi_folder_writer *writer, lofi_error *err) {
    char aside[LOFI_PATH_MAX], parent[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_parent(parent, writer->target, err));
    LOFI_TRY(lofi_path_format(aside, err, "%s/.lofi-old-%s", parent, lofi_path_base(writer->temporary) + 1));
    if (rename(writer->target, aside) != 0)
        return lofi_fail_errno(err, errno, "cannot move folder '%s' aside", writer->target);
    if (rename(writer->temporary, writer->target) != 0) {
        int problem = errno;
        if (rename(aside, writer->target) != 0)
            return lofi_fail_errno(err, problem, "cannot write folder '%s' (what was there is now '%s')",
                                   writer->target, aside);
        return lofi_fail_errno(err, problem, "cannot write folder '%s'", writer->target);
    }
    memcpy(writer->temporary, aside, sizeof aside);
    return LOFI_OK;
}

/* Afterwards `temporary` names the old folder, or nothing. */
static lofi_code put_in_place(lofi_folder_writer *writer, lofi_error *err) {
    if (renameat2(AT_FDCWD, writer->temporary, AT_FDCWD, writer->target, RENAME_NOREPLACE) == 0) return LOFI_OK;
    if (renameat2(AT_FDCWD, writer->temporary, AT_FDCWD, writer->target, RENAME_EXCHANGE) == 0) return LOFI_OK;
    if (!lofi_path_exists(writer->target)) {
        if (rename(writer->temporary, writer->target) == 0) return LOFI_OK;
        return lofi_fail_errno(err, errno, "cannot write folder '%s'", writer->target);
    }
    return replace_in_two_steps(writer, err);
}

lofi_code lofi_folder_writer_commit(lofi_folder_writer *writer, lofi_error *err) {
    lofi_code code = sync_tree(writer->temporary, err);
    if (code == LOFI_OK) code = put_in_place(writer, err);
    if (code == LOFI_OK) code = lofi_sync_parent(writer->target, err);
    lofi_folder_writer_abort(writer);
    return code;
}

void lofi_folder_writer_abort(lofi_folder_writer *writer) {
    if (writer == NULL) return;
    lofi_code removed = lofi_path_remove(writer->temporary, NULL);
    (void)removed; /* left for the next writer here, which finds it unlocked */
    if (writer->held >= 0) close(writer->held);
    free(writer);
}

/* ---- locks ---- */

struct lofi_lock {
    int file;
};

/* Asked again and again instead of waited for, so that Ctrl-C is heard. */
static lofi_code wait_for(int file, const char *path, lofi_error *err) {
    struct timespec pause = {0, 20000000};
    while (flock(file, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) return lofi_fail_errno(err, errno, "cannot lock '%s'", path);
        if (lofi_interrupt_asked())
            return lofi_fail(err, LOFI_ERR_INTERRUPTED, "interrupted while waiting for the lock '%s'", path);
        nanosleep(&pause, NULL);
    }
    return LOFI_OK;
}

lofi_code lofi_lock_take(lofi_lock **out, const char *path, lofi_error *err) {
    char name[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_format(name, err, "%s.lock", path));
    lofi_lock *lock = malloc(sizeof *lock);
    if (lock == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "cannot lock '%s': out of memory", path);
    lock->file = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    lofi_code code = LOFI_OK;
    if (lock->file < 0)
        code = lofi_fail_errno(err, errno, "cannot open '%s'", name);
    else
        code = wait_for(lock->file, name, err);
    if (code == LOFI_OK)
        *out = lock;
    else
        lofi_lock_release(lock);
    return code;
}

lofi_code lofi_folder_hold(lofi_lock **out, const char *folder, lofi_error *err) {
    int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0) return lofi_fail_errno(err, errno, "cannot open folder '%s'", folder);
    if (flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        close(file);
        return lofi_fail(err, LOFI_ERR_IO, "'%s' is in use by another process", folder);
    }
    lofi_lock *lock = malloc(sizeof *lock);
    if (lock == NULL) {
        close(file);
        return lofi_fail(err, LOFI_ERR_MEMORY, "cannot lock '%s': out of memory", folder);
    }
    lock->file = file;
    *out = lock;
    return LOFI_OK;
}

void lofi_lock_release(lofi_lock *lock) {
    if (lock == NULL) return;
    if (lock->file >= 0) close(lock->file);
    free(lock);
}
