/* vocabulary.c - see vocabulary.h. */
#include "text/vocabulary.h"

#include "base/buffer.h"
#include "base/memory.h"

#define HASH_START  14695981039346656037ull
#define HASH_FACTOR 1099511628211ull
#define MAX_PIECES  ((size_t)1 << 28)

typedef struct slot {
    uint64_t hash;
    size_t offset; /* into `bytes` */
    uint32_t size;
    bool used;
    int64_t id;
} slot;

struct lofi_token_vocabulary {
    slot *slots;
    size_t slot_count; /* a power of two, at least twice `count` */
    size_t count;
    size_t longest;
    lofi_buffer bytes;
};

static uint64_t hash_step(uint64_t hash, char byte) {
    return (hash ^ (unsigned char)byte) * HASH_FACTOR;
}

static uint64_t hash_of(const char *text, size_t size) {
    uint64_t hash = HASH_START;
    for (size_t i = 0; i < size; i++) hash = hash_step(hash, text[i]);
    return hash;
}

/* The slot of this piece, or the free one where it belongs. */
static slot *locate(const lofi_token_vocabulary *vocabulary, uint64_t hash, const char *text, size_t size) {
    size_t mask = vocabulary->slot_count - 1;
    size_t at = (size_t)(hash ^ (hash >> 29)) & mask;
    for (;; at = (at + 1) & mask) {
        slot *candidate = &vocabulary->slots[at];
        if (!candidate->used) return candidate;
        if (candidate->hash == hash && candidate->size == size &&
            (size == 0 || memcmp(vocabulary->bytes.data + candidate->offset, text, size) == 0))
            return candidate;
    }
}

static lofi_code allocate_slots(slot **out, size_t count, lofi_error *err) {
    void *slots = NULL;
    LOFI_TRY(lofi_alloc(&slots, count, sizeof(slot), "the vocabulary", err));
    *out = slots;
    return LOFI_OK;
}

lofi_code lofi_token_vocabulary_new(lofi_token_vocabulary **out, size_t expected, lofi_error *err) {
    if (expected > MAX_PIECES)
        return lofi_fail(err, LOFI_ERR_MEMORY, "a vocabulary of %zu pieces is too large (at most %zu)", expected,
                         MAX_PIECES);
    lofi_token_vocabulary *vocabulary = calloc(1, sizeof *vocabulary);
    if (vocabulary == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate a vocabulary");
    vocabulary->bytes = (lofi_buffer)LOFI_BUFFER_INIT;
    vocabulary->slot_count = 64;
    while (vocabulary->slot_count < expected * 2) vocabulary->slot_count *= 2;
    lofi_code code = allocate_slots(&vocabulary->slots, vocabulary->slot_count, err);
    if (code != LOFI_OK) {
        lofi_token_vocabulary_free(vocabulary);
        return code;
    }
    *out = vocabulary;
    return LOFI_OK;
}

void lofi_token_vocabulary_free(lofi_token_vocabulary *vocabulary) {
    if (vocabulary == NULL) return;
    lofi_free(vocabulary->slots);
    lofi_buffer_free(&vocabulary->bytes);
    free(vocabulary);
}

static lofi_code grow_table(lofi_token_vocabulary *vocabulary, lofi_error *err) {
    slot *old = vocabulary->slots;
    size_t old_count = vocabulary->slot_count;
    if (vocabulary->count >= MAX_PIECES)
        return lofi_fail(err, LOFI_ERR_MEMORY, "a vocabulary holds at most %zu pieces", MAX_PIECES);
    LOFI_TRY(allocate_slots(&vocabulary->slots, old_count * 2, err));
    vocabulary->slot_count = old_count * 2;
    for (size_t i = 0; i < old_count; i++)
        if (old[i].used) *locate(vocabulary, old[i].hash, vocabulary->bytes.data + old[i].offset, old[i].size) = old[i];
    lofi_free(old);
    return LOFI_OK;
}

lofi_code lofi_token_vocabulary_set(lofi_token_vocabulary *vocabulary, const char *text, size_t size, int64_t id,
                                    lofi_error *err) {
    if (size > UINT32_MAX) return lofi_fail(err, LOFI_ERR_FORMAT, "a vocabulary piece of %zu bytes is too long", size);
    if ((vocabulary->count + 1) * 2 > vocabulary->slot_count) LOFI_TRY(grow_table(vocabulary, err));
    uint64_t hash = hash_of(text, size);
    slot *place = locate(vocabulary, hash, text, size);
    if (!place->used) {
        size_t offset = vocabulary->bytes.size;
        lofi_buffer_append(&vocabulary->bytes, text, size);
        LOFI_TRY(lofi_buffer_check(&vocabulary->bytes, err));
        *place = (slot){.hash = hash, .offset = offset, .size = (uint32_t)size, .used = true};
        vocabulary->count++;
        if (size > vocabulary->longest) vocabulary->longest = size;
    }
    place->id = id;
    return LOFI_OK;
}

int64_t lofi_token_vocabulary_find(const lofi_token_vocabulary *vocabulary, const char *text, size_t size) {
    const slot *place = locate(vocabulary, hash_of(text, size), text, size);
    return place->used ? place->id : -1;
}

size_t lofi_token_vocabulary_count(const lofi_token_vocabulary *vocabulary) {
    return vocabulary->count;
}

lofi_prefixes lofi_prefixes_of(const lofi_token_vocabulary *vocabulary, const char *text, size_t size) {
    size_t limit = size < vocabulary->longest ? size : vocabulary->longest;
    return (lofi_prefixes){.vocabulary = vocabulary, .text = text, .limit = limit, .id = -1, .hash = HASH_START};
}

bool lofi_prefixes_next(lofi_prefixes *search) {
    while (search->size < search->limit) {
        search->hash = hash_step(search->hash, search->text[search->size]);
        search->size++;
        const slot *place = locate(search->vocabulary, search->hash, search->text, search->size);
        if (place->used) {
            search->id = place->id;
            return true;
        }
    }
    return false;
}
