/* file.h - files and folders. The only place that writes to the disk: everything is written whole or not at all.
 *
 * Paths are UTF-8 byte strings as the system takes them, of any length up to LOFI_PATH_MAX - 1; relative paths are
 * relative to the working folder. Messages name the path.
 */
#ifndef LOFI_BASE_FILE_H
#define LOFI_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/hash.h"

#define LOFI_PATH_MAX 4096

/* ---- names ---- */

/* Formats into `path` (LOFI_PATH_MAX bytes); LOFI_ERR_USAGE when it does not fit. */
lofi_code lofi_path_format(char path[LOFI_PATH_MAX], lofi_error *err, const char *format, ...)
    LOFI_PRINTF(3, 4) LOFI_MUST_USE;
/* The part after the last '/', borrowed from `path`. */
const char *lofi_path_base(const char *path);
/* The extension with its dot, or "" (borrowed). A leading dot is no extension. */
const char *lofi_path_extension(const char *path);
/* The base name without its extension. */
lofi_code lofi_path_stem(char stem[LOFI_PATH_MAX], const char *path, lofi_error *err) LOFI_MUST_USE;
/* The folder part ("." when there is none). */
lofi_code lofi_path_parent(char parent[LOFI_PATH_MAX], const char *path, lofi_error *err) LOFI_MUST_USE;
/* Expands a leading "~/". */
lofi_code lofi_path_expand(char out[LOFI_PATH_MAX], const char *path, lofi_error *err) LOFI_MUST_USE;
/* `path` as seen from folder `base` (both made absolute first, links not followed): relative manifests. */
lofi_code lofi_path_relative(char out[LOFI_PATH_MAX], const char *path, const char *base,
                             lofi_error *err) LOFI_MUST_USE;

/* ---- questions ---- */

bool lofi_path_exists(const char *path);
bool lofi_path_is_folder(const char *path);
bool lofi_path_is_file(const char *path); /* a regular file; links are followed */
lofi_code lofi_file_size(uint64_t *bytes, const char *path, lofi_error *err) LOFI_MUST_USE;

/* ---- reading ---- */

/* The whole file; *buffer is replaced. LOFI_ERR_FORMAT when it is larger than max_bytes. */
lofi_code lofi_file_read(lofi_buffer *buffer, const char *path, size_t max_bytes, lofi_error *err) LOFI_MUST_USE;

/* A file mapped for reading. */
typedef struct lofi_mapping {
    const unsigned char *data; /* NULL for an empty file */
    size_t size;
} lofi_mapping;
lofi_code lofi_file_map(lofi_mapping *mapping, const char *path, lofi_error *err) LOFI_MUST_USE;
void lofi_file_unmap(lofi_mapping *mapping); /* zeroes it; fine on a zeroed one */

/* All names below a folder, relative to it, sorted bytewise. */
typedef struct lofi_listing {
    char **names;
    size_t count;
    size_t unreadable; /* folders that could not be entered; each was named through `on_problem` */
} lofi_listing;
typedef void lofi_problem_fn(void *user, const char *message);
/* Regular files (links to files included; links to folders are not entered). recursive: sub-folders too. Hidden names
 * (leading dot) are left out. */
lofi_code lofi_folder_list(lofi_listing *listing, const char *folder, bool recursive, lofi_problem_fn *on_problem,
                           void *user, lofi_error *err) LOFI_MUST_USE;
/* As lofi_folder_list, recursive, and also what is no regular file: links to folders and to nowhere, pipes, sockets, devices. */
lofi_code lofi_folder_list_all(lofi_listing *listing, const char *folder, lofi_problem_fn *on_problem, void *user,
                               lofi_error *err) LOFI_MUST_USE;
/* The sub-folders directly below a folder. */
lofi_code lofi_folder_list_folders(lofi_listing *listing, const char *folder, lofi_error *err) LOFI_MUST_USE;
void lofi_listing_free(lofi_listing *listing);

/* ---- writing ---- */

/* Creates a folder and its parents; fine when it is there. */
lofi_code lofi_folder_make(const char *folder, lofi_error *err) LOFI_MUST_USE;
/* Removes a file, or a folder with all in it; fine when it is not there. */
lofi_code lofi_path_remove(const char *path, lofi_error *err) LOFI_MUST_USE;
/* Renames, replacing a file or an empty folder, and syncs the parent folder. */
lofi_code lofi_path_rename(const char *from, const char *to, lofi_error *err) LOFI_MUST_USE;

/* A file being written: beside its target under a temporary name; lofi_writer_commit flushes, syncs and renames it and
 * syncs the folder. Until then the old file is as it was. */
typedef struct lofi_writer lofi_writer;
lofi_code lofi_writer_open(lofi_writer **out, const char *path, lofi_error *err) LOFI_MUST_USE;
lofi_code lofi_writer_write(lofi_writer *writer, const void *bytes, size_t size, lofi_error *err) LOFI_MUST_USE;
/* Overwrites bytes already written (headers with sizes known at the end). */
lofi_code lofi_writer_patch(lofi_writer *writer, uint64_t offset, const void *bytes, size_t size,
                            lofi_error *err) LOFI_MUST_USE;
uint64_t lofi_writer_offset(const lofi_writer *writer); /* bytes written so far */
/* What the file will be once it has its name. */
typedef struct lofi_file_facts {
    char sha256[LOFI_SHA256_HEX];
    int64_t bytes, modified_ns; /* time of the last change, since 1970 */
} lofi_file_facts;
/* Brings everything to the disk and says what it is; nothing may be written after it. For a record of the file that is to be
 * there before the file has its name. */
lofi_code lofi_writer_seal(lofi_file_facts *facts, lofi_writer *writer, lofi_error *err) LOFI_MUST_USE;
/* Frees the writer whatever happens; on failure the temporary file is gone and the target untouched. */
lofi_code lofi_writer_commit(lofi_writer *writer, lofi_error *err) LOFI_MUST_USE;
void lofi_writer_abort(lofi_writer *writer); /* NULL is fine */
/* `to` becomes the same file as `from` (a hard link, symbolic links are followed), or a copy where that cannot be. `to` must
 * not be there. */
lofi_code lofi_file_share(const char *from, const char *to, lofi_error *err) LOFI_MUST_USE;
/* All at once. */
lofi_code lofi_file_write(const char *path, const void *bytes, size_t size, lofi_error *err) LOFI_MUST_USE;

/* Many small files, each as lofi_file_write writes it, but brought to the disk together: a hundred times as fast. They get their
 * names when the batch is committed, and some of them before, when there are many. A file that cannot be added stays as it was,
 * and the batch can go on without it. Of an aborted batch, files that have no name yet are as they were. */
typedef struct lofi_file_batch lofi_file_batch;
lofi_code lofi_file_batch_new(lofi_file_batch **out, lofi_error *err) LOFI_MUST_USE;
lofi_code lofi_file_batch_add(lofi_file_batch *batch, const char *path, const void *bytes, size_t size,
                              lofi_error *err) LOFI_MUST_USE;
/* Frees the batch whatever happens. */
lofi_code lofi_file_batch_commit(lofi_file_batch *batch, lofi_error *err) LOFI_MUST_USE;
void lofi_file_batch_abort(lofi_file_batch *batch); /* NULL is fine */

/* A log that grows by whole lines: appended with one write each, never half a line kept after a crash (an incomplete
 * last line is cut when it is opened again). */
typedef struct lofi_line_log lofi_line_log;
lofi_code lofi_line_log_open(lofi_line_log **out, const char *path, lofi_error *err) LOFI_MUST_USE;
/* `line` without its newline. */
lofi_code lofi_line_log_append(lofi_line_log *log, const char *line, lofi_error *err) LOFI_MUST_USE;
void lofi_line_log_close(lofi_line_log *log);

/* A whole folder written or not at all: make files in lofi_folder_writer_path(), then commit: every file and the
 * folder are synced, and the folder is renamed to its target (a folder that was there before is replaced: it is moved
 * aside first and removed afterwards). */
typedef struct lofi_folder_writer lofi_folder_writer;
lofi_code lofi_folder_writer_open(lofi_folder_writer **out, const char *target, lofi_error *err) LOFI_MUST_USE;
const char *lofi_folder_writer_path(const lofi_folder_writer *writer);                          /* borrowed */
lofi_code lofi_folder_writer_commit(lofi_folder_writer *writer, lofi_error *err) LOFI_MUST_USE; /* frees */
void lofi_folder_writer_abort(lofi_folder_writer *writer); /* removes what was written; NULL is fine */

/* Removes what killed processes left directly in a folder: temporary files and folders that nobody is writing. A folder
 * writer does it by itself where it writes. Fine when there is no such folder. */
void lofi_folder_clean(const char *folder);

/* An exclusive advisory lock (flock on PATH.lock) held until unlock; waits. */
typedef struct lofi_lock lofi_lock;
lofi_code lofi_lock_take(lofi_lock **out, const char *path, lofi_error *err) LOFI_MUST_USE;
void lofi_lock_release(lofi_lock *lock); /* NULL is fine */
/* Keeps an existing folder for this process, without a file of its own and without waiting: LOFI_ERR_IO when another
 * process keeps it. Where the file system knows no locks it is not kept. */
lofi_code lofi_folder_hold(lofi_lock **out, const char *folder, lofi_error *err) LOFI_MUST_USE;

#endif
