/* checkpoint_check.c - see the header. */
#include "models/checkpoint_check.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/interrupt.h"
#include "base/json.h"
#include "base/memory.h"
#include "models/ace_step_transformer.h"
#include "models/loaded.h"
#include "models/music_dcae.h"
#include "models/music_vocoder.h"
#include "models/registry.h"
#include "models/umt5.h"
#include "text/lyric_tokenizer.h"
#include "text/tokenizer.h"

#define MAX_FINDINGS (1u << 20)

/* ---- findings ---- */

void lofi_findings_free(lofi_findings *findings) {
    free(findings->items);
    lofi_arena_free(findings->arena);
    *findings = (lofi_findings){0};
}

static lofi_code add(lofi_findings *findings, bool harmful, const char *component, const char *text, lofi_error *err) {
    if (!findings->arena) LOFI_TRY(lofi_arena_new(&findings->arena, err));
    LOFI_TRY(lofi_grow((void **)&findings->items, &findings->capacity, findings->count + 1, sizeof *findings->items,
                       MAX_FINDINGS, err));
    const char *kept = lofi_arena_strdup(findings->arena, text);
    if (!kept) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for what was found");
    findings->items[findings->count++] = (lofi_finding){harmful, component, kept};
    findings->harmful += harmful;
    return LOFI_OK;
}

/* What a part said when it was tried; running out of memory is no finding. */
static lofi_code add_failure(lofi_findings *findings, const char *component, const lofi_error *failure,
                             lofi_error *err) {
    if (failure->code == LOFI_ERR_MEMORY || failure->code == LOFI_ERR_INTERRUPTED) {
        *err = *failure;
        return failure->code;
    }
    return add(findings, true, component, failure->message, err);
}

/* ---- one component ---- */

typedef struct checker {
    lofi_findings *findings;
    const lofi_checkpoint_folder *folder;
    json_t *configs[LOFI_COMPONENT_COUNT]; /* NULL: not readable, or makes no network */
} checker;

static lofi_code compare(checker *c, const lofi_model *model, const lofi_weight_table *table,
                         const lofi_weights *weights, lofi_error *err) {
    lofi_fault_list list = {0};
    LOFI_TRY(lofi_weights_compare(&list, model, table, weights, err));
    lofi_code code = LOFI_OK;
    for (size_t i = 0; code == LOFI_OK && i < list.count; i++) {
        char text[512];
        lofi_weight_fault_text(text, &list.items[i]);
        code = add(c->findings, !list.items[i].harmless, model->name, text, err);
    }
    lofi_fault_list_free(&list);
    return code;
}

static lofi_code check_weights(checker *c, const lofi_model *model, const char *folder, const lofi_weight_table *table,
                               lofi_error *err) {
    lofi_error failure = LOFI_ERROR_INIT;
    lofi_weights *weights = NULL;
    if (lofi_weights_open(&weights, folder, &failure) != LOFI_OK)
        return add_failure(c->findings, model->name, &failure, err);
    lofi_code code = table ? compare(c, model, table, weights, err) : LOFI_OK;
    lofi_weights_close(weights);
    return code;
}

static const char *class_of(const json_t *config) {
    const char *name = json_string_value(json_object_get(config, "_class_name"));
    return name ? name : json_string_value(json_array_get(json_object_get(config, "architectures"), 0));
}

static lofi_code check_class(checker *c, const lofi_model *model, const json_t *config, lofi_error *err) {
    const char *name = class_of(config);
    char text[256];
    if (!name || strcmp(name, model->class_name) == 0) return LOFI_OK;
    snprintf(text, sizeof text, "config.json is of a '%.64s', expected %s", name, model->class_name);
    return add(c->findings, false, model->name, text, err);
}

/* Leaves *config NULL when there is something wrong with it. */
static lofi_code read_config(checker *c, const lofi_model *model, const char *folder, json_t **config,
                             lofi_weight_table *table, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    lofi_error failure = LOFI_ERROR_INIT;
    LOFI_TRY(lofi_path_format(path, err, "%s/config.json", folder));
    if (lofi_json_load(config, path, &failure) != LOFI_OK) return add_failure(c->findings, model->name, &failure, err);
    LOFI_TRY(check_class(c, model, *config, err));
    if (model->declare(*config, table, &failure) == LOFI_OK) return LOFI_OK;
    json_decref(*config);
    *config = NULL;
    return add_failure(c->findings, model->name, &failure, err);
}

static lofi_code check_component(checker *c, lofi_component component, lofi_error *err) {
    const lofi_model *model = lofi_model_find(lofi_component_folder(component));
    const char *folder = c->folder->component[component];
    lofi_weight_table table = {0};
    json_t **config = &c->configs[component];
    if (!lofi_path_is_folder(folder)) return add(c->findings, true, model->name, "the folder is not there", err);
    lofi_code code = read_config(c, model, folder, config, &table, err);
    if (code == LOFI_OK) code = check_weights(c, model, folder, *config ? &table : NULL, err);
    lofi_weight_table_free(&table);
    return code;
}

/* ---- vocabularies ---- */

static lofi_code check_tokenizer(checker *c, lofi_error *err) {
    const char *folder = c->folder->component[LOFI_COMPONENT_TEXT_ENCODER];
    const char *component = lofi_component_folder(LOFI_COMPONENT_TEXT_ENCODER);
    lofi_error failure = LOFI_ERROR_INIT;
    lofi_tokenizer *tokenizer = NULL;
    lofi_umt5_config config;
    char path[LOFI_PATH_MAX], text[160];
    if (!lofi_path_is_folder(folder)) return LOFI_OK;
    LOFI_TRY(lofi_path_format(path, err, "%s/tokenizer.json", folder));
    if (lofi_tokenizer_open(&tokenizer, path, &failure) != LOFI_OK)
        return add_failure(c->findings, component, &failure, err);
    int64_t tokens = lofi_tokenizer_vocab_size(tokenizer);
    lofi_tokenizer_free(tokenizer);
    const json_t *json = c->configs[LOFI_COMPONENT_TEXT_ENCODER];
    if (!json || lofi_umt5_config_read(&config, json, &failure) != LOFI_OK || tokens <= config.vocabulary)
        return LOFI_OK;
    snprintf(text, sizeof text, "tokenizer.json has %lld tokens, but 'vocab_size' is %lld", (long long)tokens,
             (long long)config.vocabulary);
    return add(c->findings, true, component, text, err);
}

static lofi_code check_lyric_size(checker *c, int64_t tokens, const char *path, lofi_error *err) {
    lofi_error failure = LOFI_ERROR_INIT;
    lofi_ace_step_config config;
    const json_t *json = c->configs[LOFI_COMPONENT_TRANSFORMER];
    char text[LOFI_PATH_MAX + 160];
    if (!json || lofi_ace_step_config_read(&config, json, &failure) != LOFI_OK) return LOFI_OK;
    bool fits = tokens <= config.lyric_vocabulary;
    if (fits)
        snprintf(text, sizeof text, "lyric vocabulary: '%s', %lld tokens", path, (long long)tokens);
    else
        snprintf(text, sizeof text, "the lyric vocabulary '%s' has %lld tokens, but 'lyric_encoder_vocab_size' is %lld",
                 path, (long long)tokens, (long long)config.lyric_vocabulary);
    return add(c->findings, !fits, "", text, err);
}

static lofi_code check_lyrics(checker *c, const char *ace_step_dir, lofi_error *err) {
    lofi_error failure = LOFI_ERROR_INIT;
    lofi_lyric_tokenizer *tokenizer = NULL;
    char path[LOFI_PATH_MAX], text[LOFI_PATH_MAX];
    if (lofi_lyric_vocab_find(path, c->folder->root, NULL, ace_step_dir, &failure) != LOFI_OK) {
        snprintf(text, sizeof text, "%s%s%s", failure.message, failure.hint[0] ? "; " : "", failure.hint);
        return add(c->findings, false, "", text, err);
    }
    if (lofi_lyric_tokenizer_open(&tokenizer, path, &failure) != LOFI_OK)
        return add_failure(c->findings, "", &failure, err);
    int64_t tokens = lofi_lyric_tokenizer_vocab_size(tokenizer);
    lofi_lyric_tokenizer_free(tokenizer);
    return check_lyric_size(c, tokens, path, err);
}

/* ---- the parts together ---- */

static lofi_code expect(checker *c, int64_t a, int64_t b, const char *what_a, const char *what_b, lofi_error *err) {
    char text[256];
    if (a == b) return LOFI_OK;
    snprintf(text, sizeof text, "%s is %lld, but %s is %lld", what_a, (long long)a, what_b, (long long)b);
    return add(c->findings, true, "", text, err);
}

static lofi_code check_sizes(checker *c, lofi_error *err) {
    lofi_error failure = LOFI_ERROR_INIT;
    lofi_ace_step_config transformer;
    lofi_umt5_config text;
    lofi_dcae_config dcae;
    lofi_mel_settings mel;
    const json_t *const *configs = (const json_t *const *)c->configs;
    bool has_transformer = configs[LOFI_COMPONENT_TRANSFORMER] &&
                           lofi_ace_step_config_read(&transformer, configs[LOFI_COMPONENT_TRANSFORMER], &failure) ==
                               LOFI_OK;
    bool has_text = configs[LOFI_COMPONENT_TEXT_ENCODER] &&
                    lofi_umt5_config_read(&text, configs[LOFI_COMPONENT_TEXT_ENCODER], &failure) == LOFI_OK;
    bool has_dcae = configs[LOFI_COMPONENT_DCAE] &&
                    lofi_dcae_config_read(&dcae, configs[LOFI_COMPONENT_DCAE], &failure) == LOFI_OK;
    bool has_mel = configs[LOFI_COMPONENT_VOCODER] &&
                   lofi_vocoder_mel_read(&mel, configs[LOFI_COMPONENT_VOCODER], &failure) == LOFI_OK;
    if (has_transformer && has_text)
        LOFI_TRY(expect(c, transformer.text_width, text.width, "the transformer's 'text_embedding_dim'",
                        "the text encoder's 'd_model'", err));
    if (has_transformer && has_dcae)
        LOFI_TRY(expect(c, transformer.in_channels, dcae.latent_channels, "the transformer's 'in_channels'",
                        "the autoencoder's 'latent_channels'", err));
    if (has_dcae)
        LOFI_TRY(expect(c, dcae.in_channels, 2, "the autoencoder's 'in_channels'", "what stereo sound has", err));
    if (has_transformer && has_dcae && has_mel)
        LOFI_TRY(expect(c, transformer.height * lofi_dcae_reduction(&dcae.encoder), mel.n_mels,
                        "the transformer's 'max_height' times the autoencoder's reduction", "the vocoder's 'n_mels'",
                        err));
    return LOFI_OK;
}

/* ---- all ---- */

/* The folder itself when at least one component is there, so that what is there can be looked at. */
static bool is_partial(lofi_checkpoint_folder *folder, const char *path) {
    char root[LOFI_PATH_MAX];
    lofi_checkpoint_folder found = {0};
    int there = 0;
    if (lofi_path_expand(root, path, NULL) != LOFI_OK) return false;
    if (lofi_path_format(found.root, NULL, "%s", root) != LOFI_OK) return false;
    for (int i = 0; i < LOFI_COMPONENT_COUNT; i++) {
        if (lofi_path_format(found.component[i], NULL, "%s/%s", root, lofi_component_folder(i)) != LOFI_OK)
            return false;
        there += lofi_path_is_folder(found.component[i]);
    }
    if (there > 0) *folder = found;
    return there > 0;
}

static lofi_code check_all(checker *c, const char *ace_step_dir, lofi_error *err) {
    for (int i = 0; i < LOFI_COMPONENT_COUNT; i++) {
        LOFI_TRY(check_component(c, i, err));
        if (i == LOFI_COMPONENT_TEXT_ENCODER) LOFI_TRY(check_tokenizer(c, err));
    }
    LOFI_TRY(check_sizes(c, err));
    return check_lyrics(c, ace_step_dir, err);
}

lofi_code lofi_checkpoint_check(lofi_findings *findings, lofi_checkpoint_folder *folder, const char *path,
                                const char *ace_step_dir, lofi_error *err) {
    lofi_error failure = LOFI_ERROR_INIT;
    lofi_findings found = {0};
    checker c = {.findings = &found, .folder = folder};
    if (lofi_checkpoint_folder_resolve(folder, path, &failure) != LOFI_OK && !is_partial(folder, path)) {
        *err = failure;
        return failure.code;
    }
    lofi_code code = check_all(&c, ace_step_dir, err);
    for (int i = 0; i < LOFI_COMPONENT_COUNT; i++) json_decref(c.configs[i]);
    if (code == LOFI_OK)
        *findings = found;
    else
        lofi_findings_free(&found);
    return code;
}

/* ---- is it the released one? ---- */

typedef struct released_file {
    lofi_component component;
    const char *name, *sha256;
} released_file;

/* As public listings of ACE-Step/ACE-Step-v1-3.5B give them. */
static const released_file released[LOFI_RELEASED_FILES] = {
    {LOFI_COMPONENT_TRANSFORMER, "diffusion_pytorch_model.safetensors",
     "e810f16728d8a2e0d1b9c3a907aac8c9a427ce38edbd890cb3dce5ff92da5aad"},
    {LOFI_COMPONENT_TEXT_ENCODER, "model.safetensors",
     "779cec0d210b2123e21d0a9cd8128f02b4d412627355028965a8be0b241cc3b6"},
    {LOFI_COMPONENT_TEXT_ENCODER, "tokenizer.json", "20a46ac256746594ed7e1e3ef733b83fbc5a6f0922aa7480eda961743de080ef"},
    {LOFI_COMPONENT_DCAE, "diffusion_pytorch_model.safetensors",
     "2b0cb469307ac50659d1880db2a99bae47d0df335cbb36853964662d4b80e8ee"},
    {LOFI_COMPONENT_VOCODER, "diffusion_pytorch_model.safetensors",
     "c92c9b46e28ab7b37b777780cf4308ad7ddac869636bb77aa61599358c4bc1c0"},
};

lofi_code lofi_checkpoint_identify(lofi_file_identity files[LOFI_RELEASED_FILES], const lofi_checkpoint_folder *folder,
                                   lofi_error *err) {
    for (int i = 0; i < LOFI_RELEASED_FILES; i++) {
        const released_file *known = &released[i];
        lofi_file_identity *file = &files[i];
        char path[LOFI_PATH_MAX];
        if (lofi_interrupt_asked()) return lofi_fail(err, LOFI_ERR_INTERRUPTED, "interrupted");
        *file = (lofi_file_identity){.component = lofi_component_folder(known->component), .file = known->name};
        LOFI_TRY(lofi_path_format(path, err, "%s/%s", folder->component[known->component], known->name));
        if (!lofi_path_is_file(path)) continue;
        LOFI_TRY(lofi_sha256_file(file->hex, path, err));
        file->released = strcmp(file->hex, known->sha256) == 0;
    }
    return LOFI_OK;
}
