/* Any lyrics into section form: what comes out stays as it is when it goes in again, and times are gone once for all. */
#include <stdlib.h>
#include <string.h>

#include "catalog/lyrics.h"
#include "fuzz.h"

static void use_finding(void *user, size_t line, const char *what) {
    (void)user;
    if (line == 0 || strlen(what) > 255) abort();
    fuzz_use(what);
}

static void form_again(const lofi_buffer *formed) {
    lofi_buffer again = LOFI_BUFFER_INIT;
    if (lofi_lyrics_form(&again, lofi_buffer_str(formed), formed->size, NULL) != LOFI_OK) abort();
    if (again.size != formed->size || memcmp(lofi_buffer_str(&again), lofi_buffer_str(formed), again.size) != 0)
        abort();
    lofi_buffer_free(&again);
}

static void strip_again(const lofi_buffer *stripped) {
    lofi_buffer formed = LOFI_BUFFER_INIT;
    if (lofi_lyrics_form(&formed, lofi_buffer_str(stripped), stripped->size, NULL) != LOFI_OK) abort();
    form_again(&formed);
    lofi_buffer_free(&formed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    lofi_buffer formed = LOFI_BUFFER_INIT, stripped = LOFI_BUFFER_INIT;
    const char *text = (const char *)data;
    lofi_code code = lofi_lyrics_form(&formed, text, size, NULL);
    if (lofi_lyrics_check(text, size, use_finding, NULL, NULL) != code) abort();
    if (lofi_lyrics_strip_times(&stripped, text, size, NULL) != code) abort();
    if (code == LOFI_OK) {
        form_again(&formed);
        strip_again(&stripped);
    }
    lofi_buffer_free(&formed);
    lofi_buffer_free(&stripped);
    return 0;
}
