/* cache.h - what does not change between visits, kept on disk: latents of songs, text states of prompts.
 *
 * FOLDER/KIND/KEY.safetensors; the key is the SHA-256 of everything that the content depends on (the song's bytes, the
 * encoder's weights and settings), so nothing in it can be stale, and several runs may share one folder. A damaged file is
 * removed and made again. Reading it gives exactly the bytes that the live path would give.
 */
#ifndef LOFI_TRAIN_CACHE_H
#define LOFI_TRAIN_CACHE_H

#include <stdbool.h>

#include "base/hash.h"
#include "store/safetensors.h"

typedef struct lofi_cache lofi_cache;

/* Makes the folder when it is not there. *out is yours. */
lofi_code lofi_cache_open(lofi_cache **out, const char *folder, lofi_error *err) LOFI_MUST_USE;
void lofi_cache_close(lofi_cache *cache); /* NULL is fine */

/* The entry, or *out NULL when it is not there. *out is yours: lofi_safetensors_close. */
lofi_code lofi_cache_find(lofi_safetensors **out, lofi_cache *cache, const char *kind, const char *key,
                          lofi_error *err) LOFI_MUST_USE;
/* Stores tensors with their data under a key; nothing when the kind would then take more than max_bytes (0: no limit). */
lofi_code lofi_cache_store(lofi_cache *cache, const char *kind, const char *key, const lofi_stored_tensor *tensors,
                           size_t count, uint64_t max_bytes, lofi_error *err) LOFI_MUST_USE;

#endif
