/* cmd_dataset_verify.c - lofi dataset verify: is a dataset what it says, and is its audio there? */
#include "base/json.h"
#include "cli/command.h"
#include "store/dataset_splits.h"

typedef struct verify_settings {
    const char *folder, *metadata_dir;
} verify_settings;

static void tell(const lofi_context *context, const json_t *faults) {
    for (size_t i = 0; i < json_array_size(faults); i++) {
        const json_t *fault = json_array_get(faults, i);
        const char *track_id = json_string_value(json_object_get(fault, "track_id"));
        lofi_print(context, "  %s%s%s: %s", json_string_value(json_object_get(fault, "split")), track_id[0] ? ", " : "",
                   track_id, json_string_value(json_object_get(fault, "message")));
    }
    lofi_print(context, json_array_size(faults) ? "%zu faults" : "valid", json_array_size(faults));
}

static lofi_code verify(lofi_context *context, const verify_settings *given, lofi_dataset_splits *splits,
                        lofi_ledger **ledger, json_t *faults, lofi_error *err) {
    if (given->metadata_dir) LOFI_TRY(lofi_ledger_open(ledger, given->metadata_dir, false, context->log, err));
    LOFI_TRY(lofi_dataset_splits_open(splits, given->folder, err));
    LOFI_TRY(lofi_dataset_verify(faults, splits, *ledger, context->log, err));
    tell(context, faults);
    if (json_array_size(faults)) context->exit_status = 3;
    if (!context->json) return LOFI_OK;
    return lofi_print_json(context,
                           json_pack("{s:b, s:s, s:O}", "valid", json_array_size(faults) == 0, "dataset_hash",
                                     lofi_hf_dataset_hash(splits->splits[0]), "faults", faults),
                           err);
}

static lofi_code run(lofi_context *context, const void *settings, lofi_error *err) {
    lofi_dataset_splits splits = {0};
    lofi_ledger *ledger = NULL;
    json_t *faults = json_array();
    lofi_code code = verify(context, settings, &splits, &ledger, faults, err);
    json_decref(faults);
    lofi_ledger_free(ledger);
    lofi_dataset_splits_close(&splits);
    return code;
}

static const lofi_option options[] = {
    {.name = "DATASET",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(verify_settings, folder),
     .positional = true,
     .required = true,
     .help = "folder of a dataset, of this or another program"},
    {.name = "metadata-dir",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(verify_settings, metadata_dir),
     .value = "DIR",
     .help = "metadata folder whose audio.jsonl knows the songs: files that it knows are not read again"},
    {0}};

const lofi_command lofi_command_dataset_verify = {
    .name = "dataset verify",
    .summary = "check a dataset and the audio that it names",
    .details = "Every data file is read whole, every audio file must be there and be sound; no track, and no two "
               "copies of one "
               "file, may be in two splits; the rows must be the repeated sequence; and the hash must follow from "
               "audio, prompts, "
               "lyrics and styles as they are now. The exit status is 3 when something is wrong.",
    .options = options,
    .settings_bytes = sizeof(verify_settings),
    .run = run,
    .exit_for = lofi_exit_for_input,
};
