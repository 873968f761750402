/* song_lyrics.c - see song_lyrics.h. */
#include "cli/song_lyrics.h"

#include <string.h>

#include "catalog/lyrics.h"

#define LYRICS_BYTES_MAX ((size_t)1 << 20)  /* what lofi dataset takes */
#define COUNTED_BYTES    ((size_t)64 << 10) /* at first: nearly always more than the tokens that are read */
#define FINDINGS_SHOWN   8

typedef struct song {
    lofi_song_lyrics *all;
    const lofi_track_file *track;
    char path[LOFI_PATH_MAX]; /* of the lyrics file */
    lofi_buffer there, made,
        final;     /* what the file holds; what it would be made of nothing; what it holds in the end */
    bool is_there; /* the file, and more than white space in it */
    bool readable; /* what is there is text of a bearable size */
    bool spoiled;  /* a side-car that cannot be read keeps the file from being made */
    json_t *reasons;
    size_t findings;
} song;

/* ---- reading ---- */

static void tell(song *self, const char *format, ...) LOFI_PRINTF(2, 3);

static void tell(song *self, const char *format, ...) {
    char reason[LOFI_PATH_MAX + 256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    json_array_append_new(self->reasons, json_string(reason));
}

/* A text; what is none is told, unless `quietly`. */
static lofi_code read_text(song *self, lofi_buffer *out, bool *readable, const char *path, bool quietly,
                           lofi_error *err) {
    uint64_t bytes = 0;
    lofi_error fault = LOFI_ERROR_INIT;
    *readable = false;
    LOFI_TRY(lofi_file_size(&bytes, path, err));
    if (bytes > LYRICS_BYTES_MAX) {
        if (!quietly)
            tell(self, "'%s' is larger than the %zu bytes that lyrics may have", lofi_path_base(path),
                 LYRICS_BYTES_MAX);
        return LOFI_OK;
    }
    LOFI_TRY(lofi_file_read(out, path, LYRICS_BYTES_MAX, err));
    *readable = lofi_lyrics_are_text(lofi_buffer_str(out), out->size, &fault) == LOFI_OK;
    if (!*readable && !quietly) tell(self, "'%s': %s", lofi_path_base(path), fault.message);
    return LOFI_OK;
}

static bool is_blank(const lofi_buffer *text) {
    return strspn(lofi_buffer_str(text), " \t\r\n") == text->size;
}

static lofi_code read_there(song *self, lofi_error *err) {
    if (!lofi_path_exists(self->path)) return LOFI_OK;
    LOFI_TRY(read_text(self, &self->there, &self->readable, self->path, false, err));
    self->is_there = !self->readable || !is_blank(&self->there);
    return LOFI_OK;
}

static bool find_side_car(const song *self, char path[LOFI_PATH_MAX]) {
    static const char *const endings[] = {".lyrics", ".LYRICS", ".lrc", ".LRC"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (lofi_track_text_path(path, self->all->audio_dir, self->track, endings[i], NULL) == LOFI_OK &&
            lofi_path_is_file(path))
            return true;
    return false;
}

static lofi_code form_side_car(song *self, const char *path, lofi_error *err) {
    lofi_buffer text = LOFI_BUFFER_INIT, stripped = LOFI_BUFFER_INIT;
    bool readable = false;
    lofi_code code = read_text(self, &text, &readable, path, self->is_there, err);
    if (code == LOFI_OK && readable) {
        code = lofi_lyrics_strip_times(&stripped, lofi_buffer_str(&text), text.size, err);
        if (code == LOFI_OK) code = lofi_lyrics_form(&self->made, lofi_buffer_str(&stripped), stripped.size, err);
    }
    self->spoiled = !readable;
    lofi_buffer_free(&text);
    lofi_buffer_free(&stripped);
    return code;
}

static lofi_code make(song *self, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    if (find_side_car(self, path)) LOFI_TRY(form_side_car(self, path, err));
    if (self->made.size == 0) lofi_buffer_text(&self->made, LOFI_LYRICS_INSTRUMENTAL);
    return lofi_buffer_check(&self->made, err);
}

/* ---- writing ---- */

static bool same(const lofi_buffer *a, const lofi_buffer *b) {
    return a->size == b->size && memcmp(lofi_buffer_str(a), lofi_buffer_str(b), a->size) == 0;
}

static void keep(lofi_buffer *to, lofi_buffer *from) {
    lofi_buffer_free(to);
    *to = *from;
    *from = (lofi_buffer)LOFI_BUFFER_INIT;
}

static lofi_code put(song *self, lofi_text_outcome *outcome, bool force, lofi_error *err) {
    return lofi_text_file_put(outcome, self->path, lofi_buffer_str(&self->final), force, self->all->context->dry_run,
                              self->all->texts, err);
}

/* Lyrics that are there: as they are, or in section form. */
static lofi_code settle_there(song *self, lofi_text_outcome *outcome, lofi_error *err) {
    lofi_buffer formed = LOFI_BUFFER_INIT;
    *outcome = same(&self->there, &self->made) ? LOFI_TEXT_UNCHANGED : LOFI_TEXT_KEPT;
    if (!self->readable) return LOFI_OK;
    LOFI_TRY(lofi_lyrics_form(&formed, lofi_buffer_str(&self->there), self->there.size, err));
    bool rewrite = self->all->force && formed.size > 0 && !same(&formed, &self->there);
    keep(&self->final, rewrite ? &formed : &self->there);
    lofi_buffer_free(&formed);
    return rewrite ? put(self, outcome, true, err) : LOFI_OK;
}

static lofi_code settle(song *self, const char **status, lofi_error *err) {
    lofi_text_outcome outcome = LOFI_TEXT_KEPT;
    if (!self->is_there && self->spoiled) {
        *status = "skipped";
        return LOFI_OK;
    }
    if (self->is_there) {
        LOFI_TRY(settle_there(self, &outcome, err));
    } else {
        keep(&self->final, &self->made);
        LOFI_TRY(put(self, &outcome, false, err));
    }
    *status = lofi_text_outcome_name(outcome);
    return LOFI_OK;
}

/* ---- counting tokens ---- */

/* The vocabulary of the model where ACE-Step or its checkpoint is, else the small one that is installed with this program. */
static lofi_code find_vocabulary(char path[LOFI_PATH_MAX], lofi_song_lyrics *all, const char *ace_step_dir,
                                 lofi_error *err) {
    char checkpoints[LOFI_PATH_MAX];
    const char *reference = NULL;
    LOFI_TRY(lofi_path_format(checkpoints, err, "%s/checkpoints", ace_step_dir));
    all->exact = lofi_lyric_vocab_find(path, checkpoints, NULL, ace_step_dir, err) == LOFI_OK;
    if (all->exact) return LOFI_OK;
    LOFI_TRY(lofi_installed_folder(&reference, all->context, "reference", err));
    return lofi_path_format(path, err, "%s/small_lyric_vocab.json", reference);
}

static lofi_code open_tokenizer(lofi_song_lyrics *all, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    const char *ace_step_dir = NULL;
    lofi_error problem = LOFI_ERROR_INIT;
    all->looked = true;
    LOFI_TRY(lofi_environment_path(&ace_step_dir, all->context, "ACE_STEP_DIR", err));
    lofi_code code = find_vocabulary(path, all, ace_step_dir, &problem);
    if (code == LOFI_OK) code = lofi_lyric_tokenizer_open(&all->tokenizer, path, &problem);
    if (code != LOFI_OK) lofi_warn(all->context->log, "the tokens of lyrics are not counted: %s", problem.message);
    return LOFI_OK;
}

/* Whether the first `size` bytes are more than the trainer reads; *language is the song's when it is NULL. */
static lofi_code count(bool *too_many, const char **language, const song *self, size_t size, lofi_error *err) {
    lofi_buffer text = LOFI_BUFFER_INIT;
    lofi_lyric_tokens tokens = {0};
    lofi_buffer_append(&text, lofi_buffer_str(&self->final), size);
    lofi_code code = lofi_buffer_check(&text, err);
    if (code == LOFI_OK)
        code = lofi_lyric_tokenizer_encode(self->all->tokenizer, lofi_buffer_str(&text), *language, &tokens, err);
    if (code == LOFI_OK) {
        *too_many = tokens.truncated;
        *language = tokens.language;
    }
    lofi_lyric_tokens_free(&tokens);
    lofi_buffer_free(&text);
    return code;
}

/* Bytes of the first lines; *lines becomes less where there are fewer. */
static size_t bytes_of_lines(const lofi_buffer *text, size_t *lines) {
    size_t size = 0, counted = 0;
    for (; counted < *lines && size < text->size; counted++) {
        const char *end = memchr(text->data + size, '\n', text->size - size);
        size = end ? (size_t)(end - text->data) + 1 : text->size;
    }
    *lines = counted;
    return size;
}

/* How many lines from the beginning are read whole. Looked for near the limit, not through the whole text. */
static lofi_code whole_lines(size_t *out, const song *self, const char *language, lofi_error *err) {
    size_t fits = 0, step = 16;
    for (;;) {
        bool too_many = false;
        size_t lines = fits + step;
        LOFI_TRY(count(&too_many, &language, self, bytes_of_lines(&self->final, &lines), err));
        if (too_many) break;
        bool all = lines < fits + step;
        fits = lines;
        step = all ? 1 : 2 * step;
        if (all) break;
    }
    while (step > 1) { /* `fits` lines are few enough, `fits + step` too many */
        bool too_many = false;
        size_t half = step / 2, lines = fits + half;
        LOFI_TRY(count(&too_many, &language, self, bytes_of_lines(&self->final, &lines), err));
        if (!too_many) fits = lines;
        step -= half;
    }
    *out = fits;
    return LOFI_OK;
}

static size_t whole_characters(const lofi_buffer *text, size_t size) {
    if (size >= text->size) return text->size;
    while (size > 0 && ((unsigned char)text->data[size] & 0xC0) == 0x80) size--;
    return size;
}

static lofi_code check_length(song *self, lofi_error *err) {
    bool too_many = false;
    const char *language = NULL;
    size_t lines = 0;
    if (!self->all->looked) LOFI_TRY(open_tokenizer(self->all, err));
    if (!self->all->tokenizer) return LOFI_OK;
    LOFI_TRY(count(&too_many, &language, self, whole_characters(&self->final, COUNTED_BYTES), err));
    if (!too_many && self->final.size > COUNTED_BYTES)
        LOFI_TRY(count(&too_many, &language, self, self->final.size, err));
    if (!too_many) return LOFI_OK;
    LOFI_TRY(whole_lines(&lines, self, language, err));
    tell(self, "the lyrics have more than %d tokens%s: the trainer cuts them in line %zu", LOFI_LYRIC_MAX_TOKENS,
         self->all->exact ? "" : " (estimated)", lines + 1);
    lofi_warn(self->all->context->log, "'%s' has more than the %d tokens that the trainer reads", self->path,
              LOFI_LYRIC_MAX_TOKENS);
    return LOFI_OK;
}

/* ---- looking at the result ---- */

static void note_finding(void *user, size_t line, const char *what) {
    song *self = user;
    if (++self->findings <= FINDINGS_SHOWN) tell(self, "lyrics line %zu: %s", line, what);
}

static lofi_code judge(song *self, bool words, lofi_error *err) {
    bool instrumental = lofi_lyrics_are_instrumental(lofi_buffer_str(&self->final), self->final.size);
    if (words && instrumental) tell(self, "the style has words, but the lyrics say [Instrumental]");
    if (!words && !instrumental) tell(self, "there are lyrics, but the style has no words");
    if (instrumental) return LOFI_OK;
    LOFI_TRY(lofi_lyrics_check(lofi_buffer_str(&self->final), self->final.size, note_finding, self, err));
    if (self->findings > FINDINGS_SHOWN) tell(self, "and %zu more places", self->findings - FINDINGS_SHOWN);
    return check_length(self, err);
}

static lofi_code do_song(song *self, bool words, json_t *result, lofi_error *err) {
    const char *status = NULL;
    LOFI_TRY(lofi_track_text_path(self->path, self->all->output_dir, self->track, "_lyrics.txt", err));
    LOFI_TRY(read_there(self, err));
    if (self->readable || !self->is_there) LOFI_TRY(make(self, err));
    LOFI_TRY(settle(self, &status, err));
    json_object_set_new(result, "lyrics_path", json_string(self->path));
    json_object_set_new(result, "lyrics_status", json_string(status));
    return self->final.size ? judge(self, words, err) : LOFI_OK;
}

lofi_code lofi_song_lyrics_put(lofi_song_lyrics *self, const lofi_track_file *track, bool words, json_t *result,
                               json_t *reasons, lofi_error *err) {
    song one = {.all = self,
                .track = track,
                .there = LOFI_BUFFER_INIT,
                .made = LOFI_BUFFER_INIT,
                .final = LOFI_BUFFER_INIT,
                .reasons = reasons};
    lofi_code code = do_song(&one, words, result, err);
    lofi_buffer_free(&one.there);
    lofi_buffer_free(&one.made);
    lofi_buffer_free(&one.final);
    return code;
}

void lofi_song_lyrics_close(lofi_song_lyrics *self) {
    lofi_lyric_tokenizer_free(self->tokenizer);
    self->tokenizer = NULL;
}
