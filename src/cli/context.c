/* context.c - see context.h and command.h. */
#include "cli/context.h"

#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "cli/options.h"

const lofi_variable lofi_variables[] = {
    {"LOFI_DATA_DIR", "./data", "songs, prompts and datasets", true},
    {"LOFI_CONFIG_DIR", "./config", "style presets and training settings", true},
    {"LOFI_CHECKPOINT_DIR", "./exps/logs", "what training writes", true},
    {"ACE_STEP_DIR", "~/.cache/ace-step", "the base model and the original trainer", true},
    {"LOFI_ONNXRUNTIME", "found by itself", "the libonnxruntime.so that proves exports", false},
    {"CUDA_VISIBLE_DEVICES", "0", "the GPUs that may be used", false},
    {NULL, NULL, NULL, false}};

/* ---- output ---- */

/* The errno of the first write to standard output that failed, or 0. */
static int output_failure(void) {
    errno = 0;
    if (fflush(stdout) != 0) return errno != 0 ? errno : EIO;
    return ferror(stdout) ? EIO : 0;
}

lofi_code lofi_finish_output(lofi_error *err) {
    int problem = output_failure();
    if (problem == 0 && fsync(STDOUT_FILENO) != 0 && (errno == EIO || errno == ENOSPC || errno == EDQUOT))
        problem = errno;
    errno = 0;
    if (fclose(stdout) != 0 && problem == 0 && errno != EBADF) problem = errno;
    return problem == 0 ? LOFI_OK : lofi_fail_errno(err, problem, "cannot write to standard output");
}

void lofi_print_text(const char *text) {
    fputs(text, stdout);
}

lofi_code lofi_print_json(lofi_context *context, json_t *document, lofi_error *err) {
    lofi_buffer text = LOFI_BUFFER_INIT;
    lofi_code code = lofi_json_print(&text, document, true, err);
    json_decref(document);
    lofi_buffer_text(&text, "\n");
    if (code == LOFI_OK) code = lofi_buffer_check(&text, err);
    if (code == LOFI_OK) {
        context->json_printed = true;
        fwrite(text.data, 1, text.size, stdout);
        int problem = output_failure();
        if (problem != 0) code = lofi_fail_errno(err, problem, "cannot write to standard output");
    }
    lofi_buffer_free(&text);
    return code;
}

void lofi_print(const lofi_context *context, const char *format, ...) {
    if (context->json || context->quiet) return;
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}

void lofi_print_failure(lofi_context *context, const lofi_error *failure) {
    if (context->json && !context->json_printed) {
        json_t *document = json_pack("{s:{s:s, s:s%, s:s%}}", "error", "code", lofi_code_name(failure->code), "message",
                                     failure->message, strlen(failure->message), "hint", failure->hint,
                                     strlen(failure->hint));
        lofi_error problem = LOFI_ERROR_INIT;
        if (document == NULL) /* a name that is not UTF-8 */
            document = json_pack("{s:{s:s, s:s, s:s}}", "error", "code", lofi_code_name(failure->code), "message",
                                 "the message holds a file name that is not UTF-8: run again without --json", "hint",
                                 "");
        if (lofi_print_json(context, document, &problem) != LOFI_OK)
            lofi_say(context->log, LOFI_LOG_ERROR, "%s", problem.message);
        return;
    }
    lofi_say(context->log, LOFI_LOG_ERROR, "%s", failure->message);
    if (failure->hint[0] == '\0') return;
    fprintf(context->log->stream, "hint: %s\n", failure->hint);
}

bool lofi_option_given(const lofi_context *context, const char *name) {
    size_t count = lofi_options_count(context->command);
    for (size_t i = 0; i < count; i++)
        if (strcmp(context->command->options[i].name, name) == 0) return context->given[i];
    return false;
}

/* ---- environment and data ---- */

static lofi_code out_of_memory(lofi_error *err) {
    return lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate the name of a file");
}

lofi_code lofi_environment_path(const char **out, lofi_context *context, const char *variable, lofi_error *err) {
    const lofi_variable *entry = lofi_variables;
    while (entry->name != NULL && strcmp(entry->name, variable) != 0) entry++;
    if (entry->name == NULL) return lofi_fail(err, LOFI_ERR_USAGE, "there is no setting called '%s'", variable);
    const char *value = getenv(variable);
    bool set = value != NULL && *value != '\0';
    if (!set) value = entry->fallback;
    char expanded[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_expand(expanded, value, err));
    if (set && entry->path && !lofi_path_exists(expanded)) {
        lofi_fail(err, LOFI_ERR_NOT_FOUND, "%s points to '%s', which does not exist", variable, value);
        return lofi_hint(err, "correct or unset %s (its default is '%s')", variable, entry->fallback);
    }
    *out = lofi_arena_strdup(context->arena, expanded);
    return *out == NULL ? out_of_memory(err) : LOFI_OK;
}

/* The folder that holds the running program, links resolved. */
static lofi_code program_folder(char folder[LOFI_PATH_MAX], lofi_error *err) {
    char program[LOFI_PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length < 0) return lofi_fail_errno(err, errno, "cannot find the folder of this program");
    program[length] = '\0';
    return lofi_path_parent(folder, program, err);
}

static lofi_code try_data_file(const char **out, lofi_context *context, const char *folder, const char *name,
                               lofi_error *err) {
    char path[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_format(path, err, "%s/%s", folder, name));
    if (!lofi_path_exists(path)) return LOFI_OK;
    *out = lofi_arena_strdup(context->arena, path);
    return *out == NULL ? out_of_memory(err) : LOFI_OK;
}

lofi_code lofi_data_file(const char **out, lofi_context *context, const char *name, lofi_error *err) {
    const char *found = NULL, *config = NULL;
    char beside[LOFI_PATH_MAX], folder[LOFI_PATH_MAX];
    LOFI_TRY(lofi_environment_path(&config, context, "LOFI_CONFIG_DIR", err));
    LOFI_TRY(try_data_file(&found, context, config, name, err));
    if (found == NULL) LOFI_TRY(try_data_file(&found, context, "./config", name, err));
    LOFI_TRY(program_folder(beside, err));
    /* PREFIX/bin/lofi has PREFIX/share; a build folder has a share/lofi of its own that leads to the source tree. */
    LOFI_TRY(lofi_path_format(folder, err, "%s/../share/lofi/config", beside));
    if (found == NULL) LOFI_TRY(try_data_file(&found, context, folder, name, err));
    LOFI_TRY(lofi_path_format(folder, err, "%s/share/lofi/config", beside));
    if (found == NULL) LOFI_TRY(try_data_file(&found, context, folder, name, err));
    if (found == NULL) {
        lofi_fail(err, LOFI_ERR_NOT_FOUND, "cannot find '%s' in '%s' or in the installed data", name, config);
        return lofi_hint(err, "set LOFI_CONFIG_DIR to the folder that holds it, or install again with 'make install'");
    }
    *out = found;
    return LOFI_OK;
}

lofi_code lofi_installed_folder(const char **out, lofi_context *context, const char *name, lofi_error *err) {
    const char *found = NULL;
    char beside[LOFI_PATH_MAX], folder[LOFI_PATH_MAX];
    LOFI_TRY(program_folder(beside, err));
    LOFI_TRY(lofi_path_format(folder, err, "%s/../share/lofi", beside));
    LOFI_TRY(try_data_file(&found, context, folder, name, err));
    LOFI_TRY(lofi_path_format(folder, err, "%s/share/lofi", beside));
    if (found == NULL) LOFI_TRY(try_data_file(&found, context, folder, name, err));
    if (found == NULL) {
        lofi_fail(err, LOFI_ERR_NOT_FOUND, "cannot find the installed folder '%s' in '%s/../share/lofi'", name, beside);
        return lofi_hint(err, "install again with 'make install'");
    }
    *out = found;
    return LOFI_OK;
}

int lofi_exit_for_input(lofi_code code) {
    return code == LOFI_ERR_USAGE || code == LOFI_ERR_FORMAT ? 2 : 1;
}
