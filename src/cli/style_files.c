/* style_files.c - see style_files.h. */
#include "cli/style_files.h"

#include "base/file.h"
#include "base/memory.h"

static lofi_code find_vocabulary(const char **out, lofi_context *context, const char *presets, lofi_error *err) {
    char folder[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_parent(folder, presets, err));
    const char *beside = lofi_arena_printf(context->arena, "%s/tag_vocabulary.json", folder);
    if (!beside) return lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for a path");
    *out = beside;
    return lofi_path_is_file(beside) ? LOFI_OK : lofi_data_file(out, context, "tag_vocabulary.json", err);
}

lofi_code lofi_style_files_load(lofi_style_files *files, lofi_context *context, const char *presets,
                                const char *vocabulary, lofi_error *err) {
    if (!presets) LOFI_TRY(lofi_data_file(&presets, context, "style_presets.json", err));
    if (!vocabulary) LOFI_TRY(find_vocabulary(&vocabulary, context, presets, err));
    files->presets_path = presets;
    files->vocabulary_path = vocabulary;
    LOFI_TRY(lofi_vocabulary_load(&files->vocabulary, vocabulary, err));
    return lofi_styles_load(&files->styles, presets, files->vocabulary, err);
}

void lofi_style_files_free(lofi_style_files *files) {
    lofi_styles_free(files->styles);
    lofi_vocabulary_free(files->vocabulary);
    *files = (lofi_style_files){0};
}
