/* lyrics.c - see lyrics.h. */
#include "catalog/lyrics.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "catalog/lyrics_marks.h"

static const char byte_order_mark[] = "\xef\xbb\xbf";

static bool is_space(char character) {
    return lofi_lyrics_is_white(character) || character == '\n' || character == '\r';
}

bool lofi_lyrics_are_instrumental(const char *text, size_t size) {
    static const char marker[] = "[instrumental]";
    while (size > 0 && is_space(text[0])) {
        text++;
        size--;
    }
    while (size > 0 && is_space(text[size - 1])) size--;
    return size == 0 || (size == sizeof marker - 1 && strncasecmp(text, marker, size) == 0);
}

lofi_code lofi_lyrics_are_text(const char *text, size_t size, lofi_error *err) {
    if (!lofi_utf8_valid(text, size)) return lofi_fail(err, LOFI_ERR_FORMAT, "the lyrics are not UTF-8");
    if (size > 0 && memchr(text, '\0', size)) return lofi_fail(err, LOFI_ERR_FORMAT, "the lyrics hold a zero byte");
    return LOFI_OK;
}

static void skip_byte_order_marks(const char **text, size_t *size) {
    while (*size >= 3 && memcmp(*text, byte_order_mark, 3) == 0) {
        *text += 3;
        *size -= 3;
    }
}

/* ---- LRC ---- */

enum { TIME_BYTES = 18 }; /* of the longest: "[000:000:000.000]" */

static void cut(lofi_buffer *out, size_t size) {
    out->size = size;
    out->data[size] = '\0';
}

/* Appends a character; where it ends a time, that is gone. So a line of any length takes one pass, and no time is left that others
 * stood within. */
static void add_untimed(lofi_buffer *out, size_t line_start, char character) {
    lofi_buffer_append(out, &character, 1);
    if ((character != ']' && character != '>') || out->failed != LOFI_OK) return;
    for (size_t back = 1; back <= TIME_BYTES && line_start + back <= out->size; back++) {
        size_t from = out->size - back;
        if (lofi_lyrics_time(out->data + from, back) != back) continue;
        cut(out, from);
        return;
    }
}

/* "[ar:Nujabes]" and its like alone on a line. */
static bool is_id_tag(const char *line, size_t size) {
    static const char *const names[] = {"ar", "ti", "al",   "au",     "lr",     "by",  "re", "ve",
                                        "la", "id", "tool", "offset", "length", "key", "#"};
    lofi_lyrics_trim(&line, &size);
    if (size < 4 || line[0] != '[' || memchr(line, ']', size) != line + size - 1) return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t length = strlen(names[i]);
        if (size > length + 2 && line[length + 1] == ':' && strncasecmp(line + 1, names[i], length) == 0) return true;
    }
    return false;
}

static void drop_white(lofi_buffer *out, size_t from) {
    size_t white = from;
    while (white < out->size && lofi_lyrics_is_white(out->data[white])) white++;
    memmove(out->data + from, out->data + white, out->size - white);
    cut(out, out->size - (white - from));
}

lofi_code lofi_lyrics_strip_times(lofi_buffer *out, const char *text, size_t size, lofi_error *err) {
    LOFI_TRY(lofi_lyrics_are_text(text, size, err));
    skip_byte_order_marks(&text, &size);
    while (size > 0) {
        size_t length, start = out->size;
        const char *line = lofi_lyrics_next_line(&text, &size, &length);
        for (size_t i = 0; i < length; i++) add_untimed(out, start, line[i]);
        LOFI_TRY(lofi_buffer_check(out, err));
        if (out->size - start < length) drop_white(out, start); /* behind a time */
        if (out->size > start && is_id_tag(out->data + start, out->size - start))
            cut(out, start);
        else
            lofi_buffer_text(out, "\n");
    }
    return lofi_buffer_check(out, err);
}

/* ---- section form ---- */

typedef struct former {
    lofi_buffer *out;
    size_t start;    /* of what was added */
    bool by_stanza;  /* the text has no mark: each stanza is a verse */
    bool in_section; /* a mark stands before what comes */
    bool gap;        /* an empty line was there since the last words */
    bool filled;     /* the section has words */
} former;

static void begin_section(former *self, const char *mark, size_t size) {
    if (self->out->size > self->start) lofi_buffer_text(self->out, "\n");
    lofi_buffer_append(self->out, mark, size);
    lofi_buffer_text(self->out, "\n");
    self->in_section = true;
    self->gap = self->filled = false;
}

static void add_words(former *self, const char *words, size_t size) {
    if (!self->in_section || (self->by_stanza && self->gap))
        begin_section(self, "[Verse]", strlen("[Verse]"));
    else if (self->gap && self->filled)
        lofi_buffer_text(self->out, "\n");
    lofi_buffer_append(self->out, words, size);
    lofi_buffer_text(self->out, "\n");
    self->gap = false;
    self->filled = true;
}

static void add_part(former *self, const lofi_lyrics_part *part) {
    switch (part->kind) {
    case LOFI_LYRICS_BLANK: self->gap = true; break;
    case LOFI_LYRICS_WORDS: add_words(self, part->words, part->size); break;
    case LOFI_LYRICS_MARK: begin_section(self, part->mark, strlen(part->mark)); break;
    case LOFI_LYRICS_UNKNOWN_MARK: begin_section(self, part->words, part->size); break;
    }
}

static bool has_mark(const char *text, size_t size) {
    while (size > 0) {
        size_t length;
        const char *line = lofi_lyrics_next_line(&text, &size, &length);
        lofi_lyrics_part part = lofi_lyrics_next_part(&line, &length);
        if (part.kind == LOFI_LYRICS_MARK || part.kind == LOFI_LYRICS_UNKNOWN_MARK) return true;
    }
    return false;
}

lofi_code lofi_lyrics_form(lofi_buffer *out, const char *text, size_t size, lofi_error *err) {
    LOFI_TRY(lofi_lyrics_are_text(text, size, err));
    skip_byte_order_marks(&text, &size);
    former self = {.out = out, .start = out->size, .by_stanza = !has_mark(text, size)};
    while (size > 0) {
        size_t length;
        const char *line = lofi_lyrics_next_line(&text, &size, &length);
        do {
            lofi_lyrics_part part = lofi_lyrics_next_part(&line, &length);
            add_part(&self, &part);
        } while (length > 0);
    }
    return lofi_buffer_check(out, err);
}

/* ---- what to look at ---- */

typedef struct checker {
    lofi_lyrics_finding_fn *tell;
    void *user;
    const char *formed; /* what of the section form is not compared yet */
    size_t formed_size;
    size_t line;
    bool differs; /* told already */
    bool gap;     /* the line before is empty, or there is none */
} checker;

/* A piece of lyrics as it can be shown: whole characters of at most 48 bytes, no control characters. */
static void quote(char out[64], const char *text, size_t size) {
    size_t shown = size > 48 ? 48 : size;
    while (shown < size && shown > 0 && ((unsigned char)text[shown] & 0xC0) == 0x80) shown--;
    for (size_t i = 0; i < shown; i++) {
        unsigned char byte = (unsigned char)text[i];
        bool control = byte < 32 || byte == 127 || (byte == 0xC2 && i + 1 < shown && (unsigned char)text[i + 1] < 0xA0);
        out[i] = control ? '?' : text[i];
        if (control && byte == 0xC2) out[++i] = '?';
    }
    snprintf(out + shown, 64 - shown, "%s", shown < size ? "..." : "");
}

static void tell_mark(const checker *self, const char *line, size_t size) {
    char what[256], shown[64];
    const char *nearest = lofi_lyrics_nearest_mark(line, size);
    quote(shown, line, size);
    if (nearest)
        snprintf(what, sizeof what, "unknown section mark '%s'; did you mean %s?", shown, nearest);
    else
        snprintf(what, sizeof what, "unknown section mark '%s'; sounds and remarks stand in (round brackets)", shown);
    self->tell(self->user, self->line, what);
}

static void tell_words(const checker *self, const char *line, size_t size) {
    char what[256], shown[64];
    const char *bare = self->gap ? lofi_lyrics_bare_mark(line, size) : NULL;
    const char *nearest = lofi_lyrics_nearest_mark(line, size);
    size_t time = lofi_lyrics_time(line, size);
    if (!bare && !nearest && time == 0) return;
    quote(shown, line, time ? time : size);
    if (time)
        snprintf(what, sizeof what, "'%s' is a time; as NAME.lrc beside the song, times are taken out", shown);
    else if (bare)
        snprintf(what, sizeof what, "'%s' is taken for words; if it is a section mark, write %s", shown, bare);
    else
        snprintf(what, sizeof what, "'%s' begins like a section mark; did you mean %s?", shown, nearest);
    self->tell(self->user, self->line, what);
}

/* The next line of the section form that is not empty. */
static const char *next_formed(checker *self, size_t *size) {
    while (self->formed_size > 0) {
        const char *line = lofi_lyrics_next_line(&self->formed, &self->formed_size, size);
        if (*size > 0) return line;
    }
    *size = 0;
    return "";
}

/* Only the first difference is told: those behind it follow from it. */
static void compare_line(checker *self, const char *line, size_t size) {
    char what[256], shown[64], wanted[64];
    size_t formed_size;
    const char *formed = next_formed(self, &formed_size);
    self->differs = formed_size != size || memcmp(formed, line, size) != 0;
    if (!self->differs) return;
    quote(shown, line, size);
    quote(wanted, formed, formed_size);
    snprintf(what, sizeof what, "not in section form: '%s' stands where '%s' belongs", shown, wanted);
    self->tell(self->user, self->line, what);
}

static void check_line(checker *self, const char *line, size_t size) {
    const char *rest = line;
    size_t left = size;
    lofi_lyrics_part part = lofi_lyrics_next_part(&rest, &left);
    if (part.kind == LOFI_LYRICS_UNKNOWN_MARK) tell_mark(self, part.words, part.size);
    if (part.kind == LOFI_LYRICS_WORDS) tell_words(self, part.words, part.size);
    while (size > 0 && lofi_lyrics_is_white(line[size - 1])) size--;
    if (size > 0 && !self->differs) compare_line(self, line, size);
    self->gap = part.kind == LOFI_LYRICS_BLANK;
}

lofi_code lofi_lyrics_check(const char *text, size_t size, lofi_lyrics_finding_fn *tell, void *user, lofi_error *err) {
    lofi_buffer formed = LOFI_BUFFER_INIT;
    lofi_code code = lofi_lyrics_form(&formed, text, size, err);
    checker self = {tell, user, lofi_buffer_str(&formed), formed.size, 0, false, true};
    skip_byte_order_marks(&text, &size);
    while (code == LOFI_OK && size > 0) {
        size_t length;
        const char *line = lofi_lyrics_next_line(&text, &size, &length);
        self.line++;
        check_line(&self, line, length);
    }
    lofi_buffer_free(&formed);
    return code;
}
