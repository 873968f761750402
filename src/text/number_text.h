/* number_text.h - what the languages' number words have in common: groups of three digits, decimals and amounts of money
 * as Python's floats give them, names of large powers, endings. Private to text/.
 */
#ifndef LOFI_TEXT_NUMBER_TEXT_H
#define LOFI_TEXT_NUMBER_TEXT_H

#include <stdint.h>

#include "text/number_words.h"

/* ---- integers ---- */

#define LOFI_MAX_GROUPS 202 /* 606 digits: the largest number that any language has words for */

/* A number in groups of three digits, the highest first; group i counts 1000^(count - 1 - i). Zero is one group of 0. */
typedef struct lofi_digit_groups {
    int count;
    int values[LOFI_MAX_GROUPS];
} lofi_digit_groups;

/* `digits` is a run of ASCII digits. False when the number has more than `max_digits` digits without leading zeros. */
bool lofi_digit_groups_of(lofi_digit_groups *out, const char *digits, size_t max_digits);
/* Without leading zeros; "0" stays. */
const char *lofi_skip_zeros(const char *digits);
/* All groups behind number `index` are zero. */
bool lofi_groups_end(const lofi_digit_groups *groups, int index);
/* The value if it is below 10^18, else -1. */
int64_t lofi_small_number(const char *digits);

typedef lofi_spelling lofi_cardinal_fn(lofi_buffer *out, const char *digits);
/* A small number through a language's cardinals. */
void lofi_spell_small(lofi_buffer *out, lofi_cardinal_fn *cardinal, int64_t value);

/* ---- decimals ---- */

/* A decimal number as Python's str(float) writes it. */
typedef struct lofi_decimal {
    double value;
    char whole[24];    /* digits before the point */
    char fraction[24]; /* digits behind it, "0" when there are none */
    bool is_whole;
    bool has_exponent; /* Python would write 1e-05 */
} lofi_decimal;

/* `number` is digits with one point at most. UNKNOWN for more than 15 digits: a double does not hold them. */
lofi_spelling lofi_decimal_of(lofi_decimal *out, const char *number);
/* "twelve POINT five zero": each digit on its own, places taken out of the float as num2words does it. */
lofi_spelling lofi_spell_decimal(lofi_buffer *out, const char *number, lofi_cardinal_fn *cardinal, const char *point);

/* ---- money ---- */

typedef struct lofi_currency_words {
    const char *code;    /* "USD"; NULL ends a table */
    const char *unit[3]; /* by the language's plural form */
    const char *cent[3];
} lofi_currency_words;

typedef struct lofi_money_rules {
    const lofi_currency_words *currencies;
    lofi_cardinal_fn *cardinal;
    int (*form)(int64_t count);                              /* index into unit and cent */
    const char *separator;                                   /* between units and cents: " con" */
    void (*adjust)(lofi_buffer *text, const char *currency); /* of the whole text, or NULL */
    const char *cut;                                         /* whole amounts end before the last of these: " con " */
} lofi_money_rules;

/* Whole units and hundredths of a float, halves rounded up. REFUSED when `amount` is no number. */
lofi_spelling lofi_money_parts(const char *amount, int64_t *units, int *cents, bool *is_whole);
/* REFUSED also when the language has no words for the currency. */
lofi_spelling lofi_spell_money(lofi_buffer *out, const char *amount, const char *currency,
                               const lofi_money_rules *rules);
/* 0 for one, else 1. */
int lofi_one_or_many(int64_t count);

/* ---- text ---- */

/* The Latin numeral before -illion: 1 "m", 2 "b", ... 10 "dec", 11 "undec", ... 100 "cent", spelled as Latin does or as
 * German and Dutch do (k for c, z for c). `power` is 1..100. */
void lofi_latin_numeral(lofi_buffer *out, int power, bool germanic);
void lofi_replace_all(lofi_buffer *text, const char *from, const char *to);
bool lofi_ends_with(const lofi_buffer *text, const char *ending);
/* Takes the last `size` bytes off. */
void lofi_shorten(lofi_buffer *text, size_t size);
/* Takes off the last character, which may have several bytes. */
void lofi_shorten_character(lofi_buffer *text);
/* The first pair whose first half `text` ends with: that end becomes the second half. False when there is none. */
bool lofi_change_ending(lofi_buffer *text, const char *const (*pairs)[2], size_t count);
/* Appends `words` to `out`, with their failure if they had one, and frees them. */
void lofi_give_words(lofi_buffer *out, lofi_buffer *words);
/* A space, unless `text` is empty, and the word. */
void lofi_add_word(lofi_buffer *text, const char *word);

#endif
