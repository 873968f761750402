/* cmd_styles_check.c - lofi styles check: is a set of presets fit for use? */
#include <string.h>

#include "base/buffer.h"
#include "catalog/styles_check.h"
#include "cli/command.h"
#include "cli/style_files.h"

#define PROBLEMS_SHOWN 20

typedef struct check_settings {
    const char *presets, *vocabulary;
} check_settings;

typedef struct findings {
    lofi_context *context;
    const lofi_style_files *files;
    json_t *problems, *warnings, *categories, *unused;
    size_t built;
    const lofi_style *alike[2];
    double likeness;
} findings;

static void note_problem(void *user, const char *what) {
    json_array_append_new(((findings *)user)->problems, json_string(what));
}

static void note_loss(void *user, const char *what) {
    char text[1500];
    snprintf(text, sizeof text, "%s: too long for a prompt, so these tags are never read", what);
    json_array_append_new(((findings *)user)->warnings, json_string(text));
}

static void count_categories(findings *found) {
    const lofi_styles *styles = found->files->styles;
    for (size_t i = 0; i < lofi_styles_count(styles); i++) {
        const char *category = lofi_styles_at(styles, i)->category;
        json_int_t count = json_integer_value(json_object_get(found->categories, category));
        json_object_set_new(found->categories, category, json_integer(count + 1));
    }
}

/* Tags of the tempo are chosen by the program, not by presets. */
static void find_unused(findings *found) {
    for (int i = 0; i < LOFI_TAG_CATEGORIES; i++) {
        const lofi_tag_category category = (lofi_tag_category)i;
        size_t count = 0;
        const char *const *tags = lofi_vocabulary_tags(found->files->vocabulary, category, &count);
        json_t *list = json_array();
        for (size_t j = 0; j < count; j++)
            if (!lofi_styles_use(found->files->styles, tags[j])) json_array_append_new(list, json_string(tags[j]));
        if (category != LOFI_TAG_TEMPO && json_array_size(list) > 0)
            json_object_set(found->unused, lofi_tag_category_name(category), list);
        json_decref(list);
    }
}

static void find_alike(findings *found) {
    char text[512];
    found->likeness = lofi_styles_most_alike(&found->alike[0], &found->alike[1], found->files->styles);
    if (found->likeness <= LOFI_STYLES_ALIKE) return;
    snprintf(text, sizeof text,
             "%.100s (%.100s) and %.100s (%.100s) are hardly two styles: %.2f of their tags are the same",
             found->alike[0]->style_id, found->alike[0]->name, found->alike[1]->style_id, found->alike[1]->name,
             found->likeness);
    json_array_append_new(found->warnings, json_string(text));
}

static void find_default(findings *found) {
    if (lofi_styles_get(found->files->styles, LOFI_STYLE_DEFAULT)) return;
    json_array_append_new(found->warnings,
                          json_string("there is no " LOFI_STYLE_DEFAULT ", which songs without a style get"));
}

/* ---- telling ---- */

static void print_unused(const findings *found) {
    const char *category = NULL;
    json_t *list = NULL;
    json_object_foreach(found->unused, category, list) {
        lofi_buffer text = LOFI_BUFFER_INIT;
        for (size_t i = 0; i < json_array_size(list); i++)
            lofi_buffer_printf(&text, "%s%s", i ? ", " : "", json_string_value(json_array_get(list, i)));
        lofi_print(found->context, "no style says (%s): %s", category, lofi_buffer_str(&text));
        lofi_buffer_free(&text);
    }
}

static void print_categories(const findings *found) {
    lofi_buffer text = LOFI_BUFFER_INIT;
    const char *category = NULL;
    json_t *count = NULL;
    json_object_foreach(found->categories, category, count) {
        lofi_buffer_printf(&text, "%s%s %lld", text.size ? ", " : "", category, (long long)json_integer_value(count));
    }
    lofi_print(found->context, "%zu styles: %s", lofi_styles_count(found->files->styles), lofi_buffer_str(&text));
    lofi_buffer_free(&text);
}

static void print_findings(const findings *found) {
    size_t problems = json_array_size(found->problems);
    print_categories(found);
    if (found->alike[0])
        lofi_print(found->context, "most alike: %s (%s) and %s (%s), %.2f of their tags", found->alike[0]->style_id,
                   found->alike[0]->name, found->alike[1]->style_id, found->alike[1]->name, found->likeness);
    if (found->context->verbose) print_unused(found);
    for (size_t i = 0; i < json_array_size(found->warnings); i++)
        lofi_warn(found->context->log, "%s", json_string_value(json_array_get(found->warnings, i)));
    for (size_t i = 0; i < problems && i < PROBLEMS_SHOWN; i++)
        lofi_say(found->context->log, LOFI_LOG_ERROR, "%s", json_string_value(json_array_get(found->problems, i)));
    if (problems > PROBLEMS_SHOWN)
        lofi_say(found->context->log, LOFI_LOG_ERROR, "and %zu more", problems - PROBLEMS_SHOWN);
    lofi_print(found->context, "%zu prompts of single styles and pairs: %s", found->built,
               problems ? "not all are right" : "all are right");
}

static json_t *document_of(const findings *found) {
    json_t *alike = !found->alike[0] ? json_null()
                                     : json_pack("{s:[s,s], s:f}", "style_ids", found->alike[0]->style_id,
                                                 found->alike[1]->style_id, "likeness", found->likeness);
    return json_pack("{s:s, s:s, s:I, s:O, s:I, s:O, s:O, s:o, s:O}", "presets", found->files->presets_path,
                     "vocabulary", found->files->vocabulary_path, "styles",
                     (json_int_t)lofi_styles_count(found->files->styles), "categories", found->categories, "prompts",
                     (json_int_t)found->built, "problems", found->problems, "warnings", found->warnings, "most_alike",
                     alike, "unused_tags", found->unused);
}

static lofi_code check(findings *found, lofi_error *err) {
    LOFI_TRY(lofi_styles_check(&found->built, found->files->styles, found->files->vocabulary, note_problem, note_loss,
                               found, err));
    count_categories(found);
    find_default(found);
    find_unused(found);
    find_alike(found);
    print_findings(found);
    if (json_array_size(found->problems)) found->context->exit_status = 2;
    return found->context->json ? lofi_print_json(found->context, document_of(found), err) : LOFI_OK;
}

static lofi_code run(lofi_context *context, const void *given, lofi_error *err) {
    const check_settings *settings = given;
    lofi_style_files files = {0};
    findings found = {.context = context,
                      .files = &files,
                      .problems = json_array(),
                      .warnings = json_array(),
                      .categories = json_object(),
                      .unused = json_object()};
    lofi_code code = lofi_style_files_load(&files, context, settings->presets, settings->vocabulary, err);
    if (code == LOFI_OK) code = check(&found, err);
    json_decref(found.problems);
    json_decref(found.warnings);
    json_decref(found.categories);
    json_decref(found.unused);
    lofi_style_files_free(&files);
    return code;
}

static const lofi_option options[] = {
    {.name = "presets",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(check_settings, presets),
     .value = "FILE",
     .help = "style presets (default: the installed style_presets.json)"},
    {.name = "vocabulary",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(check_settings, vocabulary),
     .value = "FILE",
     .help = "tag vocabulary (default: tag_vocabulary.json beside the presets, else the installed one)"},
    {0}};

const lofi_command lofi_command_styles_check = {
    .name = "styles check",
    .summary = "check style presets and their vocabulary",
    .details =
        "Loads presets and vocabulary as every command does, and then builds prompts of every style alone and of "
        "every pair, with each key: their tags must be known, in order and there once, and fit into the 256 "
        "characters that are read. Warns of styles that say more than fits, and of two that are hardly two. "
        "--verbose lists the tags that no style says.\n\n"
        "Exit status 2 when something is wrong.\n\n"
        "Example: lofi styles check --presets my/style_presets.json",
    .options = options,
    .settings_bytes = sizeof(check_settings),
    .run = run,
    .exit_for = lofi_exit_for_input,
};
