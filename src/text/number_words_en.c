/* number_words_en.c - English: "one thousand, two hundred and thirty-four". */
#include "text/number_text.h"

#define MAX_DIGITS 306 /* 10^306 and more has no name */

static const char *const small[20] = {"zero",     "one",     "two",     "three",     "four",     "five",    "six",
                                      "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",  "thirteen",
                                      "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
static const char *const tens[10] = {"",      "",      "twenty",  "thirty", "forty",
                                     "fifty", "sixty", "seventy", "eighty", "ninety"};

static void spell_below_hundred(lofi_buffer *out, int value) {
    if (value < 20)
        lofi_buffer_text(out, small[value]);
    else if (value % 10 == 0)
        lofi_buffer_text(out, tens[value / 10]);
    else
        lofi_buffer_printf(out, "%s-%s", tens[value / 10], small[value % 10]);
}

static void spell_group(lofi_buffer *out, int value) {
    if (value >= 100) lofi_buffer_printf(out, "%s hundred", small[value / 100]);
    if (value >= 100 && value % 100 > 0) lofi_buffer_text(out, " and ");
    if (value < 100 || value % 100 > 0) spell_below_hundred(out, value % 100);
}

/* The name of 1000^power, power >= 1: Latin numerals with -illion. */
static void spell_scale(lofi_buffer *out, int power) {
    if (power == 1) {
        lofi_buffer_text(out, "thousand");
    } else {
        lofi_latin_numeral(out, power - 1, false);
        lofi_buffer_text(out, "illion");
    }
}

static lofi_spelling cardinal(lofi_buffer *out, const char *digits) {
    lofi_digit_groups groups;
    if (!lofi_digit_groups_of(&groups, digits, MAX_DIGITS)) return LOFI_SPELLING_REFUSED;
    for (int i = 0; i < groups.count; i++) {
        int value = groups.values[i], power = groups.count - 1 - i;
        if (value == 0 && groups.count > 1) continue;
        if (i > 0) lofi_buffer_text(out, power == 0 && value < 100 ? " and " : ", ");
        spell_group(out, value);
        if (power > 0) lofi_buffer_text(out, " ");
        if (power > 0) spell_scale(out, power);
    }
    return LOFI_SPELLED;
}

static lofi_spelling ordinal(lofi_buffer *out, const char *digits) {
    static const char *const odd[][2] = {{"one", "first"},     {"two", "second"},   {"three", "third"},
                                         {"five", "fifth"},    {"eight", "eighth"}, {"nine", "ninth"},
                                         {"twelve", "twelfth"}};
    lofi_buffer words = LOFI_BUFFER_INIT;
    lofi_spelling done = cardinal(&words, digits);
    if (done == LOFI_SPELLED) {
        const char *text = lofi_buffer_str(&words);
        size_t last = words.size;
        while (last > 0 && text[last - 1] != ' ' && text[last - 1] != '-') last--;
        const char *ending = NULL;
        for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
            if (strcmp(text + last, odd[i][0]) == 0) ending = odd[i][1];
        if (ending != NULL)
            lofi_buffer_printf(out, "%.*s%s", (int)last, text, ending);
        else if (words.size > 0 && text[words.size - 1] == 'y')
            lofi_buffer_printf(out, "%.*sieth", (int)words.size - 1, text);
        else
            lofi_buffer_printf(out, "%sth", text);
    }
    lofi_buffer_free(&words);
    return done;
}

static lofi_spelling decimal(lofi_buffer *out, const char *number) {
    return lofi_spell_decimal(out, number, cardinal, "point");
}

static lofi_spelling money(lofi_buffer *out, const char *amount, const char *currency) {
    static const lofi_currency_words currencies[] = {
        {"USD", {"dollar", "dollars"}, {"cent", "cents"}},
        {"GBP", {"pound sterling", "pounds sterling"}, {"penny", "pence"}},
        {"EUR", {"euro", "euro"}, {"cent", "cents"}},
        {.code = NULL},
    };
    static const lofi_money_rules rules = {
        .currencies = currencies, .cardinal = cardinal, .form = lofi_one_or_many, .separator = ",", .cut = ", "};
    return lofi_spell_money(out, amount, currency, &rules);
}

const lofi_number_words lofi_number_words_en = {cardinal, ordinal, decimal, money};
