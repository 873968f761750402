/* tags.c - the vocabulary as one flat list of spellings. */
#include "catalog/tags.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "catalog/entity.h"
#include "catalog/nearest.h"

typedef struct spelling {
    const char *text;      /* normalized: what is searched */
    const char *canonical; /* what it stands for; the same text for a tag itself */
    lofi_tag_category category;
} spelling;

struct lofi_vocabulary {
    lofi_arena *arena;
    spelling *spellings;
    const char **texts; /* spellings[i].text once more, for the search of the nearest */
    size_t count, capacity;
    json_t *by_text; /* text -> place in spellings */
    const char **tags[LOFI_TAG_CATEGORIES];
    size_t tag_counts[LOFI_TAG_CATEGORIES];
};

static const char *const category_names[LOFI_TAG_CATEGORIES] = {"genre",      "mood",       "instruments", "tempo",
                                                                "production", "atmosphere", "vocal_type"};

const char *lofi_tag_category_name(lofi_tag_category category) {
    assert((unsigned)category < LOFI_TAG_CATEGORIES);
    return category_names[category];
}

const char *lofi_tempo_word(int bpm) {
    if (bpm < 72) return "slow tempo";
    if (bpm < 82) return "laid-back tempo";
    if (bpm < 96) return "medium tempo";
    if (bpm < 110) return "groovy tempo";
    return "upbeat tempo";
}

lofi_code lofi_tag_normalize(char normal[LOFI_TAG_BYTES], const char *text, lofi_error *err) {
    char result[LOFI_TAG_BYTES];
    size_t size = 0;
    bool space = false;
    for (const char *at = text; *at; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte == ' ') {
            space = size > 0;
            continue;
        }
        if (byte == ',' || byte < 32 || byte == 127)
            return lofi_fail(err, LOFI_ERR_FORMAT, "the tag '%s' holds a %s; a tag is words and spaces", text,
                             byte == ',' ? "comma" : "control character");
        if (size + space + 1 >= LOFI_TAG_BYTES)
            return lofi_fail(err, LOFI_ERR_FORMAT, "the tag '%.80s' is longer than %d bytes", text, LOFI_TAG_BYTES - 1);
        if (space) result[size++] = ' ';
        space = false;
        result[size++] = (char)(byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte);
    }
    if (size == 0) return lofi_fail(err, LOFI_ERR_FORMAT, "an empty tag");
    result[size] = '\0';
    memcpy(normal, result, size + 1);
    return LOFI_OK;
}

static const spelling *find_spelling(const lofi_vocabulary *vocabulary, const char *normal) {
    const json_t *place = json_object_get(vocabulary->by_text, normal);
    return place ? &vocabulary->spellings[json_integer_value(place)] : NULL;
}

/* "85 bpm" and "85bpm". */
static bool parse_bpm(const char *normal, int *bpm) {
    int value = 0;
    size_t digits = strspn(normal, "0123456789");
    if (digits == 0 || digits > 3 || normal[0] == '0') return false;
    for (size_t i = 0; i < digits; i++) value = value * 10 + (normal[i] - '0');
    const char *unit = normal + digits + (normal[digits] == ' ');
    *bpm = value;
    return strcmp(unit, "bpm") == 0 && value >= LOFI_BPM_MIN && value <= LOFI_BPM_MAX;
}

/* Goes behind `word` when the text begins with it. */
static bool take(const char **at, const char *word) {
    size_t size = strlen(word);
    if (strncmp(*at, word, size) != 0) return false;
    *at += size;
    return true;
}

/* Semitones by which what follows the letter raises it. */
static int take_accidental(const char **at) {
    static const struct {
        const char *text;
        int semitones;
    } signs[] = {{"#", 1},  {"\xe2\x99\xaf", 1},  {" sharp", 1}, {"-sharp", 1},
                 {"b", -1}, {"\xe2\x99\xad", -1}, {" flat", -1}, {"-flat", -1}};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (take(at, signs[i].text)) return signs[i].semitones;
    return 0;
}

bool lofi_key_tag(char canonical[LOFI_TAG_BYTES], const char *text) {
    static const char *const names[] = {"c", "c#", "d", "d#", "e", "f", "f#", "g", "g#", "a", "a#", "b"};
    static const int white[] = {9, 11, 0, 2, 4, 5, 7}; /* a to g */
    char normal[LOFI_TAG_BYTES];
    if (lofi_tag_normalize(normal, text, NULL) != LOFI_OK || normal[0] < 'a' || normal[0] > 'g') return false;
    const char *at = normal + 1;
    int tonic = (white[normal[0] - 'a'] + take_accidental(&at) + 12) % 12;
    bool minor = strcmp(at, " minor") == 0 || strcmp(at, " min") == 0;
    if (!minor && strcmp(at, " major") != 0 && strcmp(at, " maj") != 0) return false;
    snprintf(canonical, LOFI_TAG_BYTES, "%s %s", names[tonic], minor ? "minor" : "major");
    return true;
}

lofi_code lofi_vocabulary_find(char canonical[LOFI_TAG_BYTES], lofi_tag_category *category,
                               const lofi_vocabulary *vocabulary, const char *text, lofi_error *err) {
    char normal[LOFI_TAG_BYTES];
    LOFI_TRY(lofi_tag_normalize(normal, text, err));
    const spelling *found = find_spelling(vocabulary, normal);
    int bpm = 0;
    if (found) {
        memcpy(canonical, found->canonical, strlen(found->canonical) + 1);
        *category = found->category;
        return LOFI_OK;
    }
    if (parse_bpm(normal, &bpm)) {
        snprintf(canonical, LOFI_TAG_BYTES, "%d bpm", bpm);
        *category = LOFI_TAG_TEMPO;
        return LOFI_OK;
    }
    if (lofi_key_tag(canonical, normal)) {
        *category = LOFI_TAG_PRODUCTION;
        return LOFI_OK;
    }
    const char *nearest = lofi_nearest(normal, vocabulary->texts, vocabulary->count);
    const spelling *meant = nearest ? find_spelling(vocabulary, nearest) : NULL;
    assert(meant);
    lofi_fail(err, LOFI_ERR_FORMAT, "unknown tag '%s'; the nearest known one is '%s' (%s)", text, meant->canonical,
              category_names[meant->category]);
    return lofi_hint(err, "use a tag of the vocabulary, or add this one to it");
}

const char *const *lofi_vocabulary_tags(const lofi_vocabulary *vocabulary, lofi_tag_category category, size_t *count) {
    assert((unsigned)category < LOFI_TAG_CATEGORIES);
    *count = vocabulary->tag_counts[category];
    return vocabulary->tags[category];
}

const char *const *lofi_vocabulary_spellings(const lofi_vocabulary *vocabulary, size_t *count) {
    *count = vocabulary->count;
    return vocabulary->texts;
}

static lofi_code no_memory(lofi_error *err) {
    return lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for the tag vocabulary");
}

/* canonical NULL: the text is a tag itself. */
static lofi_code add_spelling(lofi_vocabulary *vocabulary, const char *text, const char *canonical,
                              lofi_tag_category category, lofi_error *err) {
    char normal[LOFI_TAG_BYTES];
    LOFI_TRY(lofi_tag_normalize(normal, text, err));
    const spelling *taken = find_spelling(vocabulary, normal);
    if (taken)
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' is there twice: in %s and in %s", normal,
                         category_names[taken->category], category_names[category]);
    assert(vocabulary->count < vocabulary->capacity);
    char *copy = lofi_arena_strdup(vocabulary->arena, normal);
    if (!copy) return no_memory(err);
    spelling *added = &vocabulary->spellings[vocabulary->count];
    *added = (spelling){copy, canonical ? canonical : copy, category};
    if (json_object_set_new(vocabulary->by_text, copy, json_integer((json_int_t)vocabulary->count)) != 0)
        return lofi_fail(err, LOFI_ERR_FORMAT, "the tag is not UTF-8");
    vocabulary->texts[vocabulary->count++] = copy;
    return LOFI_OK;
}

static lofi_code read_tags(lofi_vocabulary *vocabulary, const json_t *object, lofi_tag_category category,
                           lofi_error *err) {
    const json_t *tags = NULL;
    LOFI_TRY(lofi_json_array(&tags, object, "tags", category_names[category], err));
    size_t count = json_array_size(tags);
    if (count == 0) return lofi_fail(err, LOFI_ERR_FORMAT, "the category '%s' has no tags", category_names[category]);
    vocabulary->tags[category] = lofi_arena_alloc(vocabulary->arena, count * sizeof(char *));
    if (!vocabulary->tags[category]) return no_memory(err);
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(tags, i));
        if (!text)
            return lofi_fail(err, LOFI_ERR_FORMAT, "tag %zu of the category '%s' is not text", i + 1,
                             category_names[category]);
        LOFI_TRY(add_spelling(vocabulary, text, NULL, category, err));
        vocabulary->tags[category][i] = vocabulary->texts[vocabulary->count - 1];
    }
    vocabulary->tag_counts[category] = count;
    return LOFI_OK;
}

static lofi_code read_alias(lofi_vocabulary *vocabulary, const char *alias, const json_t *target,
                            lofi_tag_category category, lofi_error *err) {
    char normal[LOFI_TAG_BYTES];
    const char *text = json_string_value(target);
    if (!text) return lofi_fail(err, LOFI_ERR_FORMAT, "the canonical form of '%s' is not text", alias);
    LOFI_TRY(lofi_tag_normalize(normal, text, err));
    const spelling *tag = find_spelling(vocabulary, normal);
    if (!tag || tag->category != category || tag->canonical != tag->text)
        return lofi_fail(err, LOFI_ERR_FORMAT, "the alias '%s' leads to '%s', which is no tag of the category '%s'",
                         alias, text, category_names[category]);
    return add_spelling(vocabulary, alias, tag->text, category, err);
}

static lofi_code read_aliases(lofi_vocabulary *vocabulary, const json_t *object, lofi_tag_category category,
                              lofi_error *err) {
    json_t *aliases = json_object_get(object, "canonical_forms"), *target = NULL;
    const char *alias = NULL;
    if (!aliases) return LOFI_OK;
    if (!json_is_object(aliases))
        return lofi_fail(err, LOFI_ERR_FORMAT, "canonical_forms of the category '%s' is not an object",
                         category_names[category]);
    json_object_foreach(aliases, alias, target) LOFI_TRY(read_alias(vocabulary, alias, target, category, err));
    return LOFI_OK;
}

/* The object of each category, checked: all seven, none twice, none unknown. */
static lofi_code find_categories(const json_t *objects[LOFI_TAG_CATEGORIES], const json_t *list, lofi_error *err) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *object = json_array_get(list, i);
        const char *name = NULL;
        LOFI_TRY(lofi_json_string(&name, object, "category", "categories", err));
        size_t at = 0;
        while (at < LOFI_TAG_CATEGORIES && strcmp(category_names[at], name) != 0) at++;
        if (at == LOFI_TAG_CATEGORIES)
            return lofi_fail(err, LOFI_ERR_FORMAT, "unknown category '%s'; the nearest known one is '%s'", name,
                             lofi_nearest(name, category_names, LOFI_TAG_CATEGORIES));
        if (objects[at]) return lofi_fail(err, LOFI_ERR_FORMAT, "the category '%s' is there twice", name);
        objects[at] = object;
    }
    for (size_t i = 0; i < LOFI_TAG_CATEGORIES; i++)
        if (!objects[i]) return lofi_fail(err, LOFI_ERR_FORMAT, "the category '%s' is missing", category_names[i]);
    return LOFI_OK;
}

static lofi_code fill(lofi_vocabulary *vocabulary, const json_t *document, lofi_error *err) {
    const json_t *list = NULL, *objects[LOFI_TAG_CATEGORIES] = {NULL};
    LOFI_TRY(lofi_json_array(&list, document, "categories", "the vocabulary", err));
    LOFI_TRY(find_categories(objects, list, err));
    for (size_t i = 0; i < LOFI_TAG_CATEGORIES; i++)
        vocabulary->capacity += json_array_size(json_object_get(objects[i], "tags")) +
                                json_object_size(json_object_get(objects[i], "canonical_forms"));
    vocabulary->spellings = lofi_arena_alloc(vocabulary->arena, (vocabulary->capacity + 1) * sizeof(spelling));
    vocabulary->texts = lofi_arena_alloc(vocabulary->arena, (vocabulary->capacity + 1) * sizeof(char *));
    if (!vocabulary->spellings || !vocabulary->texts) return no_memory(err);
    for (int i = 0; i < LOFI_TAG_CATEGORIES; i++)
        LOFI_TRY(read_tags(vocabulary, objects[i], (lofi_tag_category)i, err));
    for (int i = 0; i < LOFI_TAG_CATEGORIES; i++)
        LOFI_TRY(read_aliases(vocabulary, objects[i], (lofi_tag_category)i, err));
    return LOFI_OK;
}

lofi_code lofi_vocabulary_load(lofi_vocabulary **out, const char *path, lofi_error *err) {
    lofi_document document = {0};
    lofi_arena *arena = NULL;
    lofi_code code = lofi_document_load(&document, path, err);
    if (code == LOFI_OK) code = lofi_entity_check_list(LOFI_ENTITY_TAG_CATEGORY, &document, "categories", err);
    if (code != LOFI_OK) goto done;
    LOFI_TRY_GOTO(lofi_arena_new(&arena, err), done);
    lofi_vocabulary *vocabulary = lofi_arena_alloc(arena, sizeof *vocabulary);
    if (!vocabulary) {
        code = no_memory(err);
        goto done;
    }
    vocabulary->arena = arena;
    vocabulary->by_text = json_object();
    arena = NULL;
    code = fill(vocabulary, document.root, err);
    if (code != LOFI_OK) {
        lofi_error_prefix(err, "tag vocabulary '%s'", path);
        lofi_vocabulary_free(vocabulary);
        goto done;
    }
    *out = vocabulary;
done:
    lofi_arena_free(arena);
    lofi_document_free(&document);
    return code;
}

void lofi_vocabulary_free(lofi_vocabulary *vocabulary) {
    if (!vocabulary) return;
    json_decref(vocabulary->by_text);
    lofi_arena_free(vocabulary->arena);
}
