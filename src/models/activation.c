/* activation.c - see the header. */
#include "models/activation.h"

#include <string.h>

#include "base/json.h"
#include "ops/ops.h"

lofi_code lofi_activation_read(lofi_activation *out, const json_t *config, const char *key, const char *fallback,
                               const char *where, lofi_error *err) {
    static const struct {
        const char *name;
        lofi_activation activation;
    } known[] = {{"gelu", LOFI_ACTIVATION_GELU},
                 {"gelu_new", LOFI_ACTIVATION_GELU_TANH},
                 {"gelu_pytorch_tanh", LOFI_ACTIVATION_GELU_TANH},
                 {"relu", LOFI_ACTIVATION_RELU},
                 {"silu", LOFI_ACTIVATION_SILU},
                 {"swish", LOFI_ACTIVATION_SILU}};
    const char *name = NULL;
    LOFI_TRY(lofi_json_string_or(&name, config, key, fallback, where, err));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i].name) == 0) {
            *out = known[i].activation;
            return LOFI_OK;
        }
    return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "%s: '%s' is '%s'; known are gelu, gelu_new, relu, silu", where, key,
                     name);
}

lofi_tensor *lofi_activate(lofi_graph *graph, lofi_tensor *x, lofi_activation activation) {
    switch (activation) {
    case LOFI_ACTIVATION_GELU: return lofi_gelu(graph, x, false);
    case LOFI_ACTIVATION_GELU_TANH: return lofi_gelu(graph, x, true);
    case LOFI_ACTIVATION_RELU: return lofi_relu(graph, x);
    case LOFI_ACTIVATION_SILU: return lofi_silu(graph, x);
    case LOFI_ACTIVATION_MISH: return lofi_mish(graph, x);
    }
    return NULL;
}
