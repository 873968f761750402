/* nested.c - see the header. */
#include "cli/nested.h"

#include <assert.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "cli/options.h"
#include "cli/table.h"

/* A word as a shell would want it. */
static void add_word(lofi_buffer *line, const char *word) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=:+,%@~";
    if (*word && strspn(word, plain) == strlen(word)) {
        lofi_buffer_printf(line, " %s", word);
        return;
    }
    lofi_buffer_text(line, " '");
    for (; *word; word++) {
        if (*word == '\'')
            lofi_buffer_text(line, "'\\''");
        else
            lofi_buffer_append(line, word, 1);
    }
    lofi_buffer_text(line, "'");
}

static void show(const lofi_context *context, const char *const *words, size_t count) {
    lofi_buffer line = LOFI_BUFFER_INIT;
    for (size_t i = 0; i < count; i++) add_word(&line, words[i]);
    lofi_print(context, "\n$ lofi%s", lofi_buffer_str(&line));
    lofi_buffer_free(&line);
}

lofi_code lofi_run_nested(lofi_context *context, const char *const *words, size_t count, int *status, lofi_error *err) {
    size_t used = 0;
    const lofi_command *command = lofi_table_find(words, count, false, &used);
    assert(command && "a command of this program");
    show(context, words, count);
    lofi_context inner = *context;
    lofi_common common = {0};
    void *settings = lofi_arena_alloc(context->arena, command->settings_bytes);
    bool *given = lofi_arena_alloc(context->arena, lofi_options_count(command) + 1);
    if (!settings || !given) return lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate memory for the command line");
    inner.command = command;
    inner.given = given;
    inner.exit_status = 0;
    inner.json = false;
    inner.quiet = context->quiet || context->json;
    LOFI_TRY(lofi_options_parse(settings, &common, given, &inner, command, words + used, count - used, err));
    LOFI_TRY(command->run(&inner, settings, err));
    *status = inner.exit_status;
    return LOFI_OK;
}
