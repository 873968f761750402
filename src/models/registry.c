/* registry.c - see the header. */
#include "models/registry.h"

#include <assert.h>
#include <string.h>

#define LOFI_MODEL(symbol) extern const lofi_model symbol;
#include "models/list.h"
#undef LOFI_MODEL

static const lofi_model *const models[] = {
#define LOFI_MODEL(symbol) &symbol,
#include "models/list.h"
#undef LOFI_MODEL
};

size_t lofi_model_count(void) {
    return sizeof models / sizeof *models;
}

const lofi_model *lofi_model_at(size_t index) {
    assert(index < lofi_model_count());
    return models[index];
}

const lofi_model *lofi_model_find(const char *name) {
    for (size_t i = 0; i < lofi_model_count(); i++)
        if (strcmp(models[i]->name, name) == 0) return models[i];
    return NULL;
}
