/* number_words_en.c - English: "one thousand, two hundred and thirty-four". */
#include <math.h>

#include "text/number_words.h"

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
    static const char *const low[] = {"m", "b", "tr", "quadr", "quint", "sext", "sept", "oct", "non"};
    static const char *const unit[] = {"", "un", "duo", "tre", "quattuor", "quin", "sex", "sept", "octo", "novem"};
    static const char *const ten[] = {"dec",      "vigint",     "trigint",  "quadragint", "quinquagint",
                                      "sexagint", "septuagint", "octogint", "nonagint"};
    int latin = power - 1;
    if (latin == 0)
        lofi_buffer_text(out, "thousand");
    else if (latin < 10)
        lofi_buffer_printf(out, "%sillion", low[latin - 1]);
    else if (latin < 100)
        lofi_buffer_printf(out, "%s%sillion", unit[latin % 10], ten[latin / 10 - 1]);
    else
        lofi_buffer_text(out, "centillion");
}

static lofi_spelling cardinal(lofi_buffer *out, const char *digits) {
    while (digits[0] == '0' && digits[1] != '\0') digits++;
    size_t count = strlen(digits);
    if (count > MAX_DIGITS) return LOFI_SPELLING_REFUSED;
    bool begun = false;
    for (size_t at = 0; at < count;) {
        size_t size = (count - at) % 3 == 0 ? 3 : (count - at) % 3;
        int value = 0;
        for (size_t i = 0; i < size; i++) value = value * 10 + (digits[at + i] - '0');
        at += size;
        int power = (int)((count - at) / 3);
        if (value == 0 && (begun || power > 0)) continue;
        if (begun) lofi_buffer_text(out, power == 0 && value < 100 ? " and " : ", ");
        spell_group(out, value);
        if (power > 0) {
            lofi_buffer_text(out, " ");
            spell_scale(out, power);
        }
        begun = true;
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

/* At most 15 digits: a double holds them, and its shortest spelling is the number without its trailing zeros. */
static bool is_certain(const char *number) {
    size_t digits = 0;
    for (const char *c = number; *c != '\0'; c++) digits += *c >= '0' && *c <= '9';
    return digits <= 15;
}

static lofi_spelling spell_whole(lofi_buffer *out, double value) {
    char digits[32];
    snprintf(digits, sizeof digits, "%.0f", value);
    return cardinal(out, digits);
}

static lofi_spelling decimal(lofi_buffer *out, const char *number) {
    const char *point = strchr(number, '.');
    if (!is_certain(number) || point == NULL) return LOFI_SPELLING_UNKNOWN;
    double value = strtod(number, NULL), whole = trunc(value);
    lofi_spelling done = spell_whole(out, whole);
    if (done != LOFI_SPELLED || value == whole) return done;
    size_t places = strlen(point + 1);
    while (places > 0 && point[places] == '0') places--;
    double rest = fabs(value - whole) * pow(10.0, (double)places); /* as num2words takes the places out of a float */
    double near = nearbyint(rest);
    char digits[32];
    snprintf(digits, sizeof digits, "%0*.0f", (int)places, fabs(near - rest) < 0.01 ? near : floor(rest));
    lofi_buffer_text(out, " point");
    for (size_t i = 0; i < places && digits[i] != '\0'; i++) lofi_buffer_printf(out, " %s", small[digits[i] - '0']);
    return LOFI_SPELLED;
}

/* Whole units and hundredths of the double's exact value, halves rounded up. */
static bool to_hundredths(const char *amount, int64_t *units, int *hundredths) {
    char text[128];
    double value = strtod(amount, NULL);
    snprintf(text, sizeof text, "%.60f", value);
    const char *point = strchr(text, '.');
    *units = strtoll(text, NULL, 10);
    *hundredths = (point[1] - '0') * 10 + (point[2] - '0') + (point[3] >= '5');
    if (*hundredths == 100) {
        *hundredths = 0;
        ++*units;
    }
    return value == trunc(value);
}

static lofi_spelling money(lofi_buffer *out, const char *amount, const char *currency) {
    static const char *const names[][5] = {{"USD", "dollar", "dollars", "cent", "cents"},
                                           {"GBP", "pound sterling", "pounds sterling", "penny", "pence"},
                                           {"EUR", "euro", "euro", "cent", "cents"}};
    const char *first = strchr(amount, '.');
    if (strpbrk(amount, "0123456789") == NULL || (first != NULL && strchr(first + 1, '.') != NULL))
        return LOFI_SPELLING_REFUSED; /* no number */
    if (!is_certain(amount)) return LOFI_SPELLING_UNKNOWN;
    int64_t units = 0;
    int hundredths = 0;
    bool whole = to_hundredths(amount, &units, &hundredths);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i][0], currency) != 0) continue;
        lofi_spelling done = spell_whole(out, (double)units);
        if (done != LOFI_SPELLED) return done;
        lofi_buffer_printf(out, " %s", names[i][units == 1 ? 1 : 2]);
        if (whole) return LOFI_SPELLED;
        lofi_buffer_text(out, ", ");
        spell_below_hundred(out, hundredths);
        lofi_buffer_printf(out, " %s", names[i][hundredths == 1 ? 3 : 4]);
        return LOFI_SPELLED;
    }
    return LOFI_SPELLING_UNKNOWN;
}

const lofi_number_words lofi_number_words_en = {cardinal, ordinal, decimal, money};
