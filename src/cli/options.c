/* options.c - see options.h. */
#include "cli/options.h"

#include <errno.h>
#include <math.h>

#include "base/file.h"
#include "base/memory.h"
#include "cli/table.h"

const lofi_option lofi_common_options[] = {
    {.name = "help", .kind = LOFI_OPTION_FLAG, .offset = offsetof(lofi_common, help), .help = "show this text"},
    {.name = "version",
     .kind = LOFI_OPTION_FLAG,
     .offset = offsetof(lofi_common, version),
     .help = "show the version of the program"},
    {.name = "verbose",
     .kind = LOFI_OPTION_FLAG,
     .offset = offsetof(lofi_common, verbose),
     .help = "say more about what is being done"},
    {.name = "quiet",
     .kind = LOFI_OPTION_FLAG,
     .offset = offsetof(lofi_common, quiet),
     .help = "say nothing but errors"},
    {.name = "json",
     .kind = LOFI_OPTION_FLAG,
     .offset = offsetof(lofi_common, json),
     .help = "print the result as one JSON document on standard output"},
    {.name = "dry-run",
     .kind = LOFI_OPTION_FLAG,
     .offset = offsetof(lofi_common, dry_run),
     .help = "say what would be done and change nothing"},
    {.name = NULL}};

typedef struct option_parser {
    const lofi_command *command;
    const lofi_option *options;
    size_t option_count;
    unsigned char *settings;
    bool *given;
    lofi_common *common;
    lofi_context *context;
    const char *const *arguments;
    size_t count, at;
    bool only_positional; /* "--" was seen */
} option_parser;

size_t lofi_options_count(const lofi_command *command) {
    size_t count = 0;
    if (command->options != NULL)
        while (command->options[count].name != NULL) count++;
    return count;
}

static const lofi_option *find_option(const lofi_option *options, const char *name, size_t length) {
    for (; options != NULL && options->name != NULL; options++)
        if (!options->positional && strlen(options->name) == length && memcmp(options->name, name, length) == 0)
            return options;
    return NULL;
}

static bool take_short(lofi_common *common, const char *letters) {
    if (*letters == '\0' || letters[strspn(letters, "hvq")] != '\0') return false;
    for (; *letters != '\0'; letters++) {
        if (*letters == 'h') common->help = true;
        if (*letters == 'v') common->verbose = true;
        if (*letters == 'q') common->quiet = true;
    }
    return true;
}

bool lofi_common_take(lofi_common *common, const char *argument) {
    if (argument[0] != '-') return false;
    if (argument[1] != '-') return take_short(common, argument + 1);
    const lofi_option *option = find_option(lofi_common_options, argument + 2, strlen(argument + 2));
    if (option == NULL) return false;
    *(bool *)((unsigned char *)common + option->offset) = true;
    return true;
}

/* ---- values ---- */

/* How an option is called in messages: --name, or NAME for a positional argument. */
static const char *shown_name(const option_parser *parser, const lofi_option *option) {
    const char *text = lofi_arena_printf(parser->context->arena, "%s%s", option->positional ? "" : "--", option->name);
    return text == NULL ? option->name : text;
}

static lofi_code out_of_memory(lofi_error *err) {
    return lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate memory for the command line");
}

static lofi_code bad_range(const option_parser *parser, const lofi_option *option, const char *text, lofi_error *err) {
    const char *name = shown_name(parser, option);
    if (option->max >= 9e15 || isinf(option->max))
        return lofi_fail(err, LOFI_ERR_USAGE, "%s is %s, but must be at least %.15g", name, text, option->min);
    return lofi_fail(err, LOFI_ERR_USAGE, "%s is %s, but must be between %.15g and %.15g", name, text, option->min,
                     option->max);
}

static bool in_range(const lofi_option *option, double value) {
    return (option->min == 0 && option->max == 0) || (value >= option->min && value <= option->max);
}

static lofi_code read_integer(const option_parser *parser, const lofi_option *option, int64_t *out, const char *text,
                              lofi_error *err) {
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || isspace((unsigned char)*text))
        return lofi_fail(err, LOFI_ERR_USAGE, "%s must be a whole number, but is '%s'", shown_name(parser, option),
                         text);
    if (errno == ERANGE)
        return lofi_fail(err, LOFI_ERR_USAGE, "%s is %s, which does not fit into 64 bits", shown_name(parser, option),
                         text);
    if (!in_range(option, (double)value)) return bad_range(parser, option, text, err);
    *out = value;
    return LOFI_OK;
}

static lofi_code read_number(const option_parser *parser, const lofi_option *option, double *out, const char *text,
                             lofi_error *err) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || isspace((unsigned char)*text) || !isfinite(value))
        return lofi_fail(err, LOFI_ERR_USAGE, "%s must be a number, but is '%s'", shown_name(parser, option), text);
    if (!in_range(option, value)) return bad_range(parser, option, text, err);
    *out = value;
    return LOFI_OK;
}

#define MAX_CHOICES 32

static lofi_code read_choice(const option_parser *parser, const lofi_option *option, const char **out, const char *text,
                             lofi_error *err) {
    const char *names[MAX_CHOICES];
    size_t count = 0;
    char *all = lofi_arena_strdup(parser->context->arena, option->choices);
    if (all == NULL) return out_of_memory(err);
    for (char *rest = all; rest != NULL && count < MAX_CHOICES;) names[count++] = strsep(&rest, "|");
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], text) != 0) continue;
        *out = names[i];
        return LOFI_OK;
    }
    lofi_buffer list = LOFI_BUFFER_INIT;
    for (size_t i = 0; i < count; i++)
        lofi_buffer_printf(&list, "%s%s", i == 0 ? "" : i + 1 == count ? " or " : ", ", names[i]);
    lofi_fail(err, LOFI_ERR_USAGE, "%s must be %s, but is '%s'", shown_name(parser, option), lofi_buffer_str(&list),
              text);
    lofi_buffer_free(&list);
    const char *closest = lofi_closest(text, names, count);
    if (closest != NULL) lofi_hint(err, "did you mean '%s'?", closest);
    return LOFI_ERR_USAGE;
}

static lofi_code read_path(const option_parser *parser, const lofi_option *option, const char **out, const char *text,
                           lofi_error *err) {
    char expanded[LOFI_PATH_MAX];
    if (*text == '\0')
        return lofi_fail(err, LOFI_ERR_USAGE, "%s needs a path, but is empty", shown_name(parser, option));
    LOFI_TRY(lofi_path_expand(expanded, text, err));
    *out = lofi_arena_strdup(parser->context->arena, expanded);
    return *out == NULL ? out_of_memory(err) : LOFI_OK;
}

static lofi_code add_to_list(const option_parser *parser, lofi_list *list, const char *text, lofi_error *err) {
    /* A list never holds more than the arguments there are, so its memory is taken once. */
    if (list->items == NULL) {
        list->items = lofi_arena_alloc(parser->context->arena, (parser->count + 1) * sizeof(char *));
        if (list->items == NULL) return out_of_memory(err);
    }
    list->items[list->count++] = text;
    return LOFI_OK;
}

static lofi_code set_value(option_parser *parser, const lofi_option *option, const char *text, lofi_error *err) {
    void *place = parser->settings + option->offset;
    switch (option->kind) {
    case LOFI_OPTION_FLAG: *(bool *)place = true; return LOFI_OK;
    case LOFI_OPTION_TEXT: *(const char **)place = text; return LOFI_OK;
    case LOFI_OPTION_PATH: return read_path(parser, option, place, text, err);
    case LOFI_OPTION_INT: return read_integer(parser, option, place, text, err);
    case LOFI_OPTION_NUMBER: return read_number(parser, option, place, text, err);
    case LOFI_OPTION_CHOICE: return read_choice(parser, option, place, text, err);
    case LOFI_OPTION_LIST: return add_to_list(parser, place, text, err);
    }
    return LOFI_OK;
}

/* ---- arguments ---- */

/* Something that stands where an option would, and is none: a word, "-", a negative number. */
static bool is_value(const char *argument) {
    if (argument[0] != '-' || argument[1] == '\0') return true;
    const char *digits = argument + 1 + (argument[1] == '.');
    return isdigit((unsigned char)*digits);
}

static lofi_code unknown_option(const option_parser *parser, const char *argument, lofi_error *err) {
    const char *names[64];
    size_t count = 0;
    for (size_t i = 0; i < parser->option_count && count < 56; i++)
        if (!parser->options[i].positional) names[count++] = parser->options[i].name;
    for (const lofi_option *option = lofi_common_options; option->name != NULL; option++) names[count++] = option->name;
    const char *typed = argument + strspn(argument, "-");
    size_t length = strcspn(typed, "=");
    lofi_fail(err, LOFI_ERR_USAGE, "'lofi %s' has no option '%.*s'", parser->command->name,
              (int)(typed - argument) + (int)length, argument);
    char *bare = lofi_arena_strdup(parser->context->arena, typed);
    if (bare == NULL) return out_of_memory(err);
    bare[length] = '\0';
    const char *closest = lofi_closest(bare, names, count);
    if (closest != NULL) return lofi_hint(err, "did you mean '--%s'?", closest);
    return lofi_hint(err, "'lofi %s --help' lists the options", parser->command->name);
}

static lofi_code missing_value(const option_parser *parser, const lofi_option *option, lofi_error *err) {
    const char *value = option->value == NULL ? "VALUE" : option->value;
    lofi_fail(err, LOFI_ERR_USAGE, "--%s needs a value (%s)", option->name, value);
    if (parser->at < parser->count)
        lofi_hint(err, "a value that begins with a dash is written --%s=%s", option->name,
                  parser->arguments[parser->at]);
    return LOFI_ERR_USAGE;
}

static lofi_code take_list(option_parser *parser, const lofi_option *option, const char *attached, lofi_error *err) {
    if (attached != NULL) return set_value(parser, option, attached, err);
    if (parser->at == parser->count || !is_value(parser->arguments[parser->at]))
        return missing_value(parser, option, err);
    while (parser->at < parser->count && is_value(parser->arguments[parser->at]))
        LOFI_TRY(set_value(parser, option, parser->arguments[parser->at++], err));
    return LOFI_OK;
}

static lofi_code take_option(option_parser *parser, const char *argument, lofi_error *err) {
    if (lofi_common_take(parser->common, argument)) return LOFI_OK;
    size_t length = strcspn(argument, "=");
    const char *attached = argument[length] == '=' ? argument + length + 1 : NULL;
    const lofi_option *option = NULL;
    if (length > 2 && argument[1] == '-') option = find_option(parser->options, argument + 2, length - 2);
    if (option == NULL && length > 2 && find_option(lofi_common_options, argument + 2, length - 2) != NULL)
        return lofi_fail(err, LOFI_ERR_USAGE, "'%.*s' takes no value", (int)length, argument);
    if (option == NULL) return unknown_option(parser, argument, err);
    size_t index = (size_t)(option - parser->options);
    if (option->kind == LOFI_OPTION_FLAG) {
        if (attached != NULL) return lofi_fail(err, LOFI_ERR_USAGE, "--%s takes no value", option->name);
        parser->given[index] = true;
        return set_value(parser, option, NULL, err);
    }
    if (option->kind == LOFI_OPTION_LIST) {
        parser->given[index] = true;
        return take_list(parser, option, attached, err);
    }
    if (parser->given[index]) {
        lofi_fail(err, LOFI_ERR_USAGE, "--%s is given twice", option->name);
        return lofi_hint(err, "keep one of them");
    }
    parser->given[index] = true;
    if (attached == NULL) {
        if (parser->at == parser->count || !is_value(parser->arguments[parser->at]))
            return missing_value(parser, option, err);
        attached = parser->arguments[parser->at++];
    }
    return set_value(parser, option, attached, err);
}

static lofi_code take_positional(option_parser *parser, const char *argument, lofi_error *err) {
    for (size_t i = 0; i < parser->option_count; i++) {
        const lofi_option *option = &parser->options[i];
        if (!option->positional || (parser->given[i] && option->kind != LOFI_OPTION_LIST)) continue;
        parser->given[i] = true;
        return set_value(parser, option, argument, err);
    }
    lofi_fail(err, LOFI_ERR_USAGE, "'lofi %s' does not know what to do with '%s'", parser->command->name, argument);
    return lofi_hint(err, "'lofi %s --help' shows the usage", parser->command->name);
}

static lofi_code take_all(option_parser *parser, lofi_error *err) {
    while (parser->at < parser->count) {
        const char *argument = parser->arguments[parser->at++];
        if (parser->only_positional || is_value(argument))
            LOFI_TRY(take_positional(parser, argument, err));
        else if (strcmp(argument, "--") == 0)
            parser->only_positional = true;
        else
            LOFI_TRY(take_option(parser, argument, err));
    }
    return LOFI_OK;
}

/* ---- what was not said ---- */

/* "$NAME" and "$NAME/rest" go through the environment table. */
static lofi_code resolve_fallback(option_parser *parser, const char **out, const char *fallback, lofi_error *err) {
    *out = fallback;
    if (fallback[0] != '$') return LOFI_OK;
    size_t length = strcspn(fallback + 1, "/");
    char *variable = lofi_arena_strdup(parser->context->arena, fallback + 1);
    if (variable == NULL) return out_of_memory(err);
    variable[length] = '\0';
    const char *folder = NULL;
    LOFI_TRY(lofi_environment_path(&folder, parser->context, variable, err));
    *out = lofi_arena_printf(parser->context->arena, "%s%s", folder, fallback + 1 + length);
    return *out == NULL ? out_of_memory(err) : LOFI_OK;
}

static lofi_code apply_fallbacks(option_parser *parser, lofi_error *err) {
    for (size_t i = 0; i < parser->option_count; i++) {
        const lofi_option *option = &parser->options[i];
        if (parser->given[i] || option->fallback == NULL || option->kind == LOFI_OPTION_FLAG) continue;
        const char *text = NULL;
        LOFI_TRY(resolve_fallback(parser, &text, option->fallback, err));
        LOFI_TRY(set_value(parser, option, text, err));
    }
    return LOFI_OK;
}

static lofi_code check_required(const option_parser *parser, lofi_error *err) {
    lofi_buffer missing = LOFI_BUFFER_INIT;
    size_t count = 0;
    for (size_t i = 0; i < parser->option_count; i++) {
        const lofi_option *option = &parser->options[i];
        if (!option->required || parser->given[i]) continue;
        lofi_buffer_printf(&missing, "%s%s%s%s%s", count++ > 0 ? ", " : "", option->positional ? "" : "--",
                           option->name, option->positional ? "" : " ",
                           option->positional || !option->value ? "" : option->value);
    }
    lofi_code code = lofi_buffer_check(&missing, err);
    if (code == LOFI_OK && count > 0) {
        code = lofi_fail(err, LOFI_ERR_USAGE, "'lofi %s' needs %s", parser->command->name, lofi_buffer_str(&missing));
        lofi_hint(err, "'lofi %s --help' shows the usage", parser->command->name);
    }
    lofi_buffer_free(&missing);
    return code;
}

lofi_code lofi_options_parse(void *settings, lofi_common *common, bool *given, lofi_context *context,
                             const lofi_command *command, const char *const *arguments, size_t count, lofi_error *err) {
    option_parser parser = {.command = command,
                            .options = command->options,
                            .option_count = lofi_options_count(command),
                            .settings = settings,
                            .given = given,
                            .common = common,
                            .context = context,
                            .arguments = arguments,
                            .count = count};
    lofi_code code = take_all(&parser, err);
    if (common->help || common->version) return LOFI_OK;
    if (code == LOFI_OK) code = check_required(&parser, err);
    if (code == LOFI_OK) code = apply_fallbacks(&parser, err);
    return code;
}
