/* language_guess.c - see language_guess.h. */
#include "text/language_guess.h"

#include <stdlib.h>
#include <string.h>

#include "text/lyric_language.h"

struct lofi_language_guesser {
    void *fingerprints; /* NULL: not found */
    bool sought;
};

lofi_code lofi_language_guesser_open(lofi_language_guesser **out, lofi_error *err) {
    *out = calloc(1, sizeof **out);
    return *out != NULL ? LOFI_OK : lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate the language guesser");
}

#ifdef LOFI_HAVE_TEXTCAT
#include <libexttextcat/textcat.h>

#include "base/file.h"
#include "text/text_libraries.h"

#define FINGERPRINTS "/usr/share/libexttextcat/"
#define MAX_BYTES    100000 /* of a text that are looked at */

void lofi_language_guesser_free(lofi_language_guesser *guesser) {
    if (guesser == NULL) return;
    if (guesser->fingerprints != NULL) textcat_Done(guesser->fingerprints);
    free(guesser);
}

bool lofi_language_guesser_works(lofi_language_guesser *guesser) {
    if (!guesser->sought && lofi_path_is_file(FINGERPRINTS "fpdb.conf") &&
        lofi_library_open(&lofi_library_exttextcat, NULL) == LOFI_OK)
        guesser->fingerprints = special_textcat_Init(FINGERPRINTS "fpdb.conf", FINGERPRINTS);
    guesser->sought = true;
    return guesser->fingerprints != NULL;
}

/* The answer is a list, the likeliest first: "[es--utf8][gl--utf8]". */
const char *lofi_language_guess(lofi_language_guesser *guesser, const char *text, size_t size) {
    if (!lofi_language_guesser_works(guesser)) return NULL;
    const char *answer = textcat_Classify(guesser->fingerprints, text, size < MAX_BYTES ? size : MAX_BYTES);
    if (answer == NULL || answer[0] != '[') return NULL;
    if (strstr(answer, "[en-") != NULL || strstr(answer, "[sco-") != NULL) return "en";
    char code[8];
    snprintf(code, sizeof code, "%.*s", (int)strcspn(answer + 1, "-]"), answer + 1);
    const lofi_lyric_language *language = lofi_lyric_language_find(code);
    return language != NULL ? language->code : NULL;
}

#else

void lofi_language_guesser_free(lofi_language_guesser *guesser) {
    free(guesser);
}

bool lofi_language_guesser_works(lofi_language_guesser *guesser) {
    (void)guesser;
    return false;
}

const char *lofi_language_guess(lofi_language_guesser *guesser, const char *text, size_t size) {
    (void)guesser, (void)text, (void)size;
    return NULL;
}

#endif
