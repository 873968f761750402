/* charsmap.c - see charsmap.h. A unit of the trie: bits 0..7 and 31 label, bit 8 "has a leaf", bit 9 "offset is in
 * steps of 256", bits 10..30 offset; a leaf unit holds its value in bits 0..30. */
#include "text/charsmap.h"

#include <unicode/ubrk.h>
#include <unicode/utext.h>

#include "text/unicode.h"

#define WHOLE_CLUSTER_BYTES 6 /* clusters shorter than this are looked up as a whole */

struct lofi_charsmap {
    uint32_t *units;
    size_t unit_count;
    char *texts; /* zero-terminated replacements, one after the other; a zero follows the last */
    size_t texts_size;
    UBreakIterator *clusters; /* cloned for each call */
};

static int base64_value(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+') return 62;
    return c == '/' ? 63 : -1;
}

static lofi_code decode_base64(lofi_buffer *out, const char *text, lofi_error *err) {
    size_t size = strlen(text);
    size_t padding = 0;
    while (size > 0 && padding < 2 && text[size - 1] == '=') size--, padding++;
    if ((size + padding) % 4 != 0)
        return lofi_fail(err, LOFI_ERR_FORMAT,
                         "the precompiled character map is not valid base64: its length is wrong");
    uint32_t bits = 0;
    for (size_t i = 0; i < size; i++) {
        int value = base64_value(text[i]);
        if (value < 0)
            return lofi_fail(err, LOFI_ERR_FORMAT, "the precompiled character map is not valid base64: character %zu",
                             i);
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 == 0) continue;
        char byte = (char)(bits >> (6 - 2 * (i % 4)));
        lofi_buffer_append(out, &byte, 1);
    }
    return lofi_buffer_check(out, err);
}

static lofi_code parse(lofi_charsmap *map, const lofi_buffer *blob, lofi_error *err) {
    const unsigned char *bytes = (const unsigned char *)lofi_buffer_str(blob);
    if (blob->size < 4) return lofi_fail(err, LOFI_ERR_FORMAT, "the precompiled character map is too short");
    size_t trie_bytes = bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 24;
    if (trie_bytes % 4 != 0 || trie_bytes == 0 || trie_bytes > blob->size - 4)
        return lofi_fail(err, LOFI_ERR_FORMAT, "the precompiled character map says %zu bytes of trie but holds %zu",
                         trie_bytes, blob->size - 4);
    map->unit_count = trie_bytes / 4;
    map->texts_size = blob->size - 4 - trie_bytes;
    map->units = malloc(trie_bytes);
    map->texts = calloc(map->texts_size + 1, 1);
    if (map->units == NULL || map->texts == NULL)
        return lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate the precompiled character map");
    for (size_t i = 0; i < map->unit_count; i++) {
        const unsigned char *unit = bytes + 4 + 4 * i;
        map->units[i] = unit[0] | (uint32_t)unit[1] << 8 | (uint32_t)unit[2] << 16 | (uint32_t)unit[3] << 24;
    }
    memcpy(map->texts, bytes + 4 + trie_bytes, map->texts_size);
    return lofi_utf8_check(map->texts, map->texts_size, "the precompiled character map", err);
}

lofi_code lofi_charsmap_new(lofi_charsmap **out, const char *base64, lofi_error *err) {
    lofi_charsmap *map = calloc(1, sizeof *map);
    if (map == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate the precompiled character map");
    lofi_buffer blob = LOFI_BUFFER_INIT;
    lofi_code code = LOFI_OK;
    LOFI_TRY_GOTO(decode_base64(&blob, base64, err), done);
    LOFI_TRY_GOTO(parse(map, &blob, err), done);
    UErrorCode status = U_ZERO_ERROR;
    map->clusters = ubrk_open(UBRK_CHARACTER, "", NULL, 0, &status);
    LOFI_TRY_GOTO(lofi_icu_check(status, "loading the grapheme cluster rules", err), done);
    *out = map;
    map = NULL;
done:
    lofi_buffer_free(&blob);
    lofi_charsmap_free(map);
    return code;
}

void lofi_charsmap_free(lofi_charsmap *map) {
    if (map == NULL) return;
    if (map->clusters != NULL) ubrk_close(map->clusters);
    free(map->units);
    free(map->texts);
    free(map);
}

static size_t unit_offset(uint32_t unit) {
    return (size_t)(unit >> 10) << ((unit & (1u << 9)) >> 6);
}

/* The replacement of the shortest rule that `text` begins with, or NULL. */
static const char *find_rule(const lofi_charsmap *map, const char *text, size_t size) {
    size_t node = unit_offset(map->units[0]);
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte == 0) return NULL;
        node ^= byte;
        if (node >= map->unit_count) return NULL;
        uint32_t unit = map->units[node];
        if ((unit & (0x80000000u | 0xff)) != byte) return NULL;
        node ^= unit_offset(unit);
        if (node >= map->unit_count) return NULL;
        if ((unit >> 8 & 1) != 0) {
            size_t value = map->units[node] & 0x7fffffffu;
            return value <= map->texts_size ? map->texts + value : NULL;
        }
    }
    return NULL;
}

static void apply_to_cluster(const lofi_charsmap *map, const char *text, size_t size, lofi_buffer *out) {
    if (size < WHOLE_CLUSTER_BYTES) {
        const char *replacement = find_rule(map, text, size);
        if (replacement != NULL) {
            lofi_buffer_text(out, replacement);
            return;
        }
    }
    for (size_t at = 0; at < size;) {
        size_t start = at;
        (void)lofi_utf8_next(text, size, &at);
        const char *replacement = find_rule(map, text + start, at - start);
        if (replacement != NULL)
            lofi_buffer_text(out, replacement);
        else
            lofi_buffer_append(out, text + start, at - start);
    }
}

lofi_code lofi_charsmap_apply(const lofi_charsmap *map, const char *text, size_t size, lofi_buffer *out,
                              lofi_error *err) {
    UErrorCode status = U_ZERO_ERROR;
    UText *utf8 = utext_openUTF8(NULL, text, (int64_t)size, &status);
    UBreakIterator *clusters = ubrk_clone(map->clusters, &status);
    if (U_SUCCESS(status)) ubrk_setUText(clusters, utf8, &status);
    if (U_SUCCESS(status)) {
        int32_t start = ubrk_first(clusters);
        for (int32_t end = ubrk_next(clusters); end != UBRK_DONE; start = end, end = ubrk_next(clusters))
            apply_to_cluster(map, text + start, (size_t)(end - start), out);
    }
    if (clusters != NULL) ubrk_close(clusters);
    if (utf8 != NULL) utext_close(utf8);
    LOFI_TRY(lofi_icu_check(status, "finding grapheme clusters", err));
    return lofi_buffer_check(out, err);
}
