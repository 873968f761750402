/* normalizer.c - see normalizer.h. A normalizer is a flat list of steps; a kind of step is one row of `kinds`. */
#include "text/normalizer.h"

#include "base/json.h"
#include "base/memory.h"
#include "text/charsmap.h"
#include "text/unicode.h"

#define MAX_DEPTH 16
#define MAX_STEPS 256

typedef struct step step;
typedef lofi_code apply_fn(const step *self, const char *text, size_t size, lofi_buffer *out, lofi_error *err);

struct step {
    apply_fn *apply;
    lofi_charsmap *charsmap;
    char *pattern; /* Replace */
    char *content; /* Replace, Prepend */
    size_t pattern_size;
    bool left, right; /* Strip */
    int32_t repeated; /* Replace by Regex: the character, or -1 for any whitespace */
    size_t least;     /*                   how many in a row at least */
    lofi_normal_form form;
};

struct lofi_normalizer {
    step *steps;
    size_t count, capacity;
};

/* ---- steps ---- */

static lofi_code apply_charsmap(const step *self, const char *text, size_t size, lofi_buffer *out, lofi_error *err) {
    return lofi_charsmap_apply(self->charsmap, text, size, out, err);
}

static lofi_code apply_strip(const step *self, const char *text, size_t size, lofi_buffer *out, lofi_error *err) {
    size_t begin = 0, end = 0;
    bool seen = false;
    for (size_t at = 0; at < size;) {
        size_t start = at;
        if (lofi_is_space(lofi_utf8_next(text, size, &at))) continue;
        if (!seen) begin = start;
        seen = true;
        end = at;
    }
    if (!seen) begin = end = self->left ? size : 0; /* only whitespace: either side strips all of it */
    if (!self->left) begin = 0;
    if (!self->right) end = size;
    lofi_buffer_append(out, text + begin, end > begin ? end - begin : 0);
    return lofi_buffer_check(out, err);
}

static lofi_code apply_replace(const step *self, const char *text, size_t size, lofi_buffer *out, lofi_error *err) {
    size_t copied = 0;
    for (size_t at = 0; at + self->pattern_size <= size;) {
        if (memcmp(text + at, self->pattern, self->pattern_size) != 0) {
            at++;
            continue;
        }
        lofi_buffer_append(out, text + copied, at - copied);
        lofi_buffer_text(out, self->content);
        at += self->pattern_size;
        copied = at;
    }
    lofi_buffer_append(out, text + copied, size - copied);
    return lofi_buffer_check(out, err);
}

static bool repeats(const step *self, int32_t character) {
    return self->repeated < 0 ? lofi_is_space(character) : character == self->repeated;
}

static lofi_code apply_replace_run(const step *self, const char *text, size_t size, lofi_buffer *out, lofi_error *err) {
    for (size_t at = 0; at < size;) {
        size_t start = at, end = at, length = 0;
        while (at < size && repeats(self, lofi_utf8_next(text, size, &at))) length++, end = at;
        if (length > 0 && length >= self->least)
            lofi_buffer_text(out, self->content);
        else if (length > 0)
            lofi_buffer_append(out, text + start, end - start);
        if (length == 0)
            lofi_buffer_append(out, text + start, at - start);
        else
            at = end;
    }
    return lofi_buffer_check(out, err);
}

static lofi_code apply_prepend(const step *self, const char *text, size_t size, lofi_buffer *out, lofi_error *err) {
    if (size > 0) lofi_buffer_text(out, self->content);
    lofi_buffer_append(out, text, size);
    return lofi_buffer_check(out, err);
}

static lofi_code apply_form(const step *self, const char *text, size_t size, lofi_buffer *out, lofi_error *err) {
    lofi_utf16 units = LOFI_UTF16_INIT;
    lofi_code code = lofi_utf16_append_utf8(&units, text, size, err);
    if (code == LOFI_OK) code = lofi_utf16_normalize(&units, self->form, err);
    if (code == LOFI_OK) code = lofi_utf16_to_utf8(out, units.data, units.size, err);
    lofi_utf16_free(&units);
    return code;
}

/* The library lower-cases character by character, so a final sigma is no special case. */
static lofi_code apply_lowercase(const step *self, const char *text, size_t size, lofi_buffer *out, lofi_error *err) {
    (void)self;
    lofi_utf16 one = LOFI_UTF16_INIT;
    lofi_code code = LOFI_OK;
    for (size_t at = 0; at < size && code == LOFI_OK;) {
        size_t start = at;
        (void)lofi_utf8_next(text, size, &at);
        one.size = 0;
        code = lofi_utf16_append_utf8(&one, text + start, at - start, err);
        if (code == LOFI_OK) code = lofi_utf16_lower(&one, err);
        if (code == LOFI_OK) code = lofi_utf16_to_utf8(out, one.data, one.size, err);
    }
    lofi_utf16_free(&one);
    return code;
}

/* ---- reading ---- */

static lofi_code copy_text(char **out, const char *text, lofi_error *err) {
    *out = strdup(text);
    return *out != NULL ? LOFI_OK : lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate a normalizer");
}

static lofi_code load_charsmap(step *self, const json_t *json, lofi_error *err) {
    const char *text = NULL;
    LOFI_TRY(lofi_json_string(&text, json, "precompiled_charsmap", "normalizer Precompiled", err));
    self->apply = apply_charsmap;
    return lofi_charsmap_new(&self->charsmap, text, err);
}

static lofi_code load_strip(step *self, const json_t *json, lofi_error *err) {
    self->apply = apply_strip;
    LOFI_TRY(lofi_json_bool_or(&self->left, json, "strip_left", false, "normalizer Strip", err));
    return lofi_json_bool_or(&self->right, json, "strip_right", false, "normalizer Strip", err);
}

static lofi_code load_run(step *self, const char *regex, lofi_error *err) {
    size_t size = strlen(regex), at = 0;
    bool known = size > 0;
    if (known && strncmp(regex, "\\s", 2) == 0) {
        self->repeated = -1;
        at = 2;
    } else if (known) {
        known = strchr("\\^$.|?*+()[]{}", regex[0]) == NULL;
        self->repeated = lofi_utf8_next(regex, size, &at);
    }
    self->least = 1;
    if (known && strcmp(regex + at, "+") != 0) {
        int end = 0;
        unsigned least = 0;
        known = sscanf(regex + at, "{%9u,}%n", &least, &end) == 1 && end > 0 && regex[at + (size_t)end] == '\0';
        known = known && least > 0;
        self->least = least;
    }
    if (known) return LOFI_OK;
    lofi_fail(err, LOFI_ERR_UNSUPPORTED, "normalizer Replace has the regular expression '%s', which is not supported",
              regex);
    return lofi_hint(err, "supported are a repeated character as in ' {2,}' and ' +', and plain strings");
}

static lofi_code load_replace(step *self, const json_t *json, lofi_error *err) {
    const json_t *pattern = NULL;
    const char *content = NULL;
    LOFI_TRY(lofi_json_object(&pattern, json, "pattern", "normalizer Replace", err));
    LOFI_TRY(lofi_json_string(&content, json, "content", "normalizer Replace", err));
    LOFI_TRY(copy_text(&self->content, content, err));
    if (json_object_get(pattern, "Regex") != NULL) {
        const char *regex = NULL;
        LOFI_TRY(lofi_json_string(&regex, pattern, "Regex", "normalizer Replace", err));
        self->apply = apply_replace_run;
        return load_run(self, regex, err);
    }
    const char *text = NULL;
    LOFI_TRY(lofi_json_string(&text, pattern, "String", "normalizer Replace", err));
    if (text[0] == '\0') return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "normalizer Replace has an empty pattern");
    self->apply = apply_replace;
    self->pattern_size = strlen(text);
    return copy_text(&self->pattern, text, err);
}

static lofi_code load_prepend(step *self, const json_t *json, lofi_error *err) {
    const char *text = NULL;
    LOFI_TRY(lofi_json_string(&text, json, "prepend", "normalizer Prepend", err));
    self->apply = apply_prepend;
    return copy_text(&self->content, text, err);
}

static lofi_code load_form(step *self, const json_t *json, lofi_error *err) {
    const char *name = NULL;
    LOFI_TRY(lofi_json_string(&name, json, "type", "normalizer", err));
    bool compatible = strchr(name, 'K') != NULL;
    bool composed = name[strlen(name) - 1] == 'C';
    self->form = compatible ? (composed ? LOFI_NFKC : LOFI_NFKD) : (composed ? LOFI_NFC : LOFI_NFD);
    self->apply = apply_form;
    return LOFI_OK;
}

static lofi_code load_lowercase(step *self, const json_t *json, lofi_error *err) {
    (void)json;
    (void)err;
    self->apply = apply_lowercase;
    return LOFI_OK;
}

static const struct {
    const char *name;
    lofi_code (*load)(step *self, const json_t *json, lofi_error *err);
} kinds[] = {
    {"Precompiled", load_charsmap},
    {"Strip", load_strip},
    {"Replace", load_replace},
    {"Prepend", load_prepend},
    {"NFC", load_form},
    {"NFD", load_form},
    {"NFKC", load_form},
    {"NFKD", load_form},
    {"Lowercase", load_lowercase},
};

static lofi_code load_step(lofi_normalizer *normalizer, const char *type, const json_t *json, lofi_error *err) {
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, type) != 0) continue;
        void *steps = normalizer->steps;
        LOFI_TRY(lofi_grow(&steps, &normalizer->capacity, normalizer->count + 1, sizeof(step), MAX_STEPS, err));
        normalizer->steps = steps;
        step *self = &normalizer->steps[normalizer->count++];
        *self = (step){0};
        return kinds[i].load(self, json, err);
    }
    return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "normalizer '%s' is not supported", type);
}

static lofi_code load(lofi_normalizer *normalizer, const json_t *json, int depth, lofi_error *err) {
    const char *type = NULL;
    if (depth > MAX_DEPTH) return lofi_fail(err, LOFI_ERR_FORMAT, "normalizers are nested too deeply");
    LOFI_TRY(lofi_json_string(&type, json, "type", "normalizer", err));
    if (strcmp(type, "Sequence") != 0) return load_step(normalizer, type, json, err);
    const json_t *list = NULL;
    LOFI_TRY(lofi_json_array(&list, json, "normalizers", "normalizer Sequence", err));
    for (size_t i = 0; i < json_array_size(list); i++)
        LOFI_TRY(load(normalizer, json_array_get(list, i), depth + 1, err));
    return LOFI_OK;
}

lofi_code lofi_normalizer_new(lofi_normalizer **out, const json_t *json, lofi_error *err) {
    lofi_normalizer *normalizer = calloc(1, sizeof *normalizer);
    if (normalizer == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate a normalizer");
    if (json != NULL && !json_is_null(json)) {
        lofi_code code = load(normalizer, json, 0, err);
        if (code != LOFI_OK) {
            lofi_normalizer_free(normalizer);
            return code;
        }
    }
    *out = normalizer;
    return LOFI_OK;
}

void lofi_normalizer_free(lofi_normalizer *normalizer) {
    if (normalizer == NULL) return;
    for (size_t i = 0; i < normalizer->count; i++) {
        lofi_charsmap_free(normalizer->steps[i].charsmap);
        free(normalizer->steps[i].pattern);
        free(normalizer->steps[i].content);
    }
    free(normalizer->steps);
    free(normalizer);
}

lofi_code lofi_normalizer_apply(const lofi_normalizer *normalizer, const char *text, size_t size, lofi_buffer *out,
                                lofi_error *err) {
    lofi_buffer next = LOFI_BUFFER_INIT;
    out->max_bytes = next.max_bytes = LOFI_NORMALIZER_MAX_BYTES;
    lofi_buffer_clear(out);
    lofi_buffer_append(out, text, size);
    lofi_code code = lofi_buffer_check(out, err);
    for (size_t i = 0; i < normalizer->count && code == LOFI_OK; i++) {
        const step *self = &normalizer->steps[i];
        lofi_buffer_clear(&next);
        code = self->apply(self, lofi_buffer_str(out), out->size, &next, err);
        lofi_buffer kept = *out;
        *out = next;
        next = kept;
    }
    lofi_buffer_free(&next);
    if (code != LOFI_ERR_MEMORY) return code;
    lofi_error_prefix(err, "normalising a text of %zu bytes", size);
    return lofi_hint(err, "the text, or what the tokenizer's replacements make of it, may have %zu MiB at most",
                     LOFI_NORMALIZER_MAX_BYTES >> 20);
}
