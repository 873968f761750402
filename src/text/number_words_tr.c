/* number_words_tr.c - Turkish, without spaces: "binikiyüzotuzdört". A decimal point is not read here: upstream leaves it. */
#include "text/number_text.h"

#define MAX_DIGITS 21 /* 10^21 - 1 and more is refused */

static const char *const ones[10] = {"", "bir", "iki", "üç", "dört", "beş", "altı", "yedi", "sekiz", "dokuz"};
static const char *const tens[10] = {"", "on", "yirmi", "otuz", "kırk", "elli", "altmış", "yetmiş", "seksen", "doksan"};
static const char *const powers[7] = {"", "bin", "milyon", "milyar", "trilyon", "katrilyon", "kentilyon"};

/* Whether the ones of group `index` are left out: a thousand has no "bir", and num2words has oddities of its own. */
static bool skips_ones(const lofi_digit_groups *groups, int index, bool ordinal) {
    int value = groups->values[index], power = groups->count - 1 - index;
    bool last = lofi_groups_end(groups, index), alone = value < 10;
    if (index == 0) return groups->count == 2 && value % 10 == 1 && (alone || (value >= 100 && !last));
    if (power == 0 || !alone) return false;
    if (power == 1) return value == 1;
    return !last && (!ordinal || value == 1);
}

static bool is_too_big(const char *digits) {
    digits = lofi_skip_zeros(digits);
    return strlen(digits) > MAX_DIGITS || strcmp(digits, "999999999999999999999") == 0;
}

static lofi_spelling cardinal(lofi_buffer *out, const char *digits) {
    char whole[64];
    lofi_digit_groups groups;
    if (is_too_big(digits)) return LOFI_SPELLING_REFUSED;
    snprintf(whole, sizeof whole, "%.0f", strtod(digits, NULL));
    if (strcmp(whole, lofi_skip_zeros(digits)) != 0) return LOFI_SPELLED; /* num2words: no float, no words */
    if (!lofi_digit_groups_of(&groups, whole, MAX_DIGITS)) return LOFI_SPELLING_REFUSED;
    if (groups.count == 1 && groups.values[0] == 0) lofi_buffer_text(out, "sıfır");
    for (int i = 0; i < groups.count; i++) {
        int value = groups.values[i];
        if (value == 0) continue;
        if (value >= 100) lofi_buffer_printf(out, "%syüz", value >= 200 ? ones[value / 100] : "");
        lofi_buffer_text(out, tens[value / 10 % 10]);
        if (!skips_ones(&groups, i, false)) lofi_buffer_text(out, ones[value % 10]);
        lofi_buffer_text(out, powers[groups.count - 1 - i]);
    }
    return LOFI_SPELLED;
}

/* The end of an ordinal: its last digit that is not zero. */
static void spell_ordinal_end(lofi_buffer *out, int value) {
    static const char *const one[10] = {"",        "birinci", "ikinci",  "üçüncü",    "dördüncü",
                                        "beşinci", "altıncı", "yedinci", "sekizinci", "dokuzuncu"};
    static const char *const ten[10] = {"",        "onuncu",     "yirminci",   "otuzuncu",   "kırkıncı",
                                        "ellinci", "altmışıncı", "yetmişinci", "sekseninci", "doksanıncı"};
    if (value >= 200) lofi_buffer_text(out, ones[value / 100]);
    if (value >= 100) lofi_buffer_text(out, value % 100 == 0 ? "yüzüncü" : "yüz");
    lofi_buffer_text(out, value % 10 == 0 ? ten[value / 10 % 10] : tens[value / 10 % 10]);
    lofi_buffer_text(out, one[value % 10]);
}

static lofi_spelling ordinal(lofi_buffer *out, const char *digits) {
    static const char *const ordinal_powers[7] = {
        "", "bininci", "milyonuncu", "milyarıncı", "trilyonuncu", "katrilyonuncu", "kentilyon"};
    lofi_digit_groups groups;
    if (is_too_big(digits) || !lofi_digit_groups_of(&groups, digits, MAX_DIGITS)) return LOFI_SPELLING_REFUSED;
    if (groups.count == 1 && groups.values[0] == 0) lofi_buffer_text(out, "sıfırıncı");
    for (int i = 0; i < groups.count; i++) {
        int value = groups.values[i], power = groups.count - 1 - i;
        if (value == 0) continue;
        if (power == 0) {
            spell_ordinal_end(out, value);
            continue;
        }
        if (value >= 100) lofi_buffer_printf(out, "%syüz", value >= 200 ? ones[value / 100] : "");
        lofi_buffer_text(out, tens[value / 10 % 10]);
        if (!skips_ones(&groups, i, true)) lofi_buffer_text(out, ones[value % 10]);
        lofi_buffer_text(out, lofi_groups_end(&groups, i) ? ordinal_powers[power] : powers[power]);
    }
    return LOFI_SPELLED;
}

static lofi_spelling money(lofi_buffer *out, const char *amount, const char *currency) {
    (void)out, (void)amount, (void)currency;
    return LOFI_SPELLING_REFUSED; /* num2words takes no currency here */
}

const lofi_number_words lofi_number_words_tr = {cardinal, ordinal, NULL, money};
