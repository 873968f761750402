/* number_words_de.c - German: "eintausendzweihundertvierunddreißig", "eine Million". */
#include "text/number_text.h"

#define MAX_DIGITS 606 /* 10^606 and more has no name */

static const char *const small[20] = {"null",     "eins",     "zwei",     "drei",     "vier",     "fünf",    "sechs",
                                      "sieben",   "acht",     "neun",     "zehn",     "elf",      "zwölf",   "dreizehn",
                                      "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn"};

static void spell_below_hundred(lofi_buffer *out, int value) {
    static const char *const tens[10] = {"",        "",        "zwanzig", "dreißig", "vierzig",
                                         "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"};
    if (value < 20)
        lofi_buffer_text(out, small[value]);
    else if (value % 10 == 0)
        lofi_buffer_text(out, tens[value / 10]);
    else
        lofi_buffer_printf(out, "%sund%s", value % 10 == 1 ? "ein" : small[value % 10], tens[value / 10]);
}

static void spell_group(lofi_buffer *out, int value) {
    if (value >= 100) lofi_buffer_printf(out, "%shundert", value / 100 == 1 ? "ein" : small[value / 100]);
    if (value < 100 || value % 100 > 0) spell_below_hundred(out, value % 100);
}

static void spell_scale(lofi_buffer *out, int power, bool many) {
    size_t start = out->size;
    lofi_latin_numeral(out, power / 2, true);
    if (power / 2 < 10 && out->size > start) out->data[start] = (char)(out->data[start] - 'a' + 'A');
    if (power % 2 == 1)
        lofi_buffer_text(out, many ? "illiarden" : "illiarde");
    else
        lofi_buffer_text(out, many ? "illionen" : "illion");
}

static lofi_spelling cardinal(lofi_buffer *out, const char *digits) {
    lofi_digit_groups groups;
    lofi_buffer words = LOFI_BUFFER_INIT;
    if (!lofi_digit_groups_of(&groups, digits, MAX_DIGITS)) return LOFI_SPELLING_REFUSED;
    for (int i = 0; i < groups.count; i++) {
        int value = groups.values[i], power = groups.count - 1 - i;
        if (value == 0 && groups.count > 1) continue;
        if (value == 1 && power > 0)
            lofi_buffer_text(&words, power == 1 ? "ein" : "eine");
        else
            spell_group(&words, value);
        if (power == 1) lofi_buffer_text(&words, "tausend");
        if (power < 2) continue;
        lofi_buffer_text(&words, " ");
        spell_scale(&words, power, value > 1);
        if (!lofi_groups_end(&groups, i)) lofi_buffer_text(&words, " ");
    }
    lofi_give_words(out, &words);
    return LOFI_SPELLED;
}

static void to_lower(lofi_buffer *words) {
    for (size_t i = 0; i < words->size; i++)
        if (words->data[i] >= 'A' && words->data[i] <= 'Z') words->data[i] = (char)(words->data[i] - 'A' + 'a');
}

/* "eine millionste" is "millionste", "zwei millionste" "zweimillionste". */
static void join_last_word(lofi_buffer *words) {
    if (!lofi_ends_with(words, "illionste") && !lofi_ends_with(words, "illiardste")) return;
    size_t size = words->size, last = size;
    while (last > 0 && words->data[last - 1] >= 'a' && words->data[last - 1] <= 'z') last--;
    if (last == 0 || words->data[last - 1] != ' ') return;
    size_t before = last - 1; /* the space */
    if (before >= 4 && memcmp(words->data + before - 4, "eine", 4) == 0) before -= 4;
    if (before < last - 1 && before > 0 && words->data[before - 1] == ' ') before--;
    memmove(words->data + before, words->data + last, size - last);
    lofi_shorten(words, last - before);
}

static lofi_spelling ordinal(lofi_buffer *out, const char *digits) {
    static const char *const endings[][2] = {{"eins", "ers"}, {"drei", "drit"}, {"acht", "ach"}, {"sieben", "sieb"},
                                             {"ig", "igs"},   {"ert", "erts"},  {"end", "ends"}, {"ion", "ions"},
                                             {"nen", "ns"},   {"rde", "rds"},   {"rden", "rds"}};
    lofi_buffer words = LOFI_BUFFER_INIT;
    lofi_spelling done = cardinal(&words, digits);
    if (done == LOFI_SPELLED) {
        to_lower(&words);
        (void)lofi_change_ending(&words, endings, sizeof endings / sizeof endings[0]);
        lofi_buffer_text(&words, "te");
        if (strcmp(lofi_buffer_str(&words), "eintausendste") == 0 ||
            strcmp(lofi_buffer_str(&words), "einhundertste") == 0)
            lofi_replace_all(&words, "ein", "");
        join_last_word(&words);
    }
    lofi_give_words(out, &words);
    return done;
}

static lofi_spelling decimal(lofi_buffer *out, const char *number) {
    return lofi_spell_decimal(out, number, cardinal, "Komma");
}

static void adjust(lofi_buffer *text, const char *currency) {
    (void)currency;
    lofi_replace_all(text, "eins ", "ein ");
}

static lofi_spelling money(lofi_buffer *out, const char *amount, const char *currency) {
    static const lofi_currency_words currencies[] = {
        {"USD", {"Dollar", "Dollar"}, {"Cent", "Cent"}},
        {"GBP", {"Pfund", "Pfund"}, {"Penny", "Pence"}},
        {"EUR", {"Euro", "Euro"}, {"Cent", "Cent"}},
        {.code = NULL},
    };
    static const lofi_money_rules rules = {.currencies = currencies,
                                           .cardinal = cardinal,
                                           .form = lofi_one_or_many,
                                           .separator = " und",
                                           .adjust = adjust,
                                           .cut = " und "};
    return lofi_spell_money(out, amount, currency, &rules);
}

const lofi_number_words lofi_number_words_de = {cardinal, ordinal, decimal, money};
