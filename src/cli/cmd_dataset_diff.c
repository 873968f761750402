/* cmd_dataset_diff.c - lofi dataset diff: how two datasets differ. */
#include "base/buffer.h"
#include "base/json.h"
#include "cli/command.h"
#include "store/dataset_splits.h"

typedef struct diff_settings {
    const char *before, *after;
} diff_settings;

static void print_ids(const lofi_context *context, const char *sign, const json_t *ids) {
    for (size_t i = 0; i < json_array_size(ids); i++)
        lofi_print(context, "%s %s", sign, json_string_value(json_array_get(ids, i)));
}

static void print_fields(const lofi_context *context, const char *indent, json_t *fields) {
    const char *name;
    json_t *pair;
    json_object_foreach(fields, name, pair) {
        lofi_buffer before = LOFI_BUFFER_INIT, after = LOFI_BUFFER_INIT;
        if (lofi_json_print(&before, json_array_get(pair, 0), false, NULL) == LOFI_OK &&
            lofi_json_print(&after, json_array_get(pair, 1), false, NULL) == LOFI_OK) {
            lofi_print(context, "%s%s", indent, name);
            lofi_print(context, "%s  - %s", indent, lofi_buffer_str(&before));
            lofi_print(context, "%s  + %s", indent, lofi_buffer_str(&after));
        }
        lofi_buffer_free(&before);
        lofi_buffer_free(&after);
    }
}

static void print_difference(const lofi_context *context, const json_t *difference) {
    json_t *changed = json_object_get(difference, "changed"), *settings = json_object_get(difference, "settings"),
           *fields;
    const char *track_id;
    print_ids(context, "-", json_object_get(difference, "removed"));
    print_ids(context, "+", json_object_get(difference, "added"));
    json_object_foreach(changed, track_id, fields) {
        lofi_print(context, "~ %s", track_id);
        print_fields(context, "    ", fields);
    }
    print_fields(context, "", settings);
    size_t added = json_array_size(json_object_get(difference, "added"));
    size_t removed = json_array_size(json_object_get(difference, "removed"));
    if (added + removed + json_object_size(changed) + json_object_size(settings) == 0)
        lofi_print(context, "the same");
    else
        lofi_print(context, "%zu tracks added, %zu removed, %zu changed", added, removed, json_object_size(changed));
}

static lofi_code run(lofi_context *context, const void *settings, lofi_error *err) {
    const diff_settings *given = settings;
    lofi_dataset_splits before = {0}, after = {0};
    lofi_code code = lofi_dataset_splits_open(&before, given->before, err);
    if (code == LOFI_OK) code = lofi_dataset_splits_open(&after, given->after, err);
    if (code == LOFI_OK) {
        json_t *difference = lofi_dataset_difference(&before, &after);
        print_difference(context, difference);
        if (context->json) code = lofi_print_json(context, json_incref(difference), err);
        json_decref(difference);
    }
    lofi_dataset_splits_close(&before);
    lofi_dataset_splits_close(&after);
    return code;
}

static const lofi_option options[] = {{.name = "BEFORE",
                                       .kind = LOFI_OPTION_PATH,
                                       .offset = offsetof(diff_settings, before),
                                       .positional = true,
                                       .required = true,
                                       .help = "folder of a dataset"},
                                      {.name = "AFTER",
                                       .kind = LOFI_OPTION_PATH,
                                       .offset = offsetof(diff_settings, after),
                                       .positional = true,
                                       .required = true,
                                       .help = "folder of another one"},
                                      {0}};

const lofi_command lofi_command_dataset_diff = {
    .name = "dataset diff",
    .summary = "show how two datasets differ",
    .details = "Tracks that were added, removed, or changed (split, prompt, lyrics, styles, source, length, audio "
               "file), seed, "
               "repeats and hash. Tracks are compared by their id. Datasets of other programs are read, too.",
    .options = options,
    .settings_bytes = sizeof(diff_settings),
    .run = run,
    .exit_for = lofi_exit_for_input,
};
