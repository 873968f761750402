/* pickle_internal.h - what the stack machine and the things that it may name share. */
#ifndef LOFI_STORE_PICKLE_INTERNAL_H
#define LOFI_STORE_PICKLE_INTERNAL_H

#include "store/pickle.h"

typedef struct lofi_pickle_machine {
    const unsigned char *data;
    size_t size, at, instruction; /* at: the next byte; instruction: where the present one began */
    lofi_arena *arena;
    lofi_pickle_value **stack; /* NULL: a mark */
    size_t depth, stack_capacity;
    lofi_pickle_value **memo;
    size_t memo_count, memo_capacity;
    size_t value_count;
} lofi_pickle_machine;

lofi_code lofi_pickle_damaged(const lofi_pickle_machine *machine, const char *why, lofi_error *err) LOFI_MUST_USE;
lofi_code lofi_pickle_new(lofi_pickle_machine *machine, lofi_pickle_value **out, lofi_pickle_kind kind,
                          lofi_error *err) LOFI_MUST_USE;

/* The number of a known name; LOFI_ERR_UNSUPPORTED with the name for any other. */
lofi_code lofi_pickle_global_find(const lofi_pickle_machine *machine, int *global, const char *module,
                                  size_t module_length, const char *name, size_t name_length,
                                  lofi_error *err) LOFI_MUST_USE;
lofi_code lofi_pickle_call(lofi_pickle_machine *machine, lofi_pickle_value **out, int global,
                           const lofi_pickle_value *arguments, lofi_error *err) LOFI_MUST_USE;
/* What ('storage', type, key, location, elements) stands for. */
lofi_code lofi_pickle_storage(lofi_pickle_machine *machine, lofi_pickle_value **out, const lofi_pickle_value *id,
                              lofi_error *err) LOFI_MUST_USE;

#endif
