/* kana.c - see kana.h. */
#include "text/kana.h"

#include "text/number_text.h"
#include "text/unicode.h"

typedef struct kana_row {
    const char *kana, *romaji;
} kana_row;

static const kana_row rows[] = {
    {"あ", "a"},   {"い", "i"},  {"う", "u"},   {"え", "e"},   {"お", "o"},  {"か", "ka"}, {"き", "ki"}, {"く", "ku"},
    {"け", "ke"},  {"こ", "ko"}, {"が", "ga"},  {"ぎ", "gi"},  {"ぐ", "gu"}, {"げ", "ge"}, {"ご", "go"}, {"さ", "sa"},
    {"し", "shi"}, {"す", "su"}, {"せ", "se"},  {"そ", "so"},  {"ざ", "za"}, {"じ", "ji"}, {"ず", "zu"}, {"ぜ", "ze"},
    {"ぞ", "zo"},  {"た", "ta"}, {"ち", "chi"}, {"つ", "tsu"}, {"て", "te"}, {"と", "to"}, {"だ", "da"}, {"ぢ", "ji"},
    {"づ", "zu"},  {"で", "de"}, {"ど", "do"},  {"な", "na"},  {"に", "ni"}, {"ぬ", "nu"}, {"ね", "ne"}, {"の", "no"},
    {"は", "ha"},  {"ひ", "hi"}, {"ふ", "fu"},  {"へ", "he"},  {"ほ", "ho"}, {"ば", "ba"}, {"び", "bi"}, {"ぶ", "bu"},
    {"べ", "be"},  {"ぼ", "bo"}, {"ぱ", "pa"},  {"ぴ", "pi"},  {"ぷ", "pu"}, {"ぺ", "pe"}, {"ぽ", "po"}, {"ま", "ma"},
    {"み", "mi"},  {"む", "mu"}, {"め", "me"},  {"も", "mo"},  {"や", "ya"}, {"ゆ", "yu"}, {"よ", "yo"}, {"ら", "ra"},
    {"り", "ri"},  {"る", "ru"}, {"れ", "re"},  {"ろ", "ro"},  {"わ", "wa"}, {"を", "wo"}, {"ん", "n"},  {"ゑ", "we"},
    {"ゐ", "wi"},  {"ゔ", "vu"}, {"ゎ", "wa"},  {"ゕ", "ka"},  {"ゖ", "ke"}, {"ゃ", "ya"}, {"ゅ", "yu"}, {"ょ", "yo"},
    {"ぁ", "a"},   {"ぃ", "i"},  {"ぅ", "u"},   {"ぇ", "e"},   {"ぉ", "o"},  {"ー", "-"},  {"。", "."},  {"、", ","},
    {"？", "?"},   {"！", "!"},  {"「", "\""},  {"」", "\""},  {"『", "\""}, {"』", "\""}, {"：", ":"},  {"（", "("},
    {"）", ")"},   {"《", "("},  {"》", ")"},   {"【", "["},   {"】", "]"},  {"・", "/"},  {"，", ","},
};

static const kana_row digraphs[] = {{"しゃ", "sha"}, {"しゅ", "shu"}, {"しょ", "sho"}, {"じゃ", "ja"}, {"じゅ", "ju"},
                                    {"じょ", "jo"},  {"ちゃ", "cha"}, {"ちゅ", "chu"}, {"ちょ", "cho"}};

#define ROWS(table) (table), sizeof(table) / sizeof(table)[0]

static const char *find(const kana_row *table, size_t count, const char *kana) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].kana, kana) == 0) return table[i].romaji;
    return NULL;
}

const char *lofi_kana_symbol(const char *mark) {
    const char *found = find(ROWS(rows), mark);
    return found != NULL ? found : "";
}

bool lofi_kana_is_open(const lofi_buffer *romaji) {
    return lofi_ends_with(romaji, "っ");
}

/* A kana and its neighbours, each as UTF-8; "" at the ends. Katakana are hiragana here. */
typedef char kana_text[8];

static void read_kana(kana_text out, const char *kana, size_t size, size_t *at) {
    lofi_buffer one = LOFI_BUFFER_INIT;
    out[0] = '\0';
    if (*at >= size) return;
    int32_t c = lofi_utf8_next(kana, size, at);
    if (c >= 0x30a1 && c <= 0x30f6) c -= 0x60;
    lofi_utf8_append(&one, c);
    snprintf(out, sizeof(kana_text), "%s", lofi_buffer_str(&one));
    lofi_buffer_free(&one);
}

static bool is_in(const char *kana, const char *list) {
    return kana[0] != '\0' && strstr(list, kana) != NULL;
}

static const char *find_pair(const kana_text first, const kana_text second) {
    char pair[16];
    if (first[0] == '\0' || second[0] == '\0') return NULL;
    snprintf(pair, sizeof pair, "%s%s", first, second);
    return find(ROWS(digraphs), pair);
}

static bool write_double(const kana_text next, lofi_buffer *out) {
    const char *romaji = find(ROWS(rows), next);
    if (next[0] == '\0')
        lofi_buffer_text(out, "っ");
    else if (strcmp(next, "ち") == 0)
        lofi_buffer_text(out, "t");
    else if (is_in(next, "あいうえおっ"))
        lofi_buffer_text(out, "-");
    else if (romaji != NULL)
        lofi_buffer_append(out, romaji, 1);
    return true;
}

static bool write_kana(const kana_text before, const kana_text kana, const kana_text next, lofi_buffer *out) {
    static const char small[] = "ゃゅょぁぃぅぇぉ";
    const char *romaji = find(ROWS(rows), kana), *last = find(ROWS(rows), before), *own = find_pair(before, kana);
    if (own != NULL) {
        lofi_buffer_text(out, own);
    } else if (find_pair(kana, next) != NULL) {
        return true; /* written with the next */
    } else if (is_in(next, small)) {
        if (strcmp(kana, "っ") == 0) return true;
        if (romaji == NULL) return false;
        lofi_buffer_append(out, romaji, strlen(romaji) - 1);
        lofi_buffer_text(out, find(ROWS(rows), next));
    } else if (is_in(kana, small)) {
        return true;
    } else if (strcmp(kana, "ー") == 0) {
        lofi_buffer_text(out, last != NULL && last[0] != '\0' ? last + strlen(last) - 1 : "-");
    } else if (strcmp(kana, "っ") == 0) {
        return write_double(next, out);
    } else if (strcmp(kana, "ん") == 0) {
        lofi_buffer_text(out, is_in(next, "あいうえおやゆよ") ? "n'" : "n");
    } else if (romaji != NULL) {
        lofi_buffer_text(out, romaji);
    }
    return romaji != NULL;
}

bool lofi_kana_write(const char *kana, lofi_buffer *out) {
    kana_text before = "", now = "", next = "";
    size_t size = strlen(kana), at = 0;
    bool known = true;
    read_kana(now, kana, size, &at);
    while (now[0] != '\0') {
        read_kana(next, kana, size, &at);
        known = write_kana(before, now, next, out) && known;
        memcpy(before, now, sizeof before);
        memcpy(now, next, sizeof now);
    }
    return known;
}
