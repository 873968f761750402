/* case_gradients.c - the loss of one training step and its gradients with respect to an adapter; without the self-supervised
 * alignment and with it. */
#include "eval/training_rows.h"

#define LOSS_LIMIT     1e-5
#define GRADIENT_LIMIT 5e-5

typedef struct work {
    lofi_training_rows rows;
    lofi_loaded *transformer;
    lofi_adapter *adapter;
    lofi_step *step;
} work;

static lofi_code compare_loss(lofi_selftest *test, const char *name, double loss, lofi_error *err) {
    float value = (float)loss;
    if (!lofi_safetensors_find(test->recorded, name)) return LOFI_OK;
    return lofi_selftest_compare_flat(test, name, &value, 1, LOSS_LIMIT, err);
}

static lofi_code compare_losses(const lofi_step_losses *losses, lofi_selftest *test, lofi_error *err) {
    const lofi_stored_tensor *recorded;
    LOFI_TRY(lofi_safetensors_get(&recorded, test->recorded, "loss", err));
    LOFI_TRY(compare_loss(test, "loss", losses->total, err));
    LOFI_TRY(compare_loss(test, "logged.loss", losses->total, err));
    LOFI_TRY(compare_loss(test, "logged.denoising_loss", losses->denoising, err));
    LOFI_TRY(compare_loss(test, "logged.mert_loss", losses->alignment[0], err));
    return compare_loss(test, "logged.m-hubert_loss", losses->alignment[1], err);
}

static lofi_code compute(work *w, lofi_selftest *test, int alignments, lofi_error *err) {
    lofi_step_losses losses;
    LOFI_TRY(lofi_training_rows_open(&w->rows, test, err));
    LOFI_TRY(lofi_training_open_transformer(&w->transformer, test, err));
    LOFI_TRY(
        lofi_recorded_adapter(&w->adapter, test, &w->rows.lora, lofi_loaded_table(w->transformer), "adapter.", err));
    lofi_step_options options = {
        .gradients = true, .alignments = alignments, .alignment_coefficient = 1, .threads = test->options->threads};
    LOFI_TRY(lofi_step_new(&w->step, w->transformer, w->adapter, options, err));
    LOFI_TRY(lofi_training_rows_check(&w->rows, lofi_step_config(w->step), err));
    if (alignments) LOFI_TRY(lofi_training_rows_check_targets(&w->rows, lofi_step_config(w->step), err));
    lofi_step_inputs inputs = lofi_training_rows_at(&w->rows, 0);
    LOFI_TRY(lofi_step_run(w->step, &inputs, &losses, err));
    LOFI_TRY(compare_losses(&losses, test, err));
    return lofi_recorded_adapter_compare(test, w->adapter, lofi_step_gradient(w->step), "grad.", GRADIENT_LIMIT, err);
}

static lofi_code run_with(lofi_selftest *test, int alignments, lofi_error *err) {
    work w = {0};
    lofi_code code = compute(&w, test, alignments, err);
    lofi_step_free(w.step);
    lofi_adapter_free(w.adapter);
    lofi_loaded_close(w.transformer);
    lofi_training_rows_close(&w.rows);
    return code;
}

static lofi_code run_plain(lofi_selftest *test, lofi_error *err) {
    return run_with(test, 0, err);
}

static lofi_code run_aligned(lofi_selftest *test, lofi_error *err) {
    return run_with(test, LOFI_TRAINING_TARGETS, err);
}

const lofi_selftest_case lofi_case_gradients = {.name = "gradients", .run = run_plain};
const lofi_selftest_case lofi_case_gradients_ssl = {.name = "gradients_ssl", .run = run_aligned};
