/* number_words_pl.c - Polish: "tysiąc dwieście trzydzieści cztery". */
#include "text/number_text.h"

#define MAX_DIGITS 66 /* 10^66 and more has no name */

static const char *const small[20] = {"zero",       "jeden",      "dwa",          "trzy",        "cztery",
                                      "pięć",       "sześć",      "siedem",       "osiem",       "dziewięć",
                                      "dziesięć",   "jedenaście", "dwanaście",    "trzynaście",  "czternaście",
                                      "piętnaście", "szesnaście", "siedemnaście", "osiemnaście", "dziewiętnaście"};
static const char *const tens[10] = {"",
                                     "",
                                     "dwadzieścia",
                                     "trzydzieści",
                                     "czterdzieści",
                                     "pięćdziesiąt",
                                     "sześćdziesiąt",
                                     "siedemdziesiąt",
                                     "osiemdziesiąt",
                                     "dziewięćdziesiąt"};
static const char *const hundreds[10] = {"",        "sto",      "dwieście",  "trzysta",  "czterysta",
                                         "pięćset", "sześćset", "siedemset", "osiemset", "dziewięćset"};

/* one, two to four, five and more */
static int form(int64_t count) {
    if (count == 1) return 0;
    bool few = count % 10 > 1 && count % 10 < 5 && (count % 100 < 10 || count % 100 > 20);
    return few ? 1 : 2;
}

static void add_scale(lofi_buffer *out, int power, int value) {
    static const char *const thousand[] = {"tysiąc", "tysiące", "tysięcy"};
    static const char *const prefixes[] = {"",       "mi",    "bi",   "try",  "kwadry", "kwinty",
                                           "seksty", "septy", "okty", "nony", "decy"};
    static const char *const endings[] = {"", "y", "ów"};
    if (power == 1) {
        lofi_add_word(out, thousand[form(value)]);
        return;
    }
    lofi_add_word(out, prefixes[power / 2]);
    lofi_buffer_printf(out, "%s%s", power % 2 == 1 ? "liard" : "lion", endings[form(value)]);
}

static void add_group(lofi_buffer *out, int value, bool is_last) {
    int rest = value % 100;
    if (value >= 100) lofi_add_word(out, hundreds[value / 100]);
    if (rest >= 20) lofi_add_word(out, tens[rest / 10]);
    if (rest >= 20) rest %= 10;
    if (rest > 0 && (is_last || value != 1)) lofi_add_word(out, small[rest]);
}

static void spell_groups(lofi_buffer *out, const lofi_digit_groups *groups) {
    lofi_buffer words = LOFI_BUFFER_INIT;
    for (int i = 0; i < groups->count; i++) {
        int power = groups->count - 1 - i;
        if (groups->values[i] == 0) continue;
        add_group(&words, groups->values[i], power == 0);
        if (power > 0) add_scale(&words, power, groups->values[i]);
    }
    if (words.size == 0) lofi_buffer_text(&words, small[0]);
    lofi_give_words(out, &words);
}

static lofi_spelling cardinal(lofi_buffer *out, const char *digits) {
    lofi_digit_groups groups;
    if (!lofi_digit_groups_of(&groups, digits, MAX_DIGITS)) return LOFI_SPELLING_REFUSED;
    spell_groups(out, &groups);
    return LOFI_SPELLED;
}

static const char *const ordinals[20] = {"",          "pierwszy",  "drugi",       "trzeci",     "czwarty",
                                         "piąty",     "szósty",    "siódmy",      "ósmy",       "dziewiąty",
                                         "dziesiąty", "jedenasty", "dwunasty",    "trzynasty",  "czternasty",
                                         "piętnasty", "szesnasty", "siedemnasty", "osiemnasty", "dziewiętnasty"};
static const char *const ordinal_tens[10] = {"",
                                             "",
                                             "dwudziesty",
                                             "trzydziesty",
                                             "czterdziesty",
                                             "pięćdziesiąty",
                                             "sześćdziesiąty",
                                             "siedemdziesiąty",
                                             "osiemdziesiąty",
                                             "dziewięćdziesiąty"};
static const char *const ordinal_hundreds[10] = {
    "",          "setny",      "dwusetny",    "trzysetny",  "czterysetny",
    "pięćsetny", "sześćsetny", "siedemsetny", "osiemsetny", "dziewięćsetny"};

static void add_ordinal_group(lofi_buffer *out, int value) {
    int rest = value % 100;
    if (rest == 0) {
        lofi_add_word(out, ordinal_hundreds[value / 100]);
        return;
    }
    if (value >= 100) lofi_add_word(out, hundreds[value / 100]);
    if (rest < 20) {
        lofi_add_word(out, ordinals[rest]);
    } else if (rest % 10 == 0) {
        lofi_add_word(out, ordinal_tens[rest / 10]);
    } else {
        lofi_add_word(out, ordinal_tens[rest / 10]);
        lofi_add_word(out, ordinals[rest % 10]);
    }
}

/* Before -tysięczny and its like, joined with it. Hundreds with tens below are more than num2words can do. */
static bool add_ordinal_prefix(lofi_buffer *out, int value) {
    static const char *const low[20] = {"",           "pierwszo",  "dwu",         "trzy",       "cztero",
                                        "pięcio",     "sześcio",   "siedmio",     "ośmio",      "dziewięcio",
                                        "dziesięcio", "jedenasto", "dwunasto",    "trzynasto",  "czternasto",
                                        "piętnasto",  "szesnasto", "siedemnasto", "osiemnasto", "dziewiętnasto"};
    static const char *const ten[10] = {"",
                                        "",
                                        "dwudziesto",
                                        "trzydiesto",
                                        "czterdziesto",
                                        "pięćdziesięcio",
                                        "sześćdziesięcio",
                                        "siedemdziesięcio",
                                        "osiemdziesięcio",
                                        "dziewięćdziesięcio"};
    static const char *const hundred[10] = {"",        "stu",      "dwustu",    "trzystu",  "czterystu",
                                            "pięcset", "sześćset", "siedemset", "ośiemset", "dziewięćset"};
    int rest = value % 100;
    if (value == 1) return true;
    if (rest == 0) {
        lofi_add_word(out, hundred[value / 100]);
    } else if (rest < 20 || rest % 10 == 0) {
        if (value >= 100) return false;
        lofi_add_word(out, rest < 20 ? low[rest] : ten[rest / 10]);
    } else {
        add_ordinal_group(out, value);
    }
    return true;
}

static lofi_spelling ordinal(lofi_buffer *out, const char *digits) {
    static const char *const powers[] = {"", "tysięczny", "milionowy", "milairdowy"};
    lofi_digit_groups groups;
    lofi_buffer words = LOFI_BUFFER_INIT;
    if (!lofi_digit_groups_of(&groups, digits, MAX_DIGITS)) return LOFI_SPELLING_REFUSED;
    int last = groups.count - 1;
    while (last >= 0 && groups.values[last] == 0) last--;
    int level = groups.count - 1 - last, value = last >= 0 ? groups.values[last] : 0;
    if (last < 0) return LOFI_SPELLING_REFUSED;
    if (last > 0) {
        groups.values[last] = 0;
        spell_groups(&words, &groups);
    }
    bool known = level < 4;
    if (level == 0)
        add_ordinal_group(&words, value);
    else
        known = known && add_ordinal_prefix(&words, value);
    if (known && value == 1 && level > 0 && words.size > 0) lofi_buffer_text(&words, " ");
    if (known) lofi_buffer_text(&words, powers[level]);
    if (!known) lofi_buffer_clear(&words);
    lofi_give_words(out, &words);
    return known ? LOFI_SPELLED : LOFI_SPELLING_REFUSED;
}

/* Digits behind the point are a number of their own; whole numbers have a zero there. */
static lofi_spelling decimal(lofi_buffer *out, const char *number) {
    lofi_decimal parts;
    lofi_spelling done = lofi_decimal_of(&parts, number);
    if (done != LOFI_SPELLED) return done;
    if (parts.has_exponent) return LOFI_SPELLING_REFUSED;
    (void)cardinal(out, parts.whole);
    lofi_buffer_text(out, " przecinek ");
    for (const char *c = parts.fraction; *c == '0'; c++) lofi_buffer_text(out, "zero ");
    return cardinal(out, parts.fraction);
}

static lofi_spelling money(lofi_buffer *out, const char *amount, const char *currency) {
    static const lofi_currency_words currencies[] = {
        {"USD", {"dolar amerykański", "dolary amerykańskie", "dolarów amerykańskich"}, {"cent", "centy", "centów"}},
        {"EUR", {"euro", "euro", "euro"}, {"cent", "centy", "centów"}},
        {.code = NULL},
    };
    static const lofi_money_rules rules = {
        .currencies = currencies, .cardinal = cardinal, .form = form, .separator = ",", .cut = ", "};
    return lofi_spell_money(out, amount, currency, &rules);
}

const lofi_number_words lofi_number_words_pl = {cardinal, ordinal, decimal, money};
