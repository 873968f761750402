/* cmd_dataset_info.c - lofi dataset info: what is in a dataset folder. */
#include "base/json.h"
#include "cli/command.h"
#include "store/dataset_splits.h"

typedef struct info_settings {
    const char *folder;
} info_settings;

static void print_counts(const lofi_context *context, const char *title, json_t *counts) {
    const char *name;
    json_t *count;
    lofi_print(context, "%s", title);
    json_object_foreach(counts, name, count) {
        lofi_print(context, "  %-20s %" JSON_INTEGER_FORMAT, name, json_integer_value(count));
    }
}

static void print_own(const lofi_context *context, const json_t *own) {
    const json_t *provenance = json_object_get(own, "provenance");
    size_t admitted = json_array_size(json_object_get(provenance, "admitted_without_license"));
    if (!json_is_object(own)) {
        lofi_print(context, "%-14s another program", "made by");
        return;
    }
    lofi_print(context, "%-14s %s", "hash", json_string_value(json_object_get(own, "dataset_hash")));
    lofi_print(context, "%-14s %" JSON_INTEGER_FORMAT, "seed", json_integer_value(json_object_get(own, "seed")));
    lofi_print(context, "%-14s %" JSON_INTEGER_FORMAT, "repeats",
               json_integer_value(json_object_get(own, "repeat_count")));
    lofi_print(context, "%-14s %zu tracks", "unlicensed", admitted);
}

static void print_description(const lofi_context *context, json_t *description) {
    const char *name;
    json_t *split;
    json_object_foreach(json_object_get(description, "splits"), name, split) {
        const json_t *hours = json_object_get(split, "hours");
        char length[32] = "lengths not known";
        if (json_is_number(hours)) snprintf(length, sizeof length, "%.2f hours", json_number_value(hours));
        lofi_print(context, "%-14s %" JSON_INTEGER_FORMAT " tracks, %" JSON_INTEGER_FORMAT " rows, %s", name,
                   json_integer_value(json_object_get(split, "tracks")),
                   json_integer_value(json_object_get(split, "rows")), length);
    }
    const json_t *lyrics = json_object_get(description, "lyrics");
    lofi_print(context, "%-14s %" JSON_INTEGER_FORMAT " instrumental, %" JSON_INTEGER_FORMAT " with words", "lyrics",
               json_integer_value(json_object_get(lyrics, "instrumental")),
               json_integer_value(json_object_get(lyrics, "with_words")));
    print_own(context, json_object_get(description, "own"));
    print_counts(context, "tracks by style", json_object_get(description, "styles"));
    print_counts(context, "tracks by source", json_object_get(description, "sources"));
}

static lofi_code run(lofi_context *context, const void *settings, lofi_error *err) {
    const info_settings *given = settings;
    lofi_dataset_splits splits = {0};
    json_t *description = NULL;
    lofi_code code = lofi_dataset_splits_open(&splits, given->folder, err);
    if (code == LOFI_OK) {
        description = lofi_dataset_describe(&splits);
        print_description(context, description);
        if (context->json) code = lofi_print_json(context, json_incref(description), err);
    }
    json_decref(description);
    lofi_dataset_splits_close(&splits);
    return code;
}

static const lofi_option options[] = {{.name = "DATASET",
                                       .kind = LOFI_OPTION_PATH,
                                       .offset = offsetof(info_settings, folder),
                                       .positional = true,
                                       .required = true,
                                       .help = "folder of a dataset, of this or another program"},
                                      {0}};

const lofi_command lofi_command_dataset_info = {
    .name = "dataset info",
    .summary = "describe a dataset folder",
    .details = "Splits, tracks, rows, hours, lyrics, styles, sources, seed, hash, and how many tracks entered without "
               "a licence. "
               "Reads every folder that the datasets library has saved with the columns of the ACE-Step trainer.",
    .options = options,
    .settings_bytes = sizeof(info_settings),
    .run = run,
    .exit_for = lofi_exit_for_input,
};
