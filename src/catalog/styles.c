/* styles.c - presets read, checked, and resolved along their line of parents. */
#include "catalog/styles.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "catalog/entity.h"
#include "catalog/nearest.h"

/* A preset as it stands in the file. */
typedef struct preset {
    const json_t *object;
    const char *style_id;
    const char *extends; /* may be NULL */
    bool abstract;
    const struct preset *parent;
} preset;

struct lofi_styles {
    lofi_arena *arena;
    lofi_document document; /* kept: names are borrowed from it */
    const lofi_vocabulary *vocabulary;
    preset *presets;
    size_t preset_count;
    lofi_style *items;
    const char **ids; /* items[i].style_id */
    size_t count;
};

const char *const lofi_style_categories[LOFI_STYLE_CATEGORIES] = {"core", "seasonal", "thematic", "instrumental",
                                                                  "vocal"};
static const char *const fields[] = {"style_id",     "abstract",    "extends",     "name",
                                     "category",     "base_tags",   "instruments", "production",
                                     "mood_options", "tempo_range", "atmosphere",  "vocal_type"};
#define COUNT(array) (sizeof(array) / sizeof *(array))

static lofi_code no_memory(lofi_error *err) {
    return lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for the style presets");
}

static bool is_one_of(const char *text, const char *const *list, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, list[i]) == 0) return true;
    return false;
}

/* ---- reading ---- */

static const preset *find_preset(const lofi_styles *styles, const char *style_id) {
    for (size_t i = 0; i < styles->preset_count; i++)
        if (strcmp(styles->presets[i].style_id, style_id) == 0) return &styles->presets[i];
    return NULL;
}

/* A field that is nearly the name of a known one would be lost without a word. */
static lofi_code check_fields(const json_t *object, lofi_error *err) {
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)object, key, value) {
        if (is_one_of(key, fields, COUNT(fields))) continue;
        const char *nearest = lofi_nearest(key, fields, COUNT(fields));
        if (lofi_edit_distance(key, nearest) <= 2)
            return lofi_fail(err, LOFI_ERR_FORMAT, "unknown field '%s'; did you mean '%s'?", key, nearest);
    }
    return LOFI_OK;
}

static lofi_code read_preset(lofi_styles *styles, const json_t *object, lofi_error *err) {
    preset read = {.object = object};
    LOFI_TRY(lofi_json_string(&read.style_id, object, "style_id", "presets", err));
    if (!read.style_id[0]) return lofi_fail(err, LOFI_ERR_FORMAT, "an empty style_id");
    lofi_code code = check_fields(object, err);
    if (code == LOFI_OK) code = lofi_json_string_or(&read.extends, object, "extends", NULL, "the preset", err);
    if (code == LOFI_OK) code = lofi_json_bool_or(&read.abstract, object, "abstract", false, "the preset", err);
    if (code == LOFI_OK && find_preset(styles, read.style_id))
        code = lofi_fail(err, LOFI_ERR_FORMAT, "the style_id is there twice");
    if (code != LOFI_OK) return lofi_error_prefix(err, "style '%s'", read.style_id);
    styles->presets[styles->preset_count++] = read;
    return LOFI_OK;
}

static lofi_code unknown_parent(lofi_styles *styles, const preset *child, lofi_error *err) {
    const char **ids = lofi_arena_alloc(styles->arena, styles->preset_count * sizeof *ids);
    if (!ids) return no_memory(err);
    for (size_t i = 0; i < styles->preset_count; i++) ids[i] = styles->presets[i].style_id;
    return lofi_fail(err, LOFI_ERR_FORMAT, "style '%s' extends '%s', which is not there; the nearest preset is '%s'",
                     child->style_id, child->extends, lofi_nearest(child->extends, ids, styles->preset_count));
}

/* More steps than presets: somewhere above `start` there is a cycle. */
static lofi_code cycle(const lofi_styles *styles, const preset *start, lofi_error *err) {
    const preset *inside = start;
    for (size_t i = 0; i < styles->preset_count; i++) inside = inside->parent;
    lofi_buffer line = LOFI_BUFFER_INIT;
    const preset *at = inside;
    do {
        lofi_buffer_printf(&line, "%s -> ", at->style_id);
        at = at->parent;
    } while (at != inside);
    lofi_buffer_text(&line, inside->style_id);
    lofi_fail(err, LOFI_ERR_FORMAT, "presets extend each other in a circle: %s", lofi_buffer_str(&line));
    lofi_buffer_free(&line);
    return lofi_hint(err, "remove 'extends' from one of them");
}

static lofi_code link_parents(lofi_styles *styles, lofi_error *err) {
    for (size_t i = 0; i < styles->preset_count; i++) {
        preset *child = &styles->presets[i];
        if (!child->extends) continue;
        child->parent = find_preset(styles, child->extends);
        if (!child->parent) return unknown_parent(styles, child, err);
    }
    for (size_t i = 0; i < styles->preset_count; i++) {
        size_t steps = 0;
        for (const preset *at = &styles->presets[i]; at; at = at->parent)
            if (++steps > styles->preset_count) return cycle(styles, &styles->presets[i], err);
    }
    return LOFI_OK;
}

static lofi_code read_presets(lofi_styles *styles, lofi_error *err) {
    const json_t *list = NULL;
    LOFI_TRY(lofi_json_array(&list, styles->document.root, "presets", "the file", err));
    size_t count = json_array_size(list);
    styles->presets = lofi_arena_alloc(styles->arena, (count + 1) * sizeof(preset));
    styles->items = lofi_arena_alloc(styles->arena, (count + 1) * sizeof(lofi_style));
    styles->ids = lofi_arena_alloc(styles->arena, (count + 1) * sizeof(char *));
    if (!styles->presets || !styles->items || !styles->ids) return no_memory(err);
    for (size_t i = 0; i < count; i++) LOFI_TRY(read_preset(styles, json_array_get(list, i), err));
    return link_parents(styles, err);
}

/* ---- resolving ---- */

static lofi_code append_tag(lofi_styles *styles, lofi_tag_list *list, const char *tag, lofi_error *err) {
    if (is_one_of(tag, list->tags, list->count)) return LOFI_OK;
    if (list->count == LOFI_STYLE_TAGS_MAX)
        return lofi_fail(err, LOFI_ERR_FORMAT, "more than %d tags of one category; a prompt holds about a dozen in all",
                         LOFI_STYLE_TAGS_MAX);
    list->tags[list->count] = lofi_arena_strdup(styles->arena, tag);
    if (!list->tags[list->count]) return no_memory(err);
    list->count++;
    return LOFI_OK;
}

/* One tag of a field. wanted: the category that the field says, or -1 for base_tags. */
static lofi_code add_tag(lofi_styles *styles, lofi_tag_list lists[LOFI_TAG_CATEGORIES], const char *text, int wanted,
                         lofi_error *err) {
    char canonical[LOFI_TAG_BYTES];
    lofi_tag_category category = LOFI_TAG_GENRE;
    LOFI_TRY(lofi_vocabulary_find(canonical, &category, styles->vocabulary, text, err));
    if (wanted >= 0 && (int)category != wanted)
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' is a tag of the category '%s', not '%s'", canonical,
                         lofi_tag_category_name(category), lofi_tag_category_name((lofi_tag_category)wanted));
    if (category == LOFI_TAG_TEMPO)
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' is a tempo; the tempo comes from tempo_range", canonical);
    return append_tag(styles, &lists[category], canonical, err);
}

static lofi_code add_list(lofi_styles *styles, lofi_tag_list lists[LOFI_TAG_CATEGORIES], const json_t *object,
                          const char *field, int wanted, lofi_error *err) {
    const json_t *array = json_object_get(object, field);
    if (!array) return LOFI_OK;
    if (!json_is_array(array)) return lofi_fail(err, LOFI_ERR_FORMAT, "%s is not a list", field);
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *text = json_string_value(json_array_get(array, i));
        if (!text) return lofi_fail(err, LOFI_ERR_FORMAT, "%s: entry %zu is not text", field, i + 1);
        lofi_code code = add_tag(styles, lists, text, wanted, err);
        if (code != LOFI_OK) return lofi_error_prefix(err, "%s", field);
    }
    return LOFI_OK;
}

/* A list field of the preset and of all its parents, the preset's own first. */
static lofi_code add_lists(lofi_styles *styles, lofi_tag_list lists[LOFI_TAG_CATEGORIES], const preset *from,
                           const char *field, int wanted, lofi_error *err) {
    for (const preset *at = from; at; at = at->parent)
        LOFI_TRY(add_list(styles, lists, at->object, field, wanted, err));
    return LOFI_OK;
}

/* The value of a scalar field at the nearest preset that has it; NULL when none has. */
static lofi_code nearest_text(const char **out, const preset *from, const char *field, lofi_error *err) {
    for (const preset *at = from; at; at = at->parent) {
        LOFI_TRY(lofi_json_string_or(out, at->object, field, NULL, "the preset", err));
        if (*out) return LOFI_OK;
    }
    return LOFI_OK;
}

static lofi_code resolve_tempo(lofi_style *style, const preset *from, lofi_error *err) {
    while (!json_object_get(from->object, "tempo_range")) from = from->parent; /* the schema wants one */
    const json_t *range = json_object_get(from->object, "tempo_range");
    style->tempo_min = (int)json_number_value(json_array_get(range, 0));
    style->tempo_max = (int)json_number_value(json_array_get(range, 1));
    if (style->tempo_min <= style->tempo_max) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_FORMAT, "tempo_range is not [min, max]: %d is more than %d", style->tempo_min,
                     style->tempo_max);
}

static lofi_code resolve_tags(lofi_styles *styles, lofi_style *style, const preset *from, lofi_error *err) {
    static const struct {
        const char *field;
        int category;
    } single[] = {{"atmosphere", LOFI_TAG_ATMOSPHERE}, {"vocal_type", LOFI_TAG_VOCAL_TYPE}};
    LOFI_TRY(add_lists(styles, style->tags, from, "base_tags", -1, err));
    LOFI_TRY(add_lists(styles, style->tags, from, "instruments", LOFI_TAG_INSTRUMENTS, err));
    LOFI_TRY(add_lists(styles, style->tags, from, "production", LOFI_TAG_PRODUCTION, err));
    for (size_t i = 0; i < COUNT(single); i++) {
        const char *text = NULL;
        LOFI_TRY(nearest_text(&text, from, single[i].field, err));
        if (!text) continue;
        lofi_code code = add_tag(styles, style->tags, text, single[i].category, err);
        if (code != LOFI_OK) return lofi_error_prefix(err, "%s", single[i].field);
    }
    if (!style->tags[LOFI_TAG_GENRE].count) return lofi_fail(err, LOFI_ERR_FORMAT, "base_tags holds no genre");
    return LOFI_OK;
}

static lofi_code resolve_moods(lofi_styles *styles, lofi_style *style, const preset *from, lofi_error *err) {
    lofi_tag_list lists[LOFI_TAG_CATEGORIES] = {{NULL, 0}};
    lists[LOFI_TAG_MOOD] = style->mood_options;
    LOFI_TRY(add_lists(styles, lists, from, "mood_options", LOFI_TAG_MOOD, err));
    style->mood_options = lists[LOFI_TAG_MOOD];
    return LOFI_OK;
}

static lofi_code resolve(lofi_styles *styles, lofi_style *style, const preset *from, lofi_error *err) {
    style->style_id = from->style_id;
    style->extends = from->extends;
    style->mood_options.tags = lofi_arena_alloc(styles->arena, LOFI_STYLE_TAGS_MAX * sizeof(char *));
    if (!style->mood_options.tags) return no_memory(err);
    for (size_t i = 0; i < LOFI_TAG_CATEGORIES; i++) {
        style->tags[i].tags = lofi_arena_alloc(styles->arena, LOFI_STYLE_TAGS_MAX * sizeof(char *));
        if (!style->tags[i].tags) return no_memory(err);
    }
    LOFI_TRY(lofi_json_string(&style->name, from->object, "name", "the preset", err));
    LOFI_TRY(nearest_text(&style->category, from, "category", err));
    LOFI_TRY(resolve_tempo(style, from, err));
    LOFI_TRY(resolve_tags(styles, style, from, err));
    return resolve_moods(styles, style, from, err);
}

/* What one preset says, behind what its children say. */
static void add_parent(json_t *joined, const preset *at, bool is_first) {
    static const char *const own[] = {"style_id", "name", "extends", "abstract"};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)at->object, key, value) {
        json_t *there = json_object_get(joined, key);
        if (!there && (is_first || !is_one_of(key, own, COUNT(own))))
            json_object_set_new(joined, key, json_deep_copy(value));
        if (!json_is_array(there) || strcmp(key, "tempo_range") == 0) continue;
        for (size_t i = 0; i < json_array_size(value); i++)
            if (!lofi_json_holds(there, json_array_get(value, i))) json_array_append(there, json_array_get(value, i));
    }
}

/* What a preset says together with its parents, as one object; the reference is yours. */
static json_t *join_parents(const preset *from) {
    json_t *joined = json_object();
    for (const preset *at = from; at; at = at->parent) add_parent(joined, at, at == from);
    return joined;
}

/* The schema is of a style with everything that it inherits. */
static lofi_code check_schema(const lofi_styles *styles, size_t index, lofi_error *err) {
    char pointer[64];
    json_t *joined = join_parents(&styles->presets[index]);
    snprintf(pointer, sizeof pointer, "/presets/%zu", index);
    lofi_code code = lofi_entity_check(LOFI_ENTITY_STYLE_PRESET, joined, &styles->document, pointer, err);
    json_decref(joined);
    return code;
}

static lofi_code resolve_all(lofi_styles *styles, lofi_error *err) {
    for (size_t i = 0; i < styles->preset_count; i++) {
        const preset *from = &styles->presets[i];
        if (from->abstract) continue;
        lofi_style *style = &styles->items[styles->count];
        lofi_code code = resolve(styles, style, from, err);
        if (code != LOFI_OK) return lofi_error_prefix(err, "style '%s'", from->style_id);
        styles->ids[styles->count++] = style->style_id;
    }
    return styles->count ? LOFI_OK : lofi_fail(err, LOFI_ERR_FORMAT, "there is no style in it");
}

static lofi_code load_into(lofi_styles *styles, const char *path, lofi_error *err) {
    LOFI_TRY(lofi_arena_new(&styles->arena, err));
    LOFI_TRY(lofi_document_load(&styles->document, path, err));
    lofi_code code = read_presets(styles, err);
    if (code == LOFI_OK) {
        for (size_t i = 0; i < styles->preset_count; i++)
            if (!styles->presets[i].abstract) LOFI_TRY(check_schema(styles, i, err));
        code = resolve_all(styles, err);
    }
    if (code != LOFI_OK) lofi_error_prefix(err, "style presets '%s'", path);
    return code;
}

lofi_code lofi_styles_load(lofi_styles **out, const char *path, const lofi_vocabulary *vocabulary, lofi_error *err) {
    assert(vocabulary);
    lofi_styles *styles;
    LOFI_TRY(lofi_alloc((void **)&styles, 1, sizeof *styles, "the style presets", err));
    styles->vocabulary = vocabulary;
    lofi_code code = load_into(styles, path, err);
    if (code == LOFI_OK)
        *out = styles;
    else
        lofi_styles_free(styles);
    return code;
}

void lofi_styles_free(lofi_styles *styles) {
    if (!styles) return;
    lofi_document_free(&styles->document);
    lofi_arena_free(styles->arena);
    lofi_free(styles);
}

/* ---- questions ---- */

size_t lofi_styles_count(const lofi_styles *styles) {
    return styles->count;
}

const lofi_style *lofi_styles_at(const lofi_styles *styles, size_t index) {
    assert(index < styles->count);
    return &styles->items[index];
}

const lofi_style *lofi_styles_get(const lofi_styles *styles, const char *style_id) {
    for (size_t i = 0; i < styles->count; i++)
        if (strcmp(styles->ids[i], style_id) == 0) return &styles->items[i];
    return NULL;
}

lofi_code lofi_styles_find(const lofi_style **out, const lofi_styles *styles, const char *style_id, lofi_error *err) {
    const lofi_style *style = lofi_styles_get(styles, style_id);
    if (style) {
        *out = style;
        return LOFI_OK;
    }
    const preset *known = find_preset(styles, style_id);
    if (known && known->abstract)
        return lofi_fail(err, LOFI_ERR_FORMAT, "style '%s' is only a parent for others", style_id);
    return lofi_fail(err, LOFI_ERR_FORMAT, "unknown style '%s'; the nearest known one is '%s'", style_id,
                     lofi_nearest(style_id, styles->ids, styles->count));
}

bool lofi_voice_has_words(const char *vocal_type) {
    static const char *const wordless[] = {"instrumental", "chopped vocals", "pitched vocals", "humming",
                                           "wordless vocals"};
    return !is_one_of(vocal_type, wordless, COUNT(wordless));
}

bool lofi_style_has_words(const lofi_style *style) {
    const lofi_tag_list *voices = &style->tags[LOFI_TAG_VOCAL_TYPE];
    for (size_t i = 0; i < voices->count; i++)
        if (lofi_voice_has_words(voices->tags[i])) return true;
    return false;
}
