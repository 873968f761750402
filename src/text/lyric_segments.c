/* lyric_segments.c - see lyric_segments.h. A line is cut into chunks: numbers with what surrounds them, runs of words,
 * and the rest. Chunks join into segments that are English or not; upstream calls the latter Chinese, its default. */
#include "text/lyric_segments.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include "text/unicode.h"

#define NO_LANGUAGE "zh" /* upstream's default */
#define MAX_COUNTED 128

typedef struct cutter {
    const char *text;
    size_t size;
    lofi_buffer *out;
    lofi_buffer segment;  /* the last segment of this line */
    const char *language; /* its language */
    bool has_segment;     /* there is one */
    size_t line_segments; /* segments of this line that are written */
    const char *first;    /* language of the line's first segment, NULL while there is none */
    const char *written;  /* language of the last segment in `out`, NULL before the first */
    const lofi_langid *model;
    struct {
        const char *language;
        size_t characters;
    } counts[MAX_COUNTED];
    size_t counted;
} cutter;

static bool same(const char *language, const char *other) {
    return strcmp(language, other) == 0;
}

static void count_characters(cutter *self, const char *language, const char *text, size_t size) {
    size_t i = 0, characters = 0;
    for (size_t k = 0; k < size; k++) characters += ((unsigned char)text[k] & 0xc0) != 0x80;
    while (i < self->counted && !same(self->counts[i].language, language)) i++;
    if (i == MAX_COUNTED) return;
    if (i == self->counted) self->counted++;
    self->counts[i].language = language;
    self->counts[i].characters += same(language, NO_LANGUAGE) ? 2 * characters : characters;
}

static bool is_letter(int32_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= 0xe0 && c <= 0xff && c != 0xf7 && c != 0xf8);
}

static bool is_word_character(int32_t c) {
    return c == '_' || (U_GET_GC_MASK(c) & (U_GC_L_MASK | U_GC_N_MASK)) != 0;
}

static bool is_opening(int32_t c) {
    static const int32_t marks[] = {0x3010, 0x300a, 0xff08, '(', 0x201c, 0x2018, '"', '\''};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (marks[i] == c) return true;
    return false;
}

static bool is_latin(int32_t c) {
    UErrorCode status = U_ZERO_ERROR;
    return uscript_getScript(c, &status) == USCRIPT_LATIN && U_SUCCESS(status);
}

bool lofi_lyric_segments_apply(const char *lyrics, size_t size, bool with_model) {
    for (size_t at = 0; at < size;) {
        int32_t c = lofi_utf8_next(lyrics, size, &at);
        if (c == '<' || c == LOFI_SEGMENT_BREAK || c == LOFI_SEGMENT_DROPPED || c == '\r') return false;
        if ((U_GET_GC_MASK(c) & (U_GC_L_MASK | U_GC_M_MASK)) != 0 && !is_letter(c) && !(with_model && is_latin(c)))
            return false;
        if (c >= 128 && (U_GET_GC_MASK(c) & U_GC_N_MASK) != 0) return false;
    }
    return true;
}

static int32_t peek(const cutter *self, size_t at, size_t end) {
    return at < end ? lofi_utf8_next(self->text, self->size, &at) : -1;
}

static size_t skip_non_words(const cutter *self, size_t at, size_t end) {
    while (at < end && !is_word_character(peek(self, at, end))) (void)lofi_utf8_next(self->text, self->size, &at);
    return at;
}

static size_t skip_digits(const cutter *self, size_t at, size_t end) {
    while (at < end && self->text[at] >= '0' && self->text[at] <= '9') at++;
    return at;
}

/* End of a number chunk that begins at `at`, or `at`. */
static size_t match_number(const cutter *self, size_t at, size_t end) {
    size_t digits = skip_non_words(self, at, end), after = skip_digits(self, digits, end);
    size_t gap = skip_non_words(self, after, end);
    if (after == digits || gap == after) return at;
    return skip_digits(self, skip_non_words(self, skip_digits(self, gap, end), end), end);
}

/* End of a run of words that begins at `at`, or `at`. */
static size_t match_words(const cutter *self, size_t at, size_t end) {
    size_t start = at;
    while (is_opening(peek(self, at, end))) (void)lofi_utf8_next(self->text, self->size, &at);
    if (!is_letter(peek(self, at, end))) return start;
    while (is_letter(peek(self, at, end))) {
        while (is_letter(peek(self, at, end))) (void)lofi_utf8_next(self->text, self->size, &at);
        at = skip_non_words(self, at, end);
    }
    return at;
}

/* ---- segments ---- */

static void write_segment(cutter *self) {
    if (!self->has_segment) return;
    if (self->written != NULL && !same(self->written, self->language))
        lofi_buffer_append(self->out, (const char[]){LOFI_SEGMENT_BREAK}, 1);
    lofi_buffer_append(self->out, lofi_buffer_str(&self->segment), self->segment.size);
    lofi_buffer_clear(&self->segment);
    self->written = self->language;
    self->has_segment = false;
    self->line_segments++;
}

/* Without punctuation, newlines and outer space: nothing, or only digits. */
static void measure(const char *text, size_t size, bool *empty, bool *number) {
    size_t kept = 0, digits = 0, inner_space = 0, pending = 0;
    for (size_t at = 0; at < size;) {
        int32_t c = lofi_utf8_next(text, size, &at);
        bool space = lofi_is_space(c);
        if (c == '\n' || (!space && !is_word_character(c))) continue;
        if (space) {
            pending += kept > 0;
            continue;
        }
        inner_space += pending;
        pending = 0;
        kept++;
        digits += c >= '0' && c <= '9';
    }
    *empty = kept == 0;
    *number = kept == digits && inner_space == 0 && !(size == 1 && text[0] == '\n');
    if (size == 1 && text[0] == '\n') *empty = false;
}

static void add_segment(cutter *self, const char *language, const char *text, size_t size) {
    bool empty = false, number = false, previous_empty = false, previous_number = false;
    measure(text, size, &empty, &number);
    if (self->has_segment) {
        if (empty || number) language = self->language;
        measure(lofi_buffer_str(&self->segment), self->segment.size, &previous_empty, &previous_number);
        if (!same(self->language, language) && !previous_number) write_segment(self);
    }
    bool joins = self->has_segment && same(self->language, language);
    lofi_buffer_append(&self->segment, text, size);
    if (joins)
        count_characters(self, language, text, size);
    else
        count_characters(self, language, lofi_buffer_str(&self->segment), self->segment.size);
    self->language = language;
    self->has_segment = true;
    if (self->line_segments == 0) self->first = language;
}

static bool is_blank(const char *text, size_t size) {
    for (size_t at = 0; at < size;)
        if (!lofi_is_space(lofi_utf8_next(text, size, &at))) return false;
    return true;
}

/* Capitals inside words apart, no hyphens at the ends, a space behind. */
static void add_english(cutter *self, const char *text, size_t size) {
    lofi_buffer spaced = LOFI_BUFFER_INIT;
    bool in_word = false;
    if (is_blank(text, size) && !(size == 1 && text[0] == '\n')) return;
    for (size_t at = 0; at < size;) {
        size_t start = at;
        int32_t c = lofi_utf8_next(text, size, &at);
        if (in_word && c >= 'A' && c <= 'Z') lofi_buffer_text(&spaced, " ");
        lofi_buffer_append(&spaced, text + start, at - start);
        in_word = is_word_character(c);
    }
    const char *data = lofi_buffer_str(&spaced);
    size_t begin = 0, end = spaced.size;
    while (begin < end && data[begin] == '-') begin++;
    while (end > begin && data[end - 1] == '-') end--;
    lofi_buffer stripped = LOFI_BUFFER_INIT;
    lofi_buffer_append(&stripped, data + begin, end - begin);
    lofi_buffer_text(&stripped, " ");
    add_segment(self, "en", lofi_buffer_str(&stripped), stripped.size);
    lofi_buffer_free(&spaced);
    lofi_buffer_free(&stripped);
}

/* As upstream asks its model: without punctuation, runs of one character shortened to it. */
static const char *hear(const cutter *self, const char *text, size_t size) {
    lofi_buffer plain = LOFI_BUFFER_INIT;
    int32_t last = -1;
    if (self->model == NULL) return "en";
    for (size_t at = 0; at < size;) {
        size_t start = at;
        int32_t c = lofi_utf8_next(text, size, &at);
        bool word = is_word_character(c);
        if (!word) c = ' ';
        if (c == last || (!word && plain.size == 0)) continue;
        if (word)
            lofi_buffer_append(&plain, text + start, at - start);
        else
            lofi_buffer_text(&plain, " ");
        last = c;
    }
    while (plain.size > 0 && plain.data[plain.size - 1] == ' ') plain.size--;
    const char *language = lofi_langid_classify(self->model, lofi_buffer_str(&plain), plain.size);
    lofi_buffer_free(&plain);
    return language;
}

static void add_sentence(cutter *self, const char *text, size_t size) {
    const char *language = hear(self, text, size);
    if (same(language, "en"))
        add_english(self, text, size);
    else
        add_segment(self, language, text, size);
}

/* Sentence by sentence, each with one newline at most. */
static void add_words(cutter *self, size_t start, size_t end) {
    size_t begin = start;
    for (size_t at = start; at < end;) {
        char c = self->text[at++];
        if (c != '.' && c != '?' && c != '!') continue;
        while (at < end && (self->text[at] == '.' || self->text[at] == '?' || self->text[at] == '!')) at++;
        if (at < end && self->text[at] == '\n') at++;
        if (!is_blank(self->text + begin, at - begin)) add_sentence(self, self->text + begin, at - begin);
        begin = at;
    }
    if (!is_blank(self->text + begin, end - begin)) {
        add_sentence(self, self->text + begin, end - begin);
        return;
    }
    for (size_t i = begin; i < end; i++)
        if (self->text[i] == '\n') lofi_buffer_append(&self->segment, (const char[]){LOFI_SEGMENT_DROPPED}, 1);
}

/* Punctuation, which joins what follows, and letters that upstream does not count among its own, such as ß. */
static void add_rest(cutter *self, size_t start, size_t end) {
    bool empty = false, number = false;
    if (start >= end) return;
    if (end - start == 1 && self->text[start] == '\n') { /* what a number left of its line */
        add_segment(self, NO_LANGUAGE, "\n", 1);
        return;
    }
    if (is_blank(self->text + start, end - start)) return;
    measure(self->text + start, end - start, &empty, &number);
    if (self->model != NULL && !empty && !number)
        add_sentence(self, self->text + start, end - start);
    else
        add_segment(self, NO_LANGUAGE, self->text + start, end - start);
}

/* In the language of the line's first segment, which is not English while there is none. */
static void add_number(cutter *self, size_t start, size_t end) {
    const char *language = self->first != NULL ? self->first : NO_LANGUAGE;
    if (same(language, "en"))
        add_english(self, self->text + start, end - start);
    else
        add_segment(self, language, self->text + start, end - start);
}

/* Words stop where a number chunk begins, which takes the punctuation before it. */
static size_t stop_at_number(const cutter *self, size_t at, size_t words, size_t end) {
    while (at < words && match_number(self, at, end) == at) (void)lofi_utf8_next(self->text, self->size, &at);
    return at;
}

/* One line with the newlines behind it. */
static void cut_line(cutter *self, size_t start, size_t end) {
    size_t rest = start; /* where what is neither number nor word begins */
    self->has_segment = false;
    self->first = NULL;
    self->line_segments = 0;
    for (size_t at = start; at < end;) {
        size_t number = match_number(self, at, end);
        size_t words = number > at ? at : match_words(self, at, end);
        if (number == at && words == at) {
            (void)lofi_utf8_next(self->text, self->size, &at);
            continue;
        }
        add_rest(self, rest, at);
        if (number > at) {
            add_number(self, at, number);
            at = number;
        } else {
            words = stop_at_number(self, at, words, end);
            add_words(self, at, words);
            at = words;
        }
        rest = at;
    }
    add_rest(self, rest, end);
    write_segment(self);
}

static const char *most_frequent(const cutter *self) {
    size_t best = 0;
    for (size_t i = 1; i < self->counted; i++)
        if (self->counts[i].characters > self->counts[best].characters) best = i;
    return self->counted > 0 ? self->counts[best].language : "en";
}

lofi_code lofi_lyric_segments_cut(const char *lyrics, size_t size, const lofi_langid *model, lofi_buffer *out,
                                  const char **dominant, lofi_error *err) {
    cutter self = {.text = lyrics, .size = size, .out = out, .model = model, .segment = LOFI_BUFFER_INIT};
    for (size_t start = 0; start < size;) {
        size_t end = start;
        while (end < size && lyrics[end] != '\n') end++;
        while (end < size && lyrics[end] == '\n') end++;
        if (is_blank(lyrics + start, end - start)) {
            for (size_t i = start; i < end; i++)
                if (lyrics[i] == '\n') lofi_buffer_append(out, (const char[]){LOFI_SEGMENT_DROPPED}, 1);
        } else {
            cut_line(&self, start, end);
        }
        start = end;
    }
    *dominant = most_frequent(&self);
    lofi_code code = lofi_buffer_check(&self.segment, err);
    lofi_buffer_free(&self.segment);
    return code == LOFI_OK ? lofi_buffer_check(out, err) : code;
}
