/* cmd_model_check.c - lofi model check: is a base model whole? */
#include "base/interrupt.h"
#include "cli/command.h"
#include "models/checkpoint_check.h"

#define FAULTS_IN_MESSAGE 6

typedef struct check_options {
    const char *folder;
    bool hash;
} check_options;

static const lofi_option options[] = {
    {.name = "DIR",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(check_options, folder),
     .required = true,
     .positional = true,
     .help = "Folder of the model, or a hub cache"},
    {.name = "hash",
     .kind = LOFI_OPTION_FLAG,
     .offset = offsetof(check_options, hash),
     .help = "Also read all files and say whether they are those of the released ACE-Step v1 3.5B"},
    {0},
};

/* ---- what is told ---- */

static json_t *findings_json(const lofi_findings *findings, bool harmful) {
    json_t *list = json_array();
    for (size_t i = 0; i < findings->count; i++)
        if (findings->items[i].harmful == harmful)
            json_array_append_new(list, json_pack("{s:s, s:s}", "component", findings->items[i].component, "message",
                                                  findings->items[i].text));
    return list;
}

static bool all_released(const lofi_file_identity *files) {
    for (int i = 0; i < LOFI_RELEASED_FILES; i++)
        if (!files[i].released) return false;
    return true;
}

static json_t *files_json(const lofi_file_identity *files) {
    json_t *list = json_array();
    for (int i = 0; i < LOFI_RELEASED_FILES; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:b}", "component", files[i].component, "file",
                                              files[i].file, "sha256", files[i].hex, "released", files[i].released));
    return list;
}

static json_t *document(const lofi_checkpoint_folder *folder, const lofi_findings *findings,
                        const lofi_file_identity *files) {
    json_t *result = json_pack("{s:s, s:s, s:s, s:b, s:o, s:o}", "path", folder->root, "layout",
                               folder->hub_cache ? "hub" : "plain", "revision", folder->revision, "passed",
                               findings->harmful == 0, "faults", findings_json(findings, true), "notes",
                               findings_json(findings, false));
    if (files) {
        json_object_set_new(result, "released", json_boolean(all_released(files)));
        json_object_set_new(result, "files", files_json(files));
    }
    return result;
}

static void tell_findings(const lofi_context *context, const lofi_findings *findings) {
    for (size_t i = 0; i < findings->count; i++) {
        const lofi_finding *item = &findings->items[i];
        lofi_print(context, "%s  %s%s%s", item->harmful ? "fault" : "note ", item->component,
                   *item->component ? ": " : "", item->text);
    }
}

static void tell_files(const lofi_context *context, const lofi_file_identity *files) {
    for (int i = 0; i < LOFI_RELEASED_FILES; i++)
        lofi_print(context, "%-64s  %s/%s: %s", *files[i].hex ? files[i].hex : "-", files[i].component, files[i].file,
                   files[i].released ? "the released one" : "not the released one");
    lofi_print(context, "%s",
               all_released(files) ? "this is the released model" : "this is not the released model, or not all of it");
}

static lofi_code refuse(const lofi_checkpoint_folder *folder, const lofi_findings *findings, lofi_error *err) {
    lofi_buffer text = LOFI_BUFFER_INIT;
    size_t told = 0;
    for (size_t i = 0; i < findings->count && told < FAULTS_IN_MESSAGE; i++) {
        const lofi_finding *item = &findings->items[i];
        if (!item->harmful || (told > 0 && text.size + strlen(item->text) > 700)) continue;
        lofi_buffer_printf(&text, "%s%s%s%s", told++ ? "; " : "", item->component, *item->component ? ": " : "",
                           item->text);
    }
    if (told < findings->harmful) lofi_buffer_printf(&text, "; and %zu more", findings->harmful - told);
    lofi_fail(err, LOFI_ERR_FORMAT, "the model in '%s' has %zu fault%s: %s", folder->root, findings->harmful,
              findings->harmful == 1 ? "" : "s", lofi_buffer_str(&text));
    lofi_buffer_free(&text);
    return lofi_hint(err, "fetch the damaged files again, or make a small model with 'lofi model init'");
}

/* ---- the command ---- */

static lofi_code report(lofi_context *context, const lofi_checkpoint_folder *folder, const lofi_findings *findings,
                        const lofi_file_identity *files, lofi_error *err) {
    tell_findings(context, findings);
    if (files) tell_files(context, files);
    if (context->json) LOFI_TRY(lofi_print_json(context, document(folder, findings, files), err));
    if (findings->harmful) return refuse(folder, findings, err);
    lofi_print(context, "the model in '%s' is whole", folder->root);
    return LOFI_OK;
}

static lofi_code run(lofi_context *context, const void *parsed, lofi_error *err) {
    const check_options *o = parsed;
    const char *ace_step_dir = NULL;
    lofi_checkpoint_folder folder;
    lofi_findings findings = {0};
    lofi_file_identity files[LOFI_RELEASED_FILES];
    LOFI_TRY(lofi_environment_path(&ace_step_dir, context, "ACE_STEP_DIR", err));
    lofi_interrupt_install();
    LOFI_TRY(lofi_checkpoint_check(&findings, &folder, o->folder, ace_step_dir, err));
    lofi_code code = o->hash ? lofi_checkpoint_identify(files, &folder, err) : LOFI_OK;
    if (code == LOFI_OK) code = report(context, &folder, &findings, o->hash ? files : NULL, err);
    lofi_findings_free(&findings);
    return code;
}

const lofi_command lofi_command_model_check = {
    .name = "model check",
    .summary = "check a base model: names and shapes against the configs, everything at once",
    .details =
        "Holds every tensor of a checkpoint folder against what its config.json asks for, and the parts against each "
        "other; "
        "opens the tokenizer and looks for the lyric vocabulary. Every fault is listed: tensors that are missing, have "
        "another shape or a type that cannot be used, files that are cut short. What does no harm is a note.\n\n"
        "Ends with 1 when there is a fault.\n\n"
        "Example: lofi model check --hash ~/.cache/ace-step/checkpoints",
    .options = options,
    .settings_bytes = sizeof(check_options),
    .run = run,
};
