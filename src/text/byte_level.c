/* byte_level.c - see the header. The expression is matched by hand: each part begins with another kind of character. */
#include "text/byte_level.h"

#include <string.h>

#include "text/unicode.h"

typedef enum kind { SPACE, LETTER, NUMBER, OTHER, END } kind;

static kind kind_at(const char *text, size_t size, size_t at, size_t *next) {
    *next = at;
    if (at >= size) return END;
    int32_t character = lofi_utf8_next(text, size, next);
    return lofi_is_space(character)    ? SPACE
           : lofi_is_letter(character) ? LETTER
           : lofi_is_number(character) ? NUMBER
                                       : OTHER;
}

/* The end of the run of characters of one kind from `at` on; *last: where its last character begins. */
static size_t run_end(const char *text, size_t size, size_t at, kind wanted, size_t *last) {
    size_t next;
    while (kind_at(text, size, at, &next) == wanted) {
        *last = at;
        at = next;
    }
    return at;
}

/* Bytes of an English ending: 's 't 'm 'd 're 've 'll; 0 when there is none. */
static size_t ending_size(const char *text, size_t size, size_t at) {
    static const char *const endings[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t length = strlen(endings[i]);
        if (length <= size - at && memcmp(text + at, endings[i], length) == 0) return length;
    }
    return 0;
}

/* Of a run of spaces the last one stays for what follows, unless it is alone or nothing follows. */
static size_t spaces_end(const char *text, size_t size, size_t at) {
    size_t last = at, end = run_end(text, size, at, SPACE, &last);
    return end < size && last > at ? last : end;
}

static size_t part_end(const char *text, size_t size, size_t at) {
    size_t ending = text[at] == '\'' ? ending_size(text, size, at) : 0, next, last;
    if (ending) return at + ending;
    size_t word = at + (text[at] == ' ');
    kind first = kind_at(text, size, word, &next);
    if (first == SPACE || first == END) return spaces_end(text, size, at);
    return run_end(text, size, word, first, &last);
}

/* ---- bytes as characters ---- */

static bool stands_for_itself(int byte) {
    return (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

static int32_t character_of(int byte) {
    int32_t others = 0;
    if (stands_for_itself(byte)) return byte;
    for (int i = 0; i < byte; i++) others += !stands_for_itself(i);
    return 0x100 + others;
}

static lofi_code add_part(lofi_pieces *out, lofi_buffer *room, const char *text, size_t size, bool first,
                          lofi_error *err) {
    lofi_buffer_clear(room);
    for (size_t i = 0; i < size; i++) lofi_utf8_append(room, character_of((unsigned char)text[i]));
    LOFI_TRY(lofi_buffer_check(room, err));
    return lofi_pieces_add(out, lofi_buffer_str(room), room->size, -1, first, err);
}

static lofi_code cut(lofi_pieces *out, lofi_buffer *room, const char *text, size_t size, bool first, bool split,
                     lofi_error *err) {
    if (!split) return add_part(out, room, text, size, first, err);
    for (size_t at = 0, end; at < size; at = end) {
        end = part_end(text, size, at);
        LOFI_TRY(add_part(out, room, text + at, end - at, first && at == 0, err));
    }
    return LOFI_OK;
}

lofi_code lofi_byte_level_cut(lofi_pieces *out, const char *text, size_t size, bool first, bool prefix, bool split,
                              lofi_error *err) {
    lofi_buffer room = LOFI_BUFFER_INIT, prefixed = LOFI_BUFFER_INIT;
    if (prefix && size > 0 && text[0] != ' ') {
        lofi_buffer_text(&prefixed, " ");
        lofi_buffer_append(&prefixed, text, size);
        text = lofi_buffer_str(&prefixed);
        size = prefixed.size;
    }
    lofi_code code = lofi_buffer_check(&prefixed, err);
    if (code == LOFI_OK) code = cut(out, &room, text, size, first, split, err);
    lofi_buffer_free(&room);
    lofi_buffer_free(&prefixed);
    return code;
}
