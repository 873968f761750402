/* number_words_zh.c - Chinese numbers as upstream writes them (acestep/models/lyrics_utils/zh_num2words.py): dates, money,
 * telephone numbers, fractions, percentages, counted things, long numbers digit by digit, the rest as cardinals; then
 * punctuation becomes commas. Each kind of number is looked for in the whole text, and every find replaced where its
 * digits stand first, which is upstream's way too.
 */
#include <stdlib.h>
#include <unicode/uregex.h>

#include "text/number_text.h"
#include "text/romanize.h"
#include "text/unicode.h"

#define MAX_DIGITS 40000 /* Python gives up its recursion there */

static const char *const digits_of[10] = {"零", "一", "二", "三", "四", "五", "六", "七", "八", "九"};

/* ---- cardinals ---- */

typedef struct unit {
    size_t power;
    const char *name;
} unit;

static const unit units[] = {{44, "载"}, {40, "正"}, {36, "涧"}, {32, "沟"}, {28, "穰"}, {24, "秭"}, {20, "垓"},
                             {16, "京"}, {12, "兆"}, {8, "亿"},  {4, "万"},  {3, "千"},  {2, "百"},  {1, "十"}};

static const unit *largest_unit(size_t size) {
    const unit *u = units;
    while (u->power >= size) u++;
    return u;
}

/* `power` of the unit that follows this part and of the one before it, 0: none. 2 is 两 before most units. */
static void add_part(lofi_buffer *out, const char *text, size_t size, size_t *before, size_t after) {
    size_t zeros = 0;
    while (zeros < size && text[zeros] == '0') zeros++;
    size_t rest = size - zeros;
    if (rest == 0) return;
    if (rest == 1) {
        bool pair = text[zeros] == '2' && after > 1 && *before != 1 && zeros == 0;
        if (zeros > 0) lofi_buffer_text(out, digits_of[0]);
        lofi_buffer_text(out, pair ? "两" : digits_of[text[zeros] - '0']);
        return;
    }
    const unit *u = largest_unit(rest);
    add_part(out, text, size - u->power, before, u->power);
    lofi_buffer_text(out, u->name);
    *before = u->power;
    add_part(out, text + size - u->power, u->power, before, after);
}

/* "12.5": 十二点五. False for what is no number or too long for a name. */
static bool add_cardinal(lofi_buffer *out, const char *number, size_t size) {
    const char *point = memchr(number, '.', size);
    size_t whole = point != NULL ? (size_t)(point - number) : size, before = 0;
    lofi_buffer words = LOFI_BUFFER_INIT;
    if (whole > MAX_DIGITS || (point != NULL && memchr(point + 1, '.', size - whole - 1) != NULL)) return false;
    if (whole == 1)
        lofi_buffer_text(&words, digits_of[number[0] - '0']);
    else
        add_part(&words, number, whole, &before, 0);
    const char *ten = "一十", *text = lofi_buffer_str(&words);
    if (words.size == 0 && point != NULL) lofi_buffer_text(out, digits_of[0]);
    lofi_buffer_text(out, strncmp(text, ten, strlen(ten)) == 0 ? text + strlen("一") : text);
    if (point != NULL) lofi_buffer_text(out, "点");
    for (size_t i = whole + 1; i < size; i++) lofi_buffer_text(out, digits_of[number[i] - '0']);
    lofi_buffer_free(&words);
    return true;
}

static void add_digits(lofi_buffer *out, const char *text, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (text[i] >= '0' && text[i] <= '9') lofi_buffer_text(out, digits_of[text[i] - '0']);
}

/* ---- kinds of numbers ---- */

/* Writes what stands for `found`. False: the original raises, and no number of the line is rewritten. */
typedef bool rewrite_fn(const char *found, lofi_buffer *out);

static bool is_number(char c) {
    return (c >= '0' && c <= '9') || c == '.';
}

/* Every run of digits as a cardinal, the rest as it is. */
static bool write_cardinals(const char *found, lofi_buffer *out) {
    while (*found != '\0') {
        size_t size = 0;
        while (is_number(found[size])) size++;
        if (size > 0 && !add_cardinal(out, found, size)) return false;
        if (size == 0) lofi_buffer_append(out, found, 1);
        found += size > 0 ? size : 1;
    }
    return true;
}

static bool write_date(const char *found, lofi_buffer *out) {
    const char *year = strstr(found, "年");
    if (year != NULL) {
        add_digits(out, found, (size_t)(year - found));
        lofi_buffer_text(out, "年");
        found = year + strlen("年");
    }
    return write_cardinals(found, out);
}

static bool write_digits(const char *found, lofi_buffer *out) {
    add_digits(out, found, strlen(found));
    return true;
}

static bool write_fraction(const char *found, lofi_buffer *out) {
    const char *slash = strchr(found, '/');
    bool known = add_cardinal(out, slash + 1, strlen(slash + 1));
    lofi_buffer_text(out, "分之");
    return known && add_cardinal(out, found, (size_t)(slash - found));
}

static bool write_percentage(const char *found, lofi_buffer *out) {
    lofi_buffer_text(out, "百分之");
    return add_cardinal(out, found, strlen(found) - 1);
}

static bool write_letter_pair(const char *found, lofi_buffer *out) {
    const char *two = strstr(found, "二");
    lofi_buffer_printf(out, "%.*s2%s", (int)(two - found), found, two + strlen("二"));
    return true;
}

#define MONEY_UNIT "(?:亿|千万|百万|万|千|百|(?:亿|千万|百万|万|千|百)元|(?:亿|千万|百万|万|千|百|)块|角|毛|分)"
#define MEASURE_WORDS                                                                                                                                                          \
    "[丈世丘丝两个丸代令件伏位冬出刀分刻勺匹升单卮厘双叠口只合名周啖回场块坡堂堆墙壳壶夏夜天头季客家寸对寻尺尾层山岁"   \
    "岭"                                                                                                                                                                      \
    "常幢年座张忽户手扎打担挑捆撮支斗斛斤日旬时春曲更月本条杯板枝根桶棵毫江泡溪炮煲片瓶盆盏盒盘石砣碗碟秋秒程窠笼管箩" \
    "箱篮簋粒纪线罐网罗群脚腔袋袭课贯贴跳身辆辈道里针钟钧钱钵铢铺锅锱阙队阵面页顶颗首]|(?:千|毫|微)克|(?:千|分|厘|毫|"         \
    "微)米"

typedef struct number_kind {
    const char *pattern; /* group 1 is replaced */
    rewrite_fn *rewrite;
    bool everywhere; /* not only where the same text stands first */
} number_kind;

static const number_kind kinds[] = {
    {"[^0-9]+((?:(?:[089][0-9]|(?:19|20)[0-9]{2})年)?(?:[0-9]{1,2}月(?:[0-9]{1,2}[日号])?)?)", write_date, false},
    {"[^0-9]+([0-9]+(?:\\.[0-9]+)?[多余几]?" MONEY_UNIT "(?:[0-9]" MONEY_UNIT "?)?)", write_cardinals, false},
    {"[^0-9]((?:\\+?86 ?)?1(?:[38][0-9]|5[0-35-9]|7[678]|9[89])[0-9]{8})[^0-9]", write_digits, false},
    {"[^0-9]((?:0(?:10|2[1-3]|[3-9][0-9]{2})-?)?[1-9][0-9]{6,7})[^0-9]", write_digits, false},
    {"([0-9]+/[0-9]+)", write_fraction, false},
    {"([0-9]+(?:\\.[0-9]+)?%)", write_percentage, false},
    {"([0-9]+(?:\\.[0-9]+)?)[多余几]?(?:" MEASURE_WORDS ")", write_cardinals, false},
    {"([0-9]{4,32})", write_digits, true},
    {"([0-9]+(?:\\.[0-9]+)?)", write_cardinals, false},
    {"([a-zA-Z]+二[a-zA-Z]+)", write_letter_pair, false},
};

/* Replaces `found` by its words where it stands first in `text`. */
static bool replace_found(lofi_buffer *text, const char *found, const number_kind *kind) {
    lofi_buffer words = LOFI_BUFFER_INIT, out = LOFI_BUFFER_INIT;
    const char *at = found[0] != '\0' ? strstr(lofi_buffer_str(text), found) : NULL;
    bool known = at == NULL || kind->rewrite(found, &words);
    if (at != NULL && known && kind->everywhere) {
        lofi_replace_all(text, found, lofi_buffer_str(&words));
    } else if (at != NULL && known) {
        lofi_buffer_append(&out, text->data, (size_t)(at - text->data));
        lofi_buffer_text(&out, lofi_buffer_str(&words));
        lofi_buffer_text(&out, at + strlen(found));
        lofi_buffer_free(text);
        *text = out;
    }
    lofi_buffer_free(&words);
    return known;
}

/* All finds are collected in `text` as it is now, then replaced one after the other. */
static lofi_code rewrite_kind(lofi_buffer *text, const number_kind *kind, bool *known, lofi_error *err) {
    lofi_utf16 pattern = LOFI_UTF16_INIT, units16 = LOFI_UTF16_INIT;
    lofi_buffer found = LOFI_BUFFER_INIT;
    UErrorCode status = U_ZERO_ERROR;
    URegularExpression *regex = NULL;
    lofi_code code = LOFI_OK;
    LOFI_TRY_GOTO(lofi_utf16_append_utf8(&pattern, kind->pattern, strlen(kind->pattern), err), end);
    LOFI_TRY_GOTO(lofi_utf16_append_utf8(&units16, lofi_buffer_str(text), text->size, err), end);
    regex = uregex_open(pattern.data, (int32_t)pattern.size, 0, NULL, &status);
    if (U_SUCCESS(status)) uregex_setText(regex, units16.data, (int32_t)units16.size, &status);
    while (*known && U_SUCCESS(status) && uregex_findNext(regex, &status)) {
        size_t start = (size_t)uregex_start(regex, 1, &status), end = (size_t)uregex_end(regex, 1, &status);
        if (U_FAILURE(status)) break;
        lofi_buffer_clear(&found);
        LOFI_TRY_GOTO(lofi_utf16_to_utf8(&found, units16.data + start, end - start, err), end);
        *known = replace_found(text, lofi_buffer_str(&found), kind);
        LOFI_TRY_GOTO(lofi_buffer_check(text, err), end);
    }
    code = lofi_icu_check(status, "looking for Chinese numbers", err);
end:
    if (regex != NULL) uregex_close(regex);
    lofi_utf16_free(&pattern);
    lofi_utf16_free(&units16);
    lofi_buffer_free(&found);
    return code;
}

/* ---- punctuation ---- */

static bool is_punctuation(int32_t c) {
    static const int32_t ranges[][2] = {{0x21, 0x2f},     {0x3a, 0x40},     {0x5b, 0x60},     {0x7b, 0x7e},
                                        {0xb7, 0xb7},     {0x2013, 0x2014}, {0x2018, 0x2019}, {0x201b, 0x201f},
                                        {0x2026, 0x2027}, {0x3001, 0x3003}, {0x3008, 0x3011}, {0x3014, 0x301f},
                                        {0x3030, 0x3030}, {0x303e, 0x303f}, {0xfe4f, 0xfe4f}, {0xff01, 0xff0d},
                                        {0xff0f, 0xff0f}, {0xff1a, 0xff20}, {0xff3b, 0xff40}, {0xff5b, 0xff64}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (c >= ranges[i][0] && c <= ranges[i][1]) return true;
    return false;
}

static void write_commas(const char *text, size_t size, lofi_buffer *out) {
    for (size_t at = 0; at < size;) {
        size_t start = at;
        if (is_punctuation(lofi_utf8_next(text, size, &at)))
            lofi_buffer_text(out, ",");
        else
            lofi_buffer_append(out, text + start, at - start);
    }
}

/* Upstream puts ^ before and $ behind while it works, and takes all of them off again. */
static void strip_marks(const lofi_buffer *text, size_t *start, size_t *end) {
    *start = 0;
    *end = text->size;
    while (*start < *end && text->data[*start] == '^') ++*start;
    while (*end > *start && text->data[*end - 1] == '$') --*end;
}

lofi_code lofi_chinese_numbers(lofi_buffer *text, lofi_error *err) {
    lofi_buffer work = LOFI_BUFFER_INIT, out = LOFI_BUFFER_INIT;
    bool known = true;
    lofi_code code = LOFI_OK;
    size_t start, end;
    lofi_buffer_printf(&work, "^%s$", lofi_buffer_str(text));
    LOFI_TRY_GOTO(lofi_buffer_check(&work, err), end);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && known; i++) {
        if (kinds[i].rewrite == write_percentage) lofi_replace_all(&work, "％", "%");
        LOFI_TRY_GOTO(rewrite_kind(&work, &kinds[i], &known, err), end);
    }
    if (known) {
        strip_marks(&work, &start, &end);
        write_commas(work.data + start, end - start, &out);
        LOFI_TRY_GOTO(lofi_buffer_check(&out, err), end);
        lofi_buffer_clear(text);
        lofi_buffer_append(text, lofi_buffer_str(&out), out.size);
        code = lofi_buffer_check(text, err);
    }
end:
    lofi_buffer_free(&work);
    lofi_buffer_free(&out);
    return code;
}
