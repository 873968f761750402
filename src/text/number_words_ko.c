/* number_words_ko.c - Sino-Korean: "천이백삼십사", ordinals with native words: "스물한 번째". */
#include "text/number_text.h"

#define MAX_DIGITS 71 /* 10^71 and more has no name */

static const char *const ones[10] = {"영", "일", "이", "삼", "사", "오", "육", "칠", "팔", "구"};

static void spell_four(lofi_buffer *out, int value) {
    static const char *const places[] = {"천", "백", "십", ""};
    const int of_place[4] = {value / 1000, value / 100 % 10, value / 10 % 10, value % 10};
    for (int i = 0; i < 4; i++) {
        int digit = of_place[i];
        if (digit == 0) continue;
        if (digit > 1 || i == 3) lofi_buffer_text(out, ones[digit]);
        lofi_buffer_text(out, places[i]);
    }
}

static lofi_spelling cardinal(lofi_buffer *out, const char *digits) {
    static const char *const powers[] = {"",   "만", "억", "조", "경",     "해",     "자",     "양",       "구",
                                         "간", "정", "재", "극", "항하사", "아승기", "나유타", "불가사의", "무량대수"};
    lofi_buffer words = LOFI_BUFFER_INIT;
    digits = lofi_skip_zeros(digits);
    size_t size = strlen(digits);
    if (size > MAX_DIGITS) return LOFI_SPELLING_REFUSED;
    for (size_t at = 0; at < size;) {
        size_t length = (size - at) % 4 == 0 ? 4 : (size - at) % 4;
        int value = 0;
        for (size_t i = 0; i < length; i++) value = value * 10 + (digits[at + i] - '0');
        at += length;
        size_t power = (size - at) / 4;
        if (value == 0) continue;
        lofi_add_word(&words, "");
        if (power != 1 || value > 1) spell_four(&words, value);
        lofi_buffer_text(&words, powers[power]);
    }
    if (words.size == 0) lofi_buffer_text(&words, ones[0]);
    lofi_give_words(out, &words);
    return LOFI_SPELLED;
}

/* The native word of a Sino-Korean numeral from one to nine, or NULL. */
static const char *native_one(const char *word) {
    static const char *const native[10] = {"", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉"};
    for (int i = 1; i < 10; i++)
        if (strcmp(word, ones[i]) == 0) return native[i];
    return NULL;
}

/* `tail` is what stands behind the last hundred. Native words for its tens and ones; false where num2words has none. */
static bool spell_native(lofi_buffer *out, const char *tail) {
    static const char *const native_tens[10] = {"", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔"};
    const char *ten = strstr(tail, "십");
    if (ten == NULL) {
        const char *word = native_one(tail);
        lofi_buffer_text(out, word != NULL ? word : "");
        return word != NULL;
    }
    int count = ten == tail ? 1 : 0;
    for (int i = 2; i < 10 && count == 0; i++)
        if (strncmp(tail, ones[i], (size_t)(ten - tail)) == 0 && strlen(ones[i]) == (size_t)(ten - tail)) count = i;
    if (count == 0) return false;
    const char *rest = ten + strlen("십"), *word = native_one(rest);
    lofi_buffer_printf(out, "%s%s", native_tens[count], word != NULL ? word : rest);
    return true;
}

static lofi_spelling ordinal(lofi_buffer *out, const char *digits) {
    if (lofi_small_number(digits) == 1) {
        lofi_buffer_text(out, "첫 번째");
        return LOFI_SPELLED;
    }
    lofi_buffer words = LOFI_BUFFER_INIT, native = LOFI_BUFFER_INIT;
    lofi_spelling done = cardinal(&words, digits);
    const char *text = lofi_buffer_str(&words), *tail = text, *hit;
    if ((hit = strrchr(tail, ' ')) != NULL) tail = hit + 1;
    if ((hit = strstr(tail, "백")) != NULL) tail = hit + strlen("백");
    if (done == LOFI_SPELLED && !spell_native(&native, tail)) done = LOFI_SPELLING_REFUSED;
    if (done == LOFI_SPELLED)
        lofi_buffer_printf(out, "%.*s%s%s 번째", (int)(tail - text), text, hit != NULL ? " " : "",
                           lofi_buffer_str(&native));
    lofi_buffer_free(&words);
    lofi_buffer_free(&native);
    return done;
}

static lofi_spelling decimal(lofi_buffer *out, const char *number) {
    return lofi_spell_decimal(out, number, cardinal, "점");
}

static lofi_spelling money(lofi_buffer *out, const char *amount, const char *currency) {
    int64_t units;
    int cents;
    bool is_whole;
    if (strcmp(currency, "USD") != 0) return LOFI_SPELLING_REFUSED;
    lofi_spelling done = lofi_money_parts(amount, &units, &cents, &is_whole);
    if (done != LOFI_SPELLED) return done;
    lofi_buffer words = LOFI_BUFFER_INIT;
    lofi_spell_small(&words, cardinal, units);
    lofi_replace_all(&words, " ", "");
    lofi_buffer_text(&words, "달러 ");
    lofi_spell_small(&words, cardinal, cents);
    lofi_buffer_text(&words, "센트");
    lofi_give_words(out, &words);
    return LOFI_SPELLED;
}

const lofi_number_words lofi_number_words_ko = {cardinal, ordinal, decimal, money};
