/* number_words.h - numbers spelled out, as the `num2words` package (0.5.14) spells them: what upstream's lyrics are trained
 * on. Its oddities are kept where they are certain.
 *
 * One file per language, one descriptor. All texts are appended to `out`. Digits are ASCII. UNKNOWN above 15 digits where
 * num2words computes with floats.
 */
#ifndef LOFI_TEXT_NUMBER_WORDS_H
#define LOFI_TEXT_NUMBER_WORDS_H

#include <stdbool.h>

#include "base/buffer.h"

typedef enum lofi_spelling {
    LOFI_SPELLED,
    LOFI_SPELLING_REFUSED, /* the original raises an error here: it leaves the numbers of this line as they are */
    LOFI_SPELLING_UNKNOWN  /* we cannot say what the original would write */
} lofi_spelling;

typedef struct lofi_number_words {
    lofi_spelling (*cardinal)(lofi_buffer *out, const char *digits); /* "21" */
    lofi_spelling (*ordinal)(lofi_buffer *out, const char *digits);  /* "3": third */
    lofi_spelling (*decimal)(lofi_buffer *out, const char *number);  /* "12.5"; NULL: upstream leaves decimals alone */
    lofi_spelling (*money)(lofi_buffer *out, const char *amount, const char *currency); /* "5.50", "USD" */
} lofi_number_words;

extern const lofi_number_words lofi_number_words_en;
extern const lofi_number_words lofi_number_words_es;
extern const lofi_number_words lofi_number_words_fr;
extern const lofi_number_words lofi_number_words_de;
extern const lofi_number_words lofi_number_words_it;
extern const lofi_number_words lofi_number_words_pt;
extern const lofi_number_words lofi_number_words_pl;
extern const lofi_number_words lofi_number_words_cs;
extern const lofi_number_words lofi_number_words_ru;
extern const lofi_number_words lofi_number_words_nl;
extern const lofi_number_words lofi_number_words_tr;
extern const lofi_number_words lofi_number_words_hu;
extern const lofi_number_words lofi_number_words_ar;
extern const lofi_number_words lofi_number_words_ko;

#endif
