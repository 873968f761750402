/* ledger.c - see ledger.h. */
#include "audio/ledger.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"

#define NAME        "audio.jsonl"
#define EXAMINED    "examined"
#define WHOLE_BYTES ((off_t)64 << 20)
#define MOST_BYTES  ((size_t)4 << 30)

struct lofi_ledger {
    char folder[LOFI_PATH_MAX], path[LOFI_PATH_MAX];
    json_t *records; /* object: path of a track -> record, the last of each */
    size_t lines;    /* in the file */
    lofi_lock *held;
    lofi_line_log *file; /* NULL: only read */
};

/* ---- identity of content ---- */

static lofi_code hash_file(lofi_sha256 *hash, int file, const char *path, lofi_error *err) {
    struct stat info;
    char text[96];
    if (fstat(file, &info) != 0) return lofi_fail_errno(err, errno, "cannot look at '%s'", path);
    if (!S_ISREG(info.st_mode)) return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' is not a regular file", path);
    if (info.st_size <= WHOLE_BYTES) return lofi_sha256_add_file(hash, file, path, 0, info.st_size, err);
    snprintf(text, sizeof text, "%lld %lld.%09ld", (long long)info.st_size, (long long)info.st_mtim.tv_sec,
             info.st_mtim.tv_nsec);
    lofi_sha256_add_text(hash, text);
    LOFI_TRY(lofi_sha256_add_file(hash, file, path, 0, WHOLE_BYTES / 2, err));
    return lofi_sha256_add_file(hash, file, path, info.st_size - WHOLE_BYTES / 2, info.st_size, err);
}

lofi_code lofi_ledger_content(char hex[LOFI_SHA256_HEX], const char *path, lofi_error *err) {
    lofi_sha256 *hash;
    char digits[LOFI_SHA256_HEX];
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) return lofi_fail_errno(err, errno, "cannot open '%s'", path);
    lofi_code code = lofi_sha256_new(&hash, err);
    if (code == LOFI_OK) {
        code = hash_file(hash, file, path, err);
        lofi_sha256_end(hash, digits);
    }
    close(file);
    if (code == LOFI_OK) memcpy(hex, digits, sizeof digits);
    return code;
}

/* ---- results as JSON ---- */

static void set_text(json_t *object, const char *key, const char *text) {
    if (text != NULL && text[0] != '\0') json_object_set_new(object, key, json_string(text));
}

json_t *lofi_process_result_json(const lofi_process_result *result) {
    json_t *object = json_object();
    set_text(object, "status", lofi_process_status_name(result->status));
    set_text(object, "reason", result->reason);
    if (result->message != NULL) json_object_set_new(object, "message", lofi_json_name(result->message));
    if (result->seconds >= 0.0) json_object_set_new(object, "duration", json_real(result->seconds));
    if (result->trimmed) json_object_set_new(object, "trimmed", json_true());
    set_text(object, "format", result->format);
    set_text(object, "codec", result->codec);
    if (result->channels > 0) {
        json_object_set_new(object, "sample_rate", json_integer(result->sample_rate));
        json_object_set_new(object, "channels", json_integer(result->channels));
        json_object_set_new(object, "bit_rate", json_integer(result->bits_per_second));
    }
    set_text(object, "content", result->content);
    if (result->measured) {
        json_object_set_new(object, "quality_score", json_integer(result->score));
        json_object_set_new(object, "measures", lofi_measures_json(&result->measures));
    }
    set_text(object, "fingerprint", result->fingerprint);
    if (result->facts.bytes == 0) return object;
    set_text(object, "sha256", result->facts.sha256);
    json_object_set_new(object, "bytes", json_integer(result->facts.bytes));
    json_object_set_new(object, "modified_ns", json_integer(result->facts.modified_ns));
    return object;
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static void copy_word(char *out, size_t size, const json_t *object, const char *key) {
    snprintf(out, size, "%s", text_of(object, key));
}

static char *copy_text(const json_t *object, const char *key) {
    const char *text = text_of(object, key);
    return text[0] == '\0' ? NULL : strdup(text);
}

static lofi_process_status status_of(const json_t *object) {
    const char *word = text_of(object, "status");
    for (int i = LOFI_PROCESS_SUCCESS; i <= LOFI_PROCESS_FAILED; i++)
        if (strcmp(word, lofi_process_status_name((lofi_process_status)i)) == 0) return (lofi_process_status)i;
    return LOFI_PROCESS_FAILED;
}

lofi_code lofi_process_result_from_json(lofi_process_result *result, const json_t *object, const char *source,
                                        const char *output, lofi_error *err) {
    lofi_process_result made = {.seconds = -1.0, .status = status_of(object)};
    const json_t *seconds = json_object_get(object, "duration"), *measures = json_object_get(object, "measures");
    if (json_is_number(seconds)) made.seconds = json_number_value(seconds);
    made.trimmed = json_is_true(json_object_get(object, "trimmed"));
    made.measured = json_is_object(measures);
    made.measures = lofi_measures_from_json(measures);
    made.score = (int)json_integer_value(json_object_get(object, "quality_score"));
    made.sample_rate = (int)json_integer_value(json_object_get(object, "sample_rate"));
    made.channels = (int)json_integer_value(json_object_get(object, "channels"));
    made.bits_per_second = json_integer_value(json_object_get(object, "bit_rate"));
    made.facts.bytes = json_integer_value(json_object_get(object, "bytes"));
    made.facts.modified_ns = json_integer_value(json_object_get(object, "modified_ns"));
    copy_word(made.reason, sizeof made.reason, object, "reason");
    copy_word(made.format, sizeof made.format, object, "format");
    copy_word(made.codec, sizeof made.codec, object, "codec");
    copy_word(made.content, sizeof made.content, object, "content");
    copy_word(made.facts.sha256, sizeof made.facts.sha256, object, "sha256");
    made.message = copy_text(object, "message");
    made.fingerprint = copy_text(object, "fingerprint");
    made.source = strdup(source);
    if (output != NULL) made.output = strdup(output);
    if (made.source == NULL || (output != NULL && made.output == NULL)) {
        lofi_process_result_free(&made);
        return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for a result");
    }
    *result = made;
    return LOFI_OK;
}

/* ---- the file ---- */

static lofi_code keep_record(lofi_ledger *ledger, json_t *record, lofi_error *err) {
    const char *track = text_of(record, "track");
    if (json_object_set(ledger->records, track, record) == 0) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for '%s'", ledger->path);
}

/* Four fifths of a record are its fingerprint, signs of base64url that need no parsing: it is taken out before the rest is read,
 * and put back. */
static json_t *parse_record(const char *line, size_t size) {
    static const char begin[] = ",\"fingerprint\":\"", signs[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                                                 "0123456789-_";
    const char *member = memmem(line, size, begin, sizeof begin - 1);
    if (member == NULL) return json_loadb(line, size, JSON_REJECT_DUPLICATES, NULL);
    const char *text = member + sizeof begin - 1, *end = memchr(text, '"', (size_t)(line + size - text));
    if (end == NULL || strspn(text, signs) != (size_t)(end - text))
        return json_loadb(line, size, JSON_REJECT_DUPLICATES, NULL);
    size_t before = (size_t)(member - line), behind = (size_t)(line + size - end) - 1;
    char *rest = malloc(before + behind + 1);
    if (rest == NULL) return NULL;
    memcpy(rest, line, before);
    memcpy(rest + before, end + 1, behind);
    json_t *record = json_loadb(rest, before + behind, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(record))
        json_object_set_new(record, "fingerprint", json_stringn_nocheck(text, (size_t)(end - text)));
    free(rest);
    return record;
}

static lofi_code read_line(lofi_ledger *ledger, const char *line, size_t size, lofi_log *log, lofi_error *err) {
    ledger->lines++;
    json_t *record = parse_record(line, size);
    lofi_code code = LOFI_OK;
    if (json_is_object(record) && text_of(record, "track")[0] != '\0')
        code = keep_record(ledger, record, err);
    else
        lofi_warn(log, "'%s' line %zu is no record and is left out", ledger->path, ledger->lines);
    json_decref(record);
    return code;
}

static lofi_code read_lines(lofi_ledger *ledger, lofi_log *log, lofi_error *err) {
    lofi_mapping mapping = {0};
    if (!lofi_path_exists(ledger->path)) return LOFI_OK;
    LOFI_TRY(lofi_file_map(&mapping, ledger->path, err));
    lofi_code code = LOFI_OK;
    for (size_t from = 0; from < mapping.size && code == LOFI_OK;) {
        const char *line = (const char *)mapping.data + from;
        const char *end = memchr(line, '\n', mapping.size - from);
        if (end == NULL) break; /* begun when a process was killed: it never counted */
        code = read_line(ledger, line, (size_t)(end - line), log, err);
        from += (size_t)(end - line) + 1;
    }
    lofi_file_unmap(&mapping);
    return code;
}

static lofi_code open_for_writing(lofi_ledger *ledger, lofi_error *err) {
    lofi_code code = lofi_folder_make(ledger->folder, err);
    if (code == LOFI_OK) code = lofi_folder_hold(&ledger->held, ledger->folder, err);
    if (code == LOFI_OK) code = lofi_line_log_open(&ledger->file, ledger->path, err);
    if (code != LOFI_OK)
        lofi_hint(err, "what is found out about songs is kept there; choose another folder with --metadata-dir");
    return code;
}

static void abandon(lofi_ledger *ledger) {
    json_decref(ledger->records);
    lofi_line_log_close(ledger->file);
    lofi_lock_release(ledger->held);
    lofi_free(ledger);
}

lofi_code lofi_ledger_open(lofi_ledger **out, const char *metadata, bool writing, lofi_log *log, lofi_error *err) {
    lofi_ledger *ledger;
    LOFI_TRY(lofi_alloc((void **)&ledger, 1, sizeof *ledger, "the ledger", err));
    ledger->records = json_object();
    lofi_code code = ledger->records != NULL ? LOFI_OK : lofi_fail(err, LOFI_ERR_MEMORY, "no memory for the ledger");
    if (code == LOFI_OK) code = lofi_path_format(ledger->folder, err, "%s", metadata);
    if (code == LOFI_OK) code = lofi_path_format(ledger->path, err, "%s/" NAME, metadata);
    if (code == LOFI_OK && writing) code = open_for_writing(ledger, err);
    if (code == LOFI_OK) code = read_lines(ledger, log, err);
    if (code == LOFI_OK)
        *out = ledger;
    else
        abandon(ledger);
    return code;
}

lofi_code lofi_ledger_open_if_free(lofi_ledger **out, const char *metadata, bool keep, lofi_log *log, lofi_error *err) {
    lofi_error fault = LOFI_ERROR_INIT;
    if (keep && lofi_ledger_open(out, metadata, true, log, &fault) == LOFI_OK) return LOFI_OK;
    return lofi_ledger_open(out, metadata, false, log, err);
}

bool lofi_ledger_is_writing(const lofi_ledger *ledger) {
    return ledger->file != NULL;
}

static lofi_code write_anew(const lofi_ledger *ledger, lofi_error *err) {
    lofi_buffer text = LOFI_BUFFER_INIT;
    text.max_bytes = MOST_BYTES;
    lofi_code code = LOFI_OK;
    const char *track;
    json_t *record;
    json_object_foreach(ledger->records, track, record) {
        if (code == LOFI_OK) code = lofi_json_print(&text, record, false, err);
        lofi_buffer_text(&text, "\n");
    }
    if (code == LOFI_OK) code = lofi_buffer_check(&text, err);
    if (code == LOFI_OK) code = lofi_file_write(ledger->path, lofi_buffer_str(&text), text.size, err);
    lofi_buffer_free(&text);
    return code;
}

lofi_code lofi_ledger_close(lofi_ledger *ledger, lofi_error *err) {
    bool wasteful = ledger->lines > 2 * json_object_size(ledger->records);
    lofi_code code = ledger->file != NULL && wasteful ? write_anew(ledger, err) : LOFI_OK;
    abandon(ledger);
    return code;
}

lofi_code lofi_ledger_close_after(lofi_ledger *ledger, lofi_code code, lofi_error *err) {
    if (ledger == NULL) return code;
    lofi_code closed = lofi_ledger_close(ledger, code == LOFI_OK ? err : NULL);
    return code == LOFI_OK ? closed : code;
}

void lofi_ledger_free(lofi_ledger *ledger) {
    if (ledger == NULL) return;
    assert(ledger->file == NULL);
    abandon(ledger);
}

/* ---- records ---- */

static lofi_code name_track(char track[LOFI_PATH_MAX], const lofi_ledger *ledger, const char *output, lofi_error *err) {
    return lofi_path_relative(track, output, ledger->folder, err);
}

lofi_code lofi_ledger_line(char **line, const lofi_ledger *ledger, const lofi_process_result *result,
                           const char *output, const char *settings, lofi_error *err) {
    char track[LOFI_PATH_MAX], source[LOFI_PATH_MAX];
    LOFI_TRY(name_track(track, ledger, output, err));
    LOFI_TRY(lofi_path_relative(source, result->source, ledger->folder, err));
    json_t *record = json_object(), *facts = lofi_process_result_json(result);
    set_text(record, "track", track);
    set_text(record, "source", source);
    set_text(record, "settings", settings);
    json_object_update(record, facts);
    char *text = json_dumps(record, JSON_COMPACT);
    json_decref(facts);
    json_decref(record);
    if (text == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for a record");
    *line = text;
    return LOFI_OK;
}

lofi_code lofi_ledger_add(lofi_ledger *ledger, const char *line, size_t size, lofi_error *err) {
    json_t *record = json_loadb(line, size, 0, NULL);
    if (record == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for a record");
    lofi_code code = lofi_line_log_append(ledger->file, line, err);
    if (code == LOFI_OK) code = keep_record(ledger, record, err);
    ledger->lines++;
    json_decref(record);
    return code;
}

/* Whether a record is of a file that is a track: made, or looked at. */
static bool is_track(const json_t *record) {
    return status_of(record) == LOFI_PROCESS_SUCCESS || strcmp(text_of(record, "status"), EXAMINED) == 0;
}

/* The file on record, whole: its time of change is enough, else its bytes. */
static bool is_there(const json_t *record, const char *path) {
    struct stat info;
    char digits[LOFI_SHA256_HEX];
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode)) return false;
    if (info.st_size != json_integer_value(json_object_get(record, "bytes"))) return false;
    int64_t modified_ns = info.st_mtim.tv_sec * INT64_C(1000000000) + info.st_mtim.tv_nsec;
    if (modified_ns == json_integer_value(json_object_get(record, "modified_ns"))) return true;
    return lofi_sha256_file(digits, path, NULL) == LOFI_OK && strcmp(digits, text_of(record, "sha256")) == 0;
}

lofi_code lofi_ledger_recall(bool *holds, lofi_process_result *result, const lofi_ledger *ledger, const char *source,
                             const char *output, const char *content, const char *settings, lofi_error *err) {
    char track[LOFI_PATH_MAX];
    *holds = false;
    LOFI_TRY(name_track(track, ledger, output, err));
    const json_t *record = json_object_get(ledger->records, track);
    if (record == NULL || strcmp(text_of(record, "content"), content) != 0 ||
        strcmp(text_of(record, "settings"), settings) != 0)
        return LOFI_OK;
    bool made = status_of(record) == LOFI_PROCESS_SUCCESS;
    if (made && !is_there(record, output)) return LOFI_OK;
    LOFI_TRY(lofi_process_result_from_json(result, record, source, made ? output : NULL, err));
    *holds = true;
    if (!made) return LOFI_OK;
    result->status = LOFI_PROCESS_SKIPPED;
    snprintf(result->reason, sizeof result->reason, "unchanged");
    return LOFI_OK;
}

const json_t *lofi_ledger_find(const lofi_ledger *ledger, const char *path) {
    char track[LOFI_PATH_MAX];
    if (name_track(track, ledger, path, NULL) != LOFI_OK) return NULL;
    const json_t *record = json_object_get(ledger->records, track);
    return record != NULL && is_track(record) && is_there(record, path) ? record : NULL;
}

/* The facts of the file itself, into a record. hash: as it is known already, or NULL. */
static lofi_code identify(json_t *record, const char *path, const char *hash, lofi_error *err) {
    struct stat info;
    char digits[LOFI_SHA256_HEX];
    if (stat(path, &info) != 0) return lofi_fail_errno(err, errno, "cannot look at '%s'", path);
    if (hash == NULL) LOFI_TRY(lofi_sha256_file(digits, path, err));
    json_object_set_new(record, "sha256", json_string(hash == NULL ? digits : hash));
    json_object_set_new(record, "bytes", json_integer(info.st_size));
    json_object_set_new(record, "modified_ns",
                        json_integer(info.st_mtim.tv_sec * INT64_C(1000000000) + info.st_mtim.tv_nsec));
    return LOFI_OK;
}

lofi_code lofi_ledger_note(lofi_ledger *ledger, const char *path, const json_t *facts, lofi_error *err) {
    char track[LOFI_PATH_MAX];
    LOFI_TRY(name_track(track, ledger, path, err));
    const json_t *before = lofi_ledger_find(ledger, path);
    json_t *record = before ? json_deep_copy(before) : json_object();
    set_text(record, "track", track);
    if (before == NULL) set_text(record, "status", EXAMINED);
    lofi_code code = identify(record, path, json_string_value(json_object_get(facts, "sha256")), err);
    json_object_update(record, (json_t *)(uintptr_t)facts); /* Jansson does not change what it reads from */
    char *line = json_dumps(record, JSON_COMPACT);
    json_decref(record);
    if (code == LOFI_OK && line == NULL) code = lofi_fail(err, LOFI_ERR_MEMORY, "no memory for a record");
    if (code == LOFI_OK) code = lofi_ledger_add(ledger, line, strlen(line), err);
    free(line);
    return code;
}

static lofi_code show_track(const lofi_ledger *ledger, const char *track, const json_t *record,
                            lofi_ledger_track_fn *each, void *user, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    const char *print = text_of(record, "fingerprint");
    if (!is_track(record) || print[0] == '\0') return LOFI_OK;
    LOFI_TRY(lofi_path_format(path, err, "%s/%s", ledger->folder, track));
    return lofi_path_is_file(path) ? each(user, path, print, err) : LOFI_OK;
}

lofi_code lofi_ledger_tracks(const lofi_ledger *ledger, lofi_ledger_track_fn *each, void *user, lofi_error *err) {
    const char *track;
    json_t *record;
    json_object_foreach(ledger->records, track, record) LOFI_TRY(show_track(ledger, track, record, each, user, err));
    return LOFI_OK;
}
