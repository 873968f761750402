/* cmd_model_init.c - lofi model init: a new base model with random weights. */
#include "base/interrupt.h"
#include "base/threads.h"
#include "cli/command.h"
#include "models/checkpoint_init.h"

typedef struct init_options {
    const char *folder, *preset;
    int64_t seed, threads;
} init_options;

static const lofi_option options[] = {
    {.name = "DIR",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(init_options, folder),
     .required = true,
     .positional = true,
     .help = "Folder of the model: not there yet, or empty"},
    {.name = "preset",
     .kind = LOFI_OPTION_CHOICE,
     .offset = offsetof(init_options, preset),
     .value = "SIZE",
     .required = true,
     .choices = "tiny|small|full",
     .help = "tiny trains in seconds, small has about 100 million parameters, full has the sizes of ACE-Step v1 3.5B"},
    {.name = "seed",
     .kind = LOFI_OPTION_INT,
     .offset = offsetof(init_options, seed),
     .value = "N",
     .fallback = "0",
     .min = 0,
     .max = 9e15,
     .help = "Seed of the weights: the same seed gives the same files"},
    {.name = "threads",
     .kind = LOFI_OPTION_INT,
     .offset = offsetof(init_options, threads),
     .value = "N",
     .fallback = "0",
     .min = 0,
     .max = 1024,
     .help = "Threads of the arithmetic (0: all processors)"},
    {0},
};

static json_t *summary_json(const init_options *o, const lofi_checkpoint_summary *s, bool dry_run) {
    json_t *components = json_array();
    for (size_t i = 0; i < s->count; i++)
        json_array_append_new(components, json_pack("{s:s, s:I, s:I, s:I, s:s}", "name", s->parts[i].name, "tensors",
                                                    (json_int_t)s->parts[i].tensors, "parameters",
                                                    (json_int_t)s->parts[i].parameters, "bytes",
                                                    (json_int_t)s->parts[i].bytes, "dtype", s->parts[i].type));
    json_t *document = json_pack("{s:s, s:s, s:I, s:I, s:I, s:o}", "path", o->folder, "preset", o->preset, "seed",
                                 (json_int_t)o->seed, "parameters", (json_int_t)s->parameters, "bytes",
                                 (json_int_t)s->bytes, "components", components);
    if (dry_run) json_object_set_new(document, "dry_run", json_true());
    return document;
}

static void tell(lofi_context *context, const init_options *o, const lofi_checkpoint_summary *s) {
    for (size_t i = 0; i < s->count; i++)
        lofi_print(context, "%-22s %5zu tensors %14lld parameters %10.1f MB  %s", s->parts[i].name, s->parts[i].tensors,
                   (long long)s->parts[i].parameters, (double)s->parts[i].bytes / 1e6, s->parts[i].type);
    lofi_print(context, "%s '%s': %lld parameters, %.1f MB, seed %lld", context->dry_run ? "would write" : "written to",
               o->folder, (long long)s->parameters, (double)s->bytes / 1e6, (long long)o->seed);
}

static lofi_code run(lofi_context *context, const void *parsed, lofi_error *err) {
    const init_options *o = parsed;
    lofi_checkpoint_summary summary;
    lofi_checkpoint_init_settings settings = {
        .folder = o->folder, .preset = o->preset, .seed = (uint64_t)o->seed, .dry_run = context->dry_run};
    lofi_interrupt_install();
    lofi_threads_limit((int)o->threads);
    LOFI_TRY(lofi_checkpoint_init(&summary, &settings, context->log, err));
    tell(context, o, &summary);
    if (context->json) return lofi_print_json(context, summary_json(o, &summary, context->dry_run), err);
    return LOFI_OK;
}

const lofi_command lofi_command_model_init = {
    .name = "model init",
    .summary = "make a base model with random weights, for trying things out",
    .details =
        "Writes a checkpoint folder in the layout of the released ACE-Step v1: ace_step_transformer, umt5-base (with a "
        "small "
        "tokenizer), music_dcae_f8c8, music_vocoder, and a small lyric vocabulary. Its networks know nothing, but "
        "everything that works with the released model works with it: training, merging, export.\n\n"
        "The folder is written whole or not at all; one that holds something is refused.\n\n"
        "Example: lofi model init --preset tiny --seed 1 base-model",
    .options = options,
    .settings_bytes = sizeof(init_options),
    .run = run,
};
