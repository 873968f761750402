/* record.c - see the header. */
#include "train/record.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "graph/device.h"
#include "models/ssl_encoder.h"

#ifndef LOFI_VERSION
#error "LOFI_VERSION comes from the build"
#endif

static json_t *targets_of(const lofi_lora_config *lora) {
    json_t *targets = json_array();
    for (size_t i = 0; i < lora->target_count; i++) json_array_append_new(targets, json_string(lora->targets[i]));
    return targets;
}

/* The self-supervised networks by their hashes, and the weight of their losses; nothing without alignment. */
static void add_alignment(json_t *configuration, const lofi_train_settings *s, const char *const *ssl_hashes) {
    if (!ssl_hashes) return;
    json_object_set_new(configuration, "ssl_coefficient", json_real(s->ssl_coefficient));
    for (int k = 0; k < LOFI_SSL_KINDS; k++) {
        char name[32];
        snprintf(name, sizeof name, "%s_hash", lofi_ssl_kinds[k].name);
        json_object_set_new(configuration, name, json_string(ssl_hashes[k]));
    }
}

static json_t *configuration(const lofi_train_settings *s) {
    return json_pack("{s:I, s:f, s:b, s:o, s:I, s:f, s:I, s:f, s:I, s:b, s:s, s:I}", "lora_rank",
                     (json_int_t)s->lora.rank, "lora_alpha", s->lora.alpha, "lora_rslora", s->lora.rslora ? 1 : 0,
                     "lora_targets", targets_of(&s->lora), "max_steps", (json_int_t)s->max_steps, "learning_rate",
                     s->learning_rate, "warmup_steps", (json_int_t)s->warmup_steps, "gradient_clip_val", s->clip_norm,
                     "accumulate", (json_int_t)s->accumulate, "lyric_encoder_dropout", s->dropout ? 1 : 0, "precision",
                     s->bf16 ? "bf16" : "fp32", "seed", (json_int_t)s->seed);
}

/* A run that goes on elsewhere is told so; nothing on the CPU. */
static void add_device(json_t *configuration) {
    const lofi_device *device = lofi_device_default();
    if (!device) return;
    json_object_set_new(configuration, "device", json_stringn(device->name, strcspn(device->name, ":")));
}

static lofi_code hash_json(char hex[LOFI_SHA256_HEX], const json_t *value, lofi_error *err) {
    lofi_buffer text = LOFI_BUFFER_INIT;
    lofi_sha256 *sha;
    lofi_code code = lofi_json_print(&text, value, false, err);
    if (code == LOFI_OK) code = lofi_sha256_new(&sha, err);
    if (code == LOFI_OK) {
        lofi_sha256_add(sha, lofi_buffer_str(&text), text.size);
        lofi_sha256_end(sha, hex);
    }
    lofi_buffer_free(&text);
    return code;
}

lofi_code lofi_record_make(json_t **out, const lofi_train_settings *settings, const lofi_loaded *transformer,
                           const char *dataset_hash, const char *unlicensed, const char *const *ssl_hashes,
                           lofi_error *err) {
    char base[LOFI_SHA256_HEX], hash[LOFI_SHA256_HEX];
    LOFI_TRY(lofi_weights_hash(base, lofi_loaded_weights(transformer), err));
    json_t *config = configuration(settings);
    if (config) add_alignment(config, settings, ssl_hashes);
    if (config) add_device(config);
    lofi_code code = config ? hash_json(hash, config, err)
                            : lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the run's record");
    if (code != LOFI_OK) {
        json_decref(config);
        return code;
    }
    *out = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "program", "lofi " LOFI_VERSION, "experiment",
                     settings->experiment, "dataset_hash", dataset_hash, "base_model_hash", base, "config_hash", hash,
                     "unlicensed_tracks", unlicensed, "configuration", config);
    return *out ? LOFI_OK : lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the run's record");
}

static bool must_agree(const char *key) {
    static const char *const keys[] = {"lora_rank", "lora_alpha", "lora_rslora", "lora_targets", "seed"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(keys[i], key) == 0) return true;
    return false;
}

static void value_text(lofi_buffer *text, const json_t *value) {
    lofi_error ignored = LOFI_ERROR_INIT;
    if (!value || lofi_json_print(text, value, false, &ignored) != LOFI_OK) lofi_buffer_text(text, "nothing");
    while (text->size && text->data[text->size - 1] == '\n') text->data[--text->size] = '\0';
}

static lofi_code report_change(const char *key, const json_t *before, const json_t *now, lofi_log *log,
                               lofi_error *err) {
    lofi_buffer old = LOFI_BUFFER_INIT, new = LOFI_BUFFER_INIT;
    lofi_code code = LOFI_OK;
    value_text(&old, before);
    value_text(&new, now);
    if (must_agree(key)) {
        code = lofi_fail(err, LOFI_ERR_USAGE, "the run was started with %s %s, now it is %s", key,
                         lofi_buffer_str(&old), lofi_buffer_str(&new));
        lofi_hint(err, "resume with what it was started with, or choose another --exp-name");
    } else {
        lofi_warn(log, "%s was %s when the run was started, it is %s now", key, lofi_buffer_str(&old),
                  lofi_buffer_str(&new));
    }
    lofi_buffer_free(&old);
    lofi_buffer_free(&new);
    return code;
}

lofi_code lofi_record_compare(const json_t *now, const json_t *before, lofi_log *log, lofi_error *err) {
    if (!json_equal(json_object_get(now, "base_model_hash"), json_object_get(before, "base_model_hash"))) {
        lofi_fail(err, LOFI_ERR_USAGE, "the run was started with another base model");
        return lofi_hint(err, "give the same --checkpoint-dir, or choose another --exp-name");
    }
    const char *key;
    json_t *value;
    json_t *new_config = json_object_get(now, "configuration"), *old_config = json_object_get(before, "configuration");
    if (!json_equal(json_object_get(now, "dataset_hash"), json_object_get(before, "dataset_hash")))
        LOFI_TRY(report_change("dataset_hash", json_object_get(before, "dataset_hash"),
                               json_object_get(now, "dataset_hash"), log, err));
    json_object_foreach(new_config, key, value) {
        if (!json_equal(value, json_object_get(old_config, key)))
            LOFI_TRY(report_change(key, json_object_get(old_config, key), value, log, err));
    }
    json_object_foreach(old_config, key, value) {
        if (!json_object_get(new_config, key)) LOFI_TRY(report_change(key, value, NULL, log, err));
    }
    return LOFI_OK;
}
