/* pieces.c - see pieces.h. */
#include "text/pieces.h"

#include "base/memory.h"

#define MAX_ITEMS ((size_t)1 << 28)

void lofi_pieces_free(lofi_pieces *pieces) {
    lofi_buffer_free(&pieces->text);
    free(pieces->items);
    *pieces = (lofi_pieces)LOFI_PIECES_INIT;
}

void lofi_pieces_clear(lofi_pieces *pieces) {
    lofi_buffer_clear(&pieces->text);
    pieces->count = 0;
}

void lofi_pieces_swap(lofi_pieces *a, lofi_pieces *b) {
    lofi_pieces kept = *a;
    *a = *b;
    *b = kept;
}

lofi_code lofi_pieces_add(lofi_pieces *pieces, const char *text, size_t size, int64_t id, bool first, lofi_error *err) {
    if (size == 0 && id < 0) return LOFI_OK;
    void *items = pieces->items;
    LOFI_TRY(lofi_grow(&items, &pieces->capacity, pieces->count + 1, sizeof *pieces->items, MAX_ITEMS, err));
    pieces->items = items;
    size_t offset = pieces->text.size;
    lofi_buffer_append(&pieces->text, text, size);
    LOFI_TRY(lofi_buffer_check(&pieces->text, err));
    pieces->items[pieces->count++] = (lofi_piece){offset, size, id, first};
    return LOFI_OK;
}

const char *lofi_piece_text(const lofi_pieces *pieces, size_t index) {
    return lofi_buffer_str(&pieces->text) + pieces->items[index].offset;
}

lofi_code lofi_ids_add(lofi_ids *ids, int64_t id, lofi_error *err) {
    void *items = ids->items;
    LOFI_TRY(lofi_grow(&items, &ids->capacity, ids->count + 1, sizeof *ids->items, MAX_ITEMS, err));
    ids->items = items;
    ids->items[ids->count++] = id;
    return LOFI_OK;
}

void lofi_ids_free(lofi_ids *ids) {
    free(ids->items);
    *ids = (lofi_ids)LOFI_IDS_INIT;
}
