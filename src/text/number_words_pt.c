/* number_words_pt.c - Portuguese of Portugal: "mil duzentos e trinta e quatro". */
#include "text/number_text.h"

#define MAX_DIGITS 27 /* 10^27 and more has no name */

static const char *const small[20] = {"zero",    "um",     "dois",      "três",      "quatro",  "cinco",   "seis",
                                      "sete",    "oito",   "nove",      "dez",       "onze",    "doze",    "treze",
                                      "catorze", "quinze", "dezasseis", "dezassete", "dezoito", "dezanove"};
static const char *const tens[10] = {"",          "",         "vinte",   "trinta",  "quarenta",
                                     "cinquenta", "sessenta", "setenta", "oitenta", "noventa"};
static const char *const hundreds[10] = {"",           "cento",      "duzentos",   "trezentos",  "quatrocentos",
                                         "quinhentos", "seiscentos", "setecentos", "oitocentos", "novecentos"};

static void add(lofi_buffer *out, const char *word) {
    if (out->size > 0) lofi_buffer_text(out, " e ");
    lofi_buffer_text(out, word);
}

static void spell_group(lofi_buffer *out, int value) {
    if (value == 100) {
        add(out, "cem");
        return;
    }
    int rest = value % 100;
    if (value > 100) add(out, hundreds[value / 100]);
    if (value > 100 && rest == 0) return;
    add(out, rest < 20 ? small[rest] : tens[rest / 10]);
    if (rest >= 20 && rest % 10 > 0) add(out, small[rest % 10]);
}

static void spell_below_million(lofi_buffer *out, int high, int low) {
    if (high > 1) spell_group(out, high);
    if (high > 1)
        lofi_buffer_text(out, " mil");
    else if (high == 1)
        add(out, "mil");
    if (low > 0 || high == 0) spell_group(out, low);
}

/* "mil e" loses its "e" when a word ending in -ento or -entos follows, and an e somewhere behind that. */
static bool loses_and(const char *text, const char *scale) {
    size_t size = strlen(scale);
    for (const char *hit = text; (hit = strstr(hit, scale)) != NULL; hit++) {
        if (strncmp(hit + size, " e ", 3) != 0) continue;
        const char *word = hit + size + 3, *end = strchr(word, ' ');
        if (end == NULL) continue;
        const char *last = end[-1] == 's' ? end - 1 : end;
        if (last - word >= 4 && strncmp(last - 4, "ento", 4) == 0 && strchr(end, 'e') != NULL) return true;
    }
    return false;
}

static void drop_ands(lofi_buffer *words) {
    static const char *const scales[] = {"mil", "milhão", "milhões", "mil milhões", "bilião", "biliões", "mil biliões"};
    for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++) {
        char from[32];
        if (!loses_and(lofi_buffer_str(words), scales[i])) continue;
        snprintf(from, sizeof from, "%s e", scales[i]);
        lofi_replace_all(words, from, scales[i]);
    }
}

static lofi_spelling cardinal(lofi_buffer *out, const char *digits) {
    static const char *const scales[][2] = {
        {"", ""}, {"milhão", "milhões"}, {"bilião", "biliões"}, {"trilião", "triliões"}, {"quatrilião", "quatriliões"}};
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
        spell_below_million(&words, high, low);
        if (power > 0) lofi_buffer_printf(&words, " %s", scales[power / 2][high == 0 && low == 1 ? 0 : 1]);
    }
    drop_ands(&words);
    lofi_give_words(out, &words);
    return LOFI_SPELLED;
}

static const char *ordinal_word(int digit, int place) {
    static const char *const words[3][10] = {
        {"", "primeiro", "segundo", "terceiro", "quarto", "quinto", "sexto", "sétimo", "oitavo", "nono"},
        {"", "décimo", "vigésimo", "trigésimo", "quadragésimo", "quinquagésimo", "sexagésimo", "septuagésimo",
         "octogésimo", "nonagésimo"},
        {"", "centésimo", "ducentésimo", "tricentésimo", "quadrigentésimo", "quingentésimo", "seiscentésimo",
         "septigentésimo", "octigentésimo", "nongentésimo"}};
    return words[place][digit];
}

/* Each digit has its ordinal, each group of three the name of its power behind it. */
static lofi_spelling ordinal(lofi_buffer *out, const char *digits) {
    static const char *const powers[] = {
        "", "milésimo", "milionésimo", "milésimo milionésimo", "bilionésimo", "milésimo bilionésimo"};
    lofi_digit_groups groups;
    lofi_buffer words = LOFI_BUFFER_INIT;
    if (!lofi_digit_groups_of(&groups, digits, 18)) return LOFI_SPELLING_REFUSED;
    for (int i = 0; i < groups.count; i++) {
        int value = groups.values[i];
        const int of_group[3] = {value / 100, value / 10 % 10, value % 10};
        for (int k = 0; k < 3; k++)
            if (of_group[k] > 0) lofi_add_word(&words, ordinal_word(of_group[k], 2 - k));
        if (value > 0 && i < groups.count - 1) lofi_add_word(&words, powers[groups.count - 1 - i]);
    }
    const char *text = lofi_buffer_str(&words);
    if (strncmp(text, "primeiro ", 9) == 0) text += 9;
    lofi_buffer_text(out, text);
    lofi_buffer_free(&words);
    return LOFI_SPELLED;
}

static lofi_spelling decimal(lofi_buffer *out, const char *number) {
    lofi_buffer words = LOFI_BUFFER_INIT;
    lofi_spelling done = lofi_spell_decimal(&words, number, cardinal, "vírgula");
    if (done == LOFI_SPELLED) drop_ands(&words); /* once more, as there are words behind now */
    lofi_give_words(out, &words);
    return done;
}

static void insert_of(lofi_buffer *text, const char *scale, const char *unit) {
    char pair[64];
    snprintf(pair, sizeof pair, "%s %s", scale, unit);
    if (strstr(lofi_buffer_str(text), pair) == NULL) return;
    lofi_buffer out = LOFI_BUFFER_INIT;
    const char *data = lofi_buffer_str(text), *first = strstr(data, scale) + strlen(scale);
    lofi_buffer_append(&out, data, (size_t)(first - data));
    lofi_buffer_printf(&out, " de%s", first);
    lofi_buffer_free(text);
    *text = out;
}

static const lofi_currency_words currencies[] = {
    {"USD", {"dólar", "dólares"}, {"cêntimo", "cêntimos"}},
    {"GBP", {"libra", "libras"}, {"péni", "pence"}},
    {"EUR", {"euro", "euros"}, {"cêntimo", "cêntimos"}},
    {.code = NULL},
};

/* "um milhão de euros"; no cents are not mentioned. */
static void adjust(lofi_buffer *text, const char *currency) {
    static const char *const scales[] = {"milhão", "milhões", "bilião", "biliões", "trilião", "triliões"};
    for (const lofi_currency_words *c = currencies; c->code != NULL; c++)
        for (size_t i = 0; i < sizeof scales / sizeof scales[0] && strcmp(c->code, currency) == 0; i++)
            insert_of(text, scales[i], c->unit[1]);
    lofi_replace_all(text, " e zero cêntimos", "");
}

static lofi_spelling money(lofi_buffer *out, const char *amount, const char *currency) {
    static const lofi_money_rules rules = {.currencies = currencies,
                                           .cardinal = cardinal,
                                           .form = lofi_one_or_many,
                                           .separator = " e",
                                           .adjust = adjust,
                                           .cut = " e "}; /* of "vinte e cinco euros" this leaves "vinte" */
    return lofi_spell_money(out, amount, currency, &rules);
}

const lofi_number_words lofi_number_words_pt = {cardinal, ordinal, decimal, money};
