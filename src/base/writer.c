/* writer.c - files and logs written whole or not at all: see file.h.
 *
 * A file being written has no name (O_TMPFILE) where the file system can do that, so that even a killed process leaves
 * nothing behind; elsewhere it has a hidden temporary name beside its target. It is held by flock until it has its
 * name, so that lofi_folder_clean knows what was abandoned.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/file_internal.h"

#define BUFFER_BYTES ((size_t)128 << 10)
#define SHARED_PIECE ((size_t)16 << 20) /* of a copy at a time */
#define NAME_TRIES   100

struct lofi_writer {
    int file;
    bool named; /* `temporary` stands in the folder */
    bool keep_mode;
    bool sealed; /* brought to the disk, hashed */
    mode_t mode;
    char target[LOFI_PATH_MAX], temporary[LOFI_PATH_MAX];
    uint64_t offset;  /* bytes given by the caller */
    uint64_t written; /* bytes given to the system */
    lofi_error failure;
    size_t pending;
    unsigned char buffer[BUFFER_BYTES];
};

lofi_code lofi_temporary_name(char path[LOFI_PATH_MAX], const char *target, lofi_error *err) {
    static atomic_uint counter;
    unsigned salt = 0;
    if (getrandom(&salt, sizeof salt, GRND_NONBLOCK) != (ssize_t)sizeof salt) salt = (unsigned)time(NULL);
    char parent[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_parent(parent, target, err));
    return lofi_path_format(path, err, "%s%s" LOFI_TEMPORARY_PREFIX "%ld-%u-%08x", parent,
                            strcmp(parent, "/") == 0 ? "" : "/", (long)getpid(), atomic_fetch_add(&counter, 1), salt);
}

/* A link as target: what it leads to is replaced, not the link. Devices, pipes and folders are not replaced. */
static lofi_code choose_target(lofi_writer *writer, const char *path, lofi_error *err) {
    struct stat info;
    char resolved[LOFI_PATH_MAX];
    const char *target = path;
    if (*path == '\0' || path[strlen(path) - 1] == '/')
        return lofi_fail(err, LOFI_ERR_USAGE, "cannot write '%s': that is not the name of a file", path);
    if (lstat(path, &info) == 0 && S_ISLNK(info.st_mode) && realpath(path, resolved) != NULL) target = resolved;
    if (stat(target, &info) == 0) {
        if (S_ISDIR(info.st_mode)) return lofi_fail(err, LOFI_ERR_IO, "cannot write '%s': it is a folder", path);
        if (!S_ISREG(info.st_mode))
            return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "cannot write '%s': it is not a regular file", path);
        writer->keep_mode = true;
        writer->mode = info.st_mode & 07777;
    }
    return lofi_path_format(writer->target, err, "%s", target);
}

/* Not held where the file system knows no locks: then nothing is ever taken for abandoned there either. False when the
 * file was taken for abandoned before it was held. */
static bool hold(const lofi_writer *writer) {
    struct stat info;
    if (flock(writer->file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return false;
    return fstat(writer->file, &info) == 0 && info.st_nlink > 0;
}

static lofi_code open_temporary(lofi_writer *writer, lofi_error *err) {
    char parent[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_parent(parent, writer->target, err));
    if (!lofi_path_exists(parent)) {
        lofi_fail(err, LOFI_ERR_NOT_FOUND, "cannot write '%s': there is no folder '%s'", writer->target, parent);
        return lofi_hint(err, "make the folder first");
    }
    writer->file = open(parent, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
    if (writer->file >= 0) {
        (void)hold(writer); /* it has no name that anybody could take away */
        return LOFI_OK;
    }
    for (int i = 0; i < NAME_TRIES; i++) {
        LOFI_TRY(lofi_temporary_name(writer->temporary, writer->target, err));
        writer->file = open(writer->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (writer->file < 0 && errno != EEXIST) break;
        writer->named = writer->file >= 0 && hold(writer);
        if (writer->named) break;
        if (writer->file >= 0) close(writer->file);
        writer->file = -1;
    }
    return writer->named ? LOFI_OK : lofi_fail_errno(err, errno, "cannot write '%s'", writer->target);
}

lofi_code lofi_writer_open(lofi_writer **out, const char *path, lofi_error *err) {
    lofi_writer *writer = malloc(sizeof *writer);
    if (writer == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "cannot write '%s': out of memory", path);
    memset(writer, 0, offsetof(lofi_writer, buffer));
    writer->file = -1;
    lofi_code code = choose_target(writer, path, err);
    if (code == LOFI_OK) code = open_temporary(writer, err);
    if (code == LOFI_OK)
        *out = writer;
    else
        free(writer);
    return code;
}

/* The first failure is kept: whatever follows repeats it. */
static lofi_code repeat_failure(const lofi_writer *writer, lofi_error *err) {
    if (err != NULL) *err = writer->failure;
    return writer->failure.code;
}

static lofi_code keep_failure(lofi_writer *writer, int errno_value, lofi_error *err) {
    lofi_fail_errno(&writer->failure, errno_value, "cannot write '%s'", writer->target);
    return repeat_failure(writer, err);
}

static lofi_code write_at(lofi_writer *writer, const unsigned char *bytes, size_t size, uint64_t offset,
                          lofi_error *err) {
    while (size > 0) {
        ssize_t done = pwrite(writer->file, bytes, size, (off_t)offset);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return keep_failure(writer, done < 0 ? errno : ENOSPC, err);
        bytes += done;
        size -= (size_t)done;
        offset += (uint64_t)done;
    }
    return LOFI_OK;
}

static lofi_code flush(lofi_writer *writer, lofi_error *err) {
    LOFI_TRY(write_at(writer, writer->buffer, writer->pending, writer->written, err));
    writer->written += writer->pending;
    writer->pending = 0;
    return LOFI_OK;
}

lofi_code lofi_writer_write(lofi_writer *writer, const void *bytes, size_t size, lofi_error *err) {
    if (writer->failure.code != LOFI_OK) return repeat_failure(writer, err);
    assert(!writer->sealed);
    if (size > BUFFER_BYTES - writer->pending) LOFI_TRY(flush(writer, err));
    if (size >= BUFFER_BYTES) {
        LOFI_TRY(write_at(writer, bytes, size, writer->written, err));
        writer->written += size;
    } else if (size > 0) {
        memcpy(writer->buffer + writer->pending, bytes, size);
        writer->pending += size;
    }
    writer->offset += size;
    return LOFI_OK;
}

lofi_code lofi_writer_patch(lofi_writer *writer, uint64_t offset, const void *bytes, size_t size, lofi_error *err) {
    if (writer->failure.code != LOFI_OK) return repeat_failure(writer, err);
    assert(offset <= writer->offset && size <= writer->offset - offset);
    LOFI_TRY(flush(writer, err));
    return write_at(writer, bytes, size, offset, err);
}

uint64_t lofi_writer_offset(const lofi_writer *writer) {
    return writer->offset;
}

/* A file without a name gets a temporary one: a link cannot replace what is there, a rename can. */
static lofi_code give_name(lofi_writer *writer, lofi_error *err) {
    char source[64];
    snprintf(source, sizeof source, "/proc/self/fd/%d", writer->file);
    for (int i = 0; i < NAME_TRIES && !writer->named; i++) {
        LOFI_TRY(lofi_temporary_name(writer->temporary, writer->target, err));
        int failed = linkat(AT_FDCWD, source, AT_FDCWD, writer->temporary, AT_SYMLINK_FOLLOW);
        if (failed != 0 && errno == ENOENT)
            failed = linkat(writer->file, "", AT_FDCWD, writer->temporary, AT_EMPTY_PATH);
        writer->named = failed == 0;
        if (failed != 0 && errno != EEXIST) break;
    }
    return writer->named ? LOFI_OK : keep_failure(writer, errno, err);
}

/* All bytes, and the mode of the file that is replaced. */
static lofi_code give_to_system(lofi_writer *writer, lofi_error *err) {
    LOFI_TRY(flush(writer, err));
    if (writer->keep_mode && fchmod(writer->file, writer->mode) != 0) return keep_failure(writer, errno, err);
    return LOFI_OK;
}

static lofi_code bring_to_disk(lofi_writer *writer, lofi_error *err) {
    if (writer->failure.code != LOFI_OK) return repeat_failure(writer, err);
    if (writer->sealed) return LOFI_OK;
    LOFI_TRY(give_to_system(writer, err));
    if (fsync(writer->file) != 0 && errno != EINVAL) return keep_failure(writer, errno, err);
    return LOFI_OK;
}

static lofi_code hash_written(lofi_file_facts *facts, lofi_writer *writer, lofi_error *err) {
    lofi_sha256 *hash;
    LOFI_TRY(lofi_sha256_new(&hash, err));
    lofi_code code = lofi_sha256_add_file(hash, writer->file, writer->target, 0, (int64_t)writer->written,
                                          &writer->failure);
    lofi_sha256_end(hash, facts->sha256);
    return code == LOFI_OK ? LOFI_OK : repeat_failure(writer, err);
}

lofi_code lofi_writer_seal(lofi_file_facts *facts, lofi_writer *writer, lofi_error *err) {
    struct stat info;
    LOFI_TRY(bring_to_disk(writer, err));
    LOFI_TRY(hash_written(facts, writer, err));
    if (fstat(writer->file, &info) != 0) return keep_failure(writer, errno, err);
    if ((uint64_t)info.st_size != writer->written) return keep_failure(writer, EIO, err);
    facts->bytes = info.st_size;
    facts->modified_ns = info.st_mtim.tv_sec * INT64_C(1000000000) + info.st_mtim.tv_nsec;
    writer->sealed = true;
    return LOFI_OK;
}

/* A file that is on the disk gets its name; the folder is not brought to the disk yet. */
static lofi_code place(lofi_writer *writer, lofi_error *err) {
    if (!writer->named) LOFI_TRY(give_name(writer, err));
    int held = dup(writer->file); /* the lock outlives the closing, which may still fail */
    int failed = close(writer->file), problem = errno;
    writer->file = held;
    if (failed != 0 && problem != EINTR) return keep_failure(writer, problem, err);
    if (rename(writer->temporary, writer->target) != 0) return keep_failure(writer, errno, err);
    writer->named = false;
    return LOFI_OK;
}

static lofi_code finish(lofi_writer *writer, lofi_error *err) {
    LOFI_TRY(bring_to_disk(writer, err));
    LOFI_TRY(place(writer, err));
    return lofi_sync_parent(writer->target, err);
}

lofi_code lofi_writer_commit(lofi_writer *writer, lofi_error *err) {
    lofi_code code = finish(writer, err);
    lofi_writer_abort(writer);
    return code;
}

void lofi_writer_abort(lofi_writer *writer) {
    if (writer == NULL) return;
    if (writer->file >= 0) close(writer->file);
    if (writer->named) unlink(writer->temporary);
    free(writer);
}

lofi_code lofi_file_share(const char *from, const char *to, lofi_error *err) {
    lofi_mapping mapping = {0};
    lofi_writer *writer = NULL;
    if (linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW) == 0) return LOFI_OK;
    LOFI_TRY(lofi_file_map(&mapping, from, err));
    lofi_code code = lofi_writer_open(&writer, to, err);
    for (size_t at = 0; at < mapping.size && code == LOFI_OK; at += SHARED_PIECE) {
        size_t size = mapping.size - at < SHARED_PIECE ? mapping.size - at : SHARED_PIECE;
        code = lofi_writer_write(writer, mapping.data + at, size, err);
    }
    lofi_file_unmap(&mapping);
    if (code == LOFI_OK) return lofi_writer_commit(writer, err);
    lofi_writer_abort(writer);
    return code;
}

lofi_code lofi_file_write(const char *path, const void *bytes, size_t size, lofi_error *err) {
    lofi_writer *writer;
    LOFI_TRY(lofi_writer_open(&writer, path, err));
    lofi_code code = lofi_writer_write(writer, bytes, size, err);
    if (code == LOFI_OK) return lofi_writer_commit(writer, err);
    lofi_writer_abort(writer);
    return code;
}

/* ---- many files ---- */

enum { BATCH_FILES = 128 }; /* open at a time */

struct lofi_file_batch {
    lofi_writer *writers[BATCH_FILES];
    size_t count;
};

lofi_code lofi_file_batch_new(lofi_file_batch **out, lofi_error *err) {
    lofi_file_batch *batch = calloc(1, sizeof *batch);
    if (batch == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "cannot write files: out of memory");
    *out = batch;
    return LOFI_OK;
}

/* One call for all files of a file system, where it can do that. */
static lofi_code sync_batch(const lofi_file_batch *batch, lofi_error *err) {
    struct stat info, last = {0};
    for (size_t i = 0; i < batch->count; i++) {
        lofi_writer *writer = batch->writers[i];
        if (fstat(writer->file, &info) != 0) return keep_failure(writer, errno, err);
        if (i > 0 && info.st_dev == last.st_dev) continue;
        if (syncfs(writer->file) != 0) return keep_failure(writer, errno, err);
        last = info;
    }
    return LOFI_OK;
}

static lofi_code place_batch(const lofi_file_batch *batch, lofi_error *err) {
    char folder[LOFI_PATH_MAX], last[LOFI_PATH_MAX] = "";
    for (size_t i = 0; i < batch->count; i++) LOFI_TRY(place(batch->writers[i], err));
    for (size_t i = 0; i < batch->count; i++) {
        LOFI_TRY(lofi_path_parent(folder, batch->writers[i]->target, err));
        if (strcmp(folder, last) != 0) LOFI_TRY(lofi_sync_folder(folder, err));
        memcpy(last, folder, sizeof last);
    }
    return LOFI_OK;
}

static void empty_batch(lofi_file_batch *batch) {
    for (size_t i = 0; i < batch->count; i++) lofi_writer_abort(batch->writers[i]);
    batch->count = 0;
}

static lofi_code finish_batch(lofi_file_batch *batch, lofi_error *err) {
    lofi_code code = sync_batch(batch, err);
    if (code == LOFI_OK) code = place_batch(batch, err);
    empty_batch(batch);
    return code;
}

lofi_code lofi_file_batch_add(lofi_file_batch *batch, const char *path, const void *bytes, size_t size,
                              lofi_error *err) {
    lofi_writer *writer;
    if (batch->count == BATCH_FILES) LOFI_TRY(finish_batch(batch, err));
    LOFI_TRY(lofi_writer_open(&writer, path, err));
    lofi_code code = lofi_writer_write(writer, bytes, size, err);
    if (code == LOFI_OK) code = give_to_system(writer, err);
    if (code == LOFI_OK)
        batch->writers[batch->count++] = writer;
    else
        lofi_writer_abort(writer);
    return code;
}

lofi_code lofi_file_batch_commit(lofi_file_batch *batch, lofi_error *err) {
    lofi_code code = finish_batch(batch, err);
    free(batch);
    return code;
}

void lofi_file_batch_abort(lofi_file_batch *batch) {
    if (batch == NULL) return;
    empty_batch(batch);
    free(batch);
}

/* ---- logs of lines ---- */

struct lofi_line_log {
    int file;
    char path[LOFI_PATH_MAX];
};

/* Where the last whole line ends. */
static lofi_code end_of_lines(const lofi_line_log *log, off_t *end, lofi_error *err) {
    off_t at = lseek(log->file, 0, SEEK_END);
    if (at < 0) return lofi_fail_errno(err, errno, "cannot read '%s'", log->path);
    char block[4096];
    while (at > 0) {
        off_t from = at > (off_t)sizeof block ? at - (off_t)sizeof block : 0;
        ssize_t got = pread(log->file, block, (size_t)(at - from), from);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return lofi_fail_errno(err, got < 0 ? errno : EIO, "cannot read '%s'", log->path);
        const char *newline = memrchr(block, '\n', (size_t)got);
        if (newline != NULL) {
            *end = from + (newline - block) + 1;
            return LOFI_OK;
        }
        at = from;
    }
    *end = 0;
    return LOFI_OK;
}

static lofi_code cut_half_line(const lofi_line_log *log, lofi_error *err) {
    off_t end = 0;
    LOFI_TRY(end_of_lines(log, &end, err));
    if (ftruncate(log->file, end) != 0) return lofi_fail_errno(err, errno, "cannot cut '%s' to whole lines", log->path);
    return LOFI_OK;
}

lofi_code lofi_line_log_open(lofi_line_log **out, const char *path, lofi_error *err) {
    lofi_line_log *log = calloc(1, sizeof *log);
    if (log == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "cannot open '%s': out of memory", path);
    log->file = -1;
    lofi_code code = lofi_path_format(log->path, err, "%s", path);
    if (code == LOFI_OK) {
        log->file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        if (log->file < 0) code = lofi_fail_errno(err, errno, "cannot open '%s'", path);
    }
    if (code == LOFI_OK) code = cut_half_line(log, err);
    if (code == LOFI_OK)
        *out = log;
    else
        lofi_line_log_close(log);
    return code;
}

lofi_code lofi_line_log_append(lofi_line_log *log, const char *line, lofi_error *err) {
    assert(strchr(line, '\n') == NULL);
    size_t size = strlen(line);
    char *text = malloc(size + 1);
    if (text == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "cannot write '%s': out of memory", log->path);
    memcpy(text, line, size);
    text[size] = '\n';
    ssize_t done;
    do done = write(log->file, text, size + 1);
    while (done < 0 && errno == EINTR);
    int problem = done < 0 ? errno : ENOSPC;
    free(text);
    if (done == (ssize_t)(size + 1)) return LOFI_OK;
    lofi_code cut = done > 0 ? cut_half_line(log, err) : LOFI_OK;
    return cut != LOFI_OK ? cut : lofi_fail_errno(err, problem, "cannot write '%s'", log->path);
}

void lofi_line_log_close(lofi_line_log *log) {
    if (log == NULL) return;
    if (log->file >= 0) close(log->file);
    free(log);
}
