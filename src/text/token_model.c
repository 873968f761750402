/* token_model.c - see token_model.h. */
#include "text/token_model.h"

#include "base/json.h"

static const lofi_token_model_kind *const kinds[] = {
    &lofi_token_model_unigram,
    &lofi_token_model_bpe,
};

struct lofi_token_model {
    const lofi_token_model_kind *kind;
    void *data;
};

lofi_code lofi_token_model_new(lofi_token_model **out, const json_t *json, lofi_error *err) {
    const char *type = NULL;
    if (!json_is_object(json)) return lofi_fail(err, LOFI_ERR_FORMAT, "'model' is missing or no object");
    LOFI_TRY(lofi_json_string(&type, json, "type", "model", err));
    const lofi_token_model_kind *kind = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i]->name, type) == 0) kind = kinds[i];
    if (kind == NULL)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "a tokenizer model of type '%s' is not supported", type);
    void *data = NULL;
    LOFI_TRY(kind->load(&data, json, err));
    lofi_token_model *model = malloc(sizeof *model);
    if (model == NULL) {
        kind->free(data);
        return lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate a tokenizer model");
    }
    *model = (lofi_token_model){kind, data};
    *out = model;
    return LOFI_OK;
}

void lofi_token_model_free(lofi_token_model *model) {
    if (model == NULL) return;
    model->kind->free(model->data);
    free(model);
}

lofi_code lofi_token_model_encode(const lofi_token_model *model, const char *text, size_t size, lofi_ids *ids,
                                  lofi_error *err) {
    return model->kind->encode(model->data, text, size, ids, err);
}

const lofi_token_vocabulary *lofi_token_model_vocabulary(const lofi_token_model *model) {
    return model->kind->vocabulary(model->data);
}

int64_t lofi_token_model_size(const lofi_token_model *model) {
    return model->kind->size(model->data);
}
