/* number_words_ru.c - Russian: "одна тысяча двести тридцать четыре", ordinals in the masculine nominative. */
#include "text/number_text.h"

#define MAX_DIGITS 33 /* 10^33 and more has no name */

static const char *const ones[10] = {"ноль", "один",  "два",  "три",    "четыре",
                                     "пять", "шесть", "семь", "восемь", "девять"};
static const char *const teens[10] = {"десять",     "одиннадцать", "двенадцать", "тринадцать",   "четырнадцать",
                                      "пятнадцать", "шестнадцать", "семнадцать", "восемнадцать", "девятнадцать"};
static const char *const tens[10] = {"",          "",           "двадцать",  "тридцать",    "сорок",
                                     "пятьдесят", "шестьдесят", "семьдесят", "восемьдесят", "девяносто"};
static const char *const hundreds[10] = {"",        "сто",      "двести",  "триста",    "четыреста",
                                         "пятьсот", "шестьсот", "семьсот", "восемьсот", "девятьсот"};
static const char *const powers[] = {"",           "тысяч",       "миллион",     "миллиард",
                                     "триллион",   "квадриллион", "квинтиллион", "секстиллион",
                                     "септиллион", "октиллион",   "нониллион"};

static int form(int64_t count) {
    if (count % 100 >= 11 && count % 100 <= 14) return 2;
    if (count % 10 == 1) return 0;
    return count % 10 >= 2 && count % 10 <= 4 ? 1 : 2;
}

static const char *one_of(int value, bool feminine) {
    if (feminine && value == 1) return "одна";
    return feminine && value == 2 ? "две" : ones[value];
}

static void add_power(lofi_buffer *out, int power, int value) {
    static const char *const thousand[] = {"а", "и", ""}, *const others[] = {"", "а", "ов"};
    if (power == 0) return;
    lofi_add_word(out, powers[power]);
    lofi_buffer_text(out, power == 1 ? thousand[form(value)] : others[form(value)]);
}

static void add_group(lofi_buffer *out, int value, bool feminine) {
    int rest = value % 100;
    if (value >= 100) lofi_add_word(out, hundreds[value / 100]);
    if (rest >= 20) lofi_add_word(out, tens[rest / 10]);
    if (rest >= 10 && rest < 20)
        lofi_add_word(out, teens[rest - 10]);
    else if (rest % 10 > 0)
        lofi_add_word(out, one_of(rest % 10, feminine));
}

static lofi_spelling spell(lofi_buffer *out, const char *digits, bool feminine) {
    lofi_digit_groups groups;
    lofi_buffer words = LOFI_BUFFER_INIT;
    if (!lofi_digit_groups_of(&groups, digits, MAX_DIGITS)) return LOFI_SPELLING_REFUSED;
    for (int i = 0; i < groups.count; i++) {
        int power = groups.count - 1 - i;
        if (groups.values[i] == 0) continue;
        add_group(&words, groups.values[i], feminine || power == 1);
        add_power(&words, power, groups.values[i]);
    }
    if (words.size == 0) lofi_buffer_text(&words, ones[0]);
    lofi_give_words(out, &words);
    return LOFI_SPELLED;
}

static lofi_spelling cardinal(lofi_buffer *out, const char *digits) {
    return spell(out, digits, false);
}

/* ---- ordinals ---- */

static const char *const ordinal_ones[10] = {"нулевой", "первый", "второй",  "третий",  "четвёртый",
                                             "пятый",   "шестой", "седьмой", "восьмой", "девятый"};
static const char *const ordinal_tens[10] = {"",
                                             "",
                                             "двадцатый",
                                             "тридцатый",
                                             "сороковой",
                                             "пятидесятый",
                                             "шестидесятый",
                                             "семидесятый",
                                             "восьмидесятый",
                                             "девяностый"};

static void add_ordinal_teen(lofi_buffer *out, int rest) {
    size_t soft_sign = strlen("ь");
    lofi_add_word(out, teens[rest]);
    lofi_shorten(out, soft_sign);
    lofi_buffer_text(out, "ый");
}

static void add_ordinal_hundred(lofi_buffer *out, int hundred) {
    static const char *const stems[10] = {"",        "сот",      "двухсот", "трёхсот",   "четырёхсот",
                                          "пятисот", "шестисот", "семисот", "восьмисот", "девятисот"};
    lofi_add_word(out, stems[hundred]);
    lofi_buffer_text(out, "ый");
}

/* num2words gives the ordinal's ending to every group that ends in tens or hundreds: "двадцатый тысяч первый". */
static void add_ordinal_group(lofi_buffer *out, int value, int power) {
    int hundred = value / 100, ten = value / 10 % 10, one = value % 10;
    if (hundred > 0 && ten == 0 && one == 0)
        add_ordinal_hundred(out, hundred);
    else if (hundred > 0)
        lofi_add_word(out, hundreds[hundred]);
    if (ten > 1) lofi_add_word(out, one == 0 ? ordinal_tens[ten] : tens[ten]);
    if (ten == 1)
        add_ordinal_teen(out, one);
    else if (one > 0 && power == 0)
        lofi_add_word(out, ordinal_ones[one]);
    else if (one > 0 && value != 1)
        lofi_add_word(out, one_of(one, power == 1));
}

/* The last group that is not zero, joined with its power in one word: "двухтысячный". */
static void add_joined(lofi_buffer *out, int value, int power) {
    static const char *const hundred[10] = {"",        "сто",      "двухсот", "трёхсот",   "четырёхсот",
                                            "пятисот", "шестисот", "семисот", "восьмисот", "девятисот"};
    static const char *const ten[10] = {
        "",         "", "двадцати", "тридцати", "сорока", "пятидесяти", "шестидесяти", "семидесяти", "восьмидесяти",
        "девяносто"};
    static const char *const one[10] = {"",     "одно",  "двух", "трёх",   "четырёх",
                                        "пяти", "шести", "семи", "восьми", "девяти"};
    int rest = value % 100;
    lofi_add_word(out, hundred[value / 100]);
    if (rest >= 20) lofi_buffer_text(out, ten[rest / 10]);
    if (rest >= 10 && rest < 20) {
        lofi_buffer_text(out, teens[rest - 10]);
        lofi_shorten(out, strlen("ь"));
        lofi_buffer_text(out, "и");
    } else if (value != 1) {
        lofi_buffer_text(out, one[rest % 10]);
    }
    lofi_buffer_printf(out, "%sный", powers[power]);
}

static lofi_spelling ordinal(lofi_buffer *out, const char *digits) {
    lofi_digit_groups groups;
    lofi_buffer words = LOFI_BUFFER_INIT;
    if (!lofi_digit_groups_of(&groups, digits, MAX_DIGITS)) return LOFI_SPELLING_REFUSED;
    bool joins = groups.values[groups.count - 1] == 0;
    for (int i = 0; i < groups.count; i++) {
        int power = groups.count - 1 - i, value = groups.values[i];
        if (value == 0) continue;
        if (joins && lofi_groups_end(&groups, i)) {
            add_joined(&words, value, power);
        } else {
            add_ordinal_group(&words, value, power);
            add_power(&words, power, value);
        }
    }
    if (words.size == 0) lofi_buffer_text(&words, ordinal_ones[0]);
    lofi_give_words(out, &words);
    return LOFI_SPELLED;
}

/* ---- decimals and money ---- */

/* "десятых", "стотысячных": the ordinal of 10^places. */
static void add_fraction_name(lofi_buffer *out, size_t places, bool one) {
    static const char *const prefixes[] = {"", "десяти", "сто"};
    if (places < 3)
        lofi_buffer_text(out, places == 1 ? " десят" : " сот");
    else
        lofi_buffer_printf(out, " %s%sн", prefixes[places % 3], powers[places / 3]);
    lofi_buffer_text(out, one ? "ая" : "ых");
}

static lofi_spelling decimal(lofi_buffer *out, const char *number) {
    static const char *const wholes[] = {"целая", "целых", "целых"};
    lofi_decimal parts;
    lofi_spelling done = lofi_decimal_of(&parts, number);
    if (done != LOFI_SPELLED) return done;
    if (parts.has_exponent) return LOFI_SPELLING_REFUSED;
    size_t places = strlen(parts.fraction);
    bool one = parts.fraction[places - 1] == '1' && (places < 2 || parts.fraction[places - 2] != '1');
    (void)spell(out, parts.whole, true);
    lofi_buffer_printf(out, " %s ", wholes[form(lofi_small_number(parts.whole))]);
    (void)spell(out, parts.fraction, true);
    add_fraction_name(out, places, one);
    return LOFI_SPELLED;
}

static lofi_spelling money(lofi_buffer *out, const char *amount, const char *currency) {
    static const lofi_currency_words currencies[] = {
        {"USD", {"доллар", "доллара", "долларов"}, {"цент", "цента", "центов"}},
        {"EUR", {"евро", "евро", "евро"}, {"цент", "цента", "центов"}},
        {.code = NULL},
    };
    static const lofi_money_rules rules = {
        .currencies = currencies, .cardinal = cardinal, .form = form, .separator = ",", .cut = ", "};
    return lofi_spell_money(out, amount, currency, &rules);
}

const lofi_number_words lofi_number_words_ru = {cardinal, ordinal, decimal, money};
