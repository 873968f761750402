/* Any JSON as the config of each network: a table of weights or a sentence. */
#include "base/json.h"
#include "fuzz.h"
#include "models/clap.h"
#include "models/hubert.h"
#include "models/registry.h"
#include "models/vggish.h"

static void declare(const lofi_model *model, const json_t *config) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_weight_table table = {0};
    lofi_code code = model->declare(config, &table, &err);
    lofi_weight_table_free(&table);
    (void)code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    lofi_error err = LOFI_ERROR_INIT;
    json_t *config = NULL;
    if (size > 4096 || lofi_json_parse(&config, (const char *)data, size, "a config", &err) != LOFI_OK) return 0;
    for (size_t i = 0; i < lofi_model_count(); i++) declare(lofi_model_at(i), config);
    declare(&lofi_model_hubert, config);
    declare(&lofi_model_clap, config);
    declare(&lofi_model_vggish, config);
    json_decref(config);
    return 0;
}
