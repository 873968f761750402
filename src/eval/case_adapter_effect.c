/* case_adapter_effect.c - one step of the transformer alone, with an adapter beside it as PEFT and as diffusers hold it, and
 * with the adapter merged into its weights. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/network_run.h"
#include "eval/training_rows.h"
#include "lora/lora_file.h"

#define LIMIT 1e-5

/* A weight with the adapter merged in. */
typedef struct merged_weight {
    const char *name; /* "LAYER.weight" */
    int64_t out, in;
    float *values;
} merged_weight;

typedef struct work {
    lofi_selftest *test;
    lofi_training_rows rows;
    lofi_loaded *transformer;
    lofi_adapter *peft, *diffusers; /* NULL: not in this reference */
    merged_weight *merged;
    size_t merged_count;
} work;

/* ---- one run of the network ---- */

static lofi_code feed(lofi_transformer_run *run, const work *w, lofi_error *err) {
    static const char *const inputs[] = {"latents",    "timestep", "text_states",    "text_mask",
                                         "lyric_mask", "speaker",  "lyric_token_ids"};
    size_t steps = (size_t)w->rows.steps;
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        const lofi_stored_tensor *from;
        LOFI_TRY(lofi_safetensors_get(&from, w->rows.file, inputs[i], err));
        LOFI_TRY(lofi_network_feed(&run->network, inputs[i], from, 0, steps, err));
    }
    const lofi_stored_tensor *mask = lofi_safetensors_find(w->rows.file, "attention_mask");
    if (mask) return lofi_network_feed(&run->network, "attention_mask", mask, 0, steps, err);
    return lofi_network_fill(&run->network, "attention_mask", 1, err);
}

static lofi_code run_network(lofi_transformer_run *run, const work *w, const lofi_weight_source *source,
                             const lofi_adapter_hook *hook, lofi_error *err) {
    run->network = (lofi_network_run){.test = w->test, .loaded = w->transformer};
    LOFI_TRY(lofi_network_open_loaded(&run->network, err));
    if (source) run->network.builder.source = source;
    run->network.builder.adapter = hook;
    LOFI_TRY(lofi_transformer_build(run, err));
    LOFI_TRY(lofi_training_rows_check(&w->rows, &run->config, err));
    lofi_symbol_value symbols[] = {
        {"batch", w->rows.batch}, {"frames", w->rows.frames}, {"text", w->rows.text}, {"lyric", w->rows.lyric}};
    LOFI_TRY(lofi_network_start(&run->network, symbols, 4, err));
    LOFI_TRY(feed(run, w, err));
    LOFI_TRY(lofi_session_run(run->network.session, err));
    return LOFI_OK;
}

/* label NULL: the result proper, else a second way to it. */
static lofi_code run_and_compare(const work *w, const char *label, const char *name, const lofi_weight_source *source,
                                 const lofi_adapter_hook *hook, lofi_error *err) {
    lofi_transformer_run run = {0};
    const float *values;
    int64_t count;
    lofi_code code = run_network(&run, w, source, hook, err);
    if (code == LOFI_OK && !label) code = lofi_network_compare(&run.network, run.output, name, LIMIT, err);
    if (code == LOFI_OK && label) code = lofi_network_values(&values, &count, &run.network, run.output, err);
    if (code == LOFI_OK && label) code = lofi_selftest_compare_again(w->test, label, name, values, count, LIMIT, err);
    lofi_network_close_graph(&run.network);
    return code;
}

static lofi_code compare_adapter(const work *w, const char *label, lofi_adapter *adapter, float strength,
                                 lofi_error *err) {
    lofi_attachment attachment = {.adapter = adapter, .strength = strength};
    lofi_adapter_hook hook = lofi_attachment_hook(&attachment);
    return run_and_compare(w, label, "output_adapter", NULL, &hook, err);
}

/* ---- adapter files ---- */

static lofi_code load(lofi_adapter **out, const work *w, const char *folder, const char *file, lofi_error *err) {
    char path[LOFI_PATH_MAX], name[128];
    snprintf(name, sizeof name, "adapters/%s/%s", folder, file);
    LOFI_TRY(lofi_selftest_path(path, w->test, name, err));
    if (!lofi_path_exists(path)) return lofi_selftest_skip(w->test, err, "there is no '%s'", name);
    snprintf(name, sizeof name, "adapters/%s", folder);
    LOFI_TRY(lofi_selftest_path(path, w->test, name, err));
    return lofi_adapter_load(out, path, lofi_loaded_table(w->transformer), NULL, err);
}

static bool says_scale(const lofi_safetensors *file) {
    for (size_t i = 0; i < lofi_safetensors_count(file); i++)
        if (strcmp(lofi_path_extension(lofi_safetensors_at(file, i)->name), ".alpha") == 0) return true;
    return lofi_safetensors_metadata(file, "scale") || lofi_safetensors_metadata(file, "lora_adapter_metadata");
}

/* Files of diffusers carry no scale: loaded as it is, the adapter has the scale 1 and needs the trained one as strength. A
 * file that says its scale needs none. */
static lofi_code missing_scale(float *strength, const work *w, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    lofi_safetensors *file;
    LOFI_TRY(lofi_selftest_path(path, w->test, "adapters/diffusers/" LOFI_LORA_DIFFUSERS_FILE, err));
    LOFI_TRY(lofi_safetensors_open(&file, path, err));
    *strength = says_scale(file) ? 1.0f : (float)lofi_lora_scale(&w->rows.lora);
    lofi_safetensors_close(file);
    return LOFI_OK;
}

/* ---- merging ---- */

/* base + scale B A, summed in f64. */
static lofi_code merge(merged_weight *merged, const work *w, const lofi_adapter *adapter, const lofi_lora_layer *layer,
                       float strength, lofi_error *err) {
    char name[600];
    const lofi_stored_tensor *base;
    snprintf(name, sizeof name, "%s.weight", layer->name);
    LOFI_TRY(lofi_weights_get(&base, lofi_loaded_weights(w->transformer), name, err));
    float *values = lofi_arena_alloc(w->test->arena, base->count * sizeof *values);
    *merged = (merged_weight){lofi_arena_strdup(w->test->arena, name), layer->out, layer->in, values};
    if (!values || !merged->name) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for merged weights");
    lofi_stored_read_f32(base, 0, values, base->count);
    const float *a = adapter->values + layer->a_offset, *b = adapter->values + layer->b_offset;
    double scale = (double)layer->scale * (double)strength;
    for (int64_t row = 0; row < layer->out; row++)
        for (int64_t column = 0; column < layer->in; column++) {
            double sum = 0;
            for (int64_t r = 0; r < layer->rank; r++)
                sum += (double)b[row * layer->rank + r] * (double)a[r * layer->in + column];
            values[row * layer->in + column] += (float)(scale * sum);
        }
    return LOFI_OK;
}

static const merged_weight *find_merged(const work *w, const char *name) {
    for (size_t i = 0; i < w->merged_count; i++)
        if (strcmp(w->merged[i].name, name) == 0) return &w->merged[i];
    return NULL;
}

/* A weight source that has the merged weights and takes the others from the file. */
static lofi_code find_weight(void *user, const char *name, int rank, const int64_t *dims, bool as_f32,
                             const void **data, lofi_dtype *dtype, lofi_error *err) {
    const work *w = user;
    const merged_weight *merged = find_merged(w, name);
    if (merged) {
        *data = merged->values;
        *dtype = LOFI_F32;
        return LOFI_OK;
    }
    const lofi_weight_source *inner = lofi_loaded_source(w->transformer);
    return inner->find(inner->user, name, rank, dims, as_f32, data, dtype, err);
}

static lofi_code compare_merged(work *w, const lofi_adapter *adapter, float strength, lofi_error *err) {
    static const char prefix[] = "merged.";
    lofi_selftest *test = w->test;
    w->merged = lofi_arena_alloc(test->arena, (adapter->layer_count + 1) * sizeof *w->merged);
    if (!w->merged) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for merged weights");
    for (size_t i = 0; i < adapter->layer_count; i++) {
        LOFI_TRY(merge(&w->merged[i], w, adapter, &adapter->layers[i], strength, err));
        w->merged_count = i + 1;
    }
    lofi_weight_source source = {.user = w, .find = find_weight};
    LOFI_TRY(run_and_compare(w, NULL, "output_merged", &source, NULL, err));
    for (size_t i = 0; i < lofi_safetensors_count(test->recorded); i++) {
        const char *name = lofi_safetensors_at(test->recorded, i)->name;
        if (strncmp(name, prefix, strlen(prefix)) != 0) continue;
        const merged_weight *ours = find_merged(w, name + strlen(prefix));
        LOFI_TRY(ours ? lofi_selftest_compare(test, name, ours->values, 2, (int64_t[]){ours->out, ours->in}, LIMIT, err)
                      : lofi_selftest_absent(test, name, LIMIT, err));
    }
    return LOFI_OK;
}

/* ---- the case ---- */

static lofi_code compute(work *w, lofi_error *err) {
    float strength = 1;
    LOFI_TRY(lofi_training_rows_open(&w->rows, w->test, err));
    LOFI_TRY(lofi_training_open_transformer(&w->transformer, w->test, err));
    LOFI_TRY(run_and_compare(w, NULL, "output_base", NULL, NULL, err));
    LOFI_TRY(load(&w->peft, w, "peft", LOFI_LORA_PEFT_FILE, err));
    LOFI_TRY(load(&w->diffusers, w, "diffusers", LOFI_LORA_DIFFUSERS_FILE, err));
    if (!w->peft && !w->diffusers)
        return lofi_fail(err, LOFI_ERR_NOT_FOUND, "'%s' holds no adapter", w->test->options->reference);
    if (w->diffusers) LOFI_TRY(missing_scale(&strength, w, err));
    if (w->peft) LOFI_TRY(compare_adapter(w, NULL, w->peft, 1, err));
    if (w->diffusers)
        LOFI_TRY(compare_adapter(w, w->peft ? "output_adapter (diffusers)" : NULL, w->diffusers, strength, err));
    return compare_merged(w, w->peft ? w->peft : w->diffusers, w->peft ? 1 : strength, err);
}

static lofi_code run_case(lofi_selftest *test, lofi_error *err) {
    work w = {.test = test};
    lofi_code code = compute(&w, err);
    lofi_adapter_free(w.peft);
    lofi_adapter_free(w.diffusers);
    lofi_loaded_close(w.transformer);
    lofi_training_rows_close(&w.rows);
    return code;
}

const lofi_selftest_case lofi_case_adapter_effect = {.name = "adapter_effect", .run = run_case};
