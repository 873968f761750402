/* cmd_merge.c - base model and adapters become one model. */
#include "base/interrupt.h"
#include "base/json.h"
#include "cli/adapter_argument.h"
#include "cli/command.h"
#include "lora/merge.h"

typedef struct merge_options {
    const char *base, *output;
    lofi_list adapters;
    int64_t threads;
    bool verify;
} merge_options;

static const lofi_option options[] = {
    {.name = "base-model",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(merge_options, base),
     .value = "DIR",
     .required = true,
     .help = "Folder of the base model, or a hub cache"},
    {.name = "lora-checkpoint",
     .kind = LOFI_OPTION_LIST,
     .offset = offsetof(merge_options, adapters),
     .value = "PATH[:WEIGHT]",
     .required = true,
     .help = "Adapter folder or file, at WEIGHT times its own effect (1); repeatable: effects add up"},
    {.name = "output-dir",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(merge_options, output),
     .value = "DIR",
     .required = true,
     .help = "Folder of the merged model"},
    {.name = "verify",
     .kind = LOFI_OPTION_FLAG,
     .offset = offsetof(merge_options, verify),
     .help = "Compare one step of the merged model with base and adapters side by side"},
    {.name = "threads",
     .kind = LOFI_OPTION_INT,
     .offset = offsetof(merge_options, threads),
     .value = "N",
     .fallback = "0",
     .min = 0,
     .max = 1024,
     .help = "Threads of the arithmetic (0: all processors)"},
    {0},
};

static lofi_code read_settings(lofi_merge_settings *s, lofi_context *context, const merge_options *o, lofi_error *err) {
    const lofi_adapter_choice *adapters;
    LOFI_TRY(lofi_adapter_arguments(&adapters, context, "lora-checkpoint", &o->adapters, err));
    *s = (lofi_merge_settings){.base = o->base,
                               .output = o->output,
                               .adapters = adapters,
                               .adapter_count = o->adapters.count,
                               .threads = (int)o->threads,
                               .log = context->log};
    return LOFI_OK;
}

static json_t *document(const lofi_merge_settings *s, const lofi_merge_result *r, const lofi_merge_check *check) {
    json_t *adapters = json_array();
    for (size_t i = 0; i < s->adapter_count; i++)
        json_array_append_new(
            adapters, json_pack("{s:s, s:f}", "path", s->adapters[i].path, "weight", (double)s->adapters[i].strength));
    json_t *all = json_pack("{s:s, s:s, s:o, s:I, s:I, s:I}", "output_path", s->output, "base_sha256", r->base_hash,
                            "adapters", adapters, "merged_tensors", (json_int_t)r->merged, "copied_tensors",
                            (json_int_t)r->copied, "bytes", (json_int_t)r->bytes);
    if (check)
        json_object_set_new(all, "verified",
                            json_pack("{s:o, s:o, s:f, s:b}", "relative_error", lofi_json_finite(check->relative_error),
                                      "effect", lofi_json_finite(check->effect), "limit", check->limit, "passed",
                                      check->relative_error <= check->limit));
    return all;
}

static lofi_code verify(lofi_context *context, lofi_merge_check *check, const lofi_merge_settings *s, lofi_error *err) {
    LOFI_TRY(lofi_merge_verify(check, s, err));
    lofi_print(context,
               "verified  the merged model differs from base and adapters by %.2e (limit %.1e); the adapters move the "
               "output by %.2e",
               check->relative_error, check->limit, check->effect);
    return LOFI_OK;
}

static lofi_code plan(lofi_context *context, const lofi_merge_settings *s, lofi_error *err) {
    lofi_checkpoint_folder folder;
    if (lofi_checkpoint_folder_resolve(&folder, s->base, err) != LOFI_OK) {
        context->exit_status = 1;
        return err->code;
    }
    lofi_print(context, "would merge %zu adapter%s into '%s' and write '%s'", s->adapter_count,
               s->adapter_count == 1 ? "" : "s", folder.root, s->output);
    if (!context->json) return LOFI_OK;
    return lofi_print_json(
        context, json_pack("{s:b, s:s, s:s}", "dry_run", 1, "base_model", folder.root, "output_path", s->output), err);
}

static lofi_code run(lofi_context *context, const void *parsed, lofi_error *err) {
    const merge_options *o = parsed;
    lofi_merge_settings settings;
    lofi_merge_result result;
    lofi_merge_blame blame;
    lofi_merge_check check;
    LOFI_TRY(read_settings(&settings, context, o, err));
    lofi_interrupt_install();
    if (context->dry_run) return plan(context, &settings, err);
    if (lofi_merge_run(&result, &blame, &settings, err) != LOFI_OK) {
        context->exit_status = (int)blame;
        return err->code;
    }
    lofi_print(context, "merged    %zu tensors with adapters, %zu copied: '%s'", result.merged, result.copied,
               settings.output);
    if (o->verify) {
        context->exit_status = 0;
        LOFI_TRY(verify(context, &check, &settings, err));
    }
    if (context->json) LOFI_TRY(lofi_print_json(context, document(&settings, &result, o->verify ? &check : NULL), err));
    if (!o->verify || check.relative_error <= check.limit) return LOFI_OK;
    lofi_fail(err, LOFI_ERR_LIMIT, "the merged model differs from base and adapters by %.2e, more than %.1e",
              check.relative_error, check.limit);
    return lofi_hint(err, "do not use the model in '%s'", settings.output);
}

/* The contract: 1 no base model, 2 an adapter that does not fit (both set by run), 3 merging failed; a flag that makes no
 * sense is 2, as everywhere. */
static int exit_for(lofi_code code) {
    return code == LOFI_ERR_INTERRUPTED ? 130 : code == LOFI_ERR_USAGE ? 2 : 3;
}

const lofi_command lofi_command_merge = {
    .name = "merge",
    .alias = "merge_lora",
    .summary = "make one model of a base model and adapters",
    .details =
        "Writes a model folder in which every layer that an adapter has is W + weight * scale * B A, rounded to the "
        "type in which the base has it. All other tensors are the same bytes. The other networks of the base are "
        "hard links where the file system can, else copies, so the folder stands for itself. What was merged is "
        "in the metadata of the weights.\n\n"
        "Adapters of ACE-Step, diffusers, PEFT and ComfyUI are read, with the scale that their files say.\n\n"
        "The exit status is 1 when there is no base model or it cannot be read, 2 when an adapter does not fit or is "
        "damaged, 3 when merging or the verification failed.\n\n"
        "Example: lofi merge --base-model ~/.cache/ace-step/checkpoints --lora-checkpoint "
        "exps/logs/my-sound/checkpoints/epoch=0-step=4000_lora:0.8 --output-dir merged --verify",
    .options = options,
    .settings_bytes = sizeof(merge_options),
    .run = run,
    .exit_for = exit_for,
    .computes = true,
};
