/* activation.h - activations that configs name: those of transformers (activations.py, ACT2FN) are read here. */
#ifndef LOFI_MODELS_ACTIVATION_H
#define LOFI_MODELS_ACTIVATION_H

#include <jansson.h>

#include "graph/graph.h"

typedef enum lofi_activation {
    LOFI_ACTIVATION_GELU,      /* "gelu": the erf form */
    LOFI_ACTIVATION_GELU_TANH, /* "gelu_new", "gelu_pytorch_tanh" */
    LOFI_ACTIVATION_RELU,      /* "relu" */
    LOFI_ACTIVATION_SILU,      /* "silu", "swish" */
    LOFI_ACTIVATION_MISH       /* of diffusers only; no gradient */
} lofi_activation;

/* The activation that `key` names, or `fallback` names when the key is absent. LOFI_ERR_UNSUPPORTED names another one. */
lofi_code lofi_activation_read(lofi_activation *out, const json_t *config, const char *key, const char *fallback,
                               const char *where, lofi_error *err) LOFI_MUST_USE;
lofi_tensor *lofi_activate(lofi_graph *graph, lofi_tensor *x, lofi_activation activation);

#endif
