/* main.c - the program: finds the command, reads its options, runs it, and turns what happened into an exit status. */
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/interrupt.h"
#include "base/memory.h"
#include "base/threads.h"
#include "cli/context.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/table.h"

#define EXIT_USAGE 2

/* A descriptor below 3 that is closed would be given to the next file: standard output then is one that cannot be
 * written, so that a result that goes nowhere is an error. */
static void keep_standard_descriptors(void) {
    for (int descriptor = 0; descriptor < 3; descriptor++) {
        if (fcntl(descriptor, F_GETFD) >= 0) continue;
        int opened = open("/dev/null", descriptor == STDERR_FILENO ? O_WRONLY : O_RDONLY);
        if (opened != descriptor) _exit(1);
    }
}

static int exit_status_for(const lofi_command *command, lofi_code code) {
    if (code == LOFI_ERR_INTERRUPTED) return 130;
    if (command != NULL && command->exit_for != NULL) return command->exit_for(code);
    if (code == LOFI_ERR_USAGE) return EXIT_USAGE;
    return code == LOFI_ERR_LIMIT ? 3 : 1;
}

/* Output that could not be written is a failure, whatever the command thought of its work. */
static int finish(lofi_context *context, const lofi_command *command, int status) {
    lofi_error problem = LOFI_ERROR_INIT;
    if (lofi_finish_output(&problem) == LOFI_OK) return status;
    context->json = false;
    lofi_print_failure(context, &problem);
    return status != 0 ? status : exit_status_for(command, problem.code);
}

static int fail(lofi_context *context, const lofi_command *command, const lofi_error *failure) {
    lofi_print_failure(context, failure);
    lofi_code finished = lofi_finish_output(NULL);
    (void)finished; /* there is a failure to report already, and lofi_print_failure says when it cannot be printed */
    return exit_status_for(command, failure->code);
}

/* Prints a text that was made, or says why it could not be made. */
static int print_made(lofi_context *context, lofi_buffer *text) {
    lofi_error problem = LOFI_ERROR_INIT;
    lofi_code code = lofi_buffer_check(text, &problem);
    if (code == LOFI_OK) lofi_print_text(lofi_buffer_str(text));
    lofi_buffer_free(text);
    return code == LOFI_OK ? finish(context, NULL, 0) : fail(context, NULL, &problem);
}

static int print_version(lofi_context *context) {
    if (!context->json) {
        lofi_print_text("lofi " LOFI_VERSION "\n");
        return finish(context, NULL, 0);
    }
    lofi_error problem = LOFI_ERROR_INIT;
    json_t *document = json_pack("{s:s, s:s}", "program", "lofi", "version", LOFI_VERSION);
    if (lofi_print_json(context, document, &problem) != LOFI_OK) return fail(context, NULL, &problem);
    return finish(context, NULL, 0);
}

static void apply_common(lofi_context *context, const lofi_common *common) {
    context->json = common->json;
    context->dry_run = common->dry_run;
    context->verbose = common->verbose;
    context->quiet = common->quiet;
    context->log->level = common->quiet ? LOFI_LOG_ERROR : common->verbose ? LOFI_LOG_VERBOSE : LOFI_LOG_INFO;
}

/* ---- one command ---- */

static int run_command(lofi_context *context, const lofi_command *command, lofi_common *common,
                       const char *const *arguments, size_t count) {
    lofi_error problem = LOFI_ERROR_INIT;
    void *settings = lofi_arena_alloc(context->arena, command->settings_bytes);
    bool *given = lofi_arena_alloc(context->arena, lofi_options_count(command) + 1);
    if (settings == NULL || given == NULL) {
        lofi_fail(&problem, LOFI_ERR_MEMORY, "cannot allocate memory for the command line");
        return fail(context, command, &problem);
    }
    context->command = command;
    context->given = given;
    lofi_code code = lofi_options_parse(settings, common, given, context, command, arguments, count, &problem);
    apply_common(context, common);
    if (common->help) {
        lofi_buffer text = LOFI_BUFFER_INIT;
        lofi_help_command(&text, command);
        return print_made(context, &text);
    }
    if (common->version) return print_version(context);
    if (code != LOFI_OK) return fail(context, command, &problem);
    if (command->computes) lofi_threads_bound_spinning(context->arguments);
    code = command->run(context, settings, &problem);
    if (code != LOFI_OK) {
        problem.code = code;
        int status = fail(context, command, &problem);
        return context->exit_status != 0 && status != 130 ? context->exit_status : status;
    }
    return finish(context, command, context->exit_status);
}

/* ---- finding it ---- */

/* Neither a command nor a group: what may have been meant. */
static int unknown_command(lofi_context *context, const char *typed, const char *second) {
    lofi_error problem = LOFI_ERROR_INIT;
    const char *names[128];
    size_t count = 0, entry_count;
    const lofi_table_entry *entries = lofi_table(&entry_count);
    bool group = second != NULL && lofi_table_is_group(typed, false);
    const char *whole = group ? lofi_arena_printf(context->arena, "%s %s", typed, second) : typed;
    for (size_t i = 0; i < entry_count && count < 126; i++) {
        if (entries[i].command == NULL) continue;
        names[count++] = entries[i].command->name;
        if (group || strchr(entries[i].command->name, ' ') == NULL) continue;
        char *first = lofi_arena_strdup(context->arena, entries[i].command->name);
        if (first == NULL) break;
        first[strcspn(first, " ")] = '\0';
        names[count++] = first;
    }
    lofi_fail(&problem, LOFI_ERR_USAGE, "there is no command '%s'", whole);
    const char *closest = lofi_closest(whole, names, count);
    if (closest != NULL)
        lofi_hint(&problem, "did you mean 'lofi %s'?", closest);
    else
        lofi_hint(&problem, "'lofi --help' lists the commands");
    return fail(context, NULL, &problem);
}

/* Only the first word of a command of several words. */
static int show_group(lofi_context *context, const lofi_common *common, const char *group) {
    if (common->help) {
        lofi_buffer text = LOFI_BUFFER_INIT;
        lofi_help_program(&text, group);
        return print_made(context, &text);
    }
    lofi_error problem = LOFI_ERROR_INIT;
    lofi_fail(&problem, LOFI_ERR_USAGE, "'lofi %s' needs one more word", group);
    lofi_hint(&problem, "'lofi %s --help' lists its commands", group);
    return fail(context, NULL, &problem);
}

static int show_help(lofi_context *context, const char *const *words, size_t count) {
    lofi_buffer text = LOFI_BUFFER_INIT;
    size_t used = 0;
    const lofi_command *command = lofi_table_find(words, count, false, &used);
    if (command == NULL && count > 0) command = lofi_table_find(words, count, true, &used);
    if (command != NULL && used == count)
        lofi_help_command(&text, command);
    else if (count == 0)
        lofi_help_program(&text, NULL);
    else if (count == 1 && lofi_table_is_group(words[0], false))
        lofi_help_program(&text, words[0]);
    else
        return unknown_command(context, words[0], count > 1 ? words[1] : NULL);
    return print_made(context, &text);
}

/* What the build and 'make install' ask for; not part of the help. Returns -1 when it is none of them. */
static int hidden_command(lofi_context *context, const char *const *words, size_t count) {
    lofi_buffer text = LOFI_BUFFER_INIT;
    size_t used = 0;
    if (strcmp(words[0], "--list-aliases") == 0)
        lofi_help_aliases(&text);
    else if (strcmp(words[0], "--list-commands") == 0)
        lofi_help_commands(&text);
    else if (strcmp(words[0], "--completion") == 0 && count == 2 && strcmp(words[1], "bash") == 0)
        lofi_help_bash(&text);
    else if (strcmp(words[0], "--man") == 0 && count == 1)
        lofi_help_manual(&text, NULL);
    else if (strcmp(words[0], "--man") == 0) {
        const lofi_command *command = lofi_table_find(words + 1, count - 1, false, &used);
        if (command == NULL) return unknown_command(context, words[1], count > 2 ? words[2] : NULL);
        lofi_help_manual(&text, command);
    } else
        return -1;
    return print_made(context, &text);
}

/* Takes the common flags that stand before the command; returns their number. */
static size_t take_leading_flags(lofi_common *common, const char *const *words, size_t count) {
    size_t taken = 0;
    while (taken < count && lofi_common_take(common, words[taken])) taken++;
    return taken;
}

static int no_command(lofi_context *context, const lofi_common *common) {
    if (common->version) return print_version(context);
    if (common->help) return show_help(context, NULL, 0);
    lofi_error problem = LOFI_ERROR_INIT;
    lofi_fail(&problem, LOFI_ERR_USAGE, "no command is given");
    lofi_hint(&problem, "'lofi --help' lists the commands");
    return fail(context, NULL, &problem);
}

static int unknown_leading_flag(lofi_context *context, const char *flag) {
    lofi_error problem = LOFI_ERROR_INIT;
    const char *names[16];
    size_t count = 0;
    for (const lofi_option *option = lofi_common_options; option->name != NULL; option++) names[count++] = option->name;
    lofi_fail(&problem, LOFI_ERR_USAGE, "there is no option '%s' before the command", flag);
    const char *closest = lofi_closest(flag + strspn(flag, "-"), names, count);
    if (closest != NULL)
        lofi_hint(&problem, "did you mean '--%s'?", closest);
    else
        lofi_hint(&problem, "options of a command stand behind it: lofi COMMAND %s", flag);
    return fail(context, NULL, &problem);
}

static int dispatch(lofi_context *context, lofi_common *common, const char *const *words, size_t count, bool alias) {
    size_t used = 0;
    if (!alias) {
        size_t flags = take_leading_flags(common, words, count);
        words += flags;
        count -= flags;
        apply_common(context, common);
        if (count == 0) return no_command(context, common);
        int status = hidden_command(context, words, count);
        if (status >= 0) return status;
        if (words[0][0] == '-') return unknown_leading_flag(context, words[0]);
        if (strcmp(words[0], "help") == 0) return show_help(context, words + 1, count - 1);
    }
    const lofi_command *command = lofi_table_find(words, count, alias, &used);
    if (command != NULL) return run_command(context, command, common, words + used, count - used);
    if (lofi_table_is_group(words[0], alias)) {
        size_t flags = take_leading_flags(common, words + 1, count - 1);
        apply_common(context, common);
        /* Flags between the two words: lofi audio --json process. */
        if (flags + 1 < count && flags > 0) {
            const char **joined = lofi_arena_alloc(context->arena, (count + 1) * sizeof(char *));
            if (joined != NULL) {
                joined[0] = words[0];
                memcpy(joined + 1, words + 1 + flags, (count - 1 - flags) * sizeof(char *));
                return dispatch(context, common, joined, count - flags, alias);
            }
        }
        if (flags + 1 == count) return show_group(context, common, words[0]);
    }
    return unknown_command(context, words[0], count > 1 ? words[1] : NULL);
}

/* Whether the caller wants JSON is known before the rest is understood, so that every mistake can be told in JSON. */
static bool json_is_asked(const char *const *words, size_t count) {
    for (size_t i = 0; i < count && strcmp(words[i], "--") != 0; i++)
        if (strcmp(words[i], "--json") == 0) return true;
    return false;
}

int main(int argc, char **argv) {
    keep_standard_descriptors();
    lofi_interrupt_install();
    lofi_log log = lofi_log_standard(LOFI_LOG_INFO);
    lofi_arena *arena = NULL;
    lofi_error problem = LOFI_ERROR_INIT;
    lofi_context context = {.log = &log, .program = argc > 0 ? argv[0] : "lofi", .arguments = argv};
    if (lofi_arena_new(&arena, &problem) != LOFI_OK) return fail(&context, NULL, &problem);
    context.arena = arena;
    const char *name = lofi_path_base(context.program);
    bool alias = argc > 0 && lofi_table_is_alias(name);
    const char **words = lofi_arena_alloc(arena, ((size_t)argc + 1) * sizeof(char *));
    size_t count = 0;
    int status = 1;
    if (words == NULL) {
        lofi_fail(&problem, LOFI_ERR_MEMORY, "cannot allocate memory for the command line");
        status = fail(&context, NULL, &problem);
    } else {
        if (alias) words[count++] = name;
        for (int i = 1; i < argc; i++) words[count++] = argv[i];
        lofi_common common = {.json = json_is_asked(words, count)};
        status = dispatch(&context, &common, words, count, alias);
    }
    lofi_arena_free(arena);
    return status;
}
