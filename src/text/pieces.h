/* pieces.h - a text cut into pieces on its way through a tokenizer. Private to text/. */
#ifndef LOFI_TEXT_PIECES_H
#define LOFI_TEXT_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

typedef struct lofi_piece {
    size_t offset, size; /* bytes of lofi_pieces.text */
    int64_t id;          /* an added token's id, or -1: text that the model still has to cut */
    bool first;          /* begins where the original text begins */
} lofi_piece;

typedef struct lofi_pieces {
    lofi_buffer text;
    lofi_piece *items;
    size_t count, capacity;
} lofi_pieces;

#define LOFI_PIECES_INIT                                                                                               \
    { LOFI_BUFFER_INIT, NULL, 0, 0 }

void lofi_pieces_free(lofi_pieces *pieces);
void lofi_pieces_clear(lofi_pieces *pieces);
void lofi_pieces_swap(lofi_pieces *a, lofi_pieces *b);
/* Appends a piece; the bytes are copied. Text without bytes is left out. */
lofi_code lofi_pieces_add(lofi_pieces *pieces, const char *text, size_t size, int64_t id, bool first,
                          lofi_error *err) LOFI_MUST_USE;
/* Borrowed until the next lofi_pieces_add. */
const char *lofi_piece_text(const lofi_pieces *pieces, size_t index);

/* A growing list of token ids. */
typedef struct lofi_ids {
    int64_t *items;
    size_t count, capacity;
} lofi_ids;

#define LOFI_IDS_INIT                                                                                                  \
    { NULL, 0, 0 }

lofi_code lofi_ids_add(lofi_ids *ids, int64_t id, lofi_error *err) LOFI_MUST_USE;
void lofi_ids_free(lofi_ids *ids);

#endif
