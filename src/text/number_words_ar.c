/* number_words_ar.c - Arabic. Groups of three digits are put before each other from the lowest on, joined by "و"; spaces
 * stand where num2words has them, two in a row included.
 */
#include <math.h>

#include "text/number_text.h"

#define CERTAIN_DIGITS 28 /* above, num2words divides with rounding, depending on what it was asked before */
#define MAX_DIGITS     51 /* 10^51 and more has no name */

static const char *const ones[20] = {"",         "واحد",    "اثنان",    "ثلاثة",      "أربعة",
                                     "خمسة",     "ستة",     "سبعة",     "ثمانية",     "تسعة",
                                     "عشرة",     "أحد عشر", "اثنا عشر", "ثلاثة عشر",  "أربعة عشر",
                                     "خمسة عشر", "ستة عشر", "سبعة عشر", "ثمانية عشر", "تسعة عشر"};
static const char *const feminine_ones[20] = {"",         "إحدى",      "اثنتان",     "ثلاث",       "أربع",
                                              "خمس",      "ست",        "سبع",        "ثمان",       "تسع",
                                              "عشر",      "إحدى عشرة", "اثنتا عشرة", "ثلاث عشرة",  "أربع عشرة",
                                              "خمس عشرة", "ست عشرة",   "سبع عشرة",   "ثماني عشرة", "تسع عشرة"};
static const char *const tens[10] = {"", "", "عشرون", "ثلاثون", "أربعون", "خمسون", "ستون", "سبعون", "ثمانون", "تسعون"};
static const char *const hundreds[10] = {"",        "مائة",   "مئتان",   "ثلاثمائة", "أربعمائة",
                                         "خمسمائة", "ستمائة", "سبعمائة", "ثمانمائة", "تسعمائة"};

/* The forms of 1000^power: one or hundreds, two alone, two before others, three to ten, eleven and more. */
typedef struct power_words {
    const char *one, *two, *only_two, *few, *many;
} power_words;

static const power_words powers[10] = {
    {"", "", "", "", ""},
    {"ألف", "ألفان", "ألفا", "آلاف", "ألفاً"},
    {"مليون", "مليونان", "مليونا", "ملايين", "مليوناً"},
    {"مليار", "ملياران", "مليارا", "مليارات", "ملياراً"},
    {"تريليون", "تريليونان", "تريليونا", "تريليونات", "تريليوناً"},
    {"كوادريليون", "كوادريليونان", "كوادريليونا", "كوادريليونات", "كوادريليوناً"},
    {"كوينتليون", "كوينتليونان", "كوينتليونا", "كوينتليونات", "كوينتليوناً"},
    {"سكستيليون", "سكستيليونان", "سكستيليونا", "سكستيليونات", "سكستيليوناً"},
    {"سبتيليون", "سبتيليونان", "سبتيليونا", "سبتيليونات", "سبتيليوناً"},
    {"أوكتيليون", "أوكتيليونان ", "أوكتيليونا ", "أوكتيليونات", "أوكتيليوناً"},
};

/* A group of up to three digits, `power` NULL for the last. `only`: nothing but this group is in the number. */
static void spell_group(lofi_buffer *out, int value, const power_words *power, bool feminine, bool only) {
    int hundred = value / 100, rest = value % 100;
    if (hundred > 0) lofi_buffer_text(out, hundred == 2 && rest == 0 ? "مئتا" : hundreds[hundred]);
    if (hundred > 0 && rest > 0) lofi_buffer_text(out, " و ");
    const char *const *words = feminine ? feminine_ones : ones;
    if (rest == 2 && hundred == 0 && power != NULL) {
        lofi_buffer_text(out, only ? power->only_two : power->two);
    } else if (rest == 1 && power != NULL) {
        lofi_buffer_text(out, power->one);
    } else if (rest < 20) {
        lofi_buffer_text(out, words[rest]);
    } else {
        if (rest % 10 > 0) lofi_buffer_printf(out, "%s و ", words[rest % 10]);
        lofi_buffer_text(out, tens[rest / 10]);
    }
}

/* The name of the power behind a group, `rest` what the lower groups have given. */
static const char *power_name(int value, const power_words *power, bool has_rest) {
    if (value % 100 == 1) return power->one;
    if (value >= 3 && value <= 10) return power->few;
    return has_rest ? power->many : power->one;
}

/* Ends in a space. */
static void spell_whole(lofi_buffer *out, const lofi_digit_groups *groups, bool feminine) {
    lofi_buffer words = LOFI_BUFFER_INIT;
    for (int i = groups->count - 1; i >= 0; i--) {
        int value = groups->values[i];
        const power_words *power = i < groups->count - 1 ? &powers[groups->count - 1 - i] : NULL;
        if (value == 0) continue;
        lofi_buffer group = LOFI_BUFFER_INIT;
        bool has_rest = words.size > 0;
        spell_group(&group, value, power, feminine && power == NULL, i == 0 && lofi_groups_end(groups, 0));
        lofi_buffer_text(&group, " ");
        if (power != NULL && value > 2) lofi_buffer_printf(&group, "%s ", power_name(value, power, has_rest));
        if (power != NULL && has_rest) lofi_buffer_text(&group, "و ");
        lofi_give_words(&group, &words);
        words = group;
    }
    lofi_give_words(out, &words);
}

static bool is_zero(const lofi_digit_groups *groups) {
    return groups->count == 1 && groups->values[0] == 0;
}

static void strip_end(lofi_buffer *words) {
    while (lofi_ends_with(words, " ")) lofi_shorten(words, 1);
}

static lofi_spelling spell(lofi_buffer *out, const char *digits, bool feminine) {
    lofi_digit_groups groups;
    lofi_buffer words = LOFI_BUFFER_INIT;
    if (!lofi_digit_groups_of(&groups, digits, CERTAIN_DIGITS)) return LOFI_SPELLING_UNKNOWN;
    if (is_zero(&groups))
        lofi_buffer_text(&words, "صفر");
    else
        spell_whole(&words, &groups, feminine);
    strip_end(&words);
    lofi_give_words(out, &words);
    return LOFI_SPELLED;
}

static lofi_spelling cardinal(lofi_buffer *out, const char *digits) {
    if (strlen(lofi_skip_zeros(digits)) > MAX_DIGITS) return LOFI_SPELLING_REFUSED;
    return spell(out, digits, false);
}

static lofi_spelling ordinal(lofi_buffer *out, const char *digits) {
    static const char *const low[20] = {"",         "اول",      "ثاني",     "ثالث",     "رابع",
                                        "خامس",     "سادس",     "سابع",     "ثامن",     "تاسع",
                                        "عاشر",     "حادي عشر", "ثاني عشر", "ثالث عشر", "رابع عشر",
                                        "خامس عشر", "سادس عشر", "سابع عشر", "ثامن عشر", "تاسع عشر"};
    int64_t value = lofi_small_number(digits);
    if (value < 0 || value > 19) return spell(out, digits, value >= 0 && value < 100);
    lofi_buffer_text(out, low[value]);
    return LOFI_SPELLED;
}

/* Zero, at nine places. */
static bool is_nothing(double value) {
    return nearbyint(value * 1e9) == 0;
}

/* Two places behind the point, read as a number of feminine units. */
static int hundredths(double value) {
    char text[32];
    snprintf(text, sizeof text, "%09.0f", nearbyint((value - trunc(value)) * 1e9));
    size_t size = strlen(text);
    while (size > 0 && text[size - 1] == '0') size--;
    return (size > 0 ? text[0] - '0' : 0) * 10 + (size > 1 ? text[1] - '0' : 0);
}

static lofi_spelling decimal(lofi_buffer *out, const char *number) {
    lofi_decimal parts;
    lofi_spelling done = lofi_decimal_of(&parts, number);
    if (done != LOFI_SPELLED) return done;
    if (parts.is_whole || is_nothing(parts.value)) return cardinal(out, parts.whole);
    lofi_digit_groups groups;
    lofi_buffer words = LOFI_BUFFER_INIT;
    (void)lofi_digit_groups_of(&groups, parts.whole, CERTAIN_DIGITS);
    spell_whole(&words, &groups, false);
    int rest = hundredths(parts.value);
    if (rest > 0) {
        lofi_buffer_text(&words, " , ");
        spell_group(&words, rest, NULL, true, false);
    }
    strip_end(&words);
    size_t spaces = strspn(lofi_buffer_str(&words), " ");
    lofi_buffer_text(out, lofi_buffer_str(&words) + spaces);
    if (out->failed == LOFI_OK) out->failed = words.failed;
    lofi_buffer_free(&words);
    return LOFI_SPELLED;
}

/* Riyals and halalas, whatever the currency. */
static lofi_spelling money(lofi_buffer *out, const char *amount, const char *currency) {
    static const char *const unit[] = {"ريال", "ريالان", "ريالات", "ريالاً"};
    static const char *const cent[] = {"هللة", "هللتان", "هللات", "هللة"};
    (void)currency;
    int64_t units;
    int cents;
    bool is_whole;
    lofi_decimal parts;
    lofi_digit_groups groups;
    lofi_spelling done = lofi_money_parts(amount, &units, &cents, &is_whole);
    if (done == LOFI_SPELLED) done = lofi_decimal_of(&parts, amount);
    if (done != LOFI_SPELLED) return done;
    (void)lofi_digit_groups_of(&groups, parts.whole, CERTAIN_DIGITS);
    if (is_nothing(parts.value)) {
        lofi_buffer_text(out, "صفر");
        return done;
    }
    spell_whole(out, &groups, false);
    int last = groups.values[groups.count - 1] % 100, rest = hundredths(parts.value);
    bool two = groups.count == 1 && groups.values[0] == 2;
    if (!is_zero(&groups)) lofi_buffer_text(out, last > 10 ? unit[3] : last > 2 ? unit[2] : two ? unit[1] : unit[0]);
    if (rest == 0) return done;
    lofi_buffer_text(out, " و ");
    spell_group(out, rest, NULL, true, false);
    lofi_buffer_printf(out, " %s", rest > 10 ? cent[3] : rest > 2 ? cent[2] : rest == 2 ? cent[1] : cent[0]);
    return done;
}

const lofi_number_words lofi_number_words_ar = {cardinal, ordinal, decimal, money};
