/* training_rows.c - see the header. */
#include "eval/training_rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- settings ---- */

static lofi_code number(double *out, const lofi_training_rows *rows, const char *key, lofi_error *err) {
    const char *text = lofi_safetensors_metadata(rows->file, key);
    char *end;
    if (!text)
        return lofi_fail(err, LOFI_ERR_NOT_FOUND, "'%s' has no '%s' in its metadata", lofi_safetensors_path(rows->file),
                         key);
    *out = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(*out) || *out < 0)
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s': '%s' is '%s' in its metadata, expected a number",
                         lofi_safetensors_path(rows->file), key, text);
    return LOFI_OK;
}

static lofi_code whole(int64_t *out, const lofi_training_rows *rows, const char *key, double max, lofi_error *err) {
    double value;
    LOFI_TRY(number(&value, rows, key, err));
    if (value > max || value != floor(value))
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s': '%s' is %g in its metadata, expected a whole number up to %g",
                         lofi_safetensors_path(rows->file), key, value, max);
    *out = (int64_t)value;
    return LOFI_OK;
}

static lofi_code read_betas(lofi_training_rows *rows, lofi_error *err) {
    const char *text = lofi_safetensors_metadata(rows->file, "betas");
    char *middle = NULL, *end = NULL;
    double first = text ? strtod(text, &middle) : -1, second = text ? strtod(middle, &end) : -1;
    bool sound = text && middle != text && end != middle && *end == '\0';
    if (!sound || !(first >= 0 && first < 1) || !(second >= 0 && second < 1))
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s': 'betas' is '%s' in its metadata, expected two numbers",
                         lofi_safetensors_path(rows->file), text ? text : "");
    rows->adamw.beta1 = first;
    rows->adamw.beta2 = second;
    return LOFI_OK;
}

/* "to_q to_k ...". */
static lofi_code read_targets(lofi_training_rows *rows, lofi_error *err) {
    const char *text = lofi_safetensors_metadata(rows->file, "targets");
    if (!text) return LOFI_OK; /* those of the original trainer */
    lofi_lora_config *lora = &rows->lora;
    lora->target_count = 0;
    for (const char *at = text + strspn(text, " "); *at; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        if (lora->target_count == LOFI_LORA_MAX_TARGETS || length >= sizeof lora->targets[0])
            return lofi_fail(err, LOFI_ERR_FORMAT, "'%s': 'targets' in its metadata is no list of layer names",
                             lofi_safetensors_path(rows->file));
        snprintf(lora->targets[lora->target_count++], sizeof lora->targets[0], "%.*s", (int)length, at);
        at += length;
    }
    return LOFI_OK;
}

static lofi_code read_settings(lofi_training_rows *rows, lofi_error *err) {
    rows->lora = lofi_lora_config_default();
    LOFI_TRY(whole(&rows->lora.rank, rows, "rank", LOFI_LORA_MAX_RANK, err));
    LOFI_TRY(number(&rows->lora.alpha, rows, "alpha", err));
    if (rows->lora.rank < 1 || !(rows->lora.alpha > 0))
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s': rank and alpha in its metadata must be above 0",
                         lofi_safetensors_path(rows->file));
    LOFI_TRY(read_targets(rows, err));
    LOFI_TRY(number(&rows->adamw.learning_rate, rows, "learning_rate", err));
    LOFI_TRY(number(&rows->adamw.weight_decay, rows, "weight_decay", err));
    LOFI_TRY(number(&rows->adamw.epsilon, rows, "eps", err));
    LOFI_TRY(number(&rows->clip_norm, rows, "clip_norm", err));
    LOFI_TRY(whole(&rows->warmup_steps, rows, "warmup_steps", 1e12, err));
    LOFI_TRY(whole(&rows->max_steps, rows, "max_steps", 1e12, err));
    return read_betas(rows, err);
}

/* ---- rows ---- */

static lofi_code read_f32(const float **out, const lofi_training_rows *rows, lofi_selftest *test, const char *name,
                          int rank, size_t per_row, lofi_error *err) {
    const lofi_stored_tensor *tensor;
    LOFI_TRY(lofi_recorded_get(&tensor, rows->file, name, rank, err));
    if (tensor->count != (size_t)rows->steps * per_row) {
        char shape[128];
        lofi_stored_shape_text(shape, tensor);
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s': '%s' is %s, expected %lld rows of %zu values",
                         lofi_safetensors_path(rows->file), name, shape, (long long)rows->steps, per_row);
    }
    return lofi_recorded_f32(out, test, tensor, 0, tensor->count, err);
}

/* Every latent frame is music unless the file says otherwise. */
static lofi_code read_attention_mask(lofi_training_rows *rows, lofi_selftest *test, lofi_error *err) {
    size_t per_row = (size_t)(rows->batch * rows->frames), count = (size_t)rows->steps * per_row;
    if (lofi_safetensors_find(rows->file, "attention_mask"))
        return read_f32(&rows->attention_mask, rows, test, "attention_mask", 3, per_row, err);
    float *ones = lofi_arena_alloc(test->arena, count * sizeof *ones);
    if (!ones) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the self-test");
    for (size_t i = 0; i < count; i++) ones[i] = 1;
    rows->attention_mask = ones;
    return LOFI_OK;
}

static const char *const target_names[LOFI_TRAINING_TARGETS] = {"mert", "hubert"};

static lofi_code read_targets_of_heads(lofi_training_rows *rows, lofi_selftest *test, lofi_error *err) {
    for (int i = 0; i < LOFI_TRAINING_TARGETS; i++) {
        const lofi_stored_tensor *target;
        if (!lofi_safetensors_find(rows->file, target_names[i])) continue;
        LOFI_TRY(lofi_recorded_get(&target, rows->file, target_names[i], 4, err));
        rows->target_frames[i] = target->dims[2];
        rows->target_width[i] = target->dims[3];
        size_t per_row = (size_t)(rows->batch * target->dims[2] * target->dims[3]);
        LOFI_TRY(read_f32(&rows->targets[i], rows, test, target_names[i], 4, per_row, err));
    }
    return LOFI_OK;
}

static lofi_code read_sizes(lofi_training_rows *rows, const lofi_stored_tensor **lyric, lofi_error *err) {
    const lofi_stored_tensor *latents, *text, *speaker;
    LOFI_TRY(lofi_recorded_get(&latents, rows->file, "latents", 5, err));
    LOFI_TRY(lofi_recorded_get(&text, rows->file, "text_states", 4, err));
    LOFI_TRY(lofi_recorded_get(lyric, rows->file, "lyric_token_ids", 3, err));
    LOFI_TRY(lofi_recorded_get(&speaker, rows->file, "speaker", 3, err));
    rows->steps = latents->dims[0];
    rows->batch = latents->dims[1];
    rows->frames = latents->dims[4];
    rows->text = text->dims[2];
    rows->lyric = (*lyric)->dims[2];
    rows->latent_values = latents->count / (size_t)rows->steps;
    rows->text_values = text->count / (size_t)rows->steps;
    rows->speaker_values = speaker->count / (size_t)rows->steps;
    if ((*lyric)->dims[0] != rows->steps || (*lyric)->dims[1] != rows->batch)
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s': 'lyric_token_ids' has another number of rows than 'latents'",
                         lofi_safetensors_path(rows->file));
    return LOFI_OK;
}

static lofi_code read_rows(lofi_training_rows *rows, lofi_selftest *test, lofi_error *err) {
    const lofi_stored_tensor *lyric;
    LOFI_TRY(read_sizes(rows, &lyric, err));
    size_t batch = (size_t)rows->batch;
    LOFI_TRY(read_f32(&rows->latents, rows, test, "latents", 5, rows->latent_values, err));
    LOFI_TRY(read_f32(&rows->noise, rows, test, "noise", 5, rows->latent_values, err));
    LOFI_TRY(read_f32(&rows->text_states, rows, test, "text_states", 4, rows->text_values, err));
    LOFI_TRY(read_f32(&rows->text_mask, rows, test, "text_mask", 3, batch * (size_t)rows->text, err));
    LOFI_TRY(read_f32(&rows->lyric_mask, rows, test, "lyric_mask", 3, batch * (size_t)rows->lyric, err));
    LOFI_TRY(read_f32(&rows->speaker, rows, test, "speaker", 3, rows->speaker_values, err));
    int rank = rows->batch == 1 ? 1 : 2;
    LOFI_TRY(read_f32(&rows->timestep, rows, test, "timestep", rank, batch, err));
    LOFI_TRY(read_f32(&rows->sigma, rows, test, "sigma", rank, batch, err));
    LOFI_TRY(lofi_recorded_ids(&rows->lyric_token_ids, test, lyric, err));
    LOFI_TRY(read_targets_of_heads(rows, test, err));
    return read_attention_mask(rows, test, err);
}

lofi_code lofi_training_rows_open(lofi_training_rows *rows, lofi_selftest *test, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    *rows = (lofi_training_rows){0};
    LOFI_TRY(lofi_selftest_path(path, test, "cases/train_inputs.safetensors", err));
    LOFI_TRY(lofi_safetensors_open(&rows->file, path, err));
    LOFI_TRY(read_settings(rows, err));
    return read_rows(rows, test, err);
}

void lofi_training_rows_close(lofi_training_rows *rows) {
    lofi_safetensors_close(rows->file);
    rows->file = NULL;
}

lofi_code lofi_training_rows_check(const lofi_training_rows *rows, const lofi_ace_step_config *config,
                                   lofi_error *err) {
    size_t batch = (size_t)rows->batch;
    size_t latent = batch * (size_t)(config->in_channels * config->height * rows->frames);
    size_t text = batch * (size_t)(rows->text * config->text_width), speaker = batch * (size_t)config->speaker_width;
    const char *wrong = rows->latent_values != latent     ? "latents"
                        : rows->text_values != text       ? "text_states"
                        : rows->speaker_values != speaker ? "speaker"
                                                          : NULL;
    for (int64_t i = 0; !wrong && i < rows->steps * rows->batch * rows->lyric; i++)
        if (rows->lyric_token_ids[i] < 0 || rows->lyric_token_ids[i] >= config->lyric_vocabulary)
            wrong = "lyric_token_ids";
    if (!wrong) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_FORMAT, "'%s': '%s' does not fit the transformer beside it",
                     lofi_safetensors_path(rows->file), wrong);
}

lofi_code lofi_training_rows_check_targets(const lofi_training_rows *rows, const lofi_ace_step_config *config,
                                           lofi_error *err) {
    for (int i = 0; i < LOFI_TRAINING_TARGETS; i++) {
        if (!rows->targets[i])
            return lofi_fail(err, LOFI_ERR_NOT_FOUND, "'%s' has no tensor '%s'", lofi_safetensors_path(rows->file),
                             target_names[i]);
        if (i >= config->projectors || rows->target_width[i] != config->projector_widths[i])
            return lofi_fail(err, LOFI_ERR_FORMAT, "'%s': '%s' does not fit the transformer beside it",
                             lofi_safetensors_path(rows->file), target_names[i]);
    }
    return LOFI_OK;
}

lofi_step_inputs lofi_training_rows_at(const lofi_training_rows *rows, int64_t row) {
    int64_t batch = rows->batch;
    lofi_step_inputs inputs = {
        .batch = batch,
        .frames = rows->frames,
        .text = rows->text,
        .lyric = rows->lyric,
        .latents = rows->latents + (size_t)row * rows->latent_values,
        .noise = rows->noise + (size_t)row * rows->latent_values,
        .attention_mask = rows->attention_mask + row * batch * rows->frames,
        .text_states = rows->text_states + (size_t)row * rows->text_values,
        .text_mask = rows->text_mask + row * batch * rows->text,
        .lyric_token_ids = rows->lyric_token_ids + row * batch * rows->lyric,
        .lyric_mask = rows->lyric_mask + row * batch * rows->lyric,
        .speaker = rows->speaker + (size_t)row * rows->speaker_values,
        .sigma = rows->sigma + row * batch,
        .timestep = rows->timestep + row * batch,
    };
    for (int i = 0; i < LOFI_TRAINING_TARGETS; i++) {
        inputs.target_frames[i] = rows->target_frames[i];
        if (rows->targets[i])
            inputs.targets[i] = rows->targets[i] + row * batch * rows->target_frames[i] * rows->target_width[i];
    }
    return inputs;
}

/* ---- adapters ---- */

lofi_code lofi_training_open_transformer(lofi_loaded **out, const lofi_selftest *test, lofi_error *err) {
    char folder[LOFI_PATH_MAX];
    LOFI_TRY(lofi_selftest_path(folder, test, "model/ace_step_transformer", err));
    return lofi_loaded_open(out, &lofi_model_ace_step_transformer, folder, err);
}

static lofi_code read_factor(lofi_selftest *test, float *out, const char *prefix, const lofi_lora_layer *layer,
                             const char *which, int64_t rows, int64_t columns, lofi_error *err) {
    char name[600];
    const lofi_stored_tensor *tensor;
    snprintf(name, sizeof name, "%s%s.lora_%s.weight", prefix, layer->name, which);
    LOFI_TRY(lofi_selftest_input(&tensor, test, name, 2, err));
    if (tensor->dims[0] != rows || tensor->dims[1] != columns) {
        char shape[128];
        lofi_stored_shape_text(shape, tensor);
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' is %s, expected [%lld, %lld]", name, shape, (long long)rows,
                         (long long)columns);
    }
    lofi_stored_read_f32(tensor, 0, out, tensor->count);
    return LOFI_OK;
}

static lofi_code read_factors(lofi_selftest *test, lofi_adapter *adapter, const char *prefix, lofi_error *err) {
    for (size_t i = 0; i < adapter->layer_count; i++) {
        const lofi_lora_layer *layer = &adapter->layers[i];
        float *a = adapter->values + layer->a_offset, *b = adapter->values + layer->b_offset;
        LOFI_TRY(read_factor(test, a, prefix, layer, "A", layer->rank, layer->in, err));
        LOFI_TRY(read_factor(test, b, prefix, layer, "B", layer->out, layer->rank, err));
    }
    return LOFI_OK;
}

lofi_code lofi_recorded_adapter(lofi_adapter **out, lofi_selftest *test, const lofi_lora_config *config,
                                const lofi_weight_table *table, const char *prefix, lofi_error *err) {
    lofi_adapter *adapter;
    LOFI_TRY(lofi_adapter_new(&adapter, config, table, err));
    lofi_code code = read_factors(test, adapter, prefix, err);
    if (code == LOFI_OK)
        *out = adapter;
    else
        lofi_adapter_free(adapter);
    return code;
}

/* Where "LAYER.lora_A.weight" lies in a block laid out like the adapter's; NULL: no such layer. */
static const float *factor_place(const lofi_adapter *adapter, const float *values, const char *name, int64_t dims[2]) {
    static const char suffixes[2][16] = {".lora_A.weight", ".lora_B.weight"};
    char layer_name[512];
    size_t length = strlen(name), suffix = strlen(suffixes[0]);
    if (length <= suffix || length >= sizeof layer_name) return NULL;
    bool is_a = strcmp(name + length - suffix, suffixes[0]) == 0,
         is_b = strcmp(name + length - suffix, suffixes[1]) == 0;
    snprintf(layer_name, sizeof layer_name, "%.*s", (int)(length - suffix), name);
    const lofi_lora_layer *layer = lofi_adapter_find(adapter, layer_name);
    if (!layer || (!is_a && !is_b)) return NULL;
    dims[0] = is_a ? layer->rank : layer->out;
    dims[1] = is_a ? layer->in : layer->rank;
    return values + (is_a ? layer->a_offset : layer->b_offset);
}

lofi_code lofi_recorded_adapter_compare(lofi_selftest *test, const lofi_adapter *adapter, const float *values,
                                        const char *prefix, double limit, lofi_error *err) {
    size_t compared = 0;
    for (size_t i = 0; i < lofi_safetensors_count(test->recorded); i++) {
        const char *name = lofi_safetensors_at(test->recorded, i)->name;
        int64_t dims[2];
        if (strncmp(name, prefix, strlen(prefix)) != 0) continue;
        const float *ours = factor_place(adapter, values, name + strlen(prefix), dims);
        LOFI_TRY(ours ? lofi_selftest_compare(test, name, ours, 2, dims, limit, err)
                      : lofi_selftest_absent(test, name, limit, err));
        compared++;
    }
    if (compared >= 2 * adapter->layer_count) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_NOT_FOUND, "case '%s' holds %zu tensors '%s...', the adapter has %zu",
                     test->now->name, compared, prefix, 2 * adapter->layer_count);
}
