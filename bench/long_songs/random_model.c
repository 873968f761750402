/* random_model.c - the networks of a song at their real sizes with random weights, but for fewer blocks of the transformer.
 *
 *     random_model FOLDER BLOCKS
 *
 * Writes ace_step_transformer (BLOCKS instead of 24), music_dcae_f8c8, music_vocoder, mert-v1-330m and mhubert-147, in bf16, into
 * FOLDER: what long_songs.c measures. All tensors of a network are runs of the same million numbers, scaled by their rule.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/half.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/random.h"
#include "models/hubert.h"
#include "models/registry.h"
#include "store/safetensors.h"

#define NUMBERS ((size_t)1 << 20)

static const char *const networks[] = {"ace_step_transformer", "music_dcae_f8c8", "music_vocoder"};

/* The self-supervised networks are no part of a checkpoint folder: their configs. */
static const char *const ssl[][2] = {
    {"mert-v1-330m",
     "{\"hidden_size\": 1024, \"intermediate_size\": 4096, \"num_hidden_layers\": 24, \"num_attention_heads\": 16, "
     "\"feat_extract_norm\": \"layer\", \"conv_bias\": true, \"do_stable_layer_norm\": true}"},
    {"mhubert-147", "{}"},
};

typedef struct room {
    float *normal, *scaled;
    uint16_t *halves;
} room;

static lofi_code put_tensor(lofi_safetensors_writer *writer, const room *r, const lofi_weight_entry *entry,
                            lofi_error *err) {
    size_t count = (size_t)lofi_weight_entry_count(entry);
    float factor = 0.1f, offset = entry->fill == LOFI_FILL_ONE ? 1 : 0;
    if (entry->fill == LOFI_FILL_MATRIX)
        factor = 1 / sqrtf((float)lofi_weight_entry_count(entry) / (float)entry->dims[0]);
    for (size_t i = 0; i < NUMBERS; i++) r->scaled[i] = offset + factor * r->normal[i];
    lofi_bf16_from_f32_array(r->halves, r->scaled, NUMBERS);
    for (size_t at = 0; at < count; at += NUMBERS) {
        size_t size = count - at < NUMBERS ? count - at : NUMBERS;
        LOFI_TRY(lofi_safetensors_writer_bytes(writer, r->halves, size * sizeof *r->halves, err));
    }
    return LOFI_OK;
}

static lofi_code put_all(const char *path, const room *r, const lofi_weight_table *table, lofi_error *err) {
    lofi_safetensors_writer *writer;
    lofi_stored_tensor *tensors;
    LOFI_TRY(lofi_alloc((void **)&tensors, table->count, sizeof *tensors, "a table of weights", err));
    for (size_t i = 0; i < table->count; i++) {
        const lofi_weight_entry *entry = &table->entries[i];
        tensors[i] = lofi_stored_declare(entry->name, LOFI_STORED_BF16, entry->rank, entry->dims);
    }
    lofi_code code = lofi_safetensors_writer_open(&writer, path, tensors, table->count, NULL, err);
    lofi_free(tensors);
    LOFI_TRY(code);
    for (size_t i = 0; i < table->count && code == LOFI_OK; i++) code = put_tensor(writer, r, &table->entries[i], err);
    if (code == LOFI_OK) return lofi_safetensors_writer_commit(writer, err);
    lofi_safetensors_writer_abort(writer);
    return code;
}

static lofi_code write_network(const char *root, const char *name, const lofi_model *model, const json_t *config,
                               const room *r, lofi_error *err) {
    char folder[LOFI_PATH_MAX], path[LOFI_PATH_MAX];
    lofi_weight_table table = {0};
    LOFI_TRY(lofi_path_format(folder, err, "%s/%s", root, name));
    LOFI_TRY(lofi_folder_make(folder, err));
    LOFI_TRY(lofi_path_format(path, err, "%s/config.json", folder));
    LOFI_TRY(lofi_json_save(config, path, err));
    LOFI_TRY(lofi_path_format(path, err, "%s/%s.safetensors", folder, model->weights));
    lofi_code code = model->declare(config, &table, err);
    if (code == LOFI_OK) code = put_all(path, r, &table, err);
    lofi_weight_table_free(&table);
    return code;
}

static lofi_code write_all(const char *root, int64_t blocks, const room *r, lofi_error *err) {
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        const lofi_model *model = lofi_model_find(networks[i]);
        json_t *config = NULL;
        LOFI_TRY(model->preset("full", &config, err));
        if (i == 0) json_object_set_new(config, "num_layers", json_integer(blocks));
        lofi_code code = write_network(root, networks[i], model, config, r, err);
        json_decref(config);
        LOFI_TRY(code);
    }
    for (size_t i = 0; i < sizeof ssl / sizeof *ssl; i++) {
        json_t *config = json_loads(ssl[i][1], 0, NULL);
        lofi_code code = write_network(root, ssl[i][0], &lofi_model_hubert, config, r, err);
        json_decref(config);
        LOFI_TRY(code);
    }
    return LOFI_OK;
}

static lofi_code make_room(room *r, lofi_error *err) {
    LOFI_TRY(lofi_alloc((void **)&r->normal, NUMBERS, sizeof(float), "numbers", err));
    LOFI_TRY(lofi_alloc((void **)&r->scaled, NUMBERS, sizeof(float), "numbers", err));
    LOFI_TRY(lofi_alloc((void **)&r->halves, NUMBERS, sizeof(uint16_t), "numbers", err));
    lofi_random random = lofi_random_at(1, LOFI_RANDOM_TEST, 0);
    lofi_random_fill_normal(&random, 0, r->normal, NUMBERS);
    return LOFI_OK;
}

int main(int count, char **arguments) {
    room r = {0};
    lofi_error err = LOFI_ERROR_INIT;
    if (count != 3 || strtol(arguments[2], NULL, 10) < 1) {
        fprintf(stderr, "usage: random_model FOLDER BLOCKS\n");
        return 2;
    }
    lofi_code code = make_room(&r, &err);
    if (code == LOFI_OK) code = write_all(arguments[1], strtol(arguments[2], NULL, 10), &r, &err);
    if (code != LOFI_OK) fprintf(stderr, "random_model: %s\n", err.message);
    lofi_free(r.normal);
    lofi_free(r.scaled);
    lofi_free(r.halves);
    return code == LOFI_OK ? 0 : 1;
}
