/* number_words_cs.c - Czech: upstream asks num2words for a language "cz", which it does not have. Digits stay. */
#include "text/number_text.h"

static lofi_spelling refuse(lofi_buffer *out, const char *digits) {
    (void)out, (void)digits;
    return LOFI_SPELLING_REFUSED;
}

static lofi_spelling refuse_money(lofi_buffer *out, const char *amount, const char *currency) {
    (void)out, (void)amount, (void)currency;
    return LOFI_SPELLING_REFUSED;
}

const lofi_number_words lofi_number_words_cs = {refuse, refuse, refuse, refuse_money};
