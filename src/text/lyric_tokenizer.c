/* lyric_tokenizer.c - see lyric_tokenizer.h. */
#include "text/lyric_tokenizer.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "text/language_guess.h"
#include "text/lyric_language.h"
#include "text/lyric_segments.h"
#include "text/pieces.h"
#include "text/text_libraries.h"
#include "text/tokenizer.h"
#include "text/unicode.h"

struct lofi_lyric_tokenizer {
    lofi_tokenizer *pieces;
    lofi_romanizers *romanizers;    /* opened by the first line that needs them */
    lofi_language_guesser *guesser; /* opened by the first song without a language */
    lofi_langid *model;             /* upstream's own, or NULL: not there */
};

/* A song on its way. */
typedef struct song {
    const lofi_lyric_tokenizer *tokenizer;
    const lofi_lyric_language *language;
    lofi_ids ids;
    lofi_lyric_note *notes;
    size_t note_count, note_capacity;
    bool guessed;  /* the language was not named by the caller */
    bool modelled; /* by upstream's model */
    bool spaced;   /* a space stands before the line, which is no section mark then */
    bool cut;      /* cut as English already, with the ends of its pieces */
    bool separate; /* line by line, as the pipeline does it */
    size_t line;   /* counted from 1 */
    const lofi_lyric_language
        *heard; /* the language of the line before, as far as it is known; NULL at the beginning */
} song;

static lofi_code check_marks(const lofi_tokenizer *pieces, const char *path, lofi_error *err) {
    static const struct {
        const char *mark;
        int64_t id;
    } marks[] = {{"[UNK]", LOFI_LYRIC_UNKNOWN}, {"[SPACE]", LOFI_LYRIC_LINE_END}, {"[START]", LOFI_LYRIC_START}};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        int64_t id = lofi_tokenizer_token_id(pieces, marks[i].mark);
        if (id == marks[i].id) continue;
        lofi_fail(err, LOFI_ERR_FORMAT, "'%s' is no lyric vocabulary: it should have %s as number %lld, but %s", path,
                  marks[i].mark, (long long)marks[i].id, id < 0 ? "lacks it" : "has it elsewhere");
        return lofi_hint(
            err, "the original is acestep/models/lyrics_utils/vocab.json of https://github.com/ace-step/ACE-Step");
    }
    if (lofi_tokenizer_token_id(pieces, "[en]") >= 0) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' is no lyric vocabulary: it lacks the mark [en]", path);
}

lofi_code lofi_lyric_tokenizer_open(lofi_lyric_tokenizer **out, const char *vocab_path, lofi_error *err) {
    LOFI_TRY(lofi_library_open(&lofi_library_icui18n, err));
    lofi_lyric_tokenizer *tokenizer = calloc(1, sizeof *tokenizer);
    if (tokenizer == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate a lyric tokenizer");
    lofi_code code = lofi_tokenizer_open(&tokenizer->pieces, vocab_path, err);
    if (code == LOFI_OK) code = lofi_romanizers_open(&tokenizer->romanizers, err);
    if (code == LOFI_OK) code = lofi_language_guesser_open(&tokenizer->guesser, err);
    const char *model = getenv("LOFI_LANGID_MODEL");
    if (code == LOFI_OK && model != NULL && model[0] != '\0') code = lofi_langid_open(&tokenizer->model, model, err);
    if (code == LOFI_OK) code = check_marks(tokenizer->pieces, vocab_path, err);
    if (code != LOFI_OK) {
        lofi_lyric_tokenizer_free(tokenizer);
        return code;
    }
    *out = tokenizer;
    return LOFI_OK;
}

void lofi_lyric_tokenizer_free(lofi_lyric_tokenizer *tokenizer) {
    if (tokenizer == NULL) return;
    lofi_tokenizer_free(tokenizer->pieces);
    lofi_romanizers_free(tokenizer->romanizers);
    lofi_language_guesser_free(tokenizer->guesser);
    lofi_langid_free(tokenizer->model);
    free(tokenizer);
}

int64_t lofi_lyric_tokenizer_vocab_size(const lofi_lyric_tokenizer *tokenizer) {
    return lofi_tokenizer_vocab_size(tokenizer->pieces);
}

/* ---- lines ---- */

static lofi_code encode_line(const lofi_lyric_tokenizer *tokenizer, const lofi_lyric_language *language,
                             const char *line, size_t size, int64_t **ids, size_t *count, unsigned *approximation,
                             lofi_error *err) {
    lofi_buffer spelled = LOFI_BUFFER_INIT, marked = LOFI_BUFFER_INIT;
    lofi_code code = lofi_lyric_spell(language, tokenizer->romanizers, line, size, &spelled, approximation, err);
    lofi_buffer_text(&marked, language->mark);
    for (size_t i = 0; i < spelled.size; i++) {
        if (spelled.data[i] == ' ')
            lofi_buffer_text(&marked, "[SPACE]");
        else
            lofi_buffer_append(&marked, spelled.data + i, 1);
    }
    if (code == LOFI_OK) code = lofi_buffer_check(&marked, err);
    if (code == LOFI_OK) code = lofi_tokenizer_encode(tokenizer->pieces, lofi_buffer_str(&marked), 0, ids, count, err);
    lofi_buffer_free(&spelled);
    lofi_buffer_free(&marked);
    return code;
}

static lofi_code find_language(const lofi_lyric_language **out, const char *code, lofi_error *err) {
    *out = lofi_lyric_language_find(code);
    if (*out != NULL) return LOFI_OK;
    lofi_buffer known = LOFI_BUFFER_INIT;
    for (size_t i = 0; lofi_lyric_language_at(i) != NULL; i++)
        lofi_buffer_printf(&known, "%s%s", i > 0 ? " " : "", lofi_lyric_language_at(i)->code);
    lofi_fail(err, LOFI_ERR_USAGE, "lyrics cannot be in the language '%s'", code);
    lofi_code result = lofi_hint(err, "the model knows: %s", lofi_buffer_str(&known));
    lofi_buffer_free(&known);
    return err == NULL ? LOFI_ERR_USAGE : result;
}

lofi_code lofi_lyric_tokenizer_line(const lofi_lyric_tokenizer *tokenizer, const char *line, const char *language,
                                    int64_t **ids, size_t *count, unsigned *approximation, lofi_error *err) {
    const lofi_lyric_language *found = NULL;
    unsigned ignored = 0;
    LOFI_TRY(find_language(&found, language, err));
    LOFI_TRY(lofi_utf8_check(line, strlen(line), "the line", err));
    return encode_line(tokenizer, found, line, strlen(line), ids, count,
                       approximation != NULL ? approximation : &ignored, err);
}

/* ---- songs ---- */

static bool is_blank(const char *text, size_t size) {
    for (size_t at = 0; at < size;) {
        int32_t c = lofi_utf8_next(text, size, &at);
        if (!lofi_is_space(c) && !(c >= 0x1c && c <= 0x1f)) return false;
    }
    return true;
}

/* "[verse]" and anything behind it. */
static bool is_section(const char *line, size_t size) {
    return size > 0 && line[0] == '[' && memchr(line, ']', size) != NULL;
}

static bool has_unknown(const int64_t *ids, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (ids[i] == LOFI_LYRIC_UNKNOWN) return true;
    return false;
}

static lofi_code add_note(song *self, const lofi_lyric_language *language, unsigned approximation, lofi_error *err) {
    if (approximation == LOFI_LYRIC_EXACT) return LOFI_OK;
    void *notes = self->notes;
    LOFI_TRY(lofi_grow(&notes, &self->note_capacity, self->note_count + 1, sizeof *self->notes, (size_t)1 << 24, err));
    self->notes = notes;
    const char *reason = (approximation & LOFI_LYRIC_WITHOUT_CLEANER) != 0 ? language->missing
                         : (approximation & LOFI_LYRIC_GUESSED) != 0 ? "taken for English, which it does not look like"
                                                                     : "its numbers are not spelled out";
    self->notes[self->note_count++] = (lofi_lyric_note){self->line, language->name, reason};
    return LOFI_OK;
}

/* Latin letters that English words do without: the language was guessed from the script, and probably wrong. */
static bool looks_foreign(const char *line, size_t size) {
    for (size_t at = 0; at < size;) {
        int32_t c = lofi_utf8_next(line, size, &at);
        if (c >= 0xc0 && c <= 0x24f && c != 0xd7 && c != 0xf7) return true;
    }
    return false;
}

static bool has_letter(const char *line, size_t size) {
    for (size_t at = 0; at < size;)
        if (lofi_is_letter(lofi_utf8_next(line, size, &at))) return true;
    return false;
}

static lofi_code add_text_line(song *self, const char *line, size_t size, lofi_error *err) {
    bool mark = is_section(line, size) && !self->spaced;
    const lofi_lyric_language *language = mark ? lofi_lyric_language_find("en") : self->language;
    int64_t *ids = NULL;
    size_t count = 0;
    unsigned approximation = LOFI_LYRIC_EXACT;
    LOFI_TRY(encode_line(self->tokenizer, language, line, size, &ids, &count, &approximation, err));
    const lofi_lyric_language *own = has_letter(line, size) ? lofi_lyric_language_detect(line, size) : language;
    lofi_code code = LOFI_OK;
    if (!mark && own != language && has_unknown(ids, count)) {
        free(ids);
        ids = NULL;
        language = own;
        code = encode_line(self->tokenizer, language, line, size, &ids, &count, &approximation, err);
    }
    for (size_t i = 0; i < count && code == LOFI_OK; i++) code = lofi_ids_add(&self->ids, ids[i], err);
    free(ids);
    if (self->guessed && !self->modelled && strcmp(language->code, "en") == 0 && looks_foreign(line, size))
        approximation |= LOFI_LYRIC_GUESSED;
    return code == LOFI_OK ? add_note(self, language, approximation, err) : code;
}

/* Counts the lines of the original that are left out at the beginning of `line`, and goes behind them. */
static const char *skip_dropped(song *self, const char *line, const char *end) {
    const char *begin = line, *start = line;
    self->spaced = false;
    for (; line < end && (*line == LOFI_SEGMENT_DROPPED || *line == ' '); line++) {
        if (*line == ' ') continue;
        self->line++;
        begin = line + 1;
        self->spaced = self->spaced || (line > start && line[-1] == ' ');
    }
    return begin;
}

/* What upstream's model hears in a line, as far as script and song tell: section marks are English, Latin letters the
 * language of the song if that is written in them, and Chinese characters Japanese in a Japanese song. */
static const lofi_lyric_language *hear(const song *self, const char *line, size_t size) {
    const lofi_lyric_language *own = lofi_lyric_language_detect(line, size);
    bool latin = strcmp(own->code, "en") == 0, japanese = strcmp(self->language->code, "ja") == 0;
    if (is_section(line, size)) return own;
    if (latin && self->language->latin) return self->language;
    return japanese && strcmp(own->code, "zh") == 0 ? self->language : own;
}

/* A piece in another language begins: upstream ends the piece before with one more end of line. */
static lofi_code end_piece(song *self, const char *line, size_t size, lofi_error *err) {
    const lofi_lyric_language *heard = hear(self, line, size), *before = self->heard;
    self->heard = heard;
    if (self->cut || before == NULL || before == heard) return LOFI_OK;
    return lofi_ids_add(&self->ids, LOFI_LYRIC_LINE_END, err);
}

static lofi_code add_lines(song *self, const char *lyrics, lofi_error *err) {
    static const char ends[] = {'\n', LOFI_SEGMENT_BREAK, '\0'};
    LOFI_TRY(lofi_ids_add(&self->ids, LOFI_LYRIC_START, err));
    self->line = 1;
    for (const char *line = lyrics; line != NULL;) {
        const char *end = line + strcspn(line, ends);
        line = skip_dropped(self, line, end);
        size_t size = (size_t)(end - line);
        if (size > 0 && line[size - 1] == '\r') size--;
        if (!is_blank(line, size)) {
            LOFI_TRY(end_piece(self, line, size, err));
            LOFI_TRY(add_text_line(self, line, size, err));
        }
        LOFI_TRY(lofi_ids_add(&self->ids, LOFI_LYRIC_LINE_END, err));
        if (*end == '\n') self->line++;
        line = *end != '\0' ? end + 1 : NULL;
    }
    return LOFI_OK;
}

/* English lyrics the way upstream cuts them, others too when its model is there; all else line by line. */
static lofi_code add_lyrics(song *self, const char *lyrics, size_t size, lofi_error *err) {
    const lofi_langid *model = self->guessed ? self->tokenizer->model : NULL;
    bool english = strcmp(self->language->code, "en") == 0;
    if ((!english && model == NULL) || !lofi_lyric_segments_apply(lyrics, size, model != NULL))
        return add_lines(self, lyrics, err);
    lofi_buffer cut = LOFI_BUFFER_INIT;
    const char *dominant = NULL;
    self->cut = true;
    lofi_code code = lofi_lyric_segments_cut(lyrics, size, model, &cut, &dominant, err);
    const lofi_lyric_language *heard = code == LOFI_OK && model != NULL ? lofi_lyric_language_find(dominant) : NULL;
    if (heard != NULL) self->language = heard;
    self->modelled = heard != NULL;
    if (code == LOFI_OK) code = add_lines(self, lofi_buffer_str(&cut), err);
    lofi_buffer_free(&cut);
    return code;
}

/* Without whitespace at both ends. */
static void strip(const char **text, size_t *size) {
    size_t begin = 0, end = 0;
    for (size_t at = 0; at < *size;) {
        size_t start = at;
        lofi_utf8_next(*text, *size, &at);
        if (is_blank(*text + start, at - start)) continue;
        if (end == 0) begin = start;
        end = at;
    }
    *text += begin;
    *size = end - begin;
}

/* The language of one line by itself: as upstream's model hears it where that is there, else as script and song tell. */
static lofi_code hear_line(song *self, const char *line, size_t size, const lofi_lyric_language **out,
                           lofi_error *err) {
    const lofi_langid *model = self->tokenizer->model;
    const char *dominant = NULL;
    *out = hear(self, line, size);
    self->modelled = false;
    if (model == NULL || is_section(line, size) || !lofi_lyric_segments_apply(line, size, true)) return LOFI_OK;
    lofi_buffer cut = LOFI_BUFFER_INIT;
    lofi_code code = lofi_lyric_segments_cut(line, size, model, &cut, &dominant, err);
    lofi_buffer_free(&cut);
    const lofi_lyric_language *heard = code == LOFI_OK && dominant ? lofi_lyric_language_find(dominant) : NULL;
    if (heard != NULL) *out = heard;
    self->modelled = heard != NULL;
    return code;
}

static lofi_code add_separate_line(song *self, const char *line, size_t size, lofi_error *err) {
    const lofi_lyric_language *whole = self->language;
    if (self->guessed) LOFI_TRY(hear_line(self, line, size, &self->language, err));
    lofi_code code = add_text_line(self, line, size, err);
    self->language = whole;
    return code;
}

static lofi_code add_separate_lines(song *self, const char *lyrics, lofi_error *err) {
    LOFI_TRY(lofi_ids_add(&self->ids, LOFI_LYRIC_START, err));
    for (const char *next = lyrics; next != NULL;) {
        const char *line = next, *end = strchr(line, '\n');
        size_t size = end != NULL ? (size_t)(end - line) : strlen(line);
        self->line++;
        strip(&line, &size);
        if (size > 0) LOFI_TRY(add_separate_line(self, line, size, err));
        LOFI_TRY(lofi_ids_add(&self->ids, LOFI_LYRIC_LINE_END, err));
        next = end != NULL ? end + 1 : NULL;
    }
    return LOFI_OK;
}

/* The language of all that is no section mark: by its script, and by a guess among those in Latin letters. */
static const lofi_lyric_language *guess_language(const lofi_lyric_tokenizer *tokenizer, const char *lyrics,
                                                 lofi_buffer *text) {
    for (const char *line = lyrics; line != NULL;) {
        const char *end = strchr(line, '\n');
        size_t size = end != NULL ? (size_t)(end - line) : strlen(line);
        if (!is_section(line, size)) {
            lofi_buffer_append(text, line, size);
            lofi_buffer_text(text, " ");
        }
        line = end != NULL ? end + 1 : NULL;
    }
    const lofi_lyric_language *language = lofi_lyric_language_detect(lofi_buffer_str(text), text->size);
    if (strcmp(language->code, "en") != 0) return language;
    const char *guess = lofi_language_guess(tokenizer->guesser, lofi_buffer_str(text), text->size);
    return guess != NULL ? lofi_lyric_language_find(guess) : language;
}

/* Upstream takes a text that begins like a request for a song for no lyrics at all. */
static bool is_request(const char *lyrics) {
    const char *begin = strstr(lyrics, "write a ");
    while (begin != NULL) {
        const char *end = strstr(begin + 8, " song that genre is"), *newline = strchr(begin, '\n');
        if (end != NULL && (newline == NULL || end < newline)) return true;
        begin = strstr(begin + 1, "write a ");
    }
    return false;
}

/* Fills `self` in one of the two ways. */
static lofi_code encode_song(song *self, const char *lyrics, const char *language, lofi_error *err) {
    size_t size = strlen(lyrics);
    lofi_buffer text = LOFI_BUFFER_INIT;
    LOFI_TRY(lofi_utf8_check(lyrics, size, "the lyrics", err));
    self->guessed = language == NULL;
    if (language != NULL)
        LOFI_TRY(find_language(&self->language, language, err));
    else
        self->language = guess_language(self->tokenizer, lyrics, &text);
    lofi_code code = lofi_buffer_check(&text, err);
    lofi_buffer_free(&text);
    LOFI_TRY(code);
    if (self->separate) return *lyrics ? add_separate_lines(self, lyrics, err) : lofi_ids_add(&self->ids, 0, err);
    return is_blank(lyrics, size) || is_request(lyrics) ? lofi_ids_add(&self->ids, 0, err)
                                                        : add_lyrics(self, lyrics, size, err);
}

static lofi_code encode(song *self, const char *lyrics, const char *language, lofi_lyric_tokens *out, lofi_error *err) {
    lofi_code code = encode_song(self, lyrics, language, err);
    if (code != LOFI_OK) {
        lofi_ids_free(&self->ids);
        free(self->notes);
        return code;
    }
    *out = (lofi_lyric_tokens){.ids = self->ids.items,
                               .count = self->ids.count,
                               .notes = self->notes,
                               .note_count = self->note_count,
                               .language = self->language->code};
    return LOFI_OK;
}

lofi_code lofi_lyric_tokenizer_encode(const lofi_lyric_tokenizer *tokenizer, const char *lyrics, const char *language,
                                      lofi_lyric_tokens *out, lofi_error *err) {
    song self = {.tokenizer = tokenizer};
    LOFI_TRY(encode(&self, lyrics, language, out, err));
    out->heard = self.modelled;
    out->truncated = out->count > LOFI_LYRIC_MAX_TOKENS;
    if (out->truncated) out->count = LOFI_LYRIC_MAX_TOKENS;
    return LOFI_OK;
}

lofi_code lofi_lyric_tokenizer_encode_lines(const lofi_lyric_tokenizer *tokenizer, const char *lyrics,
                                            const char *language, lofi_lyric_tokens *out, lofi_error *err) {
    song self = {.tokenizer = tokenizer, .separate = true};
    return encode(&self, lyrics, language, out, err);
}

void lofi_lyric_tokens_free(lofi_lyric_tokens *tokens) {
    free(tokens->ids);
    free(tokens->notes);
    *tokens = (lofi_lyric_tokens){0};
}
