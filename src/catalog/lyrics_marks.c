/* lyrics_marks.c - see lyrics_marks.h. */
#include "catalog/lyrics_marks.h"

#include <string.h>

#include "catalog/nearest.h"

enum { MARK_BYTES = 64, NAME_BYTES = MARK_BYTES + 1 }; /* a longer one is no mark */

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* As normalize() leaves them. `sure`: no word of a song, so that it counts outside of square brackets. */
static const struct {
    const char *name, *mark;
    bool sure;
} known[] = {
    {"intro", "[Intro]", true},
    {"introduction", "[Intro]", false},
    {"opening", "[Intro]", false},
    {"verse", "[Verse]", true},
    {"verses", "[Verse]", false},
    {"stanza", "[Verse]", false},
    {"rap", "[Verse]", false},
    {"pre chorus", "[Verse]", true},
    {"prechorus", "[Verse]", true},
    {"strophe", "[Verse]", false},
    {"couplet", "[Verse]", false},
    {"verso", "[Verse]", false},
    {"chorus", "[Chorus]", true},
    {"refrain", "[Chorus]", true},
    {"hook", "[Chorus]", true},
    {"post chorus", "[Chorus]", true},
    {"postchorus", "[Chorus]", true},
    {"estribillo", "[Chorus]", false},
    {"coro", "[Chorus]", false},
    {"bridge", "[Bridge]", true},
    {"middle eight", "[Bridge]", false},
    {"middle 8", "[Bridge]", false},
    {"breakdown", "[Bridge]", false},
    {"puente", "[Bridge]", false},
    {"outro", "[Outro]", true},
    {"coda", "[Outro]", false},
    {"ending", "[Outro]", false},
    {"end", "[Outro]", false},
    {"instrumental", "[Instrumental]", true},
    {"inst", "[Instrumental]", false},
    {"interlude", "[Instrumental]", true},
    {"solo", "[Instrumental]", false},
    {"guitar solo", "[Instrumental]", false},
    {"piano solo", "[Instrumental]", false},
    {"sax solo", "[Instrumental]", false},
    {"instrumental break", "[Instrumental]", false},
    {"instrumental solo", "[Instrumental]", false},
    {"break", "[Instrumental]", false},
    {"drop", "[Instrumental]", false},
};

bool lofi_lyrics_is_white(char character) {
    return character == ' ' || character == '\t' || character == '\v' || character == '\f';
}

void lofi_lyrics_trim(const char **text, size_t *size) {
    while (*size > 0 && lofi_lyrics_is_white(**text)) {
        ++*text;
        --*size;
    }
    while (*size > 0 && lofi_lyrics_is_white((*text)[*size - 1])) --*size;
}

static bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

/* ---- names ---- */

/* Lower case; runs of spaces, '-', '_' and '.' are one space. */
static void normalize(char out[NAME_BYTES], const char *text, size_t size) {
    size_t length = 0;
    bool space = false;
    for (size_t i = 0; i < size && length + 2 < NAME_BYTES; i++) {
        char c = text[i];
        if (lofi_lyrics_is_white(c) || c == '-' || c == '_' || c == '.') {
            space = length > 0;
            continue;
        }
        if (space) out[length++] = ' ';
        space = false;
        out[length++] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    out[length] = '\0';
}

static bool is_one_of(const char *word, const char *const *list, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, list[i]) == 0) return true;
    return false;
}

/* "2", "#2", "x2", "2x". */
static bool is_number(const char *word) {
    word += *word == '#' || *word == 'x';
    size_t digits = strspn(word, "0123456789");
    return digits > 0 && (word[digits] == '\0' || strcmp(word + digits, "x") == 0);
}

static bool is_counted_otherwise(const char *word) {
    static const char *const words[] = {"i", "ii", "iii",    "iv",       "one",     "two",  "three",
                                        "a", "b",  "repeat", "repeated", "reprise", "again"};
    return is_one_of(word, words, COUNT(words));
}

/* Takes what counts off the end: "verse 2", "chorus x2", "verse2", "verse ii". Whether there were digits. */
static bool drop_numbers(char name[NAME_BYTES]) {
    bool digits = false;
    for (char *space = strrchr(name, ' '); space && strcmp(name, "middle 8") != 0; space = strrchr(name, ' ')) {
        bool number = is_number(space + 1);
        if (!number && !is_counted_otherwise(space + 1)) break;
        *space = '\0';
        digits = digits || number;
    }
    size_t size = strlen(name), letters = size;
    while (letters > 1 && is_digit(name[letters - 1])) letters--;
    if (letters == size || name[letters - 1] == ' ') return digits;
    name[letters] = '\0';
    return true;
}

static const char *without_first_word(const char *name) {
    static const char *const first[] = {"final", "last", "first", "second", "third", "repeat", "double", "half"};
    for (size_t i = 0; i < COUNT(first); i++) {
        size_t size = strlen(first[i]);
        if (strncmp(name, first[i], size) == 0 && name[size] == ' ') return name + size + 1;
    }
    return name;
}

/* `numbered`, may be NULL: whether digits stood behind the name. */
static const char *find_name(const char *text, size_t size, bool sure, bool *numbered) {
    char name[NAME_BYTES];
    if (size > MARK_BYTES) return NULL;
    normalize(name, text, size);
    bool number = drop_numbers(name);
    const char *core = without_first_word(name);
    for (size_t i = 0; i < COUNT(known); i++) {
        if (strcmp(known[i].name, core) != 0 || (sure && !known[i].sure)) continue;
        if (numbered) *numbered = number;
        return known[i].mark;
    }
    return NULL;
}

/* Within square brackets singers may stand behind the name. */
static size_t without_singers(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (memchr(":(,|/&+", text[i], 7)) return i;
        bool dash = i > 0 && (text[i] == '-' || (size - i > 2 && memcmp(text + i, "\xe2\x80\x93", 3) == 0));
        if (dash && lofi_lyrics_is_white(text[i - 1])) return i;
    }
    return size;
}

/* ---- forms ---- */

size_t lofi_lyrics_time(const char *text, size_t size) {
    size_t at = 1, groups = 0;
    if (size < 5 || (text[0] != '[' && text[0] != '<')) return 0;
    char end = text[0] == '[' ? ']' : '>';
    for (;;) {
        size_t digits = 0;
        while (at + digits < size && is_digit(text[at + digits]) && digits < 4) digits++;
        if (digits == 0 || digits > 3) return 0;
        at += digits;
        groups++;
        if (at >= size) return 0;
        if (text[at] == end) return groups >= 2 ? at + 1 : 0;
        bool separator = text[at] == ':' || (text[at] == '.' && groups >= 2);
        if (!separator || groups == 4) return 0;
        at++;
    }
}

/* What is within the brackets at the beginning; false when there are none that may be a mark. */
static bool bracketed(const char *line, size_t size, const char **inside, size_t *inside_size) {
    if (size < 3 || line[0] != '[') return false;
    const char *end = memchr(line, ']', size < MARK_BYTES + 2 ? size : MARK_BYTES + 2);
    if (!end || end == line + 1) return false;
    *inside = line + 1;
    *inside_size = (size_t)(end - line) - 1;
    return memchr(*inside, '[', *inside_size) == NULL;
}

static const char *mark_in_brackets(const char *line, size_t size, size_t *used) {
    const char *inside;
    size_t inside_size;
    if (!bracketed(line, size, &inside, &inside_size)) return NULL;
    *used = inside_size + 2;
    if (*used < size && line[*used] == ':') ++*used;
    return find_name(inside, without_singers(inside, inside_size), false, NULL);
}

static bool is_decoration(char character) {
    return memchr("#*_=-~", character, 6) != NULL;
}

/* Takes one layer of signs off both ends. */
static bool undress(const char **text, size_t *size) {
    static const char open[] = "({<[", close[] = ")}>]";
    size_t before = *size;
    lofi_lyrics_trim(text, size);
    while (*size > 0 && is_decoration(**text)) {
        ++*text;
        --*size;
    }
    while (*size > 0 && (is_decoration((*text)[*size - 1]) || (*text)[*size - 1] == ':')) --*size;
    const char *pair = *size > 2 ? memchr(open, **text, sizeof open - 1) : NULL;
    if (pair && (*text)[*size - 1] == close[pair - open]) {
        ++*text;
        *size -= 2;
    }
    return *size != before;
}

/* A mark that fills its line. */
static const char *mark_alone(const char *line, size_t size) {
    bool dressed = false, numbered = false;
    if (size > 2 * MARK_BYTES) return NULL;
    while (undress(&line, &size)) dressed = true;
    const char *mark = find_name(line, size, true, &numbered);
    return dressed || numbered ? mark : NULL;
}

static const char *mark_with_colon(const char *line, size_t size, size_t *used) {
    const char *colon = memchr(line, ':', size < MARK_BYTES ? size : MARK_BYTES);
    if (!colon) return NULL;
    *used = (size_t)(colon - line) + 1;
    return find_name(line, *used - 1, true, NULL);
}

static bool is_unknown_mark(const char *line, size_t size) {
    const char *inside;
    size_t inside_size;
    if (!bracketed(line, size, &inside, &inside_size) || inside_size + 2 != size) return false;
    return lofi_lyrics_time(line, size) == 0;
}

/* Of a line without white space at its ends, and not empty. */
static const char *find_mark(const char *line, size_t size, size_t *used) {
    const char *mark = mark_in_brackets(line, size, used);
    if (mark) return mark;
    mark = mark_with_colon(line, size, used);
    if (mark) return mark;
    *used = size;
    return mark_alone(line, size);
}

lofi_lyrics_part lofi_lyrics_next_part(const char **line, size_t *size) {
    lofi_lyrics_part part = {LOFI_LYRICS_BLANK, NULL, *line, *size};
    const char *text = *line;
    size_t used = 0, left = *size;
    while (part.size > 0 && lofi_lyrics_is_white(part.words[part.size - 1])) part.size--;
    lofi_lyrics_trim(&text, &left);
    *line += *size;
    *size = 0;
    if (left == 0) return part;
    part.mark = find_mark(text, left, &used);
    if (part.mark) {
        part.kind = LOFI_LYRICS_MARK;
        *line = text + used;
        *size = left - used;
        lofi_lyrics_trim(line, size);
        return part;
    }
    part.kind = LOFI_LYRICS_WORDS;
    if (!is_unknown_mark(text, left)) return part;
    return (lofi_lyrics_part){LOFI_LYRICS_UNKNOWN_MARK, NULL, text, left};
}

const char *lofi_lyrics_next_line(const char **text, size_t *left, size_t *size) {
    const char *line = *text;
    size_t length = 0;
    while (length < *left && line[length] != '\n' && line[length] != '\r') length++;
    size_t end = length + (length < *left);
    if (end < *left && line[length] == '\r' && line[end] == '\n') end++;
    *size = length;
    *text += end;
    *left -= end;
    return line;
}

/* ---- what may be meant ---- */

const char *lofi_lyrics_nearest_mark(const char *line, size_t size) {
    char name[NAME_BYTES];
    const char *inside, *best = NULL;
    size_t inside_size;
    if (!bracketed(line, size, &inside, &inside_size)) return NULL;
    normalize(name, inside, without_singers(inside, inside_size));
    drop_numbers(name);
    size_t nearest = strlen(name) / 3 + 1; /* as many edits are no likeness */
    for (size_t i = 0; i < COUNT(known); i++) {
        size_t distance = lofi_edit_distance(name, known[i].name);
        if (distance >= nearest) continue;
        nearest = distance;
        best = known[i].mark;
    }
    return best;
}

const char *lofi_lyrics_bare_mark(const char *line, size_t size) {
    lofi_lyrics_trim(&line, &size);
    return find_name(line, size, true, NULL);
}
