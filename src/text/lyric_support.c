/* lyric_support.c - what is there for the languages that need more than rules (lyric_tokenizer.h). */
#include <stdlib.h>

#include "text/japanese.h"
#include "text/language_guess.h"
#include "text/lyric_tokenizer.h"

static bool has_file(const char *variable, const char *name) {
    char path[LOFI_PATH_MAX];
    const char *folder = getenv(variable);
    return folder != NULL && folder[0] != '\0' && lofi_path_format(path, NULL, "%s/%s", folder, name) == LOFI_OK &&
           lofi_path_is_file(path);
}

static bool can_guess(void) {
    lofi_language_guesser *guesser = NULL;
    bool works = lofi_language_guesser_open(&guesser, NULL) == LOFI_OK && lofi_language_guesser_works(guesser);
    lofi_language_guesser_free(guesser);
    return works;
}

void lofi_lyric_support_look(lofi_lyric_support out[LOFI_LYRIC_SUPPORTS]) {
    bool dictionary = has_file("LOFI_MECAB_DICT", "sys.dic");
    out[0] = (lofi_lyric_support){.what = "Chinese phrases", .there = has_file("LOFI_PINYIN_DIR", "phrases_dict.json")};
    out[0].meaning = out[0].there ? "read as the original does"
                                  : "characters are read one by one; LOFI_PINYIN_DIR can name pypinyin's folder";
    out[1] = (lofi_lyric_support){.what = "Japanese", .there = lofi_japanese_built_in() && dictionary};
    out[1].meaning = out[1].there               ? "read as the original does"
                     : lofi_japanese_built_in() ? "stays in kana and kanji; LOFI_MECAB_DICT can name a UniDic"
                                                : "stays in kana and kanji; this program was built without MeCab";
    out[2] = (lofi_lyric_support){.what = "languages in Latin letters", .there = can_guess()};
    out[2].meaning = out[2].there ? "are told apart"
                                  : "are taken for English; libexttextcat or its fingerprints are missing";
    const char *model = getenv("LOFI_LANGID_MODEL");
    out[3] = (lofi_lyric_support){.what = "the original's language model",
                                  .there = model != NULL && model[0] != '\0' && lofi_path_is_file(model)};
    out[3].meaning = out[3].there ? "songs in Latin letters are cut as the original does"
                                  : "pieces of a song are guessed; LOFI_LANGID_MODEL can name py3langid's model.plzma";
}
