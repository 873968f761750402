/* memory.h - checked allocation, and arenas for things that die together. */
#ifndef LOFI_BASE_MEMORY_H
#define LOFI_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* *out = a * b, or false (and *out untouched) when it does not fit. */
bool lofi_mul_size(size_t a, size_t b, size_t *out) LOFI_MUST_USE;
bool lofi_mul_i64(int64_t a, int64_t b, int64_t *out) LOFI_MUST_USE;

/* Zeroed memory for `count` items of `item_bytes`, aligned to 64 bytes. count 0 gives a pointer that can be freed.
 * *out is yours: lofi_free. LOFI_ERR_MEMORY names the size in the message. `what` says what it is for. */
lofi_code lofi_alloc(void **out, size_t count, size_t item_bytes, const char *what, lofi_error *err) LOFI_MUST_USE;
/* As lofi_alloc, with whatever was in the memory: for large blocks that are written before they are read. */
lofi_code lofi_alloc_unset(void **out, size_t count, size_t item_bytes, const char *what,
                           lofi_error *err) LOFI_MUST_USE;
void lofi_free(void *memory); /* NULL is fine */
/* Memory that is freed stays with this process for the next use, instead of being given back and cleared by the system each time:
 * for a process that does the same again and again. */
void lofi_memory_keep(void);

/* Says that these bytes will not be read again soon: whole pages of mapped files leave memory, and are read from the disk
 * when somebody asks after all. Nothing is lost whatever kind of memory it is. */
void lofi_memory_forget(const void *bytes, size_t size);

/* Grows *items (allocated by malloc/realloc or NULL) so that it holds at least `need` items; doubles. */
lofi_code lofi_grow(void **items, size_t *capacity, size_t need, size_t item_bytes, size_t max_items,
                    lofi_error *err) LOFI_MUST_USE;

/* An arena: many small things, one free. Memory from it is zeroed, aligned to 16 bytes, and never moves. */
typedef struct lofi_arena lofi_arena;
lofi_code lofi_arena_new(lofi_arena **out, lofi_error *err) LOFI_MUST_USE;
void lofi_arena_free(lofi_arena *arena); /* NULL is fine */
/* Borrowed from the arena. NULL only when memory is out. */
void *lofi_arena_alloc(lofi_arena *arena, size_t bytes);
char *lofi_arena_strdup(lofi_arena *arena, const char *text);
char *lofi_arena_printf(lofi_arena *arena, const char *format, ...) LOFI_PRINTF(2, 3);

#endif
