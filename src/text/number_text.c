/* number_text.c - see number_text.h. */
#include "text/number_text.h"

#include <math.h>

/* ---- integers ---- */

const char *lofi_skip_zeros(const char *digits) {
    while (digits[0] == '0' && digits[1] != '\0') digits++;
    return digits;
}

bool lofi_digit_groups_of(lofi_digit_groups *out, const char *digits, size_t max_digits) {
    digits = lofi_skip_zeros(digits);
    size_t size = strlen(digits);
    if (size > max_digits || size > (size_t)3 * LOFI_MAX_GROUPS) return false;
    out->count = 0;
    for (size_t at = 0; at < size;) {
        size_t length = (size - at) % 3 == 0 ? 3 : (size - at) % 3;
        int value = 0;
        for (size_t i = 0; i < length; i++) value = value * 10 + (digits[at + i] - '0');
        out->values[out->count++] = value;
        at += length;
    }
    return true;
}

bool lofi_groups_end(const lofi_digit_groups *groups, int index) {
    for (int i = index + 1; i < groups->count; i++)
        if (groups->values[i] != 0) return false;
    return true;
}

int64_t lofi_small_number(const char *digits) {
    digits = lofi_skip_zeros(digits);
    return strlen(digits) <= 18 ? strtoll(digits, NULL, 10) : -1;
}

void lofi_spell_small(lofi_buffer *out, lofi_cardinal_fn *cardinal, int64_t value) {
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", (long long)value);
    (void)cardinal(out, digits); /* every language can count this far */
}

/* ---- decimals ---- */

/* At most 15 digits: a double holds them, and its shortest spelling is the number without its trailing zeros. */
static bool is_certain(const char *number) {
    size_t digits = 0;
    for (const char *c = number; *c != '\0'; c++) digits += *c >= '0' && *c <= '9';
    return digits <= 15;
}

lofi_spelling lofi_decimal_of(lofi_decimal *out, const char *number) {
    const char *point = strchr(number, '.');
    if (!is_certain(number)) return LOFI_SPELLING_UNKNOWN;
    out->value = strtod(number, NULL);
    out->is_whole = out->value == trunc(out->value);
    out->has_exponent = out->value > 0 && out->value < 1e-4;
    snprintf(out->whole, sizeof out->whole, "%.0f", trunc(out->value));
    size_t places = point != NULL ? strlen(point + 1) : 0;
    while (places > 0 && point[places] == '0') places--;
    if (places == 0)
        snprintf(out->fraction, sizeof out->fraction, "0");
    else
        snprintf(out->fraction, sizeof out->fraction, "%.*s", (int)places, point + 1);
    return LOFI_SPELLED;
}

lofi_spelling lofi_spell_decimal(lofi_buffer *out, const char *number, lofi_cardinal_fn *cardinal, const char *point) {
    lofi_decimal parts;
    lofi_spelling done = lofi_decimal_of(&parts, number);
    if (done == LOFI_SPELLED) done = cardinal(out, parts.whole);
    if (done != LOFI_SPELLED || parts.is_whole) return done;
    int places = (int)strlen(parts.fraction);
    double rest = fabs(parts.value - trunc(parts.value)) * pow(10.0, places);
    double near = nearbyint(rest);
    char digits[32];
    snprintf(digits, sizeof digits, "%0*.0f", places, fabs(near - rest) < 0.01 ? near : floor(rest));
    lofi_buffer_printf(out, " %s", point);
    for (int i = 0; i < places && digits[i] != '\0'; i++) {
        lofi_buffer_text(out, " ");
        lofi_spell_small(out, cardinal, digits[i] - '0');
    }
    return LOFI_SPELLED;
}

/* ---- money ---- */

lofi_spelling lofi_money_parts(const char *amount, int64_t *units, int *cents, bool *is_whole) {
    const char *first = strchr(amount, '.');
    if (strpbrk(amount, "0123456789") == NULL || (first != NULL && strchr(first + 1, '.') != NULL))
        return LOFI_SPELLING_REFUSED;
    if (!is_certain(amount)) return LOFI_SPELLING_UNKNOWN;
    char text[128];
    double value = strtod(amount, NULL);
    snprintf(text, sizeof text, "%.60f", value); /* the double's exact value, as Decimal takes it */
    const char *point = strchr(text, '.');
    *units = strtoll(text, NULL, 10);
    *cents = (point[1] - '0') * 10 + (point[2] - '0') + (point[3] >= '5');
    if (*cents == 100) {
        *cents = 0;
        ++*units;
    }
    *is_whole = value == trunc(value);
    return LOFI_SPELLED;
}

int lofi_one_or_many(int64_t count) {
    return count == 1 ? 0 : 1;
}

static void cut_last(lofi_buffer *text, const char *mark) {
    const char *last = NULL, *hit = lofi_buffer_str(text);
    for (; (hit = strstr(hit, mark)) != NULL; hit++) last = hit;
    if (last != NULL) lofi_shorten(text, text->size - (size_t)(last - text->data));
}

lofi_spelling lofi_spell_money(lofi_buffer *out, const char *amount, const char *currency,
                               const lofi_money_rules *rules) {
    const lofi_currency_words *words = rules->currencies;
    int64_t units;
    int cents;
    bool is_whole;
    while (words->code != NULL && strcmp(words->code, currency) != 0) words++;
    if (words->code == NULL) return LOFI_SPELLING_REFUSED;
    lofi_spelling done = lofi_money_parts(amount, &units, &cents, &is_whole);
    if (done != LOFI_SPELLED) return done;
    lofi_buffer text = LOFI_BUFFER_INIT;
    lofi_spell_small(&text, rules->cardinal, units);
    lofi_buffer_printf(&text, " %s%s ", words->unit[rules->form(units)], rules->separator);
    lofi_spell_small(&text, rules->cardinal, cents);
    lofi_buffer_printf(&text, " %s", words->cent[rules->form(cents)]);
    if (rules->adjust != NULL) rules->adjust(&text, currency);
    if (is_whole) cut_last(&text, rules->cut);
    lofi_give_words(out, &text);
    return done;
}

/* ---- text ---- */

void lofi_latin_numeral(lofi_buffer *out, int power, bool germanic) {
    static const char *const low[] = {"m", "b", "tr", "quadr", "quint", "sext", "sept", "oct", "non"};
    static const char *const unit[] = {"", "un", "duo", "tre", "quattuor", "quin", "sex", "sept", "octo", "novem"};
    static const char *const ten[] = {"dec",      "vigint",     "trigint",  "quadragint", "quinquagint",
                                      "sexagint", "septuagint", "octogint", "nonagint"};
    if (power < 10)
        lofi_buffer_text(out, germanic && power == 8 ? "okt" : low[power - 1]);
    else if (power < 100)
        lofi_buffer_printf(out, "%s%s", germanic && power % 10 == 8 ? "okto" : unit[power % 10],
                           germanic && power / 10 == 1   ? "dez"
                           : germanic && power / 10 == 8 ? "oktogint"
                                                         : ten[power / 10 - 1]);
    else
        lofi_buffer_text(out, germanic ? "zent" : "cent");
}

void lofi_replace_all(lofi_buffer *text, const char *from, const char *to) {
    const char *data = lofi_buffer_str(text), *hit = strstr(data, from);
    if (hit == NULL) return;
    lofi_buffer out = LOFI_BUFFER_INIT;
    for (; hit != NULL; hit = strstr(data, from)) {
        lofi_buffer_append(&out, data, (size_t)(hit - data));
        lofi_buffer_text(&out, to);
        data = hit + strlen(from);
    }
    lofi_buffer_text(&out, data);
    lofi_buffer_free(text);
    *text = out;
}

bool lofi_ends_with(const lofi_buffer *text, const char *ending) {
    size_t size = strlen(ending);
    return text->size >= size && memcmp(text->data + text->size - size, ending, size) == 0;
}

void lofi_shorten(lofi_buffer *text, size_t size) {
    if (text->size < size || size == 0) return;
    text->size -= size;
    text->data[text->size] = '\0';
}

void lofi_shorten_character(lofi_buffer *text) {
    size_t size = 1;
    while (size < text->size && ((unsigned char)text->data[text->size - size] & 0xc0) == 0x80) size++;
    lofi_shorten(text, size);
}

bool lofi_change_ending(lofi_buffer *text, const char *const (*pairs)[2], size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!lofi_ends_with(text, pairs[i][0])) continue;
        lofi_shorten(text, strlen(pairs[i][0]));
        lofi_buffer_text(text, pairs[i][1]);
        return true;
    }
    return false;
}

void lofi_give_words(lofi_buffer *out, lofi_buffer *words) {
    lofi_buffer_text(out, lofi_buffer_str(words));
    if (out->failed == LOFI_OK) out->failed = words->failed;
    lofi_buffer_free(words);
}

void lofi_add_word(lofi_buffer *text, const char *word) {
    if (text->size > 0) lofi_buffer_text(text, " ");
    lofi_buffer_text(text, word);
}
