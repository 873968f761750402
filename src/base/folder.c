/* folder.c - listing, making, removing and renaming: see file.h. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/file_internal.h"
#include "base/memory.h"

/* ---- listing ---- */

typedef struct collector {
    char **names;
    size_t count, capacity;
} collector;

static lofi_code collect(collector *list, const char *name, lofi_error *err) {
    void *names = list->names;
    LOFI_TRY(lofi_grow(&names, &list->capacity, list->count + 1, sizeof(char *), (size_t)1 << 32, err));
    list->names = names;
    char *copy = strdup(name);
    if (copy == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate the name of a file");
    list->names[list->count++] = copy;
    return LOFI_OK;
}

static void collector_free(collector *list) {
    for (size_t i = 0; i < list->count; i++) free(list->names[i]);
    free(list->names);
}

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

typedef enum wanted_kind { WANT_FILES, WANT_FOLDERS, WANT_ALL } wanted_kind;

typedef struct folder_walk {
    FTS *tree;
    const char *folder;
    wanted_kind wanted;
    bool recursive;
    size_t unreadable;
    lofi_problem_fn *on_problem;
    void *user;
    collector list;
} folder_walk;

static void tell_problem(folder_walk *walk, const char *path, int errno_value) {
    lofi_error problem = LOFI_ERROR_INIT;
    lofi_fail_errno(&problem, errno_value, "cannot read '%s'", path);
    walk->unreadable++;
    if (walk->on_problem != NULL) walk->on_problem(walk->user, problem.message);
}

/* The name below the folder: fts puts one '/' between them unless the folder ends in one. */
static const char *relative_name(const folder_walk *walk, const FTSENT *entry) {
    const char *name = entry->fts_path + strlen(walk->folder);
    while (*name == '/') name++;
    return name;
}

static bool link_leads_to(const FTSENT *entry, mode_t kind) {
    struct stat info;
    return stat(entry->fts_accpath, &info) == 0 && (info.st_mode & S_IFMT) == kind;
}

static lofi_code visit(folder_walk *walk, FTSENT *entry, lofi_error *err) {
    bool top = entry->fts_level == FTS_ROOTLEVEL;
    bool hidden = entry->fts_name[0] == '.' && !top;
    switch (entry->fts_info) {
    case FTS_D:
        if (hidden || (!top && !walk->recursive)) fts_set(walk->tree, entry, FTS_SKIP);
        if (top || hidden || walk->wanted != WANT_FOLDERS) return LOFI_OK;
        return collect(&walk->list, relative_name(walk, entry), err);
    case FTS_DNR:
    case FTS_ERR:
        if (top) return lofi_fail_errno(err, entry->fts_errno, "cannot read folder '%s'", walk->folder);
        if (walk->recursive && !hidden) tell_problem(walk, entry->fts_path, entry->fts_errno);
        return LOFI_OK;
    case FTS_NS:
        if (top) return lofi_fail_errno(err, entry->fts_errno, "cannot read folder '%s'", walk->folder);
        tell_problem(walk, entry->fts_path, entry->fts_errno);
        return LOFI_OK;
    case FTS_F:
    case FTS_SL:
    case FTS_SLNONE:
        if (top) return lofi_fail(err, LOFI_ERR_NOT_FOUND, "cannot read folder '%s': it is not a folder", walk->folder);
        if (hidden) return LOFI_OK;
        if (walk->wanted == WANT_FILES && entry->fts_info == FTS_SL && !link_leads_to(entry, S_IFREG)) return LOFI_OK;
        if (walk->wanted == WANT_FOLDERS && (entry->fts_info == FTS_F || !link_leads_to(entry, S_IFDIR)))
            return LOFI_OK;
        return collect(&walk->list, relative_name(walk, entry), err);
    case FTS_DEFAULT:
        if (top || hidden || walk->wanted != WANT_ALL) return LOFI_OK;
        return collect(&walk->list, relative_name(walk, entry), err);
    default: return LOFI_OK;
    }
}

static lofi_code walk_folder(folder_walk *walk, lofi_error *err) {
    char *roots[] = {(char *)(uintptr_t)walk->folder, NULL};
    walk->tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_COMFOLLOW, NULL);
    if (walk->tree == NULL) return lofi_fail_errno(err, errno, "cannot read folder '%s'", walk->folder);
    lofi_code code = LOFI_OK;
    for (;;) {
        errno = 0;
        FTSENT *entry = fts_read(walk->tree);
        if (entry == NULL && errno != 0) code = lofi_fail_errno(err, errno, "cannot read folder '%s'", walk->folder);
        if (entry == NULL || code != LOFI_OK) break;
        code = visit(walk, entry, err);
        if (code != LOFI_OK) break;
    }
    fts_close(walk->tree);
    return code;
}

static lofi_code list(lofi_listing *listing, folder_walk *walk, lofi_error *err) {
    if (walk->folder[0] == '\0') return lofi_fail(err, LOFI_ERR_NOT_FOUND, "cannot read folder '': the name is empty");
    lofi_code code = walk_folder(walk, err);
    if (code != LOFI_OK) {
        collector_free(&walk->list);
        return code;
    }
    if (walk->list.count > 0) qsort(walk->list.names, walk->list.count, sizeof(char *), by_bytes);
    *listing = (lofi_listing){walk->list.names, walk->list.count, walk->unreadable};
    return LOFI_OK;
}

lofi_code lofi_folder_list(lofi_listing *listing, const char *folder, bool recursive, lofi_problem_fn *on_problem,
                           void *user, lofi_error *err) {
    folder_walk walk = {
        .folder = folder, .wanted = WANT_FILES, .recursive = recursive, .on_problem = on_problem, .user = user};
    return list(listing, &walk, err);
}

lofi_code lofi_folder_list_all(lofi_listing *listing, const char *folder, lofi_problem_fn *on_problem, void *user,
                               lofi_error *err) {
    folder_walk walk = {
        .folder = folder, .wanted = WANT_ALL, .recursive = true, .on_problem = on_problem, .user = user};
    return list(listing, &walk, err);
}

lofi_code lofi_folder_list_folders(lofi_listing *listing, const char *folder, lofi_error *err) {
    folder_walk walk = {.folder = folder, .wanted = WANT_FOLDERS};
    return list(listing, &walk, err);
}

void lofi_listing_free(lofi_listing *listing) {
    for (size_t i = 0; i < listing->count; i++) free(listing->names[i]);
    free(listing->names);
    *listing = (lofi_listing){NULL, 0, 0};
}

/* ---- making, removing, renaming ---- */

static lofi_code make_one(const char *folder, const char *whole, lofi_error *err) {
    if (mkdir(folder, 0777) == 0) return LOFI_OK;
    int problem = errno;
    if (lofi_path_is_folder(folder)) return LOFI_OK;
    if (problem == EEXIST || problem == ENOTDIR)
        return lofi_fail(err, LOFI_ERR_IO, "cannot make folder '%s': '%s' is not a folder", whole, folder);
    return lofi_fail_errno(err, problem, "cannot make folder '%s'", whole);
}

lofi_code lofi_folder_make(const char *folder, lofi_error *err) {
    if (lofi_path_is_folder(folder)) return LOFI_OK;
    char path[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_format(path, err, "%s", folder));
    for (char *at = path + 1; path[0] != '\0' && *at != '\0'; at++) {
        if (*at != '/') continue;
        *at = '\0';
        LOFI_TRY(make_one(path, folder, err));
        *at = '/';
    }
    return make_one(path, folder, err);
}

static lofi_code remove_tree(const char *path, lofi_error *err) {
    char *roots[] = {(char *)(uintptr_t)path, NULL};
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
    if (tree == NULL) return lofi_fail_errno(err, errno, "cannot remove '%s'", path);
    lofi_code code = LOFI_OK;
    FTSENT *entry;
    while (code == LOFI_OK && (errno = 0, entry = fts_read(tree)) != NULL) {
        bool folder = entry->fts_info == FTS_DP || entry->fts_info == FTS_DNR;
        if (entry->fts_info == FTS_D) continue;
        int failed = folder ? rmdir(entry->fts_accpath) : unlink(entry->fts_accpath);
        if (failed != 0 && errno != ENOENT) code = lofi_fail_errno(err, errno, "cannot remove '%s'", entry->fts_path);
    }
    if (code == LOFI_OK && errno != 0) code = lofi_fail_errno(err, errno, "cannot remove '%s'", path);
    fts_close(tree);
    return code;
}

lofi_code lofi_path_remove(const char *path, lofi_error *err) {
    if (unlink(path) == 0 || errno == ENOENT) return LOFI_OK;
    int problem = errno;
    struct stat info;
    if (lstat(path, &info) == 0 && S_ISDIR(info.st_mode)) return remove_tree(path, err);
    return lofi_fail_errno(err, problem, "cannot remove '%s'", path);
}

lofi_code lofi_sync_parent(const char *path, lofi_error *err) {
    char parent[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_parent(parent, path, err));
    return lofi_sync_folder(parent, err);
}

lofi_code lofi_sync_folder(const char *folder, lofi_error *err) {
    int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0) return lofi_fail_errno(err, errno, "cannot open folder '%s'", folder);
    int failed = fsync(file), problem = errno;
    close(file);
    /* Some file systems know no fsync of a folder and say EINVAL. */
    if (failed != 0 && problem != EINVAL) return lofi_fail_errno(err, problem, "cannot sync folder '%s'", folder);
    return LOFI_OK;
}

lofi_code lofi_path_rename(const char *from, const char *to, lofi_error *err) {
    if (rename(from, to) != 0) return lofi_fail_errno(err, errno, "cannot rename '%s' to '%s'", from, to);
    return lofi_sync_parent(to, err);
}
