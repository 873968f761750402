/* cmd_export.c - the folder that the player runs: ONNX models of a base or merged model, proven in ONNX Runtime. */

#include "base/interrupt.h"
#include "base/json.h"
#include "cli/adapter_argument.h"
#include "cli/command.h"
#include "export/bundle.h"
#include "lora/merge.h"
#include "store/checkpoint_folder.h"

typedef struct export_options {
    const char *model, *output, *precision, *onnxruntime;
    lofi_list lora;
    int64_t opset, threads;
    bool verify;
} export_options;

static const lofi_option options[] = {
    {.name = "model",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(export_options, model),
     .value = "DIR",
     .required = true,
     .help = "Folder of a base model or a merged one, or a hub cache"},
    {.name = "lora",
     .kind = LOFI_OPTION_LIST,
     .offset = offsetof(export_options, lora),
     .value = "PATH[:WEIGHT]",
     .help = "Merge this adapter into the model first, at WEIGHT times its own effect (1); repeatable"},
    {.name = "output",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(export_options, output),
     .value = "DIR",
     .required = true,
     .help = "Folder of the bundle; made when it is not there"},
    {.name = "precision",
     .kind = LOFI_OPTION_CHOICE,
     .offset = offsetof(export_options, precision),
     .value = "P",
     .fallback = "fp16",
     .choices = "fp32|fp16",
     .help = "How weights are stored, and what is computed in half precision"},
    {.name = "opset",
     .kind = LOFI_OPTION_INT,
     .offset = offsetof(export_options, opset),
     .value = "N",
     .fallback = "17",
     .min = LOFI_ONNX_MIN_OPSET,
     .max = LOFI_ONNX_MAX_OPSET,
     .help = "Version of the ONNX operators"},
    {.name = "verify",
     .kind = LOFI_OPTION_FLAG,
     .offset = offsetof(export_options, verify),
     .help = "Run every model in ONNX Runtime and compare it with this program"},
    {.name = "onnxruntime",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(export_options, onnxruntime),
     .value = "LIBRARY",
     .help = "The libonnxruntime.so to verify with (default: LOFI_ONNXRUNTIME, or the first that is found)"},
    {.name = "threads",
     .kind = LOFI_OPTION_INT,
     .offset = offsetof(export_options, threads),
     .value = "N",
     .fallback = "0",
     .min = 0,
     .max = 1024,
     .help = "Threads of the verification (0: all processors)"},
    {0},
};

/* ---- what is told ---- */

static void print_checks(const lofi_context *context, const lofi_bundle_check *checks, size_t count) {
    lofi_print(context, "%-24s  %-22s  %6s  %10s  %10s  %8s  %s", "file", "output", "length", "rel. error", "largest",
               "limit", "verdict");
    for (size_t i = 0; i < count; i++)
        lofi_print(context, "%-24s  %-22s  %6lld  %10.2e  %10.2e  %8.0e  %s", checks[i].file, checks[i].output,
                   (long long)checks[i].length, checks[i].relative_error, checks[i].largest, checks[i].limit,
                   checks[i].passed ? "ok" : "FAILED");
}

static json_t *document(const export_options *o, const lofi_bundle_result *result, const lofi_bundle_check *checks,
                        size_t count, const lofi_onnx_runtime *runtime) {
    json_t *files = json_array(), *verified = json_array();
    for (size_t i = 0; i < result->file_count; i++)
        json_array_append_new(files, json_pack("{s:s, s:I, s:b}", "name", result->files[i].name, "bytes",
                                               (json_int_t)result->files[i].bytes, "kept", result->files[i].kept));
    for (size_t i = 0; i < count; i++)
        json_array_append_new(verified, json_pack("{s:s, s:s, s:I, s:o, s:o, s:f, s:b}", "file", checks[i].file,
                                                  "output", checks[i].output, "length", (json_int_t)checks[i].length,
                                                  "relative_error", lofi_json_finite(checks[i].relative_error),
                                                  "max_abs_error", lofi_json_finite(checks[i].largest), "limit",
                                                  checks[i].limit, "passed", checks[i].passed));
    json_t *all = json_pack("{s:s, s:s, s:I, s:o}", "output_path", o->output, "precision", o->precision, "opset",
                            (json_int_t)o->opset, "files", files);
    json_object_set_new(all, "verified", verified);
    if (runtime) json_object_set_new(all, "onnxruntime", json_string(lofi_onnx_runtime_version(runtime)));
    return all;
}

/* ---- the command ---- */

static lofi_code plan(lofi_context *context, const export_options *o, lofi_error *err) {
    lofi_checkpoint_folder folder;
    if (lofi_checkpoint_folder_resolve(&folder, o->model, err) != LOFI_OK) {
        context->exit_status = 1;
        return err->code;
    }
    lofi_print(context, "would write a bundle in %s of '%s' to '%s'", o->precision, folder.root, o->output);
    if (!context->json) return LOFI_OK;
    return lofi_print_json(context,
                           json_pack("{s:b, s:s, s:s, s:s}", "dry_run", 1, "model", folder.root, "output_path",
                                     o->output, "precision", o->precision),
                           err);
}

static lofi_code verify(lofi_context *context, const export_options *o, const lofi_bundle_settings *settings,
                        const lofi_bundle_result *result, lofi_onnx_runtime *runtime, lofi_error *err) {
    lofi_bundle_check checks[LOFI_BUNDLE_MAX_CHECKS];
    size_t count = 0, failed = 0;
    LOFI_TRY(lofi_bundle_verify(checks, &count, runtime, settings, (int)o->threads, err));
    print_checks(context, checks, count);
    for (size_t i = 0; i < count; i++) failed += !checks[i].passed;
    if (context->json) LOFI_TRY(lofi_print_json(context, document(o, result, checks, count, runtime), err));
    if (failed == 0) {
        lofi_print(context, "ONNX Runtime %s computes what this program computes", lofi_onnx_runtime_version(runtime));
        return LOFI_OK;
    }
    lofi_fail(err, LOFI_ERR_LIMIT, "%zu of %zu outputs differ from this program by more than %g", failed, count,
              lofi_bundle_limit(settings->onnx.precision));
    return lofi_hint(err, "do not use the bundle in '%s'", o->output);
}

static lofi_code write_and_verify(lofi_context *context, const export_options *o, const char *model,
                                  lofi_onnx_runtime *runtime, lofi_error *err) {
    bool half = o->precision[2] == '1', model_failed = false;
    lofi_bundle_settings settings = {.model = model, .output = o->output, .log = context->log};
    settings.onnx = (lofi_onnx_settings){(int)o->opset, half ? LOFI_ONNX_FP16 : LOFI_ONNX_FP32};
    lofi_bundle_result result;
    lofi_code code = lofi_bundle_write(&result, &model_failed, &settings, err);
    if (model_failed) context->exit_status = 1;
    if (code != LOFI_OK) return code;
    lofi_print(context, "a bundle in %s is in '%s'", o->precision, o->output);
    if (runtime) return verify(context, o, &settings, &result, runtime, err);
    return context->json ? lofi_print_json(context, document(o, &result, NULL, 0, NULL), err) : LOFI_OK;
}

/* With adapters: a merged model beside the files of the bundle, for as long as it is needed. */
static lofi_code merge_and_write(lofi_context *context, const export_options *o, lofi_onnx_runtime *runtime,
                                 lofi_error *err) {
    char merged[LOFI_PATH_MAX];
    const lofi_adapter_choice *adapters;
    lofi_merge_result result;
    lofi_merge_blame blame;
    LOFI_TRY(lofi_adapter_arguments(&adapters, context, "lora", &o->lora, err));
    LOFI_TRY(lofi_path_format(merged, err, "%s/.merged", o->output));
    LOFI_TRY(lofi_folder_make(o->output, err));
    LOFI_TRY(lofi_path_remove(merged, err));
    lofi_merge_settings settings = {.base = o->model,
                                    .output = merged,
                                    .adapters = adapters,
                                    .adapter_count = o->lora.count,
                                    .threads = (int)o->threads,
                                    .log = context->log};
    lofi_code code = lofi_merge_run(&result, &blame, &settings, err);
    if (code != LOFI_OK && blame != LOFI_MERGE_ITSELF) context->exit_status = 1;
    if (code == LOFI_OK) code = write_and_verify(context, o, merged, runtime, err);
    lofi_error ignored;
    lofi_code removed = lofi_path_remove(merged, code == LOFI_OK ? err : &ignored);
    return code == LOFI_OK ? removed : code;
}

static lofi_code run(lofi_context *context, const void *parsed, lofi_error *err) {
    const export_options *o = parsed;
    lofi_onnx_runtime *runtime = NULL;
    lofi_interrupt_install();
    if (context->dry_run) return plan(context, o, err);
    /* looked for first: an hour of writing should not end with the news that there is nothing to verify with */
    if (o->verify) LOFI_TRY(lofi_onnx_runtime_open(&runtime, o->onnxruntime, err));
    lofi_code code = o->lora.count > 0 ? merge_and_write(context, o, runtime, err)
                                       : write_and_verify(context, o, o->model, runtime, err);
    lofi_onnx_runtime_close(runtime);
    return code;
}

/* The contract: 1 the model cannot be loaded (set by run), 2 writing failed, 3 it does not verify. */
static int exit_for(lofi_code code) {
    return code == LOFI_ERR_LIMIT ? 3 : code == LOFI_ERR_INTERRUPTED ? 130 : 2;
}

const lofi_command lofi_command_export = {
    .name = "export",
    .alias = "export_onnx",
    .summary = "write the ONNX bundle that the player runs",
    .details =
        "Writes text_encoder.onnx, transformer_encoder.onnx, transformer_decoder.onnx with its weights beside it, "
        "dcae_decoder.onnx, vocoder.onnx and tokenizer.json. Each file appears whole or not at all; started again, "
        "what is "
        "there already and was made of the same is kept (export.json says what that is).\n\n"
        "fp16 halves the bundle; products of matrices are computed in half precision in a way that cannot overflow, "
        "everything else in f32.\n\n"
        "--verify runs every model in ONNX Runtime at two lengths and compares it with this program: the relative "
        "error "
        "must stay within 1e-4 (fp32) or 5e-3 (fp16).\n\n"
        "The exit status is 1 when the model cannot be loaded, 2 when the export failed, 3 when the verification "
        "did.\n\n"
        "Example: lofi export --model merged --output bundle --precision fp16 --verify",
    .options = options,
    .settings_bytes = sizeof(export_options),
    .run = run,
    .exit_for = exit_for,
    .computes = true,
};
