/* trainer.c - the run: open everything, resume or begin, step, measure, save. */
#include "train/trainer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/interrupt.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/threads.h"
#include "diffusion/flow_schedule.h"
#include "models/text_encoder.h"
#include "text/lyric_tokenizer.h"
#include "train/checkpoint.h"
#include "train/examples.h"
#include "train/metrics.h"
#include "train/optimizer.h"
#include "train/record.h"
#include "train/step.h"

/* Condition dropout of the original trainer. */
#define DROP_TEXT    0.15f
#define DROP_SPEAKER 0.50f
#define DROP_LYRICS  0.15f

/* Held-out measurements use noise of their own seeds, the same in every run. */
#define VALIDATION_SEED  0x6c6f6669u
#define VALIDATION_SEEDS 3

#define SUMMARY_STEPS 20

typedef struct trainer {
    const lofi_train_settings *settings;
    lofi_train_summary *summary;
    lofi_log *log;
    int threads;
    char run[LOFI_PATH_MAX], from[LOFI_PATH_MAX]; /* from: the checkpoint to go on from, "" when none */
    lofi_lock *held;                              /* the run's folder */
    lofi_checkpoint_folder folder;
    char ssl[LOFI_SSL_KINDS][LOFI_PATH_MAX]; /* folders of the self-supervised networks, "" without alignment */
    lofi_loaded *transformer;
    lofi_step *training, *measuring;
    lofi_examples *examples;
    lofi_metrics *metrics;
    lofi_flow_schedule schedule;
    lofi_training_state state;
    lofi_optimizer *optimizer;
    json_t *record;
    size_t *order; /* rows of the present epoch */
    int64_t order_epoch;
    /* inputs of one step, sized for the longest song */
    float *noise, *mask, *text, *text_mask, *lyric_mask, *speaker;
    int64_t *lyric_ids;
} trainer;

/* ---- one visit ---- */

static lofi_code allocate_inputs(trainer *t, lofi_error *err) {
    const lofi_ace_step_config *config = lofi_step_config(t->training);
    int64_t frames = lofi_examples_max_frames(t->examples);
    size_t latent = (size_t)(config->in_channels * config->height);
    LOFI_TRY(lofi_alloc((void **)&t->noise, (size_t)frames, latent * sizeof(float), "noise", err));
    LOFI_TRY(lofi_alloc((void **)&t->mask, (size_t)frames, sizeof(float), "a mask", err));
    LOFI_TRY(lofi_alloc((void **)&t->text, (size_t)config->text_width * LOFI_TEXT_MAX_TOKENS, sizeof(float),
                        "text states", err));
    LOFI_TRY(lofi_alloc((void **)&t->text_mask, LOFI_TEXT_MAX_TOKENS, sizeof(float), "a mask", err));
    LOFI_TRY(lofi_alloc((void **)&t->lyric_mask, LOFI_LYRIC_MAX_TOKENS, sizeof(float), "a mask", err));
    LOFI_TRY(lofi_alloc((void **)&t->lyric_ids, LOFI_LYRIC_MAX_TOKENS, sizeof(int64_t), "lyric tokens", err));
    LOFI_TRY(
        lofi_alloc((void **)&t->speaker, (size_t)config->speaker_width, sizeof(float), "a speaker embedding", err));
    for (int64_t i = 0; i < frames; i++) t->mask[i] = 1.0f;
    for (int i = 0; i < LOFI_TEXT_MAX_TOKENS; i++) t->text_mask[i] = 1.0f;
    return LOFI_OK;
}

/* Copies an example's conditions, without those that are dropped (the text's mask stays, as in the original). */
static void set_conditions(trainer *t, const lofi_example *example, bool drop_text, bool drop_speaker,
                           bool drop_lyrics) {
    const lofi_ace_step_config *config = lofi_step_config(t->training);
    size_t text_bytes = (size_t)(example->text * config->text_width) * sizeof(float);
    size_t speaker_bytes = (size_t)config->speaker_width * sizeof(float),
           lyric_bytes = (size_t)example->lyric * sizeof(int64_t);
    memset(t->text, 0, text_bytes);
    memset(t->speaker, 0, speaker_bytes);
    memset(t->lyric_ids, 0, lyric_bytes);
    if (!drop_text) memcpy(t->text, example->text_states, text_bytes);
    if (!drop_speaker) memcpy(t->speaker, example->speaker, speaker_bytes);
    if (!drop_lyrics) memcpy(t->lyric_ids, example->lyric_token_ids, lyric_bytes);
    for (int64_t i = 0; i < example->lyric; i++) t->lyric_mask[i] = drop_lyrics ? 0.0f : 1.0f;
}

static lofi_step_inputs make_inputs(trainer *t, const lofi_example *example, lofi_random noise, int index) {
    const lofi_ace_step_config *config = lofi_step_config(t->training);
    lofi_random_fill_normal(&noise, 0, t->noise, (size_t)(config->in_channels * config->height * example->frames));
    return (lofi_step_inputs){.batch = 1,
                              .frames = example->frames,
                              .text = example->text,
                              .lyric = example->lyric,
                              .latents = example->latents,
                              .noise = t->noise,
                              .attention_mask = t->mask,
                              .text_states = t->text,
                              .text_mask = t->text_mask,
                              .lyric_token_ids = t->lyric_ids,
                              .lyric_mask = t->lyric_mask,
                              .speaker = t->speaker,
                              .sigma = &t->schedule.sigmas[index],
                              .timestep = &t->schedule.timesteps[index]};
}

/* The row of a visit: every epoch is a permutation of its own. */
static size_t row_of(trainer *t, int64_t visit) {
    size_t rows = lofi_examples_row_count(t->examples);
    int64_t epoch = visit / (int64_t)rows;
    if (epoch != t->order_epoch) {
        lofi_random random = lofi_random_at(t->settings->seed, LOFI_RANDOM_ROWS, (uint64_t)epoch);
        lofi_random_permutation(&random, t->order, rows);
        t->order_epoch = epoch;
    }
    return t->order[visit % (int64_t)rows];
}

static lofi_code visit(trainer *t, int64_t number, lofi_step_losses *losses, lofi_error *err) {
    uint64_t seed = t->settings->seed, n = (uint64_t)number;
    lofi_random condition = lofi_random_at(seed, LOFI_RANDOM_CONDITION, n),
                level = lofi_random_at(seed, LOFI_RANDOM_TIMESTEP, n);
    lofi_example example;
    LOFI_TRY(lofi_examples_visit(t->examples, row_of(t, number), seed, n, &example, err));
    set_conditions(t, &example, lofi_random_uniform(&condition, 0) < DROP_TEXT,
                   lofi_random_uniform(&condition, 1) < DROP_SPEAKER, lofi_random_uniform(&condition, 2) < DROP_LYRICS);
    lofi_step_inputs inputs = make_inputs(t, &example, lofi_random_at(seed, LOFI_RANDOM_NOISE, n),
                                          lofi_flow_index(lofi_random_normal(&level, 0)));
    inputs.seed = seed;
    inputs.step = n;
    for (int k = 0; k < LOFI_SSL_KINDS; k++) {
        inputs.targets[k] = example.targets[k];
        inputs.target_frames[k] = example.target_frames[k];
    }
    return lofi_step_run(t->training, &inputs, losses, err);
}

/* `what` is not finite: says where to go on from. */
static lofi_code diverged(trainer *t, int64_t at, const char *what, lofi_error *err) {
    char last[LOFI_PATH_MAX] = "";
    int64_t step = -1;
    lofi_error ignored = LOFI_ERROR_INIT;
    bool any = lofi_checkpoint_latest(last, &step, t->run, t->log, &ignored) == LOFI_OK && step >= 0;
    lofi_fail(err, LOFI_ERR_NUMERIC, "training diverged at step %lld: %s; %s%s", (long long)at, what,
              any ? "the last good checkpoint is " : "there is no checkpoint yet", last);
    return lofi_hint(err, any ? "go on from it with --resume and a lower --learning-rate"
                              : "try a lower --learning-rate; 'lofi model check' looks for faults of the base model");
}

/* ---- held-out loss ---- */

static lofi_code measure_seed(trainer *t, uint64_t seed, double *mean, lofi_error *err) {
    size_t tracks = lofi_examples_validation_count(t->examples), draws = (size_t)t->settings->validation_draws;
    double sum = 0;
    for (size_t i = 0; i < tracks; i++) {
        lofi_example example;
        LOFI_TRY(lofi_examples_validation(t->examples, i, &example, err));
        set_conditions(t, &example, false, false, false);
        for (size_t d = 0; d < draws; d++) {
            if (lofi_interrupt_asked())
                return lofi_fail(err, LOFI_ERR_INTERRUPTED, "stopped while measuring the held-out loss");
            int index = (int)((2 * d + 1) * LOFI_FLOW_STEPS / (2 * draws));
            lofi_step_losses losses;
            lofi_step_inputs inputs = make_inputs(t, &example, lofi_random_at(seed, LOFI_RANDOM_NOISE, i * draws + d),
                                                  index);
            LOFI_TRY(lofi_step_run(t->measuring, &inputs, &losses, err));
            if (!isfinite(losses.total)) return diverged(t, t->state.step, "the held-out loss is not finite", err);
            sum += losses.total;
        }
    }
    *mean = sum / (double)(tracks * draws);
    return LOFI_OK;
}

/* Measures where the step asks for it: at the beginning, at the end and every plot_every steps; once each. The same noise and
 * noise levels every time: levels evenly spread over the schedule, noise of three seeds. */
static lofi_code measure(trainer *t, lofi_error *err) {
    int64_t step = t->state.step;
    if (step % t->settings->plot_every != 0 && step != t->settings->max_steps) return LOFI_OK;
    if (!t->measuring || lofi_metrics_has_validation(t->metrics, step)) return LOFI_OK;
    double means[VALIDATION_SEEDS], sum = 0, low = INFINITY, high = -INFINITY;
    /* A graph without all of the adapter has a copy of its own on a device, made from the caller's memory. */
    LOFI_TRY(lofi_optimizer_fetch(t->optimizer, err));
    for (int s = 0; s < VALIDATION_SEEDS; s++) {
        LOFI_TRY(measure_seed(t, VALIDATION_SEED + (uint64_t)s, &means[s], err));
        sum += means[s];
        low = fmin(low, means[s]);
        high = fmax(high, means[s]);
    }
    lofi_validation_metrics values = {.step = t->state.step, .loss = sum / VALIDATION_SEEDS, .spread = high - low};
    lofi_verbose(t->log, "held-out loss %.5f (spread %.5f) at step %lld", values.loss, values.spread,
                 (long long)values.step);
    return lofi_metrics_validation(t->metrics, &values, err);
}

/* ---- opening ---- */

/* The self-supervised networks are wanted together: the original's heads are made for both. */
static void find_ssl(trainer *t) {
    const char *absent = NULL;
    if (!(t->settings->ssl_coefficient > 0)) return;
    for (int k = 0; k < LOFI_SSL_KINDS; k++) {
        lofi_checkpoint_folder_find(t->ssl[k], &t->folder, lofi_ssl_kinds[k].folders);
        if (!*t->ssl[k]) absent = lofi_ssl_kinds[k].folders[0];
    }
    t->summary->aligned = !absent;
    if (!absent) return;
    for (int k = 0; k < LOFI_SSL_KINDS; k++) t->ssl[k][0] = 0;
    lofi_info(
        t->log,
        "training without the self-supervised alignment: no '%s' beside the base model; put m-a-p/MERT-v1-330M and "
        "utter-project/mHuBERT-147 into '%s' to have it",
        absent, t->folder.named);
}

static lofi_code open_model(trainer *t, lofi_error *err) {
    const lofi_train_settings *s = t->settings;
    LOFI_TRY(lofi_checkpoint_folder_resolve(&t->folder, s->checkpoint_dir, err));
    find_ssl(t);
    LOFI_TRY(lofi_loaded_open(&t->transformer, &lofi_model_ace_step_transformer,
                              t->folder.component[LOFI_COMPONENT_TRANSFORMER], err));
    LOFI_TRY(lofi_adapter_new(&t->state.adapter, &s->lora, lofi_loaded_table(t->transformer), err));
    lofi_adapter_init(t->state.adapter, s->seed);
    size_t count = t->state.adapter->value_count;
    LOFI_TRY(lofi_alloc((void **)&t->state.first, count, sizeof(float), "the optimizer's first moments", err));
    LOFI_TRY(lofi_alloc((void **)&t->state.second, count, sizeof(float), "the optimizer's second moments", err));
    lofi_step_options options = {.gradients = true,
                                 .checkpoint = s->checkpointing,
                                 .dropout = s->dropout,
                                 .bf16 = s->bf16,
                                 .alignments = t->summary->aligned ? LOFI_SSL_KINDS : 0,
                                 .alignment_coefficient = (float)s->ssl_coefficient,
                                 .threads = s->threads};
    LOFI_TRY(lofi_step_new(&t->training, t->transformer, t->state.adapter, options, err));
    lofi_optimizer_blocks blocks = {.values = t->state.adapter->values,
                                    .gradient = lofi_step_gradient(t->training),
                                    .first = t->state.first,
                                    .second = t->state.second,
                                    .count = count};
    return lofi_optimizer_new(&t->optimizer, &blocks, lofi_session_device(lofi_step_session(t->training)),
                              s->accumulate, t->threads, err);
}

static lofi_code open_examples(trainer *t, lofi_error *err) {
    const lofi_train_settings *s = t->settings;
    const lofi_ace_step_config *config = lofi_step_config(t->training);
    lofi_examples_settings settings = {.dataset = s->dataset,
                                       .model = &t->folder,
                                       .lyric_vocab = s->lyric_vocab,
                                       .ace_step_dir = s->ace_step_dir,
                                       .cache_dir = s->cache_dir,
                                       .speaker_width = config->speaker_width,
                                       .text_width = config->text_width,
                                       .latent_channels = config->in_channels,
                                       .latent_height = config->height,
                                       .threads = s->threads};
    for (int k = 0; k < LOFI_SSL_KINDS; k++) {
        settings.ssl_folders[k] = *t->ssl[k] ? t->ssl[k] : NULL;
        settings.ssl_widths[k] = config->projector_widths[k];
    }
    LOFI_TRY(lofi_examples_open(&t->examples, &settings, t->log, err));
    size_t rows = lofi_examples_row_count(t->examples);
    LOFI_TRY(lofi_alloc((void **)&t->order, rows, sizeof *t->order, "the order of rows", err));
    t->order_epoch = -1;
    if (lofi_examples_validation_count(t->examples) && s->validation_draws > 0)
        LOFI_TRY(lofi_step_new(&t->measuring, t->transformer, t->state.adapter,
                               (lofi_step_options){.bf16 = s->bf16, .threads = s->threads, .rounded_by = t->training},
                               err));
    return allocate_inputs(t, err);
}

/* One process at a time works on a run. */
static lofi_code hold_run(trainer *t, lofi_error *err) {
    if (t->held || !lofi_path_is_folder(t->run)) return LOFI_OK;
    lofi_code code = lofi_folder_hold(&t->held, t->run, err);
    if (code != LOFI_OK) lofi_hint(err, "wait until it ends, or choose another --exp-name");
    return code;
}

static lofi_code has_checkpoints(const trainer *t, lofi_error *err) {
    lofi_fail(err, LOFI_ERR_USAGE, "run '%s' has checkpoints already", t->run);
    return lofi_hint(err, "go on with --resume, or choose another --exp-name");
}

/* A checkpoint of another run begins a run of its own. */
static lofi_code check_path(trainer *t, lofi_error *err) {
    char parent[LOFI_PATH_MAX], own[LOFI_PATH_MAX], relative[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_format(t->from, err, "%s", t->settings->resume_path));
    for (size_t end = strlen(t->from); end > 1 && t->from[end - 1] == '/';) t->from[--end] = '\0';
    LOFI_TRY(lofi_checkpoint_verify(t->from, err));
    LOFI_TRY(lofi_path_parent(parent, t->from, err));
    LOFI_TRY(lofi_path_format(own, err, "%s/checkpoints", t->run));
    LOFI_TRY(lofi_path_relative(relative, parent, own, err));
    return strcmp(relative, ".") != 0 && lofi_checkpoint_any(t->run) ? has_checkpoints(t, err) : LOFI_OK;
}

/* Which checkpoint to go on from: known before the long work begins. */
static lofi_code choose_checkpoint(trainer *t, lofi_error *err) {
    const lofi_train_settings *s = t->settings;
    int64_t step = -1;
    if (s->resume_path) return check_path(t, err);
    if (s->resume_from >= 0) return lofi_checkpoint_at(t->from, t->run, s->resume_from, err);
    if (s->resume) {
        LOFI_TRY(lofi_checkpoint_latest(t->from, &step, t->run, t->log, err));
        if (!*t->from && lofi_checkpoint_any(t->run)) {
            lofi_fail(err, LOFI_ERR_FORMAT, "run '%s' has checkpoints, but none that is whole", t->run);
            return lofi_hint(err, "the warnings say why; to begin anew, choose another --exp-name");
        }
        if (!*t->from) lofi_info(t->log, "nothing to resume in '%s': starting at step 0", t->run);
    } else if (lofi_checkpoint_any(t->run)) {
        return has_checkpoints(t, err);
    }
    return LOFI_OK;
}

static lofi_code make_record(trainer *t, lofi_error *err) {
    const char *hashes[LOFI_SSL_KINDS];
    for (int k = 0; k < LOFI_SSL_KINDS; k++) hashes[k] = lofi_examples_ssl_hash(t->examples, k);
    return lofi_record_make(&t->record, t->settings, t->transformer, lofi_examples_dataset_hash(t->examples),
                            lofi_examples_unlicensed(t->examples), t->summary->aligned ? hashes : NULL, err);
}

/* Puts the state of the chosen checkpoint in place, if there is one. */
static lofi_code restore(trainer *t, lofi_error *err) {
    const char *from = t->from;
    if (!*from) return LOFI_OK;
    json_t *old = NULL;
    LOFI_TRY(lofi_checkpoint_load(&t->state, &old, from, err));
    lofi_code code = lofi_record_compare(t->record, old, t->log, err);
    json_decref(old);
    LOFI_TRY(code);
    memcpy(t->summary->checkpoint, from, sizeof t->from);
    lofi_info(t->log, "resuming from '%s'", from);
    return LOFI_OK;
}

/* The run's folder, without what a killed process was writing there, and with no checkpoints past the step it stands at. */
static lofi_code make_run(trainer *t, lofi_error *err) {
    char checkpoints[LOFI_PATH_MAX];
    bool is_new = !t->held;
    LOFI_TRY(lofi_path_format(checkpoints, err, "%s/checkpoints", t->run));
    LOFI_TRY(lofi_folder_make(checkpoints, err));
    LOFI_TRY(hold_run(t, err));
    if (is_new && lofi_checkpoint_any(t->run)) return has_checkpoints(t, err); /* made by another process meanwhile */
    lofi_folder_clean(t->run);
    lofi_folder_clean(checkpoints);
    return lofi_checkpoint_set_aside_after(t->run, t->state.step, t->log, err);
}

static lofi_code open_all(trainer *t, lofi_error *err) {
    const lofi_train_settings *s = t->settings;
    LOFI_TRY(lofi_path_format(t->run, err, "%s/%s", s->logger_dir, s->experiment));
    memcpy(t->summary->run, t->run, sizeof t->run);
    lofi_flow_schedule_make(&t->schedule, LOFI_FLOW_SHIFT);
    LOFI_TRY(hold_run(t, err));
    LOFI_TRY(choose_checkpoint(t, err));
    LOFI_TRY(open_model(t, err));
    if (!s->dry_run) LOFI_TRY(lofi_folder_make(s->logger_dir, err));
    LOFI_TRY(open_examples(t, err));
    LOFI_TRY(make_record(t, err));
    LOFI_TRY(restore(t, err));
    t->summary->rows = lofi_examples_row_count(t->examples);
    t->summary->validation_tracks = lofi_examples_validation_count(t->examples);
    t->summary->left_out = lofi_examples_left_out(t->examples);
    t->summary->adapted_layers = t->state.adapter->layer_count;
    t->summary->adapter_parameters = t->state.adapter->value_count;
    t->summary->first_step = t->summary->last_step = t->state.step;
    return LOFI_OK;
}

/* ---- running ---- */

static void add_losses(lofi_step_losses *sum, const lofi_step_losses *one, double factor) {
    sum->total += one->total * factor;
    sum->denoising += one->denoising * factor;
    for (int i = 0; i < LOFI_ACE_STEP_MAX_PROJECTORS; i++) sum->alignment[i] += one->alignment[i] * factor;
}

/* The gradients of an update's visits, summed in order; *losses are their means. */
static lofi_code gather(trainer *t, lofi_step_losses *losses, lofi_error *err) {
    int64_t visits = t->settings->accumulate;
    *losses = (lofi_step_losses){0};
    for (int64_t i = 0; i < visits; i++) {
        lofi_step_losses one;
        if (lofi_interrupt_asked())
            return lofi_fail(err, LOFI_ERR_INTERRUPTED, "stopped before an update was complete");
        LOFI_TRY(visit(t, t->state.step * visits + i, &one, err));
        add_losses(losses, &one, 1.0 / (double)visits);
        LOFI_TRY(lofi_optimizer_take(t->optimizer, i, err));
    }
    return LOFI_OK;
}

static lofi_code update(trainer *t, lofi_error *err) {
    const lofi_train_settings *s = t->settings;
    int64_t start = lofi_now_ns();
    lofi_step_losses losses;
    double norm;
    LOFI_TRY(gather(t, &losses, err));
    LOFI_TRY(lofi_optimizer_norm(t->optimizer, &norm, err));
    norm /= (double)s->accumulate;
    if (!isfinite(losses.total) || !isfinite(norm)) {
        char what[96];
        snprintf(what, sizeof what, "loss %g, gradient norm %g", losses.total, norm);
        return diverged(t, t->state.step + 1, what, err);
    }
    lofi_adamw adamw = LOFI_ADAMW_INIT;
    adamw.learning_rate = lofi_learning_rate(s->learning_rate, t->state.step, s->warmup_steps, s->max_steps);
    double factor = lofi_clip_factor(norm, s->clip_norm) / (double)s->accumulate;
    LOFI_TRY(lofi_optimizer_update(t->optimizer, &adamw, t->state.step + 1, factor, err));
    int64_t epoch = t->state.step * s->accumulate / (int64_t)lofi_examples_row_count(t->examples);
    t->state.step++;
    lofi_step_metrics values = {.step = t->state.step,
                                .epoch = epoch,
                                .loss = losses.total,
                                .denoising_loss = losses.denoising,
                                .learning_rate = adamw.learning_rate,
                                .gradient_norm = norm,
                                .alignments = t->summary->aligned ? LOFI_SSL_KINDS : 0,
                                .seconds = (double)(lofi_now_ns() - start) * 1e-9};
    for (int k = 0; k < values.alignments; k++) values.alignment_loss[k] = losses.alignment[k];
    t->summary->seconds_per_step += values.seconds;
    return lofi_metrics_step(t->metrics, &values, err);
}

static lofi_code save(trainer *t, lofi_error *err) {
    char folder[LOFI_PATH_MAX];
    LOFI_TRY(lofi_optimizer_fetch(t->optimizer, err));
    LOFI_TRY(lofi_checkpoint_save(folder, t->run, &t->state, t->record, err));
    memcpy(t->summary->checkpoint, folder, sizeof folder);
    LOFI_TRY(lofi_metrics_picture(t->metrics, err));
    lofi_verbose(t->log, "saved '%s'", t->summary->checkpoint);
    return LOFI_OK;
}

static lofi_code run_steps(trainer *t, lofi_error *err) {
    const lofi_train_settings *s = t->settings;
    lofi_progress progress = lofi_progress_start(t->log, "training", "steps", s->max_steps - t->state.step);
    int64_t begin = t->state.step, saved = begin;
    lofi_code code = measure(t, err); /* the first time, or what a stop cut off */
    while (t->state.step < s->max_steps && code == LOFI_OK) {
        char detail[64];
        code = update(t, err);
        if (code != LOFI_OK) break;
        snprintf(detail, sizeof detail, "loss %.4f", lofi_metrics_recent_loss(t->metrics, SUMMARY_STEPS));
        lofi_progress_step(&progress, t->state.step - begin, detail);
        bool last = t->state.step == s->max_steps;
        code = measure(t, err);
        if (code == LOFI_OK && (last || t->state.step % s->save_every == 0)) code = save(t, err), saved = t->state.step;
    }
    lofi_progress_end(&progress);
    if (code != LOFI_ERR_INTERRUPTED) return code;
    if (saved != t->state.step) LOFI_TRY(save(t, err));
    lofi_fail(err, LOFI_ERR_INTERRUPTED, "stopped at step %lld of %lld; %s", (long long)t->state.step,
              (long long)s->max_steps, t->state.step ? "the state is saved" : "there is nothing to save yet");
    return lofi_hint(err, "go on with --resume");
}

static void summarize(trainer *t) {
    lofi_train_summary *summary = t->summary;
    const lofi_validation_metrics *first = lofi_metrics_first_validation(t->metrics),
                                  *last = lofi_metrics_last_validation(t->metrics);
    int64_t steps = t->state.step - summary->first_step;
    summary->last_step = t->state.step;
    summary->seconds_per_step = steps ? summary->seconds_per_step / (double)steps : 0;
    summary->first_loss = lofi_metrics_first_loss(t->metrics, SUMMARY_STEPS);
    summary->last_loss = lofi_metrics_recent_loss(t->metrics, SUMMARY_STEPS);
    summary->activation_bytes = lofi_session_get_stats(lofi_step_session(t->training)).buffer_bytes;
    if (!first) return;
    summary->validated = true;
    summary->validation_before = first->loss;
    summary->validation_after = last->loss;
    summary->validation_spread = fmax(first->spread, last->spread);
}

/* A run killed after its last checkpoint may lack the picture that belongs to it. */
static lofi_code nothing_to_do(trainer *t, lofi_error *err) {
    lofi_info(t->log, "nothing to do: step %lld of %lld is reached", (long long)t->state.step,
              (long long)t->settings->max_steps);
    return lofi_metrics_picture(t->metrics, err);
}

static lofi_code run(trainer *t, lofi_error *err) {
    LOFI_TRY(open_all(t, err));
    if (t->settings->dry_run) return LOFI_OK;
    LOFI_TRY(make_run(t, err));
    LOFI_TRY(lofi_metrics_open(&t->metrics, t->run, *t->from ? t->state.step : -1, err));
    lofi_code code = LOFI_OK;
    if (t->state.step < t->settings->max_steps)
        code = run_steps(t, err);
    else
        code = nothing_to_do(t, err);
    summarize(t);
    return code;
}

static void close_all(trainer *t) {
    lofi_metrics_close(t->metrics);
    lofi_lock_release(t->held);
    lofi_examples_close(t->examples);
    lofi_optimizer_free(t->optimizer);
    lofi_step_free(t->measuring);
    lofi_step_free(t->training);
    lofi_adapter_free(t->state.adapter);
    lofi_loaded_close(t->transformer);
    json_decref(t->record);
    lofi_free(t->state.first);
    lofi_free(t->state.second);
    lofi_free(t->order);
    lofi_free(t->noise);
    lofi_free(t->mask);
    lofi_free(t->text);
    lofi_free(t->text_mask);
    lofi_free(t->lyric_mask);
    lofi_free(t->lyric_ids);
    lofi_free(t->speaker);
}

lofi_code lofi_train(const lofi_train_settings *settings, lofi_train_summary *summary, lofi_log *log, lofi_error *err) {
    *summary = (lofi_train_summary){0};
    trainer t = {.settings = settings,
                 .summary = summary,
                 .log = log,
                 .threads = settings->threads > 0 ? settings->threads : lofi_threads_available()};
    lofi_code code = run(&t, err);
    close_all(&t);
    return code;
}
