/* pickle_globals.c - what a pickle may name, and what calling it gives. To add a name: one line in `globals`. */
#include <string.h>

#include "store/pickle_internal.h"

typedef lofi_code called(lofi_pickle_machine *m, lofi_pickle_value **out, const lofi_pickle_value *arguments,
                         lofi_error *err);

/* ---- calls ---- */

/* OrderedDict(), or of pairs. */
static lofi_code call_dict(lofi_pickle_machine *m, lofi_pickle_value **out, const lofi_pickle_value *arguments,
                           lofi_error *err) {
    if (arguments->count != 0) return lofi_pickle_damaged(m, "a dictionary is made of something", err);
    return lofi_pickle_new(m, out, LOFI_PICKLE_DICT, err);
}

static lofi_code call_size(lofi_pickle_machine *m, lofi_pickle_value **out, const lofi_pickle_value *arguments,
                           lofi_error *err) {
    if (arguments->count != 1 || arguments->items[0]->kind != LOFI_PICKLE_LIST)
        return lofi_pickle_damaged(m, "a size is no tuple", err);
    *out = arguments->items[0];
    return LOFI_OK;
}

static lofi_code call_nothing(lofi_pickle_machine *m, lofi_pickle_value **out, const lofi_pickle_value *arguments,
                              lofi_error *err) {
    (void)arguments;
    return lofi_pickle_new(m, out, LOFI_PICKLE_NONE, err);
}

static lofi_code call_parameter(lofi_pickle_machine *m, lofi_pickle_value **out, const lofi_pickle_value *arguments,
                                lofi_error *err) {
    if (arguments->count < 1 || arguments->items[0]->kind != LOFI_PICKLE_TENSOR)
        return lofi_pickle_damaged(m, "a parameter is no tensor", err);
    *out = arguments->items[0];
    return LOFI_OK;
}

/* A tuple of numbers, none of them negative. */
static lofi_code take_sizes(lofi_pickle_machine *m, const int64_t **out, int *rank, const lofi_pickle_value *tuple,
                            lofi_error *err) {
    if (tuple->kind != LOFI_PICKLE_LIST) return lofi_pickle_damaged(m, "the shape of a tensor is no tuple", err);
    if (tuple->count > LOFI_STORED_MAX_RANK)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "a tensor of the pickle has %zu dimensions, more than %d",
                         tuple->count, LOFI_STORED_MAX_RANK);
    int64_t *sizes = lofi_arena_alloc(m->arena, (tuple->count + 1) * sizeof *sizes);
    if (!sizes) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for a pickle");
    for (size_t i = 0; i < tuple->count; i++) {
        if (tuple->items[i]->kind != LOFI_PICKLE_INT || tuple->items[i]->integer < 0)
            return lofi_pickle_damaged(m, "the shape of a tensor holds something else than sizes", err);
        sizes[i] = tuple->items[i]->integer;
    }
    *out = sizes;
    *rank = (int)tuple->count;
    return LOFI_OK;
}

/* (storage, offset, size, stride, requires_grad, hooks[, metadata]) */
static lofi_code call_tensor(lofi_pickle_machine *m, lofi_pickle_value **out, const lofi_pickle_value *arguments,
                             lofi_error *err) {
    int strides = 0;
    lofi_pickle_value *tensor;
    if (arguments->count < 4 || arguments->items[0]->kind != LOFI_PICKLE_STORAGE ||
        arguments->items[1]->kind != LOFI_PICKLE_INT || arguments->items[1]->integer < 0)
        return lofi_pickle_damaged(m, "a tensor has no storage or no place in it", err);
    LOFI_TRY(lofi_pickle_new(m, &tensor, LOFI_PICKLE_TENSOR, err));
    tensor->storage = arguments->items[0];
    tensor->integer = arguments->items[1]->integer;
    LOFI_TRY(take_sizes(m, &tensor->dims, &tensor->rank, arguments->items[2], err));
    LOFI_TRY(take_sizes(m, &tensor->strides, &strides, arguments->items[3], err));
    if (strides != tensor->rank) return lofi_pickle_damaged(m, "a tensor has more sizes than strides, or less", err);
    *out = tensor;
    return LOFI_OK;
}

/* ---- names ---- */

typedef struct global {
    const char *module, *name;
    called *call; /* NULL: cannot be called */
    int storage;  /* lofi_stored_type of a storage's elements, or NO_STORAGE */
} global;

#define NO_STORAGE (-1)

static const global globals[] = {
    {"collections", "OrderedDict", call_dict, NO_STORAGE},
    {"torch._utils", "_rebuild_tensor_v2", call_tensor, NO_STORAGE},
    {"torch._utils", "_rebuild_parameter", call_parameter, NO_STORAGE},
    {"torch", "Size", call_size, NO_STORAGE},
    {"torch", "device", call_nothing, NO_STORAGE},
    {"torch.serialization", "_get_layout", call_nothing, NO_STORAGE},
    {"torch", "FloatStorage", NULL, LOFI_STORED_F32},
    {"torch", "HalfStorage", NULL, LOFI_STORED_F16},
    {"torch", "BFloat16Storage", NULL, LOFI_STORED_BF16},
    {"torch", "DoubleStorage", NULL, LOFI_STORED_F64},
    {"torch", "LongStorage", NULL, LOFI_STORED_I64},
    {"torch", "IntStorage", NULL, LOFI_STORED_I32},
    {"torch", "ShortStorage", NULL, LOFI_STORED_I16},
    {"torch", "CharStorage", NULL, LOFI_STORED_I8},
    {"torch", "ByteStorage", NULL, LOFI_STORED_U8},
    {"torch", "BoolStorage", NULL, LOFI_STORED_BOOL},
    {"torch", "float32", NULL, NO_STORAGE},
    {"torch", "float16", NULL, NO_STORAGE},
    {"torch", "bfloat16", NULL, NO_STORAGE},
    {"torch", "float64", NULL, NO_STORAGE},
    {"torch", "int64", NULL, NO_STORAGE},
    {"torch", "int32", NULL, NO_STORAGE},
};

static bool is(const char *text, const char *given, size_t length) {
    return strlen(text) == length && memcmp(text, given, length) == 0;
}

/* For messages: at most so many bytes of a name, what is not printable as '?'. */
static void printable(char *out, size_t size, const char *text, size_t length) {
    size_t i = 0;
    for (; i < length && i + 1 < size; i++) out[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
    out[i] = 0;
}

lofi_code lofi_pickle_global_find(const lofi_pickle_machine *m, int *out, const char *module, size_t module_length,
                                  const char *name, size_t name_length, lofi_error *err) {
    char shown_module[128], shown_name[128];
    for (size_t i = 0; i < sizeof globals / sizeof *globals; i++) {
        if (!is(globals[i].module, module, module_length) || !is(globals[i].name, name, name_length)) continue;
        *out = (int)i;
        return LOFI_OK;
    }
    printable(shown_module, sizeof shown_module, module, module_length);
    printable(shown_name, sizeof shown_name, name, name_length);
    lofi_fail(err, LOFI_ERR_UNSUPPORTED,
              "the pickle asks for '%s.%s' at byte %zu, which is not data; nothing was executed", shown_module,
              shown_name, m->instruction);
    return lofi_hint(err, "if you trust the file, save its tensors alone as .safetensors");
}

lofi_code lofi_pickle_call(lofi_pickle_machine *m, lofi_pickle_value **out, int index,
                           const lofi_pickle_value *arguments, lofi_error *err) {
    if (!globals[index].call) return lofi_pickle_damaged(m, "it calls something that cannot be called", err);
    return globals[index].call(m, out, arguments, err);
}

lofi_code lofi_pickle_storage(lofi_pickle_machine *m, lofi_pickle_value **out, const lofi_pickle_value *id,
                              lofi_error *err) {
    bool sound = id->kind == LOFI_PICKLE_LIST && id->count == 5 && id->items[0]->kind == LOFI_PICKLE_TEXT &&
                 strcmp(id->items[0]->text, "storage") == 0 && id->items[1]->kind == LOFI_PICKLE_GLOBAL &&
                 globals[id->items[1]->global].storage != NO_STORAGE && id->items[2]->kind == LOFI_PICKLE_TEXT &&
                 id->items[4]->kind == LOFI_PICKLE_INT && id->items[4]->integer >= 0;
    if (!sound) return lofi_pickle_damaged(m, "it refers to something else than the memory of tensors", err);
    LOFI_TRY(lofi_pickle_new(m, out, LOFI_PICKLE_STORAGE, err));
    (*out)->type = (lofi_stored_type)globals[id->items[1]->global].storage;
    (*out)->text = id->items[2]->text;
    (*out)->integer = id->items[4]->integer;
    return LOFI_OK;
}
