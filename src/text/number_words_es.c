/* number_words_es.c - Spanish: "mil doscientos treinta y cuatro". */
#include <math.h>

#include "text/number_text.h"

#define MAX_DIGITS 27 /* 10^27 and more has no name */

static const char *const small[30] = {
    "cero",         "uno",         "dos",        "tres",        "cuatro",     "cinco",      "seis",      "siete",
    "ocho",         "nueve",       "diez",       "once",        "doce",       "trece",      "catorce",   "quince",
    "dieciséis",    "diecisiete",  "dieciocho",  "diecinueve",  "veinte",     "veintiuno",  "veintidós", "veintitrés",
    "veinticuatro", "veinticinco", "veintiséis", "veintisiete", "veintiocho", "veintinueve"};
static const char *const tens[10] = {"",          "",        "",        "treinta", "cuarenta",
                                     "cincuenta", "sesenta", "setenta", "ochenta", "noventa"};
static const char *const hundreds[10] = {"",           "ciento",      "doscientos",  "trescientos", "cuatrocientos",
                                         "quinientos", "seiscientos", "setecientos", "ochocientos", "novecientos"};

static void spell_below_thousand(lofi_buffer *out, int value) {
    if (value == 100)
        lofi_add_word(out, "cien");
    else if (value > 100)
        lofi_add_word(out, hundreds[value / 100]);
    int rest = value % 100;
    if (value >= 100 && rest == 0) return;
    lofi_add_word(out, rest < 30 ? small[rest] : tens[rest / 10]);
    if (rest >= 30 && rest % 10 > 0) lofi_buffer_printf(out, " y %s", small[rest % 10]);
}

/* Six digits: `high` thousands and `low`. */
static void spell_below_million(lofi_buffer *out, int high, int low) {
    if (high > 1) spell_below_thousand(out, high);
    if (high > 0) lofi_add_word(out, "mil");
    if (low > 0 || high == 0) spell_below_thousand(out, low);
}

static lofi_spelling cardinal(lofi_buffer *out, const char *digits) {
    static const char *const scales[][2] = {
        {"millón", "millones"}, {"billón", "billones"}, {"trillón", "trillones"}, {"cuatrillón", "cuatrillones"}};
    lofi_digit_groups groups;
    lofi_buffer words = LOFI_BUFFER_INIT;
    if (!lofi_digit_groups_of(&groups, digits, MAX_DIGITS)) return LOFI_SPELLING_REFUSED;
    for (int i = 0; i < groups.count; i++) {
        int power = groups.count - 1 - i, high = 0;
        if (power % 2 == 1) {
            high = groups.values[i++];
            power--;
        }
        int low = groups.values[i];
        if (high == 0 && low == 0 && groups.count > 1) continue;
        if (power == 0) {
            spell_below_million(&words, high, low);
        } else if (high == 0 && low == 1) {
            lofi_add_word(&words, "un");
            lofi_add_word(&words, scales[power / 2 - 1][0]);
        } else {
            spell_below_million(&words, high, low);
            lofi_add_word(&words, scales[power / 2 - 1][1]);
        }
    }
    lofi_give_words(out, &words);
    return LOFI_SPELLED;
}

static void add_ordinal_below_thousand(lofi_buffer *out, int value) {
    static const char *const ones[11] = {"",      "primero", "segundo", "tercero", "cuarto", "quinto",
                                         "sexto", "séptimo", "octavo",  "noveno",  "décimo"};
    static const char *const ten[10] = {
        "",           "décimo",       "vigésimo",   "trigésimo", "quadragésimo", "quincuagésimo",
        "sexagésimo", "septuagésimo", "octogésimo", "nonagésimo"};
    static const char *const hundred[10] = {"",
                                            "centésimo",
                                            "ducentésimo",
                                            "tricentésimo",
                                            "cuadrigentésimo",
                                            "quingentésimo",
                                            "sexcentésimo",
                                            "septigentésimo",
                                            "octigentésimo",
                                            "noningentésimo"};
    if (value == 0) return;
    if (value <= 10) {
        lofi_add_word(out, ones[value]);
    } else if (value <= 12) {
        lofi_add_word(out, ten[1]);
        lofi_buffer_text(out, ones[value - 10]);
    } else if (value < 100) {
        lofi_add_word(out, ten[value / 10]);
        add_ordinal_below_thousand(out, value % 10);
    } else {
        lofi_add_word(out, hundred[value / 100]);
        add_ordinal_below_thousand(out, value % 100);
    }
}

/* The cardinal of what stands before the highest power of 1000 is joined with that power's ordinal. num2words takes the
 * power out of a logarithm; false where that comes out too high and the original never ends. */
static bool add_ordinal(lofi_buffer *out, int64_t value) {
    static const char *const powers[] = {
        "", "milésimo", "millonésimo", "billonésimo", "trillonésimo", "cuadrillonésimo"};
    while (value > 999) {
        int power = value == 1000 ? 1 : (int)(log((double)value) / log(1000.0));
        int64_t unit = 1;
        for (int i = 0; i < power; i++) unit *= 1000;
        if (power > 5 || unit > value) return false;
        lofi_add_word(out, "");
        if (value / unit != 1) lofi_spell_small(out, cardinal, value / unit);
        lofi_buffer_text(out, powers[power]);
        value %= unit;
    }
    add_ordinal_below_thousand(out, (int)value);
    return true;
}

static lofi_spelling ordinal(lofi_buffer *out, const char *digits) {
    lofi_buffer words = LOFI_BUFFER_INIT;
    int64_t value = lofi_small_number(digits);
    if (value < 0) return cardinal(out, digits);
    bool known = add_ordinal(&words, value);
    if (!known) lofi_buffer_clear(&words);
    lofi_give_words(out, &words);
    return known ? LOFI_SPELLED : LOFI_SPELLING_REFUSED;
}

static lofi_spelling decimal(lofi_buffer *out, const char *number) {
    return lofi_spell_decimal(out, number, cardinal, "punto");
}

/* "uno" before a noun: una libra, un euro, veintiún euros. */
static void adjust(lofi_buffer *text, const char *currency) {
    if (strcmp(currency, "GBP") == 0) {
        lofi_buffer cents = LOFI_BUFFER_INIT;
        char *middle = strstr(text->data != NULL ? text->data : "", " con ");
        if (middle != NULL) {
            lofi_buffer_text(&cents, middle);
            lofi_shorten(text, text->size - (size_t)(middle - text->data));
        }
        lofi_replace_all(text, "uno", "una");
        lofi_replace_all(text, "cientos", "cientas");
        lofi_give_words(text, &cents);
    }
    lofi_replace_all(text, "veintiuno", "veintiún");
    lofi_replace_all(text, "uno", "un");
}

static lofi_spelling money(lofi_buffer *out, const char *amount, const char *currency) {
    static const lofi_currency_words currencies[] = {
        {"USD", {"dólar", "dólares"}, {"centavo", "centavos"}},
        {"GBP", {"libra", "libras"}, {"penique", "peniques"}},
        {"EUR", {"euro", "euros"}, {"céntimo", "céntimos"}},
        {.code = NULL},
    };
    static const lofi_money_rules rules = {.currencies = currencies,
                                           .cardinal = cardinal,
                                           .form = lofi_one_or_many,
                                           .separator = " con",
                                           .adjust = adjust,
                                           .cut = " con "};
    return lofi_spell_money(out, amount, currency, &rules);
}

const lofi_number_words lofi_number_words_es = {cardinal, ordinal, decimal, money};
