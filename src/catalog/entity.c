/* entity.c - see entity.h. */
#include "catalog/entity.h"

#include <assert.h>
#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "catalog/schema_texts.h"

static const char *const names[LOFI_ENTITIES] = {
    [LOFI_ENTITY_TRACK] = "track",
    [LOFI_ENTITY_STYLE_PRESET] = "style_preset",
    [LOFI_ENTITY_SOURCE_RECORD] = "source_record",
    [LOFI_ENTITY_CHECKPOINT] = "checkpoint",
    [LOFI_ENTITY_QUALITY_METRICS] = "quality_metrics",
    [LOFI_ENTITY_DATASET] = "dataset",
    [LOFI_ENTITY_TAG_CATEGORY] = "tag_category",
    [LOFI_ENTITY_QUALITY_SCORE] = "quality_score",
    [LOFI_ENTITY_STYLE_MAPPING] = "style_mapping",
};

/* Read once, on first use, and kept: they are constants of the program. */
static lofi_schema *schemas[LOFI_ENTITIES];
static pthread_mutex_t schemas_lock = PTHREAD_MUTEX_INITIALIZER;

const char *lofi_entity_name(lofi_entity entity) {
    assert((unsigned)entity < LOFI_ENTITIES);
    return names[entity];
}

static lofi_code read_schema(lofi_entity entity, lofi_error *err) {
    const lofi_embedded *text = lofi_schema_texts;
    while (text->name && strcmp(text->name, names[entity]) != 0) text++;
    assert(text->name);
    return lofi_schema_new(&schemas[entity], text->bytes, text->size, text->name, err);
}

static lofi_code get_schema(const lofi_schema **out, lofi_entity entity, lofi_error *err) {
    pthread_mutex_lock(&schemas_lock);
    lofi_code code = schemas[entity] ? LOFI_OK : read_schema(entity, err);
    *out = schemas[entity];
    pthread_mutex_unlock(&schemas_lock);
    return code;
}

lofi_code lofi_entity_check(lofi_entity entity, const json_t *value, const lofi_document *document, const char *pointer,
                            lofi_error *err) {
    const lofi_schema *schema;
    LOFI_TRY(get_schema(&schema, entity, err));
    return lofi_document_check(document, schema, value, pointer, err);
}

lofi_code lofi_entity_check_list(lofi_entity entity, const lofi_document *document, const char *member,
                                 lofi_error *err) {
    const json_t *list = json_object_get(document->root, member);
    if (!json_is_array(list))
        return lofi_document_fail(document, err, "", "expected an object with the list '%s'", member);
    for (size_t i = 0; i < json_array_size(list); i++) {
        char pointer[128];
        snprintf(pointer, sizeof pointer, "/%s/%zu", member, i);
        LOFI_TRY(lofi_entity_check(entity, json_array_get(list, i), document, pointer, err));
    }
    return LOFI_OK;
}

lofi_code lofi_entity_check_new(lofi_entity entity, const json_t *value, const char *what, lofi_error *err) {
    char name[512];
    lofi_document none = {.path = name, .text = LOFI_BUFFER_INIT};
    snprintf(name, sizeof name, "%s", what);
    return lofi_entity_check(entity, value, &none, "", err);
}

/* ---- dates ---- */

static int days_of_month(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

static bool is_date(const char *text) {
    static const char form[] = "dddd-dd-dd";
    int year, month, day;
    for (size_t i = 0; i < sizeof form - 1; i++)
        if (form[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != form[i]) return false;
    if (sscanf(text, "%4d-%2d-%2d", &year, &month, &day) != 3 || month < 1 || month > 12) return false;
    return day >= 1 && day <= days_of_month(year, month) && (text[10] == 0 || text[10] == 'T' || text[10] == ' ');
}

const char *lofi_date_fault(const char *date) {
    char tomorrow[32];
    time_t now = time(NULL) + 24 * 60 * 60;
    struct tm parts;
    gmtime_r(&now, &parts);
    strftime(tomorrow, sizeof tomorrow, "%Y-%m-%d", &parts);
    if (!is_date(date)) return "must be a date like 2025-01-31";
    return strncmp(date, tomorrow, 10) <= 0 ? NULL : "must not be in the future";
}
