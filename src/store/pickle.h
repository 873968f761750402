/* pickle.h - the pickles that torch.save writes, read as data: nothing in them is ever executed. Inside of store/ only.
 *
 * A pickle is a program for a small stack machine (Python's Lib/pickletools.py describes it). Here it may build texts, numbers,
 * tuples, lists and dictionaries, and name the few things of PyTorch that stand for tensors. Everything else it asks for is
 * refused by its name; so is an instruction that is not known. Sizes are bounded: 16 MiB of program, 4 million values.
 *
 * Known: collections.OrderedDict; torch._utils._rebuild_tensor_v2 and _rebuild_parameter; torch.FloatStorage and its kin;
 * torch.Size; torch.device; data types such as torch.float32. Rules: torch/_utils.py, torch/serialization.py of PyTorch 2.5.
 */
#ifndef LOFI_STORE_PICKLE_H
#define LOFI_STORE_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "store/safetensors.h"

typedef enum lofi_pickle_kind {
    LOFI_PICKLE_NONE, /* also what has no meaning here: devices, data types */
    LOFI_PICKLE_BOOL,
    LOFI_PICKLE_INT,
    LOFI_PICKLE_FLOAT,
    LOFI_PICKLE_TEXT,
    LOFI_PICKLE_LIST, /* tuples too */
    LOFI_PICKLE_DICT,
    LOFI_PICKLE_GLOBAL,  /* a name that may be called or stands for a storage's type */
    LOFI_PICKLE_STORAGE, /* the memory of tensors */
    LOFI_PICKLE_TENSOR
} lofi_pickle_kind;

typedef struct lofi_pickle_value lofi_pickle_value;
struct lofi_pickle_value {
    lofi_pickle_kind kind;
    int global;                       /* GLOBAL */
    int64_t integer;                  /* BOOL, INT; STORAGE: elements; TENSOR: elements of the storage before it */
    double number;                    /* FLOAT */
    const char *text;                 /* TEXT; STORAGE: its key */
    size_t text_length;               /* TEXT: bytes, which may hold NULs; a NUL follows */
    lofi_pickle_value **items;        /* LIST: all of them; DICT: key, value, key, value ... */
    size_t count, capacity;           /* of items */
    lofi_stored_type type;            /* STORAGE */
    const lofi_pickle_value *storage; /* TENSOR */
    int rank;                         /* TENSOR */
    const int64_t *dims, *strides;    /* TENSOR: [rank], each >= 0; strides in elements */
};

/* *out and all below it live in the arena. LOFI_ERR_FORMAT for a damaged pickle, LOFI_ERR_UNSUPPORTED for one that asks for
 * something else than data; messages say at which byte, and do not name the file. */
lofi_code lofi_pickle_read(const lofi_pickle_value **out, lofi_arena *arena, const unsigned char *data, size_t size,
                           lofi_error *err) LOFI_MUST_USE;
/* The value of a text key; NULL when there is none or `dict` is none. */
const lofi_pickle_value *lofi_pickle_get(const lofi_pickle_value *dict, const char *key);

#endif
