/* number_words_it.c - Italian: "milleduecentotrentaquattro". Accents and elisions are num2words' own, odd ones included. */
#include "text/number_text.h"

#define MAX_DIGITS 65 /* 10^65 and more has no name */

static const char *const small[20] = {"zero",     "uno",    "due",         "tre",      "quattro",
                                      "cinque",   "sei",    "sette",       "otto",     "nove",
                                      "dieci",    "undici", "dodici",      "tredici",  "quattordici",
                                      "quindici", "sedici", "diciassette", "diciotto", "diciannove"};

/* A final "tre" of a longer word is accented, any other "tré" is not. */
static void accentuate(lofi_buffer *words) {
    lofi_buffer out = LOFI_BUFFER_INIT;
    const char *word = lofi_buffer_str(words);
    while (*word != '\0') {
        size_t size = strcspn(word, " ");
        lofi_buffer one = LOFI_BUFFER_INIT;
        lofi_buffer_append(&one, word, size);
        bool ends = size > 3 && lofi_ends_with(&one, "tre");
        lofi_replace_all(&one, "tré", "tre");
        if (ends) lofi_shorten(&one, 3);
        if (ends) lofi_buffer_text(&one, "tré");
        lofi_add_word(&out, "");
        lofi_give_words(&out, &one);
        word += size;
        word += strspn(word, " ");
    }
    lofi_buffer_free(words);
    *words = out;
}

static void contract(lofi_buffer *words) {
    static const char *const vowels[][2] = {{"oo", "o"}, {"ao", "o"}, {"io", "o"}, {"au", "u"}, {"iu", "u"}};
    for (size_t i = 0; i < sizeof vowels / sizeof vowels[0]; i++) lofi_replace_all(words, vowels[i][0], vowels[i][1]);
}

static void spell_group(lofi_buffer *out, int value) {
    static const char *const tens[10] = {"",          "",         "venti",    "trenta",  "quaranta",
                                         "cinquanta", "sessanta", "settanta", "ottanta", "novanta"};
    lofi_buffer words = LOFI_BUFFER_INIT;
    if (value < 20) {
        lofi_buffer_text(&words, small[value]);
    } else if (value < 100) {
        lofi_buffer_printf(&words, "%s%s", tens[value / 10], value % 10 > 0 ? small[value % 10] : "");
        contract(&words);
    } else {
        lofi_buffer_printf(&words, "%scento", value / 100 > 1 ? small[value / 100] : "");
        if (value % 100 > 0) spell_group(&words, value % 100);
        contract(&words);
    }
    accentuate(&words);
    lofi_give_words(out, &words);
}

static void spell_below_million(lofi_buffer *out, int thousands, int rest) {
    lofi_buffer words = LOFI_BUFFER_INIT;
    if (thousands == 0) {
        spell_group(out, rest);
        return;
    }
    if (thousands > 1) spell_group(&words, thousands);
    lofi_buffer_text(&words, thousands > 1 ? "mila" : "mille");
    if (rest > 0) spell_group(&words, rest);
    accentuate(&words);
    lofi_give_words(out, &words);
}

static void spell_scale(lofi_buffer *out, int power, bool many) {
    static const char *const prefixes[] = {"", "m", "b", "tr", "quadr", "quint", "sest", "sett", "ott", "nov", "dec"};
    lofi_buffer_printf(out, "%s%s%s", prefixes[power / 2], power % 2 == 1 ? "iliard" : "ilion",
                       many             ? "i"
                       : power % 2 == 1 ? "o"
                                        : "e");
}

/* The groups from number `index` on, the first of them not zero. */
static void spell_groups(lofi_buffer *out, const lofi_digit_groups *groups, int index) {
    int power = groups->count - 1 - index, value = groups->values[index];
    if (power < 2) {
        spell_below_million(out, power == 1 ? value : 0, groups->values[groups->count - 1]);
        return;
    }
    lofi_buffer words = LOFI_BUFFER_INIT, rest = LOFI_BUFFER_INIT;
    if (value > 1)
        spell_group(&words, value);
    else
        lofi_buffer_text(&words, "un");
    lofi_buffer_text(&words, " ");
    spell_scale(&words, power, value > 1);
    if (!lofi_groups_end(groups, index)) {
        int next = index + 1;
        while (groups->values[next] == 0) next++;
        spell_groups(&rest, groups, next);
        lofi_buffer_text(&words, strstr(lofi_buffer_str(&rest), " e ") != NULL ? ", " : " e ");
    }
    lofi_give_words(&words, &rest);
    accentuate(&words);
    lofi_give_words(out, &words);
}

static lofi_spelling cardinal(lofi_buffer *out, const char *digits) {
    lofi_digit_groups groups;
    if (!lofi_digit_groups_of(&groups, digits, MAX_DIGITS)) return LOFI_SPELLING_REFUSED;
    spell_groups(out, &groups, 0);
    return LOFI_SPELLED;
}

static lofi_spelling ordinal(lofi_buffer *out, const char *digits) {
    static const char *const low[20] = {
        "zero",         "primo",      "secondo",         "terzo",        "quarto",
        "quinto",       "sesto",      "settimo",         "ottavo",       "nono",
        "decimo",       "undicesimo", "dodicesimo",      "tredicesimo",  "quattordicesimo",
        "quindicesimo", "sedicesimo", "diciassettesimo", "diciottesimo", "diciannovesimo"};
    lofi_digit_groups groups;
    lofi_buffer words = LOFI_BUFFER_INIT;
    if (!lofi_digit_groups_of(&groups, digits, MAX_DIGITS)) return LOFI_SPELLING_REFUSED;
    int last = groups.values[groups.count - 1] % 100;
    bool teen = last > 10 && last < 20;
    if (groups.count == 1 && groups.values[0] < 20) {
        lofi_buffer_text(out, low[groups.values[0]]);
        return LOFI_SPELLED;
    }
    spell_groups(&words, &groups, 0);
    if (teen || last % 10 != 6) lofi_shorten_character(&words);
    if (!teen && last % 10 == 3)
        lofi_buffer_text(&words, "e");
    else if ((teen || last % 10 != 6) && lofi_ends_with(&words, "mil"))
        lofi_buffer_text(&words, "l");
    lofi_buffer_text(&words, "esimo");
    lofi_give_words(out, &words);
    return LOFI_SPELLED;
}

/* Also of whole numbers: "uno virgola zero". */
static lofi_spelling decimal(lofi_buffer *out, const char *number) {
    lofi_decimal parts;
    lofi_spelling done = lofi_decimal_of(&parts, number);
    if (done != LOFI_SPELLED) return done;
    if (parts.has_exponent) return LOFI_SPELLING_REFUSED;
    lofi_buffer words = LOFI_BUFFER_INIT;
    (void)cardinal(&words, parts.whole);
    lofi_buffer_text(&words, " virgola");
    for (const char *c = parts.fraction; *c != '\0'; c++) lofi_buffer_printf(&words, " %s", small[*c - '0']);
    accentuate(&words);
    lofi_give_words(out, &words);
    return LOFI_SPELLED;
}

/* "uno" before a noun. */
static void adjust(lofi_buffer *text, const char *currency) {
    if (strcmp(currency, "GBP") == 0 && strncmp(lofi_buffer_str(text), "uno ", 4) == 0) text->data[2] = 'a';
    lofi_replace_all(text, "uno", "un");
}

static lofi_spelling money(lofi_buffer *out, const char *amount, const char *currency) {
    static const lofi_currency_words currencies[] = {
        {"USD", {"dollaro", "dollari"}, {"centesimo", "centesimi"}},
        {"GBP", {"sterlina", "sterline"}, {"penny", "penny"}},
        {"EUR", {"euro", "euro"}, {"centesimo", "centesimi"}},
        {.code = NULL},
    };
    static const lofi_money_rules rules = {.currencies = currencies,
                                           .cardinal = cardinal,
                                           .form = lofi_one_or_many,
                                           .separator = " e",
                                           .adjust = adjust,
                                           .cut = " e "};
    return lofi_spell_money(out, amount, currency, &rules);
}

const lofi_number_words lofi_number_words_it = {cardinal, ordinal, decimal, money};
