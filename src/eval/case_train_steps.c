/* case_train_steps.c - training from the recorded first weights with the recorded inputs and settings: loss, gradient
 * norm and learning rate of every step, and the weights at the end; without the self-supervised alignment and with it. */
#include "eval/training_rows.h"

#define STEP_LIMIT 1e-5
#define END_LIMIT  1e-4

typedef struct work {
    lofi_training_rows rows;
    lofi_loaded *transformer;
    lofi_adapter *adapter;
    lofi_step *step;
    lofi_optimizer *optimizer;
    float *first, *second;                     /* moments, like the adapter's values */
    float *losses, *denoising, *norms, *rates; /* [steps] */
    int alignments;
} work;

static lofi_code prepare(work *w, lofi_selftest *test, lofi_error *err) {
    LOFI_TRY(lofi_training_rows_open(&w->rows, test, err));
    LOFI_TRY(lofi_training_open_transformer(&w->transformer, test, err));
    LOFI_TRY(lofi_recorded_adapter(&w->adapter, test, &w->rows.lora, lofi_loaded_table(w->transformer), "start.", err));
    lofi_step_options options = {.gradients = true,
                                 .checkpoint = true,
                                 .alignments = w->alignments,
                                 .alignment_coefficient = 1,
                                 .threads = test->options->threads};
    LOFI_TRY(lofi_step_new(&w->step, w->transformer, w->adapter, options, err));
    LOFI_TRY(lofi_training_rows_check(&w->rows, lofi_step_config(w->step), err));
    if (w->alignments) LOFI_TRY(lofi_training_rows_check_targets(&w->rows, lofi_step_config(w->step), err));
    size_t values = w->adapter->value_count * sizeof(float), steps = (size_t)w->rows.steps * sizeof(float);
    w->first = lofi_arena_alloc(test->arena, values);
    w->second = lofi_arena_alloc(test->arena, values);
    w->losses = lofi_arena_alloc(test->arena, steps);
    w->denoising = lofi_arena_alloc(test->arena, steps);
    w->norms = lofi_arena_alloc(test->arena, steps);
    w->rates = lofi_arena_alloc(test->arena, steps);
    bool all = w->first && w->second && w->losses && w->denoising && w->norms && w->rates;
    if (!all) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for training steps");
    lofi_optimizer_blocks blocks = {.values = w->adapter->values,
                                    .gradient = lofi_step_gradient(w->step),
                                    .first = w->first,
                                    .second = w->second,
                                    .count = w->adapter->value_count};
    return lofi_optimizer_new(&w->optimizer, &blocks, lofi_session_device(lofi_step_session(w->step)), 1,
                              test->options->threads, err);
}

static lofi_code train_step(work *w, int64_t step, lofi_error *err) {
    const lofi_training_rows *rows = &w->rows;
    double norm;
    lofi_step_inputs inputs = lofi_training_rows_at(rows, step);
    lofi_step_losses losses;
    LOFI_TRY(lofi_step_run(w->step, &inputs, &losses, err));
    LOFI_TRY(lofi_optimizer_take(w->optimizer, 0, err));
    LOFI_TRY(lofi_optimizer_norm(w->optimizer, &norm, err));
    lofi_adamw adamw = rows->adamw;
    adamw.learning_rate = lofi_learning_rate(rows->adamw.learning_rate, step, rows->warmup_steps, rows->max_steps);
    LOFI_TRY(lofi_optimizer_update(w->optimizer, &adamw, step + 1, lofi_clip_factor(norm, rows->clip_norm), err));
    w->losses[step] = (float)losses.total;
    w->denoising[step] = (float)losses.denoising;
    w->norms[step] = (float)norm;
    w->rates[step] = (float)adamw.learning_rate;
    return LOFI_OK;
}

static lofi_code compare_courses(const work *w, lofi_selftest *test, lofi_error *err) {
    int64_t steps = w->rows.steps;
    LOFI_TRY(lofi_selftest_compare(test, "loss", w->losses, 1, &steps, STEP_LIMIT, err));
    if (lofi_safetensors_find(test->recorded, "denoising_loss"))
        LOFI_TRY(lofi_selftest_compare(test, "denoising_loss", w->denoising, 1, &steps, STEP_LIMIT, err));
    LOFI_TRY(lofi_selftest_compare(test, "gradient_norm", w->norms, 1, &steps, STEP_LIMIT, err));
    return lofi_selftest_compare(test, "learning_rate", w->rates, 1, &steps, STEP_LIMIT, err);
}

static lofi_code compute(work *w, lofi_selftest *test, lofi_error *err) {
    LOFI_TRY(prepare(w, test, err));
    for (int64_t step = 0; step < w->rows.steps; step++) LOFI_TRY(train_step(w, step, err));
    LOFI_TRY(compare_courses(w, test, err));
    LOFI_TRY(lofi_optimizer_fetch(w->optimizer, err));
    return lofi_recorded_adapter_compare(test, w->adapter, w->adapter->values, "end.", END_LIMIT, err);
}

static lofi_code run_with(lofi_selftest *test, int alignments, lofi_error *err) {
    work w = {.alignments = alignments};
    lofi_code code = compute(&w, test, err);
    lofi_optimizer_free(w.optimizer);
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

const lofi_selftest_case lofi_case_train_steps = {.name = "train_steps", .run = run_plain};
const lofi_selftest_case lofi_case_train_steps_ssl = {.name = "train_steps_ssl", .run = run_aligned};
