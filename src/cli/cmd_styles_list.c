/* cmd_styles_list.c - lofi styles list: the styles there are, one a line. */
#include <string.h>

#include "base/buffer.h"
#include "base/utf8.h"
#include "catalog/prompt.h"
#include "cli/command.h"
#include "cli/style_files.h"

#define EXAMPLE_CHARACTERS 64

typedef struct list_settings {
    const char *presets, *vocabulary, *category;
} list_settings;

static bool is_wanted(const lofi_style *style, const list_settings *settings) {
    return !settings->category || strcmp(style->category, settings->category) == 0;
}

/* Whole tags, as many as fit. */
static void shorten(lofi_buffer *prompt) {
    while (lofi_utf8_characters(lofi_buffer_str(prompt)) > EXAMPLE_CHARACTERS) {
        char *comma = strrchr(prompt->data, ',');
        if (!comma) return;
        *comma = '\0';
        prompt->size = (size_t)(comma - prompt->data);
    }
}

static lofi_code build_example(lofi_buffer *prompt, const lofi_style *style, lofi_error *err) {
    lofi_buffer left_out = LOFI_BUFFER_INIT;
    lofi_buffer_clear(prompt);
    lofi_code code = lofi_prompt_build(prompt, &left_out, "example", &style, 1, NULL, err);
    lofi_buffer_free(&left_out);
    return code;
}

/* The widest name, in characters: what stands behind it is aligned. */
static int name_width(const lofi_styles *styles, const list_settings *settings, bool of_ids) {
    size_t width = 0;
    for (size_t i = 0; i < lofi_styles_count(styles); i++) {
        const lofi_style *style = lofi_styles_at(styles, i);
        size_t characters = lofi_utf8_characters(of_ids ? style->style_id : style->name);
        if (is_wanted(style, settings) && characters > width) width = characters;
    }
    return (int)width;
}

/* The bytes that printf has to fill so that the text takes `width` characters. */
static int bytes_for(const char *text, int width) {
    return width + (int)(strlen(text) - lofi_utf8_characters(text));
}

static lofi_code list(lofi_context *context, const list_settings *settings, const lofi_styles *styles, json_t *found,
                      lofi_buffer *prompt, lofi_error *err) {
    int ids = name_width(styles, settings, true), names = name_width(styles, settings, false);
    for (size_t i = 0; i < lofi_styles_count(styles); i++) {
        const lofi_style *style = lofi_styles_at(styles, i);
        if (!is_wanted(style, settings)) continue;
        LOFI_TRY(build_example(prompt, style, err));
        json_array_append_new(found, json_pack("{s:s, s:s, s:s, s:[i,i], s:s}", "style_id", style->style_id, "name",
                                               style->name, "category", style->category, "tempo_range",
                                               style->tempo_min, style->tempo_max, "example", lofi_buffer_str(prompt)));
        shorten(prompt);
        lofi_print(context, "%-*s  %-*s  %-12s  %3d-%-3d bpm  %s", bytes_for(style->style_id, ids), style->style_id,
                   bytes_for(style->name, names), style->name, style->category, style->tempo_min, style->tempo_max,
                   lofi_buffer_str(prompt));
    }
    return LOFI_OK;
}

static lofi_code run(lofi_context *context, const void *given, lofi_error *err) {
    const list_settings *settings = given;
    lofi_style_files files = {0};
    lofi_buffer prompt = LOFI_BUFFER_INIT;
    json_t *found = json_array();
    lofi_code code = lofi_style_files_load(&files, context, settings->presets, settings->vocabulary, err);
    if (code == LOFI_OK) code = list(context, settings, files.styles, found, &prompt, err);
    if (code == LOFI_OK && context->json)
        code = lofi_print_json(context, json_pack("{s:s, s:O}", "presets", files.presets_path, "styles", found), err);
    lofi_buffer_free(&prompt);
    json_decref(found);
    lofi_style_files_free(&files);
    return code;
}

static const lofi_option options[] = {
    {.name = "category",
     .kind = LOFI_OPTION_CHOICE,
     .offset = offsetof(list_settings, category),
     .value = "NAME",
     .choices = "core|seasonal|thematic|instrumental|vocal",
     .help = "only the styles of this category"},
    {.name = "presets",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(list_settings, presets),
     .value = "FILE",
     .help = "style presets (default: the installed style_presets.json)"},
    {.name = "vocabulary",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(list_settings, vocabulary),
     .value = "FILE",
     .help = "tag vocabulary (default: tag_vocabulary.json beside the presets, else the installed one)"},
    {0}};

const lofi_command lofi_command_styles_list = {
    .name = "styles list",
    .summary = "list the styles that songs can have",
    .details = "Shows id, name, category, tempo and the beginning of an example prompt of each style.\n\n"
               "Example: lofi styles list --category seasonal",
    .options = options,
    .settings_bytes = sizeof(list_settings),
    .run = run,
    .exit_for = lofi_exit_for_input,
};
