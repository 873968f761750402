/* langid_model.c - see langid_model.h. */
#include "text/langid_model.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "text/text_libraries.h"

#define MAX_CLASSES 256
#define MAX_BYTES   ((size_t)64 << 20) /* of the file, and of what is in it */
#define CODE_SIZE   12

struct lofi_langid {
    size_t classes, features, states;
    char codes[MAX_CLASSES][CODE_SIZE];
    float *weights;  /* features x classes */
    float *priors;   /* classes */
    uint16_t *next;  /* states x 256 */
    uint32_t *first; /* states + 1: where a state's features begin in `found` */
    uint32_t *found;
};

void lofi_langid_free(lofi_langid *model) {
    if (model == NULL) return;
    free(model->weights);
    free(model->priors);
    free(model->next);
    free(model->first);
    free(model->found);
    free(model);
}

const char *lofi_langid_classify(const lofi_langid *model, const char *text, size_t size) {
    double scores[MAX_CLASSES];
    size_t state = 0, best = 0;
    for (size_t c = 0; c < model->classes; c++) scores[c] = model->priors[c];
    for (size_t i = 0; i < size; i++) {
        state = model->next[state * 256 + (unsigned char)text[i]];
        for (uint32_t k = model->first[state]; k < model->first[state + 1]; k++)
            for (size_t c = 0; c < model->classes; c++)
                scores[c] += model->weights[model->found[k] * model->classes + c];
    }
    for (size_t c = 1; c < model->classes; c++)
        if (scores[c] > scores[best]) best = c;
    return model->codes[best];
}

#ifdef LOFI_HAVE_LZMA
#include <lzma.h>

/* ---- the instructions of the pickle ---- */

enum {
    OP_MARK = '(',
    OP_STOP = '.',
    OP_TUPLE = 't',
    OP_EMPTY_TUPLE = ')',
    OP_REDUCE = 'R',
    OP_BYTES = 'B',
    OP_SHORT_BYTES = 'C',
    OP_INT1 = 'K',
    OP_INT2 = 'M',
    OP_GET = 'h',
    OP_LIST = ']',
    OP_APPENDS = 'e',
    OP_DICT = '}',
    OP_SETITEMS = 'u',
    OP_PROTO = 0x80,
    OP_TUPLE1 = 0x85,
    OP_TUPLE3 = 0x87,
    OP_TEXT = 0x8c,
    OP_GLOBAL = 0x93,
    OP_MEMOIZE = 0x94,
    OP_FRAME = 0x95
};

typedef struct reader {
    const unsigned char *data;
    size_t size, at;
    size_t arrays; /* seen so far */
    bool in_list, in_dict, bad;
    uint32_t held[64]; /* integers that wait for their tuple */
    size_t held_count, held_from;
    lofi_buffer key_values; /* state, number of features, features: as uint32 */
} reader;

static size_t take(reader *r, int bytes) {
    size_t value = 0;
    if (r->size - r->at < (size_t)bytes) {
        r->bad = true;
        return 0;
    }
    for (int i = 0; i < bytes; i++) value |= (size_t)r->data[r->at++] << (8 * i);
    return value;
}

static void *copy_array(const unsigned char *data, size_t size) {
    void *copy = malloc(size > 0 ? size : 1);
    if (copy != NULL) memcpy(copy, data, size);
    return copy;
}

/* The three arrays in their order: weights, priors, transitions. Little-endian, as this program's machines are. */
static void read_array(reader *r, lofi_langid *model, int size_bytes) {
    size_t size = take(r, size_bytes);
    if (r->bad || size > r->size - r->at || r->arrays > 2) {
        r->bad = true;
        return;
    }
    void *copy = copy_array(r->data + r->at, size);
    r->bad = copy == NULL;
    if (r->arrays == 0) {
        model->weights = copy;
        model->features = size / sizeof(float);
    } else if (r->arrays == 1) {
        model->priors = copy;
        model->classes = size / sizeof(float);
    } else {
        model->next = copy;
        model->states = size / (256 * sizeof(uint16_t));
    }
    r->arrays++;
    r->at += size;
}

static void read_text(reader *r, lofi_langid *model, size_t *codes) {
    size_t size = take(r, 1);
    if (r->bad || size > r->size - r->at) {
        r->bad = true;
        return;
    }
    if (r->in_list) {
        r->bad = *codes >= MAX_CLASSES || size >= CODE_SIZE;
        if (!r->bad) memcpy(model->codes[(*codes)++], r->data + r->at, size);
    }
    r->at += size;
}

static void hold(reader *r, size_t value) {
    if (!r->in_dict) return;
    if (r->held_count == sizeof r->held / sizeof r->held[0])
        r->bad = true;
    else
        r->held[r->held_count++] = (uint32_t)value;
}

/* A tuple of `count` integers ends an entry: the integer before them is its state. */
static void end_tuple(reader *r, size_t count) {
    if (!r->in_dict) return;
    if (r->held_count != count + 1) {
        r->bad = true;
        return;
    }
    uint32_t head[2] = {r->held[0], (uint32_t)count};
    lofi_buffer_append(&r->key_values, head, sizeof head);
    lofi_buffer_append(&r->key_values, r->held + 1, count * sizeof r->held[0]);
    r->held_count = 0;
}

/* One instruction; false at the end or when something is wrong. */
static bool step(reader *r, lofi_langid *model, size_t *codes) {
    size_t op = take(r, 1);
    switch (r->bad ? OP_STOP : op) {
    case OP_STOP: return false;
    case OP_PROTO: r->bad = take(r, 1) != 4; break;
    case OP_FRAME: (void)take(r, 8); break;
    case OP_GET: (void)take(r, 1); break;
    case OP_MARK: break;
    case OP_MEMOIZE: break;
    case OP_GLOBAL: break;
    case OP_REDUCE: break;
    case OP_TEXT: read_text(r, model, codes); break;
    case OP_BYTES: read_array(r, model, 4); break;
    case OP_SHORT_BYTES: read_array(r, model, 1); break;
    case OP_LIST: r->in_list = true; break;
    case OP_APPENDS: r->in_list = false; break;
    case OP_DICT: r->in_dict = true; break;
    case OP_SETITEMS: break;
    case OP_INT1: hold(r, take(r, 1)); break;
    case OP_INT2: hold(r, take(r, 2)); break;
    case OP_EMPTY_TUPLE: end_tuple(r, 0); break;
    case OP_TUPLE:
        if (r->in_dict && r->held_count > 0) end_tuple(r, r->held_count - 1);
        break;
    default:
        if (op < OP_TUPLE1 || op > OP_TUPLE3)
            r->bad = true;
        else
            end_tuple(r, op - OP_TUPLE1 + 1);
    }
    return !r->bad;
}

/* ---- from the instructions to tables ---- */

/* Entries by state: counts first, then places. False when a state or feature does not exist. */
static bool place_features(lofi_langid *model, const lofi_buffer *entries) {
    size_t count = entries->size / sizeof(uint32_t);
    const uint32_t *values = (const void *)entries->data;
    model->first = calloc(model->states + 2, sizeof *model->first);
    model->found = calloc(count + 1, sizeof *model->found);
    if (model->first == NULL || model->found == NULL) return false;
    for (size_t i = 0; i + 1 < count; i += 2 + values[i + 1]) {
        if (values[i] >= model->states || model->first[values[i] + 1] != 0) return false;
        model->first[values[i] + 1] = values[i + 1];
    }
    for (size_t s = 0; s < model->states; s++) model->first[s + 1] += model->first[s];
    for (size_t i = 0; i + 1 < count; i += 2 + values[i + 1])
        for (uint32_t k = 0; k < values[i + 1]; k++) {
            if (values[i + 2 + k] >= model->features) return false;
            model->found[model->first[values[i]] + k] = values[i + 2 + k];
        }
    return true;
}

static bool finish(lofi_langid *model, const reader *r, size_t codes) {
    if (r->bad || r->arrays != 3 || codes == 0 || codes != model->classes || model->states == 0) return false;
    model->features /= codes;
    for (size_t i = 0; i < model->states * 256; i++)
        if (model->next[i] >= model->states) return false;
    return place_features(model, &r->key_values);
}

static lofi_code unpack(lofi_buffer *out, const lofi_buffer *file, const char *path, lofi_error *err) {
    uint64_t limit = (uint64_t)256 << 20;
    size_t from = 0, to = 0;
    LOFI_TRY(lofi_library_open(&lofi_library_lzma, err));
    out->data = malloc(MAX_BYTES);
    if (out->data == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the language model '%s'", path);
    lzma_ret done = lzma_stream_buffer_decode(&limit, 0, NULL, (const uint8_t *)lofi_buffer_str(file), &from,
                                              file->size, (uint8_t *)out->data, &to, MAX_BYTES);
    out->size = to;
    if (done == LZMA_OK) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' is no xz file, or damaged", path);
}

lofi_code lofi_langid_open(lofi_langid **out, const char *path, lofi_error *err) {
    lofi_buffer file = LOFI_BUFFER_INIT, plain = LOFI_BUFFER_INIT;
    lofi_langid *model = calloc(1, sizeof *model);
    if (model == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate the language model");
    lofi_code code = lofi_file_read(&file, path, MAX_BYTES, err);
    if (code == LOFI_OK) code = unpack(&plain, &file, path, err);
    if (code == LOFI_OK) {
        reader r = {.data = (const unsigned char *)plain.data, .size = plain.size, .key_values = LOFI_BUFFER_INIT};
        size_t codes = 0;
        while (step(&r, model, &codes)) continue;
        if (!finish(model, &r, codes)) {
            code = lofi_fail(err, LOFI_ERR_FORMAT, "'%s' is no language model of py3langid 0.3", path);
            (void)lofi_hint(err, "LOFI_LANGID_MODEL is data/model.plzma of that package");
        }
        lofi_buffer_free(&r.key_values);
    }
    lofi_buffer_free(&file);
    lofi_buffer_free(&plain);
    if (code == LOFI_OK)
        *out = model;
    else
        lofi_langid_free(model);
    return code;
}

#else

lofi_code lofi_langid_open(lofi_langid **out, const char *path, lofi_error *err) {
    (void)out;
    lofi_fail(err, LOFI_ERR_UNSUPPORTED, "this program was built without liblzma and cannot read '%s'", path);
    return lofi_hint(err, "install liblzma-dev and build again, or unset LOFI_LANGID_MODEL");
}

#endif
