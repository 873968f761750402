/* cmd_styles_show.c - lofi styles show: one style with all that it inherits. */
#include <string.h>

#include "base/json.h"
#include "catalog/prompt.h"
#include "cli/command.h"
#include "cli/style_files.h"

typedef struct show_settings {
    const char *style_id, *presets, *vocabulary;
} show_settings;

/* What the presets' `extends` of this one is; NULL: none. The file was loaded before, so it is known to be right. */
static const char *parent_of(const json_t *document, const char *style_id) {
    const json_t *presets = json_object_get(document, "presets");
    for (size_t i = 0; i < json_array_size(presets); i++) {
        const json_t *preset = json_array_get(presets, i);
        const char *id = json_string_value(json_object_get(preset, "style_id"));
        if (id && strcmp(id, style_id) == 0) return json_string_value(json_object_get(preset, "extends"));
    }
    return NULL;
}

/* Ids of all parents, the nearest first. At most as many as there are presets, whatever became of the file. */
static lofi_code find_parents(json_t *parents, const char *path, const lofi_style *style, lofi_error *err) {
    json_t *document = NULL;
    LOFI_TRY(lofi_json_load(&document, path, err));
    size_t left = json_array_size(json_object_get(document, "presets"));
    for (const char *id = style->extends; id && left > 0; id = parent_of(document, id), left--)
        json_array_append_new(parents, json_string(id));
    json_decref(document);
    return LOFI_OK;
}

static json_t *list_json(const lofi_tag_list *list) {
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++) json_array_append_new(array, json_string(list->tags[i]));
    return array;
}

static json_t *tags_json(const lofi_style *style) {
    json_t *tags = json_object();
    for (int i = 0; i < LOFI_TAG_CATEGORIES; i++)
        if (i != LOFI_TAG_TEMPO)
            json_object_set_new(tags, lofi_tag_category_name((lofi_tag_category)i), list_json(&style->tags[i]));
    return tags;
}

static void print_list(const lofi_context *context, const char *label, const json_t *list, const char *separator) {
    lofi_buffer text = LOFI_BUFFER_INIT;
    for (size_t i = 0; i < json_array_size(list); i++)
        lofi_buffer_printf(&text, "%s%s", i ? separator : "", json_string_value(json_array_get(list, i)));
    lofi_print(context, "  %-13s %s", label, text.size ? lofi_buffer_str(&text) : "-");
    lofi_buffer_free(&text);
}

static void print_style(const lofi_context *context, const json_t *document) {
    const char *category = NULL;
    json_t *list = NULL, *tags = json_object_get(document, "tags"), *range = json_object_get(document, "tempo_range");
    lofi_print(context, "%s  %s (%s)", json_string_value(json_object_get(document, "style_id")),
               json_string_value(json_object_get(document, "name")),
               json_string_value(json_object_get(document, "category")));
    print_list(context, "parents", json_object_get(document, "parents"), " < ");
    json_object_foreach(tags, category, list) {
        print_list(context, category, list, ", ");
    }
    print_list(context, "one mood of", json_object_get(document, "mood_options"), ", ");
    lofi_print(context, "  %-13s %lld to %lld bpm", "tempo", (long long)json_integer_value(json_array_get(range, 0)),
               (long long)json_integer_value(json_array_get(range, 1)));
    lofi_print(context, "  %-13s %s", "lyrics",
               json_is_true(json_object_get(document, "has_words")) ? "needed" : "none: [Instrumental]");
    lofi_print(context, "  %-13s %s", "example", json_string_value(json_object_get(document, "example")));
}

static lofi_code describe(json_t **out, const lofi_style *style, const char *presets, lofi_error *err) {
    lofi_buffer prompt = LOFI_BUFFER_INIT, left_out = LOFI_BUFFER_INIT;
    json_t *parents = json_array(), *document = NULL;
    lofi_code code = find_parents(parents, presets, style, err);
    if (code == LOFI_OK) code = lofi_prompt_build(&prompt, &left_out, "example", &style, 1, NULL, err);
    if (code == LOFI_OK) {
        document = json_pack("{s:s, s:s, s:s, s:O, s:o, s:o, s:[i,i], s:b, s:s}", "style_id", style->style_id, "name",
                             style->name, "category", style->category, "parents", parents, "tags", tags_json(style),
                             "mood_options", list_json(&style->mood_options), "tempo_range", style->tempo_min,
                             style->tempo_max, "has_words", (int)lofi_style_has_words(style), "example",
                             lofi_buffer_str(&prompt));
        if (!document) code = lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for the style");
    }
    if (code == LOFI_OK) *out = document;
    json_decref(parents);
    lofi_buffer_free(&prompt);
    lofi_buffer_free(&left_out);
    return code;
}

static lofi_code show(lofi_context *context, const lofi_style_files *files, const char *style_id, lofi_error *err) {
    const lofi_style *style = NULL;
    json_t *document = NULL;
    lofi_code code = lofi_styles_find(&style, files->styles, style_id, err);
    if (code != LOFI_OK) return lofi_hint(err, "'lofi styles list' shows all");
    LOFI_TRY(describe(&document, style, files->presets_path, err));
    print_style(context, document);
    if (context->json) return lofi_print_json(context, document, err);
    json_decref(document);
    return LOFI_OK;
}

static lofi_code run(lofi_context *context, const void *given, lofi_error *err) {
    const show_settings *settings = given;
    lofi_style_files files = {0};
    lofi_code code = lofi_style_files_load(&files, context, settings->presets, settings->vocabulary, err);
    if (code == LOFI_OK) code = show(context, &files, settings->style_id, err);
    lofi_style_files_free(&files);
    return code;
}

static const lofi_option options[] = {
    {.name = "ID",
     .kind = LOFI_OPTION_TEXT,
     .offset = offsetof(show_settings, style_id),
     .required = true,
     .positional = true,
     .help = "id of the style, as CORE-01"},
    {.name = "presets",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(show_settings, presets),
     .value = "FILE",
     .help = "style presets (default: the installed style_presets.json)"},
    {.name = "vocabulary",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(show_settings, vocabulary),
     .value = "FILE",
     .help = "tag vocabulary (default: tag_vocabulary.json beside the presets, else the installed one)"},
    {0}};

const lofi_command lofi_command_styles_show = {
    .name = "styles show",
    .summary = "show one style with all that it inherits",
    .details =
        "Shows the style's parents, its tags by category, the moods of which each song gets one, its tempo, and an "
        "example prompt.\n\n"
        "Example: lofi styles show SEASON-06",
    .options = options,
    .settings_bytes = sizeof(show_settings),
    .run = run,
    .exit_for = lofi_exit_for_input,
};
