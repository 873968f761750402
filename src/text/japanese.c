/* japanese.c - Japanese in Hepburn romaji as the `cutlet` package (0.5.2) writes it, over MeCab's words with UniDic's
 * readings (romanize.h): the particle は is wa, foreign words have their own spelling, spaces stand between words. Lower
 * case throughout.
 */
#include "text/japanese.h"

#include <stdlib.h>

#include "text/kana.h"
#include "text/text_libraries.h"
#include "text/unicode.h"

#ifdef LOFI_HAVE_MECAB
#include <mecab.h>

#define MAX_FIELDS 32
#define ALPHA      5 /* kinds of characters in UniDic's char.def */
#define HIRAGANA   6
#define KATAKANA   7

/* A word of a line, with the fields of UniDic that matter; missing ones are "". */
typedef struct word {
    char *surface, *feature; /* owned */
    const char *part, *kind, *lemma, *pron, *kana;
    int characters;       /* MeCab's kind of characters */
    bool unknown, spaced; /* not in the dictionary; white space before it */
    lofi_buffer romaji;
    bool space; /* to be written behind it */
} word;

struct lofi_japanese {
    mecab_t *mecab;
};

lofi_code lofi_japanese_open(lofi_japanese **out, const char *folder, lofi_error *err) {
    LOFI_TRY(lofi_library_open(&lofi_library_mecab, err));
    lofi_japanese *japanese = calloc(1, sizeof *japanese);
    lofi_buffer option = LOFI_BUFFER_INIT;
    if (japanese == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate the Japanese reader");
    lofi_buffer_text(&option, folder);
    lofi_code code = lofi_buffer_check(&option, err);
    char *arguments[] = {"lofi", "-r", "/dev/null", "-d", option.data, NULL};
    if (code == LOFI_OK && (japanese->mecab = mecab_new(5, arguments)) == NULL) {
        code = lofi_fail(err, LOFI_ERR_FORMAT, "MeCab cannot open the dictionary '%s'", folder);
        (void)lofi_hint(err, "LOFI_MECAB_DICT is the folder of a UniDic, with sys.dic in it");
    }
    lofi_buffer_free(&option);
    if (code != LOFI_OK) {
        lofi_japanese_free(japanese);
        return code;
    }
    *out = japanese;
    return LOFI_OK;
}

void lofi_japanese_free(lofi_japanese *japanese) {
    if (japanese == NULL) return;
    if (japanese->mecab != NULL) mecab_destroy(japanese->mecab);
    free(japanese);
}

/* ---- MeCab's words ---- */

/* Cuts a line of comma-separated fields in place; quotes around a field are taken off. */
static int split_fields(char *line, const char *fields[MAX_FIELDS]) {
    int count = 0;
    while (count < MAX_FIELDS) {
        bool quoted = *line == '"';
        char *end = quoted ? strchr(line + 1, '"') : line + strcspn(line, ",");
        if (end == NULL) break;
        fields[count++] = quoted ? line + 1 : line;
        char *next = quoted ? end + 1 : end;
        bool last = *next == '\0';
        *end = '\0';
        if (last) break;
        line = next + 1;
    }
    return count;
}

static void read_feature(word *w) {
    const char *fields[MAX_FIELDS];
    int count = split_fields(w->feature, fields);
    int kana = count >= 29 ? 20 : 17; /* UniDic 3 has three more fields before it than UniDic 2 */
    w->part = count > 0 ? fields[0] : "";
    w->kind = count > 1 ? fields[1] : "";
    w->lemma = count > 7 ? fields[7] : "";
    w->pron = count > 9 ? fields[9] : "";
    w->kana = count > kana ? fields[kana] : "";
}

static void free_words(word *words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(words[i].surface);
        free(words[i].feature);
        lofi_buffer_free(&words[i].romaji);
    }
    free(words);
}

static bool is_word(const mecab_node_t *node) {
    return node->stat == MECAB_NOR_NODE || node->stat == MECAB_UNK_NODE;
}

static lofi_code read_words(const mecab_node_t *first, word **out, size_t *count, lofi_error *err) {
    size_t room = 0;
    *count = 0;
    for (const mecab_node_t *node = first; node != NULL; node = node->next) room += is_word(node);
    word *words = calloc(room + 1, sizeof *words);
    bool whole = words != NULL;
    for (const mecab_node_t *node = first; whole && node != NULL; node = node->next) {
        if (!is_word(node)) continue;
        word *w = &words[(*count)++];
        w->romaji = (lofi_buffer)LOFI_BUFFER_INIT;
        w->surface = strndup(node->surface, node->length);
        w->feature = strdup(node->feature);
        w->characters = node->char_type;
        w->unknown = node->stat == MECAB_UNK_NODE;
        w->spaced = node->rlength > node->length;
        whole = w->surface != NULL && w->feature != NULL;
        if (whole) read_feature(w);
    }
    *out = words;
    if (whole) return LOFI_OK;
    free_words(words, *count);
    return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the words of a line");
}

/* ---- words to romaji ---- */

static bool is(const char *text, const char *other) {
    return strcmp(text, other) == 0;
}

static bool is_ascii(const char *text) {
    for (; *text != '\0'; text++)
        if ((unsigned char)*text > 127) return false;
    return true;
}

static bool is_digits(const char *text) {
    return text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
}

/* The spelling of a foreign word behind the hyphen of its lemma, or NULL. */
static const char *foreign_spelling(const word *w) {
    const char *hyphen = strchr(w->surface, '-') == NULL ? strchr(w->lemma, '-') : NULL;
    return hyphen != NULL && is_ascii(hyphen + 1) ? hyphen + 1 : NULL;
}

static const char *special_word(const char *surface) {
    static const char *const words[][2] = {
        {"ホッピー", "Hoppy"}, {"東京", "Tokyo"},   {"大阪", "Osaka"},     {"京都", "Kyoto"}, {"柔道", "judo"},
        {"弁当", "bento"},     {"ヒルズ", "hills"}, {"カービィ", "Kirby"}, {"€", ""},         {"¥", ""}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (is(surface, words[i][0])) return words[i][1];
    return NULL;
}

static void write_unknown(word *w, bool *exact) {
    if (w->characters == HIRAGANA || w->characters == KATAKANA) {
        if (!lofi_kana_write(w->surface, &w->romaji)) *exact = false;
        return;
    }
    size_t size = strlen(w->surface);
    for (size_t at = 0; at < size;) {
        (void)lofi_utf8_next(w->surface, size, &at);
        lofi_buffer_text(&w->romaji, "?");
    }
}

static void write_word(word *w, bool *exact) {
    const char *special = special_word(w->surface), *foreign = foreign_spelling(w);
    bool particle = is(w->part, "助詞");
    if (special != NULL)
        lofi_buffer_text(&w->romaji, special);
    else if (is_ascii(w->surface))
        lofi_buffer_text(&w->romaji, w->surface);
    else if (w->unknown)
        write_unknown(w, exact);
    else if (is(w->part, "補助記号"))
        lofi_buffer_text(&w->romaji, lofi_kana_symbol(w->surface));
    else if (particle && is(w->pron, "ワ"))
        lofi_buffer_text(&w->romaji, "wa");
    else if (particle && is(w->pron, "エ"))
        lofi_buffer_text(&w->romaji, "e");
    else if (foreign != NULL)
        lofi_buffer_text(&w->romaji, foreign);
    else if (w->kana[0] != '\0')
        *exact = lofi_kana_write(w->kana, &w->romaji) && *exact;
    else
        lofi_buffer_text(&w->romaji, w->surface);
}

/* ---- spaces ---- */

static bool takes_ending(const word *w) {
    return is(w->part, "動詞") || is(w->part, "助動詞") || is(w->part, "形容詞");
}

/* Whether a space belongs between a word that is written and the next, NULL at the end. */
static bool needs_space(const word *w, const word *next) {
    const char *roma = lofi_buffer_str(&w->romaji);
    if (is(w->part, "接頭辞")) return false;
    if (next == NULL) return true;
    if (is(next->part, "補助記号") || is(next->part, "接尾辞") || is(next->surface, ",")) return false;
    if (foreign_spelling(w) != NULL && w->romaji.size > 0 && roma[w->romaji.size - 1] == '-') return false;
    if (next->kind[0] != '\0' && strstr("接続助詞", next->kind) != NULL) return false;
    if (is_digits(w->surface) && is_digits(next->surface)) return false;
    return !(takes_ending(w) && is(next->part, "助動詞") && !is(next->surface, "です"));
}

static void space_word(word *before, word *w, const word *next) {
    const char *roma = lofi_buffer_str(&w->romaji);
    bool opens = is(w->surface, "「") || is(w->surface, "『") || strstr("([", roma) != NULL; /* nothing at all, too */
    if (opens && before != NULL) before->space = true;
    if (opens || is(roma, "/")) return;
    if (is_ascii(w->surface) && next != NULL && is_ascii(next->surface))
        w->space = next->spaced;
    else
        w->space = needs_space(w, next);
}

/* Writes one word after those before it; a small tsu at their end doubles its first letter. */
static void add_word(word *words, size_t count, size_t i, bool *exact) {
    word *w = &words[i], *before = i > 0 ? &words[i - 1] : NULL, *next = i + 1 < count ? &words[i + 1] : NULL;
    if (is(w->surface, "'") && next != NULL && next->characters == ALPHA && !next->spaced && !w->spaced) {
        if (before != NULL) before->space = false;
        lofi_buffer_text(&w->romaji, "'");
        return;
    }
    write_word(w, exact);
    if (w->romaji.size > 0 && before != NULL && lofi_kana_is_open(&before->romaji)) {
        before->romaji.size -= strlen("っ");
        lofi_buffer_append(&before->romaji, w->romaji.data, 1);
    }
    space_word(before, w, next);
}

static void join_words(word *words, size_t count, lofi_buffer *line) {
    for (size_t i = 0; i < count; i++) {
        lofi_replace_all(&words[i].romaji, "っ", "");
        for (size_t k = 0; k < words[i].romaji.size; k++) {
            char c = words[i].romaji.data[k];
            if (c >= 'A' && c <= 'Z') words[i].romaji.data[k] = (char)(c - 'A' + 'a');
        }
        lofi_buffer_append(line, lofi_buffer_str(&words[i].romaji), words[i].romaji.size);
        if (words[i].space) lofi_buffer_text(line, " ");
    }
    while (lofi_ends_with(line, " ")) lofi_shorten(line, 1);
}

/* ---- lines ---- */

static lofi_code compose(const char *text, size_t size, lofi_buffer *out, lofi_error *err) {
    lofi_utf16 units = LOFI_UTF16_INIT;
    lofi_code code = lofi_utf16_append_utf8(&units, text, size, err);
    if (code == LOFI_OK) code = lofi_utf16_normalize(&units, LOFI_NFKC, err);
    if (code == LOFI_OK) code = lofi_utf16_to_utf8(out, units.data, units.size, err);
    lofi_utf16_free(&units);
    return code;
}

lofi_code lofi_japanese_write(const lofi_japanese *japanese, const char *text, size_t size, lofi_buffer *out,
                              bool *exact, lofi_error *err) {
    lofi_buffer plain = LOFI_BUFFER_INIT, line = LOFI_BUFFER_INIT;
    word *words = NULL;
    size_t count = 0;
    lofi_code code = LOFI_OK;
    *exact = true;
    LOFI_TRY_GOTO(compose(text, size, &plain, err), end);
    const mecab_node_t *nodes = mecab_sparse_tonode2(japanese->mecab, lofi_buffer_str(&plain), plain.size);
    if (nodes == NULL) {
        code = lofi_fail(err, LOFI_ERR_UNSUPPORTED, "MeCab cannot read a line: %s", mecab_strerror(japanese->mecab));
        goto end;
    }
    LOFI_TRY_GOTO(read_words(nodes, &words, &count, err), end);
    for (size_t i = 0; i < count; i++) add_word(words, count, i, exact);
    join_words(words, count, &line);
    size_t spaces = strspn(lofi_buffer_str(&line), " ");
    lofi_buffer_text(out, lofi_buffer_str(&line) + spaces);
    code = lofi_buffer_check(out, err);
    free_words(words, count);
end:
    lofi_buffer_free(&plain);
    lofi_buffer_free(&line);
    return code;
}

bool lofi_japanese_built_in(void) {
    return true;
}

#else

lofi_code lofi_japanese_open(lofi_japanese **out, const char *folder, lofi_error *err) {
    (void)out;
    lofi_fail(err, LOFI_ERR_UNSUPPORTED, "this program was built without MeCab and cannot read '%s'", folder);
    return lofi_hint(err, "install libmecab-dev and build again, or unset LOFI_MECAB_DICT");
}

void lofi_japanese_free(lofi_japanese *japanese) {
    (void)japanese;
}

lofi_code lofi_japanese_write(const lofi_japanese *japanese, const char *text, size_t size, lofi_buffer *out,
                              bool *exact, lofi_error *err) {
    (void)japanese;
    *exact = false;
    lofi_buffer_append(out, text, size);
    return lofi_buffer_check(out, err);
}

bool lofi_japanese_built_in(void) {
    return false;
}

#endif
