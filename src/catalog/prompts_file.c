/* prompts_file.c - see the header. */
#include "catalog/prompts_file.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "audio/encode.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/utf8.h"

#define MAX_BYTES      ((size_t)64 << 20)
#define SLUG_BYTES     48
#define MAX_NAME_BYTES 200
#define MAX_SEED       9007199254740991 /* 2^53 - 1: what JSON keeps exactly */

typedef struct reader {
    const char *path;
    lofi_prompts_file *file;
    size_t capacity;
} reader;

static lofi_code out_of_memory(lofi_error *err) {
    return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for a list of prompts");
}

static lofi_code keep(reader *r, const char **out, const char *text, lofi_error *err) {
    *out = lofi_arena_strdup(r->file->arena, text);
    return *out ? LOFI_OK : out_of_memory(err);
}

/* ---- names ---- */

/* Lower case letters and digits of the prompt, everything else as single dashes. */
static void make_slug(char slug[SLUG_BYTES], const char *prompt) {
    size_t length = 0;
    for (const char *p = prompt; *p && length + 1 < SLUG_BYTES; p++) {
        unsigned char c = (unsigned char)*p;
        if (c < 0x80 && isalnum(c))
            slug[length++] = (char)tolower(c);
        else if (length && slug[length - 1] != '-')
            slug[length++] = '-';
    }
    while (length && slug[length - 1] == '-') length--;
    slug[length] = '\0';
}

static lofi_code name_by_rule(reader *r, lofi_wanted_song *song, lofi_error *err) {
    char slug[SLUG_BYTES];
    make_slug(slug, song->prompt);
    song->name = lofi_arena_printf(r->file->arena, "%03zu%s%s", r->file->count, *slug ? "-" : "", slug);
    return song->name ? LOFI_OK : out_of_memory(err);
}

static lofi_code check_name(const reader *r, const char *name, size_t number, lofi_error *err) {
    bool sound = *name && name[0] != '.' && strlen(name) <= MAX_NAME_BYTES && !strchr(name, '/');
    for (const char *p = name; *p; p++) sound = sound && (unsigned char)*p >= 0x20;
    if (sound) return LOFI_OK;
    lofi_fail(err, LOFI_ERR_FORMAT, "'%s', song %zu: '%s' is not a plain file name", r->path, number, name);
    return lofi_hint(err, "\"output\" names one file in --output-dir, without its folder");
}

static int by_name(const void *a, const void *b) {
    const lofi_wanted_song *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static lofi_code check_different(const reader *r, lofi_error *err) {
    const lofi_wanted_song **order = malloc((r->file->count + 1) * sizeof *order);
    if (!order) return out_of_memory(err);
    for (size_t i = 0; i < r->file->count; i++) order[i] = &r->file->songs[i];
    qsort(order, r->file->count, sizeof *order, by_name);
    lofi_code code = LOFI_OK;
    for (size_t i = 1; i < r->file->count && code == LOFI_OK; i++)
        if (strcmp(order[i - 1]->name, order[i]->name) == 0)
            code = lofi_fail(err, LOFI_ERR_FORMAT, "'%s': two songs are called '%s'", r->path, order[i]->name);
    free(order);
    return code;
}

/* ---- songs ---- */

/* Adds an empty song; *out is valid until the next one. */
static lofi_code add_song(reader *r, lofi_wanted_song **out, const char *prompt, lofi_error *err) {
    lofi_prompts_file *file = r->file;
    LOFI_TRY(
        lofi_grow((void **)&file->songs, &r->capacity, file->count + 1, sizeof *file->songs, LOFI_MAX_PROMPTS, err));
    lofi_wanted_song *song = &file->songs[file->count++];
    *song = (lofi_wanted_song){.lyrics = ""};
    *out = song;
    return keep(r, &song->prompt, prompt, err);
}

static lofi_code read_text(reader *r, char *text, lofi_error *err) {
    for (char *line = text; line;) {
        char *next = strchr(line, '\n');
        if (next) *next++ = '\0';
        size_t end = strlen(line);
        while (end && isspace((unsigned char)line[end - 1])) line[--end] = '\0';
        line += strspn(line, " \t");
        if (*line && *line != '#') {
            lofi_wanted_song *song;
            LOFI_TRY(add_song(r, &song, line, err));
            LOFI_TRY(name_by_rule(r, song, err));
        }
        line = next;
    }
    return LOFI_OK;
}

static lofi_code check_keys(const json_t *entry, const char *where, lofi_error *err) {
    static const char *const known[] = {"prompt", "lyrics", "language", "seed", "duration", "output"};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)entry, key, value) {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) found = found || strcmp(key, known[i]) == 0;
        if (found) continue;
        lofi_fail(err, LOFI_ERR_FORMAT, "%s: there is no key '%s'", where, key);
        return lofi_hint(err, "a song has prompt, lyrics, language, seed, duration and output");
    }
    return LOFI_OK;
}

static lofi_code read_name(reader *r, lofi_wanted_song *song, const char *output, lofi_error *err) {
    lofi_audio_format format;
    if (!output) return name_by_rule(r, song, err);
    LOFI_TRY(check_name(r, output, r->file->count, err));
    const char *extension = lofi_path_extension(output);
    bool sound = lofi_audio_format_of(&format, extension, NULL) == LOFI_OK;
    size_t length = strlen(output) - (sound ? strlen(extension) : 0);
    song->name = lofi_arena_printf(r->file->arena, "%.*s", (int)length, output);
    return song->name ? LOFI_OK : out_of_memory(err);
}

static lofi_code read_object(reader *r, const json_t *entry, const char *where, lofi_error *err) {
    const char *prompt, *lyrics, *language, *output;
    lofi_wanted_song *song;
    int64_t seed;
    LOFI_TRY(check_keys(entry, where, err));
    LOFI_TRY(lofi_json_string(&prompt, entry, "prompt", where, err));
    LOFI_TRY(lofi_json_string_or(&lyrics, entry, "lyrics", "", where, err));
    LOFI_TRY(lofi_json_string_or(&language, entry, "language", NULL, where, err));
    LOFI_TRY(lofi_json_string_or(&output, entry, "output", NULL, where, err));
    LOFI_TRY(lofi_json_int_or(&seed, entry, "seed", -1, 0, MAX_SEED, where, err));
    LOFI_TRY(add_song(r, &song, prompt, err));
    LOFI_TRY(keep(r, &song->lyrics, lyrics, err));
    if (language) LOFI_TRY(keep(r, &song->language, language, err));
    LOFI_TRY(lofi_json_number_or(&song->seconds, entry, "duration", 0, where, err));
    if (song->seconds < 0 || (song->seconds == 0 && json_is_number(json_object_get(entry, "duration"))))
        return lofi_fail(err, LOFI_ERR_FORMAT, "%s: 'duration' must be above 0 s", where);
    song->has_seed = seed >= 0;
    song->seed = song->has_seed ? (uint64_t)seed : 0;
    return read_name(r, song, output, err);
}

static lofi_code read_entry(reader *r, const json_t *entry, lofi_error *err) {
    char where[LOFI_PATH_MAX + 64];
    lofi_wanted_song *song;
    snprintf(where, sizeof where, "'%s', song %zu", r->path, r->file->count + 1);
    if (json_is_object(entry)) return read_object(r, entry, where, err);
    if (!json_is_string(entry)) return lofi_fail(err, LOFI_ERR_FORMAT, "%s: expected a prompt or an object", where);
    LOFI_TRY(add_song(r, &song, json_string_value(entry), err));
    return name_by_rule(r, song, err);
}

static lofi_code read_json(reader *r, const lofi_buffer *text, lofi_error *err) {
    json_t *document;
    LOFI_TRY(lofi_json_parse(&document, text->data, text->size, r->path, err));
    const json_t *list = json_is_object(document) ? json_object_get(document, "prompts") : document;
    lofi_code code = json_is_array(list) ? LOFI_OK
                                         : lofi_fail(err, LOFI_ERR_FORMAT,
                                                     "'%s': expected a list of songs, or {\"prompts\": list}", r->path);
    for (size_t i = 0; code == LOFI_OK && i < json_array_size(list); i++)
        code = read_entry(r, json_array_get(list, i), err);
    json_decref(document);
    return code;
}

static lofi_code read_all(reader *r, lofi_buffer *text, lofi_error *err) {
    LOFI_TRY(lofi_arena_new(&r->file->arena, err));
    LOFI_TRY(lofi_file_read(text, r->path, MAX_BYTES, err));
    const char *begin = lofi_buffer_str(text);
    if (!lofi_utf8_valid(begin, text->size) || strlen(begin) != text->size)
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' is not UTF-8 text", r->path);
    begin += strspn(begin, " \t\r\n");
    if (*begin == '\0') return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' holds no prompt", r->path);
    LOFI_TRY(*begin == '[' || *begin == '{' ? read_json(r, text, err) : read_text(r, text->data, err));
    if (r->file->count == 0) return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' holds no prompt", r->path);
    return check_different(r, err);
}

lofi_code lofi_prompts_file_load(lofi_prompts_file *out, const char *path, lofi_error *err) {
    lofi_prompts_file file = {0};
    reader r = {.path = path, .file = &file};
    lofi_buffer text = LOFI_BUFFER_INIT;
    lofi_code code = read_all(&r, &text, err);
    lofi_buffer_free(&text);
    if (code == LOFI_OK)
        *out = file;
    else
        lofi_prompts_file_free(&file);
    return code;
}

void lofi_prompts_file_free(lofi_prompts_file *file) {
    free(file->songs);
    lofi_arena_free(file->arena);
    *file = (lofi_prompts_file){0};
}
