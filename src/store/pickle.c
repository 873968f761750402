/* pickle.c - see the header: the stack machine. What may be named and called: pickle_globals.c. */
#include "store/pickle.h"

#include <string.h>

#include "store/pickle_internal.h"

#define MAX_PICKLE_BYTES ((size_t)16 << 20)
#define MAX_VALUES       ((size_t)4 << 20)
#define MAX_PROTOCOL     5

/* ---- errors and memory ---- */

lofi_code lofi_pickle_damaged(const lofi_pickle_machine *m, const char *why, lofi_error *err) {
    return lofi_fail(err, LOFI_ERR_FORMAT, "the pickle is damaged at byte %zu: %s", m->instruction, why);
}

lofi_code lofi_pickle_new(lofi_pickle_machine *m, lofi_pickle_value **out, lofi_pickle_kind kind, lofi_error *err) {
    if (m->value_count++ >= MAX_VALUES)
        return lofi_fail(err, LOFI_ERR_FORMAT, "the pickle holds more than %zu values", MAX_VALUES);
    *out = lofi_arena_alloc(m->arena, sizeof **out);
    if (!*out) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for a pickle");
    (*out)->kind = kind;
    return LOFI_OK;
}

/* Doubles an array of pointers in the arena. */
static lofi_code reserve(lofi_pickle_machine *m, lofi_pickle_value ***items, size_t *capacity, size_t need,
                         lofi_error *err) {
    size_t next = *capacity ? *capacity : 8;
    if (need <= *capacity) return LOFI_OK;
    while (next < need) next *= 2;
    lofi_pickle_value **larger = lofi_arena_alloc(m->arena, next * sizeof *larger);
    if (!larger) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for a pickle");
    if (*capacity) memcpy(larger, *items, *capacity * sizeof *larger);
    *items = larger;
    *capacity = next;
    return LOFI_OK;
}

/* ---- the stack ---- */

static lofi_code push(lofi_pickle_machine *m, lofi_pickle_value *value, lofi_error *err) {
    LOFI_TRY(reserve(m, &m->stack, &m->stack_capacity, m->depth + 1, err));
    m->stack[m->depth++] = value;
    return LOFI_OK;
}

static lofi_code push_new(lofi_pickle_machine *m, lofi_pickle_value **out, lofi_pickle_kind kind, lofi_error *err) {
    LOFI_TRY(lofi_pickle_new(m, out, kind, err));
    return push(m, *out, err);
}

/* A mark is a NULL on the stack: values above it belong together. */
static lofi_code pop(lofi_pickle_machine *m, lofi_pickle_value **out, lofi_error *err) {
    if (m->depth == 0 || !m->stack[m->depth - 1]) return lofi_pickle_damaged(m, "its stack is empty", err);
    *out = m->stack[--m->depth];
    return LOFI_OK;
}

static lofi_code find_mark(const lofi_pickle_machine *m, size_t *first, lofi_error *err) {
    for (size_t i = m->depth; i > 0; i--)
        if (!m->stack[i - 1]) {
            *first = i;
            return LOFI_OK;
        }
    return lofi_pickle_damaged(m, "a mark is missing", err);
}

static lofi_code append(lofi_pickle_machine *m, lofi_pickle_value *list, lofi_pickle_value *const *items, size_t count,
                        lofi_error *err) {
    LOFI_TRY(reserve(m, &list->items, &list->capacity, list->count + count, err));
    if (count) memcpy(list->items + list->count, items, count * sizeof *items);
    list->count += count;
    return LOFI_OK;
}

/* A tuple of the values from `first` on, in their place. */
static lofi_code gather(lofi_pickle_machine *m, size_t first, bool marked, lofi_error *err) {
    lofi_pickle_value *tuple;
    if (first > m->depth) return lofi_pickle_damaged(m, "its stack is empty", err);
    for (size_t i = first; i < m->depth; i++)
        if (!m->stack[i]) return lofi_pickle_damaged(m, "a mark is where a value should be", err);
    LOFI_TRY(lofi_pickle_new(m, &tuple, LOFI_PICKLE_LIST, err));
    LOFI_TRY(append(m, tuple, m->stack + first, m->depth - first, err));
    m->depth = marked ? first - 1 : first;
    return push(m, tuple, err);
}

/* Adds the values from `first` on to the container before them. */
static lofi_code add_to(lofi_pickle_machine *m, size_t first, bool marked, lofi_pickle_kind kind, lofi_error *err) {
    size_t place = marked ? first - 1 : first;
    if (place == 0 || place > m->depth || !m->stack[place - 1] || m->stack[place - 1]->kind != kind)
        return lofi_pickle_damaged(m, "there is nothing to add to", err);
    if (kind == LOFI_PICKLE_DICT && (m->depth - first) % 2 != 0)
        return lofi_pickle_damaged(m, "a key has no value", err);
    LOFI_TRY(append(m, m->stack[place - 1], m->stack + first, m->depth - first, err));
    m->depth = place;
    return LOFI_OK;
}

/* ---- reading the program ---- */

static lofi_code take(lofi_pickle_machine *m, const unsigned char **bytes, uint64_t count, lofi_error *err) {
    if (count > m->size - m->at) return lofi_pickle_damaged(m, "it ends early", err);
    *bytes = m->data + m->at;
    m->at += (size_t)count;
    return LOFI_OK;
}

/* Little-endian, 1 to 8 bytes. */
static lofi_code take_number(lofi_pickle_machine *m, uint64_t *out, int bytes, lofi_error *err) {
    const unsigned char *p;
    LOFI_TRY(take(m, &p, (uint64_t)bytes, err));
    *out = 0;
    for (int i = 0; i < bytes; i++) *out |= (uint64_t)p[i] << (8 * i);
    return LOFI_OK;
}

static lofi_code push_text(lofi_pickle_machine *m, int length_bytes, lofi_error *err) {
    uint64_t length;
    const unsigned char *bytes;
    lofi_pickle_value *value;
    LOFI_TRY(take_number(m, &length, length_bytes, err));
    LOFI_TRY(take(m, &bytes, length, err));
    LOFI_TRY(push_new(m, &value, LOFI_PICKLE_TEXT, err));
    char *text = lofi_arena_alloc(m->arena, (size_t)length + 1);
    if (!text) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for a pickle");
    memcpy(text, bytes, (size_t)length);
    value->text = text;
    value->text_length = (size_t)length;
    return LOFI_OK;
}

static lofi_code push_integer(lofi_pickle_machine *m, int64_t integer, lofi_pickle_kind kind, lofi_error *err) {
    lofi_pickle_value *value;
    LOFI_TRY(push_new(m, &value, kind, err));
    value->integer = integer;
    return LOFI_OK;
}

/* Two's complement of up to 8 bytes; longer numbers mean nothing here. */
static lofi_code push_long(lofi_pickle_machine *m, lofi_error *err) {
    uint64_t length, number;
    LOFI_TRY(take_number(m, &length, 1, err));
    if (length > 8) return lofi_pickle_damaged(m, "a number has more than 64 bits", err);
    LOFI_TRY(take_number(m, &number, (int)length, err));
    int64_t value = (int64_t)number;
    if (length > 0 && length < 8 && number >> (8 * length - 1)) value = (int64_t)(number | UINT64_MAX << (8 * length));
    return push_integer(m, value, LOFI_PICKLE_INT, err);
}

static lofi_code push_float(lofi_pickle_machine *m, lofi_error *err) {
    const unsigned char *p;
    uint64_t bits = 0;
    lofi_pickle_value *value;
    LOFI_TRY(take(m, &p, 8, err));
    for (int i = 0; i < 8; i++) bits = bits << 8 | p[i];
    LOFI_TRY(push_new(m, &value, LOFI_PICKLE_FLOAT, err));
    memcpy(&value->number, &bits, sizeof bits);
    return LOFI_OK;
}

/* ---- the memo ---- */

static lofi_code remember(lofi_pickle_machine *m, uint64_t index, lofi_error *err) {
    if (m->depth == 0 || !m->stack[m->depth - 1]) return lofi_pickle_damaged(m, "there is nothing to remember", err);
    if (index >= m->size) return lofi_pickle_damaged(m, "it remembers more than it says", err);
    LOFI_TRY(reserve(m, &m->memo, &m->memo_capacity, (size_t)index + 1, err));
    m->memo[index] = m->stack[m->depth - 1];
    if (index >= m->memo_count) m->memo_count = (size_t)index + 1;
    return LOFI_OK;
}

static lofi_code recall(lofi_pickle_machine *m, uint64_t index, lofi_error *err) {
    if (index >= m->memo_count || !m->memo[index])
        return lofi_pickle_damaged(m, "it recalls what it never remembered", err);
    return push(m, m->memo[index], err);
}

/* ---- names ---- */

static lofi_code take_line(lofi_pickle_machine *m, const char **line, size_t *length, lofi_error *err) {
    const unsigned char *start = m->data + m->at, *end = memchr(start, '\n', m->size - m->at);
    if (!end) return lofi_pickle_damaged(m, "it ends early", err);
    *line = (const char *)start;
    *length = (size_t)(end - start);
    m->at += *length + 1;
    return LOFI_OK;
}

static lofi_code push_global(lofi_pickle_machine *m, const char *module, size_t module_length, const char *name,
                             size_t name_length, lofi_error *err) {
    lofi_pickle_value *value;
    int global;
    LOFI_TRY(lofi_pickle_global_find(m, &global, module, module_length, name, name_length, err));
    LOFI_TRY(push_new(m, &value, LOFI_PICKLE_GLOBAL, err));
    value->global = global;
    return LOFI_OK;
}

static lofi_code run_global(lofi_pickle_machine *m, lofi_error *err) {
    const char *module, *name;
    size_t module_length, name_length;
    LOFI_TRY(take_line(m, &module, &module_length, err));
    LOFI_TRY(take_line(m, &name, &name_length, err));
    return push_global(m, module, module_length, name, name_length, err);
}

static lofi_code run_stack_global(lofi_pickle_machine *m, lofi_error *err) {
    lofi_pickle_value *module, *name;
    LOFI_TRY(pop(m, &name, err));
    LOFI_TRY(pop(m, &module, err));
    if (module->kind != LOFI_PICKLE_TEXT || name->kind != LOFI_PICKLE_TEXT)
        return lofi_pickle_damaged(m, "a name is no text", err);
    return push_global(m, module->text, module->text_length, name->text, name->text_length, err);
}

static lofi_code run_call(lofi_pickle_machine *m, lofi_error *err) {
    lofi_pickle_value *arguments, *callee, *result;
    LOFI_TRY(pop(m, &arguments, err));
    LOFI_TRY(pop(m, &callee, err));
    if (callee->kind != LOFI_PICKLE_GLOBAL || arguments->kind != LOFI_PICKLE_LIST)
        return lofi_pickle_damaged(m, "it calls something that cannot be called", err);
    LOFI_TRY(lofi_pickle_call(m, &result, callee->global, arguments, err));
    return push(m, result, err);
}

/* A state dictionary has attributes (_metadata), which mean nothing here. */
static lofi_code run_build(lofi_pickle_machine *m, lofi_error *err) {
    lofi_pickle_value *attributes;
    LOFI_TRY(pop(m, &attributes, err));
    if (m->depth == 0 || !m->stack[m->depth - 1] || m->stack[m->depth - 1]->kind != LOFI_PICKLE_DICT)
        return lofi_pickle_damaged(m, "it gives attributes to something that has none", err);
    return LOFI_OK;
}

static lofi_code run_persistent(lofi_pickle_machine *m, lofi_error *err) {
    lofi_pickle_value *id, *storage;
    LOFI_TRY(pop(m, &id, err));
    LOFI_TRY(lofi_pickle_storage(m, &storage, id, err));
    return push(m, storage, err);
}

/* ---- instructions ---- */

static lofi_code run_marked(lofi_pickle_machine *m, unsigned char op, lofi_error *err) {
    size_t first;
    LOFI_TRY(find_mark(m, &first, err));
    if (op == 't') return gather(m, first, true, err);
    return add_to(m, first, true, op == 'e' ? LOFI_PICKLE_LIST : LOFI_PICKLE_DICT, err);
}

static lofi_code run_last(lofi_pickle_machine *m, size_t count, lofi_pickle_kind kind, lofi_error *err) {
    if (count > m->depth) return lofi_pickle_damaged(m, "its stack is empty", err);
    for (size_t i = m->depth - count; i < m->depth; i++)
        if (!m->stack[i]) return lofi_pickle_damaged(m, "a mark is where a value should be", err);
    return kind == LOFI_PICKLE_NONE ? gather(m, m->depth - count, false, err)
                                    : add_to(m, m->depth - count, false, kind, err);
}

static lofi_code run_memo(lofi_pickle_machine *m, unsigned char op, lofi_error *err) {
    uint64_t index = m->memo_count;
    if (op == 'q' || op == 'h') LOFI_TRY(take_number(m, &index, 1, err));
    if (op == 'r' || op == 'j') LOFI_TRY(take_number(m, &index, 4, err));
    return op == 'h' || op == 'j' ? recall(m, index, err) : remember(m, index, err);
}

static lofi_code run_integer(lofi_pickle_machine *m, unsigned char op, lofi_error *err) {
    uint64_t number;
    LOFI_TRY(take_number(m, &number, op == 'K' ? 1 : op == 'M' ? 2 : 4, err));
    return push_integer(m, op == 'J' ? (int32_t)(uint32_t)number : (int64_t)number, LOFI_PICKLE_INT, err);
}

/* The protocol's number, or the length of a frame: both are only checked. */
static lofi_code run_header(lofi_pickle_machine *m, unsigned char op, lofi_error *err) {
    uint64_t number;
    LOFI_TRY(take_number(m, &number, op == 0x80 ? 1 : 8, err));
    if (op == 0x80 && (number < 2 || number > MAX_PROTOCOL))
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "the pickle has protocol %d, known are 2 to %d", (int)number,
                         MAX_PROTOCOL);
    if (op == 0x95 && number > m->size - m->at) return lofi_pickle_damaged(m, "it ends early", err);
    return LOFI_OK;
}

static lofi_code run_empty(lofi_pickle_machine *m, lofi_pickle_kind kind, lofi_error *err) {
    lofi_pickle_value *value;
    return push_new(m, &value, kind, err);
}

static lofi_code unknown(const lofi_pickle_machine *m, unsigned char op, lofi_error *err) {
    return lofi_fail(err, LOFI_ERR_UNSUPPORTED,
                     "the pickle has the instruction 0x%02x at byte %zu, which no file of tensors needs; nothing was "
                     "executed",
                     op, m->instruction);
}

static lofi_code run_instruction(lofi_pickle_machine *m, unsigned char op, lofi_error *err) {
    switch (op) {
    case 0x80:
    case 0x95: return run_header(m, op, err);
    case '(': return push(m, NULL, err);
    case '0': return m->depth ? (m->depth--, LOFI_OK) : lofi_pickle_damaged(m, "its stack is empty", err);
    case 'N': return run_empty(m, LOFI_PICKLE_NONE, err);
    case ')':
    case ']': return run_empty(m, LOFI_PICKLE_LIST, err);
    case '}': return run_empty(m, LOFI_PICKLE_DICT, err);
    case 0x88:
    case 0x89: return push_integer(m, op == 0x88, LOFI_PICKLE_BOOL, err);
    case 'J':
    case 'K':
    case 'M': return run_integer(m, op, err);
    case 0x8a: return push_long(m, err);
    case 'G': return push_float(m, err);
    case 'U':
    case 'C':
    case 0x8c: return push_text(m, 1, err);
    case 'X':
    case 'T':
    case 'B': return push_text(m, 4, err);
    case 0x8d:
    case 0x8e: return push_text(m, 8, err);
    case 't':
    case 'e':
    case 'u': return run_marked(m, op, err);
    case 0x85: return run_last(m, 1, LOFI_PICKLE_NONE, err);
    case 0x86: return run_last(m, 2, LOFI_PICKLE_NONE, err);
    case 0x87: return run_last(m, 3, LOFI_PICKLE_NONE, err);
    case 'a': return run_last(m, 1, LOFI_PICKLE_LIST, err);
    case 's': return run_last(m, 2, LOFI_PICKLE_DICT, err);
    case 'q':
    case 'r':
    case 'h':
    case 'j':
    case 0x94: return run_memo(m, op, err);
    case 'c': return run_global(m, err);
    case 0x93: return run_stack_global(m, err);
    case 'R': return run_call(m, err);
    case 'b': return run_build(m, err);
    case 'Q': return run_persistent(m, err);
    default: return unknown(m, op, err);
    }
}

lofi_code lofi_pickle_read(const lofi_pickle_value **out, lofi_arena *arena, const unsigned char *data, size_t size,
                           lofi_error *err) {
    lofi_pickle_machine m = {.data = data, .size = size, .arena = arena};
    lofi_pickle_value *result;
    if (size > MAX_PICKLE_BYTES)
        return lofi_fail(err, LOFI_ERR_FORMAT, "the pickle has %zu bytes, more than %zu", size, MAX_PICKLE_BYTES);
    for (;;) {
        const unsigned char *op;
        m.instruction = m.at;
        LOFI_TRY(take(&m, &op, 1, err));
        if (*op == '.') break;
        LOFI_TRY(run_instruction(&m, *op, err));
    }
    LOFI_TRY(pop(&m, &result, err));
    *out = result;
    return LOFI_OK;
}

const lofi_pickle_value *lofi_pickle_get(const lofi_pickle_value *dict, const char *key) {
    const lofi_pickle_value *found = NULL;
    if (!dict || dict->kind != LOFI_PICKLE_DICT) return NULL;
    for (size_t i = 0; i + 1 < dict->count; i += 2) {
        const lofi_pickle_value *name = dict->items[i];
        if (name->kind == LOFI_PICKLE_TEXT && strcmp(name->text, key) == 0) found = dict->items[i + 1];
    }
    return found;
}
