/* test_base_files.c - names, reading, listing, and above all: what is written is there whole or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/hash.h"

/* ---- a folder for every test ---- */

static char start_folder[LOFI_PATH_MAX];

static int enter_folder(void **state) {
    (void)state;
    char name[] = "/tmp/lofi-test-XXXXXX";
    if (getcwd(start_folder, sizeof start_folder) == NULL || mkdtemp(name) == NULL || chdir(name) != 0) return -1;
    return 0;
}

static int leave_folder(void **state) {
    (void)state;
    char folder[LOFI_PATH_MAX];
    lofi_error err = LOFI_ERROR_INIT;
    if (getcwd(folder, sizeof folder) == NULL || chdir(start_folder) != 0) return -1;
    return lofi_path_remove(folder, &err) == LOFI_OK ? 0 : -1;
}

static void put(const char *path, const char *text) {
    lofi_error err = LOFI_ERROR_INIT;
    if (lofi_file_write(path, text, strlen(text), &err) != LOFI_OK) fail_msg("%s", err.message);
}

static void assert_content(const char *path, const char *text) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_buffer buffer = LOFI_BUFFER_INIT;
    if (lofi_file_read(&buffer, path, 1 << 20, &err) != LOFI_OK) fail_msg("%s", err.message);
    assert_string_equal(lofi_buffer_str(&buffer), text);
    lofi_buffer_free(&buffer);
}

/* Names in the working folder, hidden ones too: what a failed write may have left behind. */
static size_t count_entries(void) {
    size_t count = 0;
    char command[] = "ls -A | wc -l", answer[32] = "";
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(pipes[1], STDOUT_FILENO);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    close(pipes[1]);
    ssize_t got = read(pipes[0], answer, sizeof answer - 1);
    close(pipes[0]);
    waitpid(child, NULL, 0);
    assert_true(got > 0);
    count = strtoul(answer, NULL, 10);
    return count;
}

/* ---- names ---- */

static void test_path_parts(void **state) {
    (void)state;
    char out[LOFI_PATH_MAX];
    lofi_error err = LOFI_ERROR_INIT;
    assert_string_equal(lofi_path_base("a/b c.tar.gz"), "b c.tar.gz");
    assert_string_equal(lofi_path_extension("a.b/c.tar.gz"), ".gz");
    assert_string_equal(lofi_path_extension("a.b/c"), "");
    assert_string_equal(lofi_path_extension("a/.hidden"), "");
    assert_int_equal(lofi_path_stem(out, "a/b c.tar.gz", &err), LOFI_OK);
    assert_string_equal(out, "b c.tar");
    static const char *const parents[][2] = {{"a/b", "a"},  {"a", "."},    {"/a", "/"},      {"/", "/"},
                                             {"a/b/", "a"}, {"a//b", "a"}, {"/a/b///", "/a"}};
    for (size_t i = 0; i < sizeof parents / sizeof parents[0]; i++) {
        assert_int_equal(lofi_path_parent(out, parents[i][0], &err), LOFI_OK);
        assert_string_equal(out, parents[i][1]);
    }
}

static void test_path_relative(void **state) {
    (void)state;
    char out[LOFI_PATH_MAX];
    lofi_error err = LOFI_ERROR_INIT;
    static const char *const cases[][3] = {{"/a/b/c", "/a/b", "c"},       {"/a/b", "/a/b", "."},
                                           {"/a/bc", "/a/b", "../bc"},    {"/a", "/a/b/c", "../.."},
                                           {"/x/y", "/a/b", "../../x/y"}, {"/a/./b/../c", "/a", "c"},
                                           {"a/b", ".", "a/b"},           {"/../a", "/", "a"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(lofi_path_relative(out, cases[i][0], cases[i][1], &err), LOFI_OK);
        assert_string_equal(out, cases[i][2]);
    }
}

static void test_path_expand(void **state) {
    (void)state;
    char out[LOFI_PATH_MAX];
    lofi_error err = LOFI_ERROR_INIT;
    setenv("HOME", "/somewhere", 1);
    assert_int_equal(lofi_path_expand(out, "~/x", &err), LOFI_OK);
    assert_string_equal(out, "/somewhere/x");
    assert_int_equal(lofi_path_expand(out, "~x", &err), LOFI_OK);
    assert_string_equal(out, "~x");
}

static void test_path_too_long(void **state) {
    (void)state;
    char out[LOFI_PATH_MAX] = "kept", longest[LOFI_PATH_MAX + 10];
    lofi_error err = LOFI_ERROR_INIT;
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(lofi_path_format(out, &err, "%s", longest), LOFI_ERR_USAGE);
    assert_string_equal(out, "kept");
}

/* ---- reading ---- */

static void test_read_and_map(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_buffer buffer = LOFI_BUFFER_INIT;
    lofi_mapping mapping = {NULL, 0};
    put("x", "hello");
    put("empty", "");
    assert_content("x", "hello");
    assert_int_equal(lofi_file_read(&buffer, "x", 4, &err), LOFI_ERR_FORMAT);
    assert_int_equal(lofi_file_read(&buffer, "x", 5, &err), LOFI_OK);
    assert_int_equal(lofi_file_read(&buffer, "absent", 5, &err), LOFI_ERR_NOT_FOUND);
    assert_string_equal(err.message, "cannot open 'absent': No such file or directory");
    assert_int_equal(lofi_file_read(&buffer, ".", 5, &err), LOFI_ERR_FORMAT);
    lofi_buffer_free(&buffer);
    assert_int_equal(lofi_file_map(&mapping, "x", &err), LOFI_OK);
    assert_int_equal(mapping.size, 5);
    assert_memory_equal(mapping.data, "hello", 5);
    lofi_file_unmap(&mapping);
    assert_int_equal(lofi_file_map(&mapping, "empty", &err), LOFI_OK);
    assert_null(mapping.data);
    lofi_file_unmap(&mapping);
    lofi_file_unmap(&mapping);
}

static void test_sha256(void **state) {
    (void)state;
    char hex[LOFI_SHA256_HEX];
    lofi_error err = LOFI_ERROR_INIT;
    put("abc", "abc");
    assert_int_equal(lofi_sha256_file(hex, "abc", &err), LOFI_OK);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"); /* FIPS 180-4 */
    assert_int_equal(lofi_sha256_file(hex, "absent", &err), LOFI_ERR_NOT_FOUND);
    assert_int_equal(lofi_sha256_file(hex, ".", &err), LOFI_ERR_IO);
}

static void note_problem(void *user, const char *message) {
    (*(int *)user)++;
    assert_non_null(strstr(message, "cannot read"));
}

static void test_listing(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_listing listing;
    int problems = 0;
    assert_int_equal(lofi_folder_make("songs/b ü/deep", &err), LOFI_OK);
    assert_int_equal(lofi_folder_make("songs/.hidden", &err), LOFI_OK);
    put("songs/z.mp3", "");
    put("songs/.secret", "");
    put("songs/.hidden/a.mp3", "");
    put("songs/b ü/a.mp3", "");
    put("songs/b ü/deep/c.mp3", "");
    put("songs/B.mp3", "");
    assert_int_equal(symlink("z.mp3", "songs/link.mp3"), 0);
    assert_int_equal(symlink("nowhere", "songs/broken.mp3"), 0);
    assert_int_equal(symlink("..", "songs/loop"), 0);
    assert_int_equal(lofi_folder_list(&listing, "songs/", true, note_problem, &problems, &err), LOFI_OK);
    static const char *const all[] = {"B.mp3", "b ü/a.mp3", "b ü/deep/c.mp3", "link.mp3", "z.mp3"};
    assert_int_equal(listing.count, 5);
    for (size_t i = 0; i < 5; i++) assert_string_equal(listing.names[i], all[i]);
    lofi_listing_free(&listing);
    assert_int_equal(lofi_folder_list(&listing, "songs", false, NULL, NULL, &err), LOFI_OK);
    assert_int_equal(listing.count, 3);
    lofi_listing_free(&listing);
    assert_int_equal(lofi_folder_list_folders(&listing, "songs", &err), LOFI_OK);
    assert_int_equal(listing.count, 2);
    assert_string_equal(listing.names[0], "b ü");
    lofi_listing_free(&listing);
    assert_int_equal(problems, 0);
    assert_int_equal(lofi_folder_list(&listing, "absent", true, NULL, NULL, &err), LOFI_ERR_NOT_FOUND);
    assert_int_equal(lofi_folder_list(&listing, "songs/z.mp3", true, NULL, NULL, &err), LOFI_ERR_NOT_FOUND);
    assert_int_equal(lofi_folder_list(&listing, "", true, NULL, NULL, &err), LOFI_ERR_NOT_FOUND);
}

/* ---- writing ---- */

static void test_writer_replaces_whole(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_writer *writer;
    put("x", "old");
    assert_int_equal(lofi_writer_open(&writer, "x", &err), LOFI_OK);
    assert_int_equal(lofi_writer_write(writer, "????new", 7, &err), LOFI_OK);
    assert_content("x", "old");
    assert_int_equal(lofi_writer_patch(writer, 0, "the ", 4, &err), LOFI_OK);
    assert_int_equal(lofi_writer_write(writer, " one", 4, &err), LOFI_OK);
    assert_int_equal(lofi_writer_offset(writer), 11);
    assert_int_equal(lofi_writer_commit(writer, &err), LOFI_OK);
    assert_content("x", "the new one");
    assert_int_equal(count_entries(), 1);
}

static void test_writer_large(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_writer *writer;
    enum { SIZE = 1 << 20 };
    unsigned char *bytes = malloc(SIZE);
    for (size_t i = 0; i < SIZE; i++) bytes[i] = (unsigned char)(i * 2654435761u >> 24);
    assert_int_equal(lofi_writer_open(&writer, "x", &err), LOFI_OK);
    for (size_t at = 0, step = 1; at < SIZE; at += step, step = step * 3 % 300007 + 1)
        assert_int_equal(lofi_writer_write(writer, bytes + at, step < SIZE - at ? step : SIZE - at, &err), LOFI_OK);
    assert_int_equal(lofi_writer_offset(writer), SIZE);
    assert_int_equal(lofi_writer_commit(writer, &err), LOFI_OK);
    lofi_mapping mapping;
    assert_int_equal(lofi_file_map(&mapping, "x", &err), LOFI_OK);
    assert_int_equal(mapping.size, SIZE);
    assert_memory_equal(mapping.data, bytes, SIZE);
    lofi_file_unmap(&mapping);
    free(bytes);
}

static void test_writer_abort(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_writer *writer;
    put("x", "old");
    assert_int_equal(lofi_writer_open(&writer, "x", &err), LOFI_OK);
    assert_int_equal(lofi_writer_write(writer, "new", 3, &err), LOFI_OK);
    lofi_writer_abort(writer);
    lofi_writer_abort(NULL);
    assert_content("x", "old");
    assert_int_equal(count_entries(), 1);
}

static void test_writer_keeps_mode_and_links(void **state) {
    (void)state;
    struct stat info;
    put("x", "old");
    assert_int_equal(chmod("x", 0640), 0);
    assert_int_equal(symlink("x", "link"), 0);
    put("link", "new");
    assert_content("x", "new");
    assert_int_equal(lstat("link", &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(stat("x", &info), 0);
    assert_int_equal(info.st_mode & 07777, 0640);
}

static void test_writer_refuses(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(lofi_file_write("absent/x", "", 0, &err), LOFI_ERR_NOT_FOUND);
    assert_string_equal(err.message, "cannot write 'absent/x': there is no folder 'absent'");
    assert_true(err.hint[0] != '\0');
    assert_int_equal(lofi_file_write(".", "", 0, &err), LOFI_ERR_IO);
    assert_int_equal(lofi_file_write("", "", 0, &err), LOFI_ERR_USAGE);
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_int_equal(lofi_file_write("pipe", "", 0, &err), LOFI_ERR_UNSUPPORTED);
    assert_int_equal(count_entries(), 1);
}

/* The system refuses to write past a limit: in the middle of a file, as a full disk does. */
static void test_writer_survives_full_disk(void **state) {
    (void)state;
    enum { LIMIT = 1 << 20, BLOCK = 100000 };
    lofi_error err = LOFI_ERROR_INIT;
    lofi_writer *writer;
    struct rlimit old, small;
    char block[BLOCK] = {0};
    put("x", "old");
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = LIMIT;
    assert_int_equal(lofi_writer_open(&writer, "x", &err), LOFI_OK);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    lofi_code code = LOFI_OK;
    for (int i = 0; i < 20 && code == LOFI_OK; i++) code = lofi_writer_write(writer, block, sizeof block, &err);
    lofi_error repeated = LOFI_ERROR_INIT;
    lofi_code again = lofi_writer_write(writer, block, 1, &repeated);
    lofi_code committed = lofi_writer_commit(writer, &repeated);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(code, LOFI_ERR_IO);
    assert_string_equal(err.message, "cannot write 'x': File too large");
    assert_int_equal(again, LOFI_ERR_IO);
    assert_int_equal(committed, LOFI_ERR_IO);
    assert_string_equal(repeated.message, err.message);
    assert_content("x", "old");
    assert_int_equal(count_entries(), 1);
}

/* A process killed while it writes leaves the old file and no litter. */
static void test_writer_killed(void **state) {
    (void)state;
    put("x", "old");
    pid_t child = fork();
    if (child == 0) {
        lofi_writer *writer;
        lofi_code code = lofi_writer_open(&writer, "x", NULL);
        char block[200000] = {1};
        if (code == LOFI_OK) code = lofi_writer_write(writer, block, sizeof block, NULL);
        if (code == LOFI_OK) raise(SIGKILL);
        _exit(1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_content("x", "old");
    put("x", "new");
    assert_content("x", "new");
}

/* ---- logs of lines ---- */

static void test_line_log(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_line_log *log;
    char longest[9000];
    assert_int_equal(lofi_line_log_open(&log, "log", &err), LOFI_OK);
    assert_int_equal(lofi_line_log_append(log, "one", &err), LOFI_OK);
    assert_int_equal(lofi_line_log_append(log, "", &err), LOFI_OK);
    lofi_line_log_close(log);
    int file = open("log", O_WRONLY | O_APPEND);
    memset(longest, 'x', sizeof longest);
    assert_int_equal(write(file, longest, sizeof longest), sizeof longest); /* half a line, longer than a block */
    close(file);
    assert_int_equal(lofi_line_log_open(&log, "log", &err), LOFI_OK);
    assert_content("log", "one\n\n");
    assert_int_equal(lofi_line_log_append(log, "two", &err), LOFI_OK);
    lofi_line_log_close(log);
    assert_content("log", "one\n\ntwo\n");
    put("half", "never ended");
    assert_int_equal(lofi_line_log_open(&log, "half", &err), LOFI_OK);
    lofi_line_log_close(log);
    assert_content("half", "");
    assert_int_equal(lofi_line_log_open(&log, "absent/log", &err), LOFI_ERR_NOT_FOUND);
}

static void test_line_log_full_disk(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_line_log *log;
    struct rlimit old, small;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 6;
    assert_int_equal(lofi_line_log_open(&log, "log", &err), LOFI_OK);
    assert_int_equal(lofi_line_log_append(log, "one", &err), LOFI_OK);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    lofi_code code = lofi_line_log_append(log, "two", &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(code, LOFI_ERR_IO);
    lofi_line_log_close(log);
    assert_content("log", "one\n");
}

/* ---- folders ---- */

static void test_folder_make_and_remove(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(lofi_folder_make("a/b/c", &err), LOFI_OK);
    assert_int_equal(lofi_folder_make("a/b/c/", &err), LOFI_OK);
    put("a/file", "");
    assert_int_equal(lofi_folder_make("a/file/x", &err), LOFI_ERR_IO);
    assert_string_equal(err.message, "cannot make folder 'a/file/x': 'a/file' is not a folder");
    put("kept", "kept");
    assert_int_equal(symlink("../kept", "a/link"), 0);
    assert_int_equal(lofi_path_remove("a", &err), LOFI_OK);
    assert_false(lofi_path_exists("a"));
    assert_content("kept", "kept");
    assert_int_equal(lofi_path_remove("a", &err), LOFI_OK);
    assert_int_equal(lofi_path_remove("kept", &err), LOFI_OK);
    assert_int_equal(lofi_path_rename("absent", "x", &err), LOFI_ERR_NOT_FOUND);
}

static void fill_folder(const char *target, const char *name, const char *text, bool commit) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_folder_writer *writer;
    char path[LOFI_PATH_MAX];
    if (lofi_folder_writer_open(&writer, target, &err) != LOFI_OK) fail_msg("%s", err.message);
    assert_int_equal(lofi_path_format(path, &err, "%s/sub", lofi_folder_writer_path(writer)), LOFI_OK);
    assert_int_equal(lofi_folder_make(path, &err), LOFI_OK);
    assert_int_equal(lofi_path_format(path, &err, "%s/sub/%s", lofi_folder_writer_path(writer), name), LOFI_OK);
    put(path, text);
    if (!commit)
        lofi_folder_writer_abort(writer);
    else if (lofi_folder_writer_commit(writer, &err) != LOFI_OK)
        fail_msg("%s", err.message);
}

static void test_folder_writer(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_folder_writer *writer;
    fill_folder("parent/target/", "old", "old", true);
    assert_content("parent/target/sub/old", "old");
    fill_folder("parent/target", "new", "new", false);
    assert_content("parent/target/sub/old", "old");
    assert_int_equal(chdir("parent"), 0);
    fill_folder("target", "new", "new", true);
    assert_content("target/sub/new", "new");
    assert_false(lofi_path_exists("target/sub/old"));
    assert_int_equal(count_entries(), 1);
    assert_int_equal(chdir(".."), 0);
    put("file", "");
    assert_int_equal(lofi_folder_writer_open(&writer, "file", &err), LOFI_ERR_IO);
    assert_int_equal(lofi_folder_writer_open(&writer, "..", &err), LOFI_ERR_USAGE);
    lofi_folder_writer_abort(NULL);
}

/* What a killed process left goes with the next writer; what a living one holds stays. */
static void test_folder_writer_abandoned(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_folder_writer *living;
    pid_t child = fork();
    if (child == 0) {
        lofi_folder_writer *writer;
        lofi_code code = lofi_folder_writer_open(&writer, "target", NULL);
        if (code == LOFI_OK) raise(SIGKILL);
        _exit(1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(count_entries(), 1);
    assert_int_equal(lofi_folder_writer_open(&living, "other", &err), LOFI_OK);
    assert_int_equal(count_entries(), 1);
    fill_folder("target", "x", "x", true);
    assert_true(lofi_path_is_folder(lofi_folder_writer_path(living)));
    assert_int_equal(lofi_folder_writer_commit(living, &err), LOFI_OK);
    assert_int_equal(count_entries(), 2);
}

static void test_lock(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_lock *lock;
    assert_int_equal(lofi_lock_take(&lock, "x", &err), LOFI_OK);
    int other = open("x.lock", O_RDWR);
    assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
    assert_int_equal(errno, EWOULDBLOCK);
    lofi_lock_release(lock);
    assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
    close(other);
    lofi_lock_release(NULL);
    assert_int_equal(lofi_lock_take(&lock, "absent/x", &err), LOFI_ERR_NOT_FOUND);
}

/* ---- many files ---- */

static void add_file(lofi_file_batch *batch, const char *path, const char *text) {
    lofi_error err = LOFI_ERROR_INIT;
    if (lofi_file_batch_add(batch, path, text, strlen(text), &err) != LOFI_OK) fail_msg("%s", err.message);
}

static void test_batch(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_file_batch *batch;
    char name[32];
    put("there", "old");
    assert_int_equal(chmod("there", 0640), 0);
    assert_int_equal(lofi_file_batch_new(&batch, &err), LOFI_OK);
    add_file(batch, "there", "new");
    assert_content("there", "old");
    for (int i = 0; i < 300; i++) { /* more than are open at a time */
        snprintf(name, sizeof name, "file %d", i);
        add_file(batch, name, name);
    }
    assert_int_equal(lofi_file_batch_commit(batch, &err), LOFI_OK);
    struct stat info;
    assert_int_equal(stat("there", &info), 0);
    assert_int_equal(info.st_mode & 07777, 0640);
    assert_content("there", "new");
    assert_content("file 299", "file 299");
    assert_int_equal(count_entries(), 301);
    assert_int_equal(lofi_file_batch_new(&batch, &err), LOFI_OK);
    add_file(batch, "there", "never");
    lofi_file_batch_abort(batch);
    assert_content("there", "new");
    assert_int_equal(count_entries(), 301);
}

/* A file that cannot be written whole is not in the batch: the others are. */
static void test_batch_goes_on_without_a_file(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_file_batch *batch;
    static char large[1 << 20];
    struct rlimit before, small;
    put("there", "old");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 1000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(lofi_file_batch_new(&batch, &err), LOFI_OK);
    add_file(batch, "first", "one");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    lofi_code code = lofi_file_batch_add(batch, "there", large, sizeof large, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(code, LOFI_ERR_IO);
    assert_int_equal(lofi_file_batch_add(batch, "no folder/x", "x", 1, &err), LOFI_ERR_NOT_FOUND);
    add_file(batch, "second", "two");
    assert_int_equal(lofi_file_batch_commit(batch, &err), LOFI_OK);
    assert_content("there", "old");
    assert_content("first", "one");
    assert_content("second", "two");
    assert_int_equal(count_entries(), 3);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_batch),
        IN_FOLDER(test_batch_goes_on_without_a_file),
        cmocka_unit_test(test_path_parts),
        cmocka_unit_test(test_path_relative),
        cmocka_unit_test(test_path_expand),
        cmocka_unit_test(test_path_too_long),
        IN_FOLDER(test_read_and_map),
        IN_FOLDER(test_sha256),
        IN_FOLDER(test_listing),
        IN_FOLDER(test_writer_replaces_whole),
        IN_FOLDER(test_writer_large),
        IN_FOLDER(test_writer_abort),
        IN_FOLDER(test_writer_keeps_mode_and_links),
        IN_FOLDER(test_writer_refuses),
        IN_FOLDER(test_writer_survives_full_disk),
        IN_FOLDER(test_writer_killed),
        IN_FOLDER(test_line_log),
        IN_FOLDER(test_line_log_full_disk),
        IN_FOLDER(test_folder_make_and_remove),
        IN_FOLDER(test_folder_writer),
        IN_FOLDER(test_folder_writer_abandoned),
        IN_FOLDER(test_lock),
    };
    return cmocka_run_group_tests_name("base files", tests, NULL, NULL);
}
