/* fault.c - a library to preload that counts the calls by which a program changes the disk, and lets one of them go wrong.
 *
 * FAULT_AT=N: the Nth call (from 1). FAULT_KIND=kill: the process dies before it, as by kill -9. FAULT_KIND=half: of a write
 * half the bytes arrive, then the process dies. FAULT_KIND=full: this call and all later ones that need space fail, the
 * disk being full. FAULT_COUNT=FILE: the number of calls is written there at exit. FAULT_BELOW=FOLDER: only calls that
 * concern files below that folder (an absolute path without links).
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_long calls;

static void *real(const char *name) {
    void *function = dlsym(RTLD_NEXT, name);
    if (!function) abort();
    return function;
}

static const char *setting(const char *name) {
    const char *value = getenv(name);
    return value ? value : "";
}

static bool below(const char *path) {
    const char *folder = setting("FAULT_BELOW");
    return strncmp(path, folder, strlen(folder)) == 0;
}

static bool below_file(int file) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return false;
    path[size] = '\0';
    return below(path);
}

static bool is(const char *kind) {
    return strcmp(setting("FAULT_KIND"), kind) == 0;
}

/* Counts a call. True when it must fail for want of space; does not return when the process is to die here. */
static bool turn(bool concerns, bool needs_space, bool writes) {
    if (!concerns) return false;
    long number = atomic_fetch_add(&calls, 1) + 1, at = atol(setting("FAULT_AT"));
    if (at <= 0) return false;
    if (is("kill") && number == at) kill(getpid(), SIGKILL);
    if (is("half") && number == at && !writes) kill(getpid(), SIGKILL);
    return is("full") && number >= at && needs_space;
}

static bool half_now(bool concerns) {
    return concerns && is("half") && atomic_load(&calls) == atol(setting("FAULT_AT"));
}

static int no_space(void) {
    errno = ENOSPC;
    return -1;
}

ssize_t write(int file, const void *bytes, size_t size) {
    ssize_t (*call)(int, const void *, size_t) = real("write");
    bool concerns = below_file(file);
    if (turn(concerns, true, true)) return no_space();
    if (!half_now(concerns)) return call(file, bytes, size);
    call(file, bytes, size / 2);
    kill(getpid(), SIGKILL);
    return -1;
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset) {
    ssize_t (*call)(int, const void *, size_t, off_t) = real("pwrite");
    bool concerns = below_file(file);
    if (turn(concerns, true, true)) return no_space();
    if (!half_now(concerns)) return call(file, bytes, size, offset);
    call(file, bytes, size / 2, offset);
    kill(getpid(), SIGKILL);
    return -1;
}

int mkdir(const char *path, mode_t mode) {
    int (*call)(const char *, mode_t) = real("mkdir");
    return turn(below(path), true, false) ? no_space() : call(path, mode);
}

int rename(const char *from, const char *to) {
    int (*call)(const char *, const char *) = real("rename");
    return turn(below(to), false, false) ? no_space() : call(from, to);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
    int (*call)(int, const char *, int, const char *, unsigned) = real("renameat2");
    return turn(below(to), false, false) ? no_space() : call(from_folder, from, to_folder, to, flags);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    int (*call)(int, const char *, int, const char *, int) = real("linkat");
    return turn(below(to), true, false) ? no_space() : call(from_folder, from, to_folder, to, flags);
}

int unlink(const char *path) {
    int (*call)(const char *) = real("unlink");
    return turn(below(path), false, false) ? no_space() : call(path);
}

int fsync(int file) {
    int (*call)(int) = real("fsync");
    return turn(below_file(file), false, false) ? no_space() : call(file);
}

int ftruncate(int file, off_t size) {
    int (*call)(int, off_t) = real("ftruncate");
    return turn(below_file(file), false, false) ? no_space() : call(file, size);
}

__attribute__((destructor)) static void report(void) {
    const char *path = setting("FAULT_COUNT");
    if (!*path) return;
    FILE *file = fopen(path, "we");
    if (!file) return;
    fprintf(file, "%ld\n", atomic_load(&calls));
    fclose(file);
}
