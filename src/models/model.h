/* model.h - one network of a checkpoint folder: config, weight table, places for adapters.
 *
 * To add a network: write src/models/NAME.c ending in `const lofi_model lofi_model_NAME`, its header with the build
 * functions that others call, and one line in src/models/list.h. Nothing outside a model's file asks which model it is.
 */
#ifndef LOFI_MODELS_MODEL_H
#define LOFI_MODELS_MODEL_H

#include <jansson.h>

#include "models/builder.h"

/* value = offset + factor * (what the rule of the weight's fill gives) */
typedef struct lofi_initial {
    float factor, offset;
} lofi_initial;

typedef struct lofi_model {
    const char *name;       /* "ace_step_transformer": also the folder in a checkpoint */
    const char *class_name; /* "_class_name" or "architectures" of the config */
    const char *weights;    /* file name without extension: "diffusion_pytorch_model" or "model" */
    /* All weights of the network as the config wants them: runs every build function in declaring mode. Refuses a config
     * that makes no sense, naming the key. */
    lofi_code (*declare)(const json_t *config, lofi_weight_table *table, lofi_error *err);
    /* The config of a preset ("tiny", "small", "full"); *out is yours. NULL: not part of a checkpoint folder. */
    lofi_code (*preset)(const char *preset, json_t **out, lofi_error *err);
    /* A tensor that a file may hold under another name (a tied embedding); NULL: none. Returns the canonical name. */
    const char *(*canonical_name)(const char *name);
    /* For new models, NULL where the rules do: sizes of weights by which signals keep a sensible scale. */
    lofi_initial (*initial)(const char *name);
    /* For new models: weights that are no random numbers. *values (lofi_free) is left as it is for all others. NULL: none. */
    lofi_code (*computed)(const json_t *config, const lofi_weight_entry *entry, float **values, lofi_error *err);
} lofi_model;

#endif
