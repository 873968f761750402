/* adapter_argument.c - see adapter_argument.h. */
#include "cli/adapter_argument.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"

static lofi_code read_one(lofi_adapter_choice *out, lofi_context *context, const char *option, const char *text,
                          lofi_error *err) {
    const char *colon = strrchr(text, ':');
    char expanded[LOFI_PATH_MAX], *end = NULL;
    size_t length = strlen(text);
    out->strength = 1;
    if (colon && colon > text && colon[1] && !lofi_path_exists(text)) {
        double weight = strtod(colon + 1, &end);
        if (*end == '\0') {
            if (!(fabs(weight) <= 100)) {
                lofi_fail(err, LOFI_ERR_USAGE, "--%s: a weight of '%s' makes no sense", option, colon + 1);
                return lofi_hint(err, "1 is the adapter as it was trained; -100 to 100 are taken");
            }
            out->strength = (float)weight;
            length = (size_t)(colon - text);
        }
    }
    const char *named = lofi_arena_printf(context->arena, "%.*s", (int)length, text);
    if (!named) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the name of an adapter");
    LOFI_TRY(lofi_path_expand(expanded, named, err));
    out->path = lofi_arena_strdup(context->arena, expanded);
    if (!out->path) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the name of an adapter");
    return LOFI_OK;
}

lofi_code lofi_adapter_arguments(const lofi_adapter_choice **out, lofi_context *context, const char *option,
                                 const lofi_list *list, lofi_error *err) {
    lofi_adapter_choice *choices = lofi_arena_alloc(context->arena, (list->count + 1) * sizeof *choices);
    if (!choices) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for adapters");
    for (size_t i = 0; i < list->count; i++) LOFI_TRY(read_one(&choices[i], context, option, list->items[i], err));
    *out = choices;
    return LOFI_OK;
}
