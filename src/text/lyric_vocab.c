/* lyric_vocab.c - where the lyric vocabulary is found (lyric_tokenizer.h). */
#include "text/lyric_tokenizer.h"

#define WHERE_TO_GET_IT                                                                                                \
    "copy acestep/models/lyrics_utils/vocab.json of https://github.com/ace-step/ACE-Step into the checkpoint folder "  \
    "as lyric_vocab.json, or set ACE_STEP_DIR to a checkout, or name the file with --lyric-vocab"

static bool look(char out[LOFI_PATH_MAX], const char *folder, const char *name) {
    char path[LOFI_PATH_MAX];
    if (folder == NULL || folder[0] == '\0') return false;
    if (lofi_path_format(path, NULL, "%s/%s", folder, name) != LOFI_OK || !lofi_path_is_file(path)) return false;
    memcpy(out, path, strlen(path) + 1);
    return true;
}

lofi_code lofi_lyric_vocab_find(char out[LOFI_PATH_MAX], const char *checkpoint_dir, const char *explicit_path,
                                const char *ace_step_dir, lofi_error *err) {
    if (explicit_path != NULL && explicit_path[0] != '\0') {
        if (lofi_path_is_file(explicit_path)) return lofi_path_format(out, err, "%s", explicit_path);
        lofi_fail(err, LOFI_ERR_NOT_FOUND, "the lyric vocabulary '%s' is not there", explicit_path);
        return lofi_hint(err, "%s", WHERE_TO_GET_IT);
    }
    if (look(out, checkpoint_dir, "lyric_vocab.json")) return LOFI_OK;
    static const char *const names[] = {"acestep/models/lyrics_utils/vocab.json", "lyric_vocab.json", "vocab.json"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (look(out, ace_step_dir, names[i])) return LOFI_OK;
    lofi_fail(err, LOFI_ERR_NOT_FOUND, "no lyric vocabulary: '%s' has no lyric_vocab.json, and %s%s%s",
              checkpoint_dir != NULL ? checkpoint_dir : "(no checkpoint folder)",
              ace_step_dir != NULL && ace_step_dir[0] != '\0' ? "'" : "ACE_STEP_DIR is not set",
              ace_step_dir != NULL ? ace_step_dir : "",
              ace_step_dir != NULL && ace_step_dir[0] != '\0' ? "' has none either" : "");
    return lofi_hint(err, "%s", WHERE_TO_GET_IT);
}
