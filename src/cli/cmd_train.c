/* cmd_train.c - lofi train: an adapter from a dataset and a base model. */
#include <string.h>

#include "base/interrupt.h"
#include "base/threads.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/device_option.h"
#include "train/trainer.h"
#include "train/upstream.h"

typedef struct train_options {
    const char *dataset, *exp_name, *config, *checkpoint_dir, *logger_dir, *cache_dir, *ckpt_path, *lyric_vocab;
    const char *precision, *engine, *device, *checkpointing, *dropout;
    int64_t max_steps, resume_from, save_every, plot_every, warmup_steps, seed, rank, accumulate, threads, draws;
    double learning_rate, clip, alpha, ssl_coefficient;
    bool resume;
} train_options;

static const lofi_option options[] = {
    {"dataset", LOFI_OPTION_PATH, offsetof(train_options, dataset), "DIR", NULL, true,
     .help = "dataset folder, as 'lofi dataset' writes it"},
    {"exp-name", LOFI_OPTION_TEXT, offsetof(train_options, exp_name), "NAME", NULL, true,
     .help = "name of the run; its folder is LOGGER-DIR/NAME"},
    {"config", LOFI_OPTION_PATH, offsetof(train_options, config), "FILE", NULL,
     .help = "adapter configuration with PEFT's keys (r, lora_alpha, use_rslora, target_modules); without it the "
             "installed lofi_lora_config.json"},
    {"checkpoint-dir", LOFI_OPTION_PATH, offsetof(train_options, checkpoint_dir), "DIR",
     "~/.cache/ace-step/checkpoints", .help = "the base model: a checkpoint folder or a hub cache"},
    {"max-steps", LOFI_OPTION_INT, offsetof(train_options, max_steps), "N", "100000", .min = 1, .max = 1e12,
     .help = "updates to make; the learning rate falls to 0 there"},
    {"resume", LOFI_OPTION_FLAG, offsetof(train_options, resume), NULL, NULL,
     .help = "go on from the newest valid checkpoint of the run"},
    {"resume-from", LOFI_OPTION_INT, offsetof(train_options, resume_from), "STEP", "-1", .min = -1, .max = 1e12,
     .help = "go on from the checkpoint of that step (-1: from none)"},
    {"ckpt-path", LOFI_OPTION_PATH, offsetof(train_options, ckpt_path), "DIR", NULL,
     .help = "go on from that checkpoint folder, also of another run"},
    {"learning-rate", LOFI_OPTION_NUMBER, offsetof(train_options, learning_rate), "F", "1e-4", .min = 1e-12, .max = 10,
     .help = "peak learning rate of AdamW"},
    {"gradient-clip-val", LOFI_OPTION_NUMBER, offsetof(train_options, clip), "F", "0.5", .min = 0, .max = 1e9,
     .help = "largest norm of the gradient; 0 clips nothing"},
    {"precision", LOFI_OPTION_CHOICE, offsetof(train_options, precision), "P", "fp32", .choices = "bf16|fp32",
     .help = "fp32 takes the frozen weights as the files hold them; bf16 rounds them, and on a GPU the operands of "
             "products, too; the arithmetic on the CPU is fp32"},
    {"every-n-train-steps", LOFI_OPTION_INT, offsetof(train_options, save_every), "N", "2000", .min = 1, .max = 1e12,
     .help = "steps between checkpoints"},
    {"every-plot-step", LOFI_OPTION_INT, offsetof(train_options, plot_every), "N", "2000", .min = 1, .max = 1e12,
     .help = "steps between measurements on the held-out tracks"},
    {"logger-dir", LOFI_OPTION_PATH, offsetof(train_options, logger_dir), "DIR", "$LOFI_CHECKPOINT_DIR",
     .help = "folder of all runs"},
    {"cache-dir", LOFI_OPTION_PATH, offsetof(train_options, cache_dir), "DIR", "~/.cache/lofi",
     .help = "latents and text states that do not change between visits"},
    {"lyric-vocab", LOFI_OPTION_PATH, offsetof(train_options, lyric_vocab), "FILE", NULL,
     .help = "vocabulary of the lyric tokenizer; without it lyric_vocab.json of the model, then ACE_STEP_DIR"},
    {"lora-rank", LOFI_OPTION_INT, offsetof(train_options, rank), "N", "0", .min = 0, .max = 4096,
     .help = "rank of the adapter (0: as the configuration says)"},
    {"lora-alpha", LOFI_OPTION_NUMBER, offsetof(train_options, alpha), "F", "0", .min = 0, .max = 1e6,
     .help = "alpha of the adapter (0: as the configuration says)"},
    {"accumulate", LOFI_OPTION_INT, offsetof(train_options, accumulate), "N", "1", .min = 1, .max = 65536,
     .help = "songs per update"},
    {"warmup-steps", LOFI_OPTION_INT, offsetof(train_options, warmup_steps), "N", "10", .min = 0, .max = 1e9,
     .help = "updates over which the learning rate rises from 0"},
    {"model-seed", LOFI_OPTION_INT, offsetof(train_options, seed), "N", "42", .min = 0, .max = 9e15,
     .help = "seed of everything random: first weights, order, noise, dropout"},
    {"gradient-checkpointing", LOFI_OPTION_CHOICE, offsetof(train_options, checkpointing), "on|off", "on",
     .choices = "on|off",
     .help = "recompute inside blocks instead of keeping their activations: less memory, more time, the same numbers"},
    {"lyric-encoder-dropout", LOFI_OPTION_CHOICE, offsetof(train_options, dropout), "on|off", "on", .choices = "on|off",
     .help = "dropout of 0.1 inside the lyric encoder, as the original trains"},
    {"ssl-coefficient", LOFI_OPTION_NUMBER, offsetof(train_options, ssl_coefficient), "F", "1", .min = 0, .max = 1e3,
     .help =
         "weight of the self-supervised alignment, where MERT and mHuBERT lie beside the base model; 0: without it"},
    {"validation-draws", LOFI_OPTION_INT, offsetof(train_options, draws), "N", "8", .min = 0, .max = 1000,
     .help = "noise levels per held-out track and measurement; 0 measures nothing"},
    {"engine", LOFI_OPTION_CHOICE, offsetof(train_options, engine), "E", "native", .choices = "native|ace-step",
     .help = "who trains: this program, or the upstream trainer in ACE_STEP_DIR (needs its Python)"},
    {"device", LOFI_OPTION_TEXT, offsetof(train_options, device), "D", "cpu", .help = LOFI_DEVICE_HELP},
    {"threads", LOFI_OPTION_INT, offsetof(train_options, threads), "N", "0", .min = 0, .max = 1024,
     .help = "threads of the arithmetic (0: all processors)"},
    {0},
};

/* ---- settings ---- */

static lofi_code adapter_config(lofi_lora_config *config, lofi_context *context, const train_options *o,
                                lofi_error *err) {
    const char *path = o->config;
    if (!path) LOFI_TRY(lofi_data_file(&path, context, "lofi_lora_config.json", err));
    LOFI_TRY(lofi_lora_config_load(config, path, err));
    if (o->rank > 0) config->rank = o->rank;
    if (o->alpha > 0) config->alpha = o->alpha;
    return LOFI_OK;
}

static lofi_code check(const train_options *o, lofi_error *err) {
    if (strchr(o->exp_name, '/') || !*o->exp_name || o->exp_name[0] == '.' ||
        !lofi_utf8_valid(o->exp_name, strlen(o->exp_name))) {
        lofi_fail(err, LOFI_ERR_USAGE, "'%s' is not a name for a run", o->exp_name);
        return lofi_hint(err, "--exp-name names one folder below --logger-dir");
    }
    if (o->resume + (o->resume_from >= 0) + (o->ckpt_path != NULL) > 1)
        return lofi_fail(err, LOFI_ERR_USAGE, "only one of --resume, --resume-from and --ckpt-path can be given");
    return LOFI_OK;
}

/* An option that would be ignored is refused. */
static lofi_code check_upstream(const lofi_context *context, lofi_error *err) {
    static const char *const native[] = {
        "resume",          "resume-from",      "accumulate", "warmup-steps",           "model-seed",
        "lyric-vocab",     "validation-draws", "cache-dir",  "gradient-checkpointing", "lyric-encoder-dropout",
        "ssl-coefficient", "threads",          "device"};
    for (size_t i = 0; i < sizeof native / sizeof *native; i++) {
        if (!lofi_option_given(context, native[i])) continue;
        lofi_fail(err, LOFI_ERR_UNSUPPORTED, "the original trainer has no --%s", native[i]);
        return lofi_hint(err, "leave it out, or use --engine native; the original goes on from one of its own "
                              "checkpoints with --ckpt-path");
    }
    return LOFI_OK;
}

static lofi_train_settings settings_of(const train_options *o, const lofi_lora_config *lora, bool dry_run) {
    return (lofi_train_settings){.dataset = o->dataset,
                                 .experiment = o->exp_name,
                                 .logger_dir = o->logger_dir,
                                 .checkpoint_dir = o->checkpoint_dir,
                                 .cache_dir = o->cache_dir,
                                 .lyric_vocab = o->lyric_vocab,
                                 .lora = *lora,
                                 .max_steps = o->max_steps,
                                 .save_every = o->save_every,
                                 .plot_every = o->plot_every,
                                 .accumulate = o->accumulate,
                                 .warmup_steps = o->warmup_steps,
                                 .learning_rate = o->learning_rate,
                                 .clip_norm = o->clip,
                                 .ssl_coefficient = o->ssl_coefficient,
                                 .seed = (uint64_t)o->seed,
                                 .resume = o->resume,
                                 .resume_from = o->resume_from,
                                 .resume_path = o->ckpt_path,
                                 .checkpointing = strcmp(o->checkpointing, "on") == 0,
                                 .dropout = strcmp(o->dropout, "on") == 0,
                                 .bf16 = strcmp(o->precision, "bf16") == 0,
                                 .validation_draws = (int)o->draws,
                                 .threads = (int)o->threads,
                                 .dry_run = dry_run};
}

/* ---- what is told ---- */

static json_t *summary_json(const lofi_train_summary *s) {
    json_t *document = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:I}", "run", s->run,
                                 "first_step", (json_int_t)s->first_step, "last_step", (json_int_t)s->last_step, "rows",
                                 (json_int_t)s->rows, "validation_tracks", (json_int_t)s->validation_tracks, "left_out",
                                 (json_int_t)s->left_out, "adapted_layers", (json_int_t)s->adapted_layers,
                                 "adapter_parameters", (json_int_t)s->adapter_parameters, "first_loss", s->first_loss,
                                 "last_loss", s->last_loss, "seconds_per_step", s->seconds_per_step, "activation_bytes",
                                 (json_int_t)s->activation_bytes);
    if (document && *s->checkpoint) json_object_set_new(document, "checkpoint", json_string(s->checkpoint));
    if (document) json_object_set_new(document, "aligned", json_boolean(s->aligned));
    if (document && s->validated)
        json_object_set_new(document, "held_out_loss",
                            json_pack("{s:f, s:f, s:f}", "before", s->validation_before, "after", s->validation_after,
                                      "spread", s->validation_spread));
    return document;
}

static void tell(lofi_context *context, const lofi_train_summary *s) {
    lofi_print(context, "adapter       %zu layers, %zu parameters", s->adapted_layers, s->adapter_parameters);
    if (s->aligned) lofi_print(context, "alignment     with MERT and mHuBERT");
    lofi_print(context, "steps         %lld to %lld, %.3f s each", (long long)s->first_step, (long long)s->last_step,
               s->seconds_per_step);
    lofi_print(context, "loss          %.4f at the beginning, %.4f at the end (means of 20 steps)", s->first_loss,
               s->last_loss);
    if (s->validated)
        lofi_print(context, "held-out loss %.5f before, %.5f after (spread over noise seeds %.5f)",
                   s->validation_before, s->validation_after, s->validation_spread);
    if (*s->checkpoint) lofi_print(context, "checkpoint    %s", s->checkpoint);
    lofi_print(context, "picture       %s/loss.svg", s->run);
}

static lofi_code train(lofi_context *context, const lofi_train_settings *settings, lofi_error *err) {
    lofi_train_summary summary;
    lofi_interrupt_install();
    lofi_threads_limit(settings->threads);
    LOFI_TRY(lofi_train(settings, &summary, context->log, err));
    if (context->json) return lofi_print_json(context, summary_json(&summary), err);
    if (context->dry_run)
        lofi_print(context, "%zu rows, %zu held-out tracks, %zu adapted layers: ready to train", summary.rows,
                   summary.validation_tracks, summary.adapted_layers);
    else
        tell(context, &summary);
    return LOFI_OK;
}

static lofi_code run(lofi_context *context, const void *parsed, lofi_error *err) {
    const train_options *o = parsed;
    lofi_lora_config lora;
    lofi_device *device;
    LOFI_TRY(check(o, err));
    LOFI_TRY(adapter_config(&lora, context, o, err));
    lofi_train_settings settings = settings_of(o, &lora, context->dry_run);
    LOFI_TRY(lofi_environment_path(&settings.ace_step_dir, context, "ACE_STEP_DIR", err));
    if (strcmp(o->engine, "ace-step") == 0) {
        LOFI_TRY(check_upstream(context, err));
        LOFI_TRY(lofi_train_upstream(&settings, context->log, err));
        return context->json ? lofi_print_json(context, json_pack("{s:s}", "engine", "ace-step"), err) : LOFI_OK;
    }
    LOFI_TRY(lofi_use_device(&device, o->device, settings.bf16, context->log, err));
    lofi_code code = train(context, &settings, err);
    lofi_device_close(device);
    return code;
}

const lofi_command lofi_command_train = {
    .name = "train",
    .alias = "run_training",
    .summary = "train a LoRA adapter on a dataset",
    .details =
        "Trains low-rank adapters beside the attention layers of the ACE-Step transformer, as the original trainer "
        "does: flow\n"
        "matching, condition dropout, AdamW, linear warm-up and decay. Latents of the songs are computed once and "
        "kept.\n"
        "\n"
        "Written to LOGGER-DIR/NAME: metrics.jsonl (one object per step), loss.svg, and "
        "checkpoints/epoch=0-step=N_lora/ with\n"
        "the adapter for ACE-Step, diffusers and ComfyUI (pytorch_lora_weights.safetensors) and for PEFT\n"
        "(adapter_config.json, adapter_model.safetensors); use either at strength 1. Checkpoints are written whole or "
        "not at\n"
        "all. Ctrl-C saves and exits with 130; after that, a crash or a kill, --resume goes on to the same result.\n"
        "\n"
        "Example: lofi train --dataset data/dataset --exp-name my-sound --lora-rank 64 --max-steps 4000\n",
    .options = options,
    .settings_bytes = sizeof(train_options),
    .run = run,
    .computes = true,
};
