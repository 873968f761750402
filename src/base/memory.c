/* memory.c - see memory.h. */
#include "base/memory.h"

#include <assert.h>
#include <limits.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define ALIGNMENT   64
#define CHUNK_BYTES ((size_t)64 << 10)

bool lofi_mul_size(size_t a, size_t b, size_t *out) {
    size_t product;
    if (__builtin_mul_overflow(a, b, &product)) return false;
    *out = product;
    return true;
}

bool lofi_mul_i64(int64_t a, int64_t b, int64_t *out) {
    int64_t product;
    if (__builtin_mul_overflow(a, b, &product)) return false;
    *out = product;
    return true;
}

lofi_code lofi_alloc_unset(void **out, size_t count, size_t item_bytes, const char *what, lofi_error *err) {
    size_t bytes;
    if (!lofi_mul_size(count, item_bytes, &bytes) || bytes > (size_t)PTRDIFF_MAX - ALIGNMENT)
        return lofi_fail(err, LOFI_ERR_MEMORY,
                         "cannot allocate %zu items of %zu bytes for %s: the size is out of range", count, item_bytes,
                         what);
    size_t rounded = bytes == 0 ? ALIGNMENT : (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    void *memory = aligned_alloc(ALIGNMENT, rounded);
    if (memory == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate %zu bytes for %s", bytes, what);
    *out = memory;
    return LOFI_OK;
}

lofi_code lofi_alloc(void **out, size_t count, size_t item_bytes, const char *what, lofi_error *err) {
    LOFI_TRY(lofi_alloc_unset(out, count, item_bytes, what, err));
    memset(*out, 0, count * item_bytes);
    return LOFI_OK;
}

void lofi_free(void *memory) {
    free(memory);
}

void lofi_memory_keep(void) {
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, INT_MAX);
    mallopt(M_TOP_PAD, 16 << 20);
}

void lofi_memory_forget(const void *bytes, size_t size) {
#ifdef MADV_PAGEOUT
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = ((uintptr_t)bytes + page - 1) / page * page, to = ((uintptr_t)bytes + size) / page * page;
    if (to > from) madvise((void *)from, to - from, MADV_PAGEOUT); /* advice: nothing depends on it */
#else
    (void)bytes, (void)size;
#endif
}

lofi_code lofi_grow(void **items, size_t *capacity, size_t need, size_t item_bytes, size_t max_items, lofi_error *err) {
    if (need <= *capacity) return LOFI_OK;
    if (need > max_items)
        return lofi_fail(err, LOFI_ERR_MEMORY, "%zu items are more than the maximum of %zu", need, max_items);
    size_t wanted = *capacity > max_items / 2 ? max_items : *capacity * 2;
    if (wanted < 16) wanted = max_items < 16 ? max_items : 16;
    if (wanted < need) wanted = need;
    size_t bytes;
    if (!lofi_mul_size(wanted, item_bytes, &bytes))
        return lofi_fail(err, LOFI_ERR_MEMORY, "%zu items of %zu bytes do not fit into memory", wanted, item_bytes);
    void *grown = realloc(*items, bytes);
    if (grown == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate %zu bytes", bytes);
    *items = grown;
    *capacity = wanted;
    return LOFI_OK;
}

/* ---- arena ---- */

typedef struct chunk {
    struct chunk *next;
    size_t size, used; /* bytes of data[] */
    _Alignas(16) unsigned char data[];
} chunk;

struct lofi_arena {
    chunk *chunks; /* the one being filled first */
};

lofi_code lofi_arena_new(lofi_arena **out, lofi_error *err) {
    lofi_arena *arena = calloc(1, sizeof *arena);
    if (arena == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate %zu bytes", sizeof *arena);
    *out = arena;
    return LOFI_OK;
}

void lofi_arena_free(lofi_arena *arena) {
    if (arena == NULL) return;
    for (chunk *each = arena->chunks; each != NULL;) {
        chunk *next = each->next;
        free(each);
        each = next;
    }
    free(arena);
}

/* Big pieces get a chunk of their own behind the first one, which goes on being filled. */
static chunk *new_chunk(lofi_arena *arena, size_t bytes) {
    bool own = bytes > CHUNK_BYTES / 4;
    size_t size = own ? bytes : CHUNK_BYTES;
    chunk *fresh = calloc(1, sizeof *fresh + size);
    if (fresh == NULL) return NULL;
    fresh->size = size;
    if (own && arena->chunks != NULL) {
        fresh->next = arena->chunks->next;
        arena->chunks->next = fresh;
    } else {
        fresh->next = arena->chunks;
        arena->chunks = fresh;
    }
    return fresh;
}

void *lofi_arena_alloc(lofi_arena *arena, size_t bytes) {
    assert(arena != NULL);
    if (bytes > (size_t)PTRDIFF_MAX - 2 * sizeof(chunk)) return NULL;
    size_t rounded = bytes == 0 ? 16 : (bytes + 15) / 16 * 16;
    chunk *place = arena->chunks;
    if (place == NULL || place->size - place->used < rounded) place = new_chunk(arena, rounded);
    if (place == NULL) return NULL;
    void *memory = place->data + place->used;
    place->used += rounded;
    return memory;
}

char *lofi_arena_strdup(lofi_arena *arena, const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = lofi_arena_alloc(arena, size);
    if (copy != NULL) memcpy(copy, text, size);
    return copy;
}

char *lofi_arena_printf(lofi_arena *arena, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) return NULL;
    char *text = lofi_arena_alloc(arena, (size_t)length + 1);
    if (text == NULL) return NULL;
    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return text;
}
