/* Lyrics: section form, times of LRC files, what is told to a person, hostile texts. */
#include "catalog_files.h"

#include <ctype.h>
#include <time.h>

#include "base/random.h"
#include "base/utf8.h"
#include "catalog/lyrics.h"
#include "catalog/lyrics_marks.h"

static lofi_buffer form(const char *text, size_t size) {
    lofi_buffer out = LOFI_BUFFER_INIT;
    lofi_error err = LOFI_ERROR_INIT;
    if (lofi_lyrics_form(&out, text, size, &err) != LOFI_OK) fail_msg("%s", err.message);
    return out;
}

static void check_form(const char *text, const char *wanted) {
    lofi_buffer out = form(text, strlen(text)), again = form(lofi_buffer_str(&out), out.size);
    assert_string_equal(lofi_buffer_str(&out), wanted);
    assert_string_equal(lofi_buffer_str(&again), wanted);
    lofi_buffer_free(&out);
    lofi_buffer_free(&again);
}

static void brings_texts_into_form(void **state) {
    (void)state;
    static const struct {
        const char *text, *formed;
    } cases[] = {
        {"", ""},
        {" \n\t\r\n", ""},
        {"[Instrumental]", "[Instrumental]\n"},
        {"la la", "[Verse]\nla la\n"},
        {"one\ntwo\n\n\nthree\n", "[Verse]\none\ntwo\n\n[Verse]\nthree\n"},
        {"\xef\xbb\xbfone  \r\ntwo\t\r\n\r\nthree\r\n", "[Verse]\none\ntwo\n\n[Verse]\nthree\n"},
        {"one\rtwo\r\rthree", "[Verse]\none\ntwo\n\n[Verse]\nthree\n"},
        {"[Verse]\none\n[Chorus]\ntwo\n", "[Verse]\none\n\n[Chorus]\ntwo\n"},
        {"before\n\nmore\n\n[Chorus]\ntwo", "[Verse]\nbefore\n\nmore\n\n[Chorus]\ntwo\n"},
        {"[VERSE 1]\none\n\n\nstanza\n", "[Verse]\none\n\nstanza\n"},
        {"[Intro]\n\n\n(ambient sounds)\n\n[Outro]", "[Intro]\n(ambient sounds)\n\n[Outro]\n"},
        {"Verse 2: walking home\nin the rain", "[Verse]\nwalking home\nin the rain\n"},
        {"[Verse] [Chorus] la\n(ooh)", "[Verse]\n\n[Chorus]\nla\n(ooh)\n"},
        {"[Vrese]\none\n[Chorus]\ntwo", "[Vrese]\none\n\n[Chorus]\ntwo\n"},
        {"  indented\n  (Chorus)  \nla", "[Verse]\n  indented\n\n[Chorus]\nla\n"},
        {"[Am] hello [C] world", "[Verse]\n[Am] hello [C] world\n"},
        {"星の夜\n\n[サビ]\nああ", "[Verse]\n星の夜\n\n[サビ]\nああ\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_form(cases[i].text, cases[i].formed);
}

static void knows_marks(void **state) {
    (void)state;
    static const struct {
        const char *text, *mark;
    } cases[] = {
        {"[Verse]", "Verse"},
        {"[VERSE 1]", "Verse"},
        {"[verse 12]", "Verse"},
        {"[Verse2]", "Verse"},
        {"[Verse II]", "Verse"},
        {"[Verse 1: Nujabes]", "Verse"},
        {"[Verse 3 - Nujabes & Shing02]", "Verse"},
        {"[Stanza]", "Verse"},
        {"[Pre-Chorus]", "Verse"},
        {"[PreChorus 2]", "Verse"},
        {"Pre-Chorus:", "Verse"},
        {"(Chorus)", "Chorus"},
        {"[Chorus x2]", "Chorus"},
        {"[Chorus (x2)]", "Chorus"},
        {"(Chorus 2x)", "Chorus"},
        {"[Final Chorus]", "Chorus"},
        {"Repeat Chorus:", "Chorus"},
        {"[Refrain]", "Chorus"},
        {"[Hook]", "Chorus"},
        {"[Post-Chorus]", "Chorus"},
        {"{chorus}", "Chorus"},
        {"<Chorus>", "Chorus"},
        {"## Bridge", "Bridge"},
        {"**Bridge**", "Bridge"},
        {"**[Bridge]**", "Bridge"},
        {"--- Bridge ---", "Bridge"},
        {"[Middle 8]", "Bridge"},
        {"[Middle Eight]", "Bridge"},
        {"Verse 2:", "Verse"},
        {"Verse 2", "Verse"},
        {"CHORUS:", "Chorus"},
        {"[Intro]:", "Intro"},
        {"[ intro ]", "Intro"},
        {"\t[Outro]  ", "Outro"},
        {"[Coda]", "Outro"},
        {"[End]", "Outro"},
        {"[Inst]", "Instrumental"},
        {"[Guitar Solo]", "Instrumental"},
        {"[Interlude]", "Instrumental"},
        {"[Break]", "Instrumental"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char wanted[64], text[128];
        snprintf(wanted, sizeof wanted, "[%s]\nwords\n", cases[i].mark);
        snprintf(text, sizeof text, "%s\nwords", cases[i].text);
        check_form(text, wanted);
    }
}

static void leaves_words_alone(void **state) {
    (void)state;
    static const char *const words[] = {
        "Chorus", /* nothing says that it is a mark; it is told, not changed */
        "(ambient sounds)",
        "(end)",
        "(break)",
        "The end:",
        "break: my heart",
        "End",
        "the bridge over the river",
        "a verse for you",
        "(the verse that you wrote: a chorus)",
        "hook, line and sinker",
        "Chorus of angels:",
        "12:30",
        "[00:12.00] la",
        "# 1",
        "---",
        "[]",
        "[ ",
        "[[Verse]]x",
        "[Verse",
        "Verse]",
        "[this is a remark that is far longer than any section mark would ever be in any song]",
        "solo: la",
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char wanted[256];
        snprintf(wanted, sizeof wanted, "[Verse]\n%s\n", words[i]);
        check_form(words[i], words[i][strlen(words[i]) - 1] == ' ' ? "[Verse]\n[\n" : wanted);
    }
}

static void takes_times_out(void **state) {
    (void)state;
    static const struct {
        const char *text, *left;
    } cases[] = {
        {"[ar:Nujabes]\n[ti: Aruarian Dance ]\n[offset:+500]\n[00:12.00]one\n[00:15.30] two\n", "one\ntwo\n"},
        {"[00:12.00][01:12.00]la\n", "la\n"},
        {"[00:12.00]<00:12.10>la <00:12.50>li<00:13.00>\n", "la li\n"},
        {"[01:02:03.04]long\n[1:02]short\n[00:12:34]old\n", "long\nshort\nold\n"},
        {"[00:10.00]\n[00:12.00]la\n", "\nla\n"},
        {"\xef\xbb\xbf[00:12.00]la\r\nli", "la\nli\n"},
        {"[00:[00:12.00]12.00]la", "la\n"},
        {"[Verse: Shing02]\n[by the river] la\n[1.5] x [3] y [:12] z [12:] w", "[Verse: Shing02]\n[by the river] la\n"
                                                                               "[1.5] x [3] y [:12] z [12:] w\n"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lofi_buffer out = LOFI_BUFFER_INIT;
        assert_int_equal(lofi_lyrics_strip_times(&out, cases[i].text, strlen(cases[i].text), NULL), LOFI_OK);
        assert_string_equal(lofi_buffer_str(&out), cases[i].left);
        lofi_buffer_free(&out);
    }
}

static void refuses_what_is_no_text(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t size;
        const char *message;
    } cases[] = {{"caf\xe9", 4, "not UTF-8"}, {"\xff\xfe[\0", 4, "not UTF-8"}, {"la\0la", 5, "zero byte"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lofi_buffer out = LOFI_BUFFER_INIT;
        lofi_error err = LOFI_ERROR_INIT;
        assert_int_equal(lofi_lyrics_form(&out, cases[i].text, cases[i].size, &err), LOFI_ERR_FORMAT);
        assert_contains(err.message, cases[i].message);
        assert_int_equal(lofi_lyrics_strip_times(&out, cases[i].text, cases[i].size, &err), LOFI_ERR_FORMAT);
        assert_int_equal(out.size, 0);
        lofi_buffer_free(&out);
    }
}

/* ---- findings ---- */

static void note(void *user, size_t line, const char *what) {
    lofi_buffer_printf(user, "%zu: %s\n", line, what);
    assert_true(strlen(what) < 256 && lofi_utf8_printable(what));
}

static void tells_what_to_look_at(void **state) {
    (void)state;
    static const struct {
        const char *text, *told;
    } cases[] = {
        {"[Verse]\nla\n\n[Chorus]\nli\n", ""},
        {"[Verse]\r\nla  \r\n\r\n\r\n[Chorus]\r\nli", ""}, /* white space is nothing to look at */
        {"[Verse]\nla\n[Vrese]\nli\n", "3: unknown section mark '[Vrese]'; did you mean [Verse]?\n"},
        {"[Verse]\n\nla\n[Chrous 2]\n", "4: unknown section mark '[Chrous 2]'; did you mean [Chorus]?\n"},
        {"[Intro]\n[rain on a roof]\n",
         "2: unknown section mark '[rain on a roof]'; sounds and remarks stand in (round brackets)\n"},
        {"[Verse]\n[Brigde] la\n", "2: '[Brigde] la' begins like a section mark; did you mean [Bridge]?\n"},
        {"[Verse]\nla\n\nChorus\nli\n", "4: 'Chorus' is taken for words; if it is a section mark, write [Chorus]\n"},
        {"[Verse]\nla\nChorus\nli\n", ""},
        {"[Verse]\n[00:12.00]la\n", "2: '[00:12.00]' is a time; as NAME.lrc beside the song, times are taken out\n"},
        {"[Verse]\nla\n(Chorus)\nli\n\nVerse 2:\n",
         "3: not in section form: '(Chorus)' stands where '[Chorus]' belongs\n"},
        {"la\n\n[Chorus]\nli\n", "1: not in section form: 'la' stands where '[Verse]' belongs\n"},
        {"[Verse]\nla\n[Bad\x1b[2J]\n", ""}, /* holds a bracket: words */
        {"[Ver\x1bse\xc2\x9bs]\n", "1: unknown section mark '[Ver?se?\?s]'; did you mean [Verse]?\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lofi_buffer told = LOFI_BUFFER_INIT;
        assert_int_equal(lofi_lyrics_check(cases[i].text, strlen(cases[i].text), note, &told, NULL), LOFI_OK);
        assert_string_equal(lofi_buffer_str(&told), cases[i].told);
        lofi_buffer_free(&told);
    }
}

/* ---- properties ---- */

/* All words outside of marks, one after another. A mark is told by its own words, so the test does not ask the program. */
static void words_of(lofi_buffer *out, const char *text, size_t size) {
    for (size_t at = 0; at < size;) {
        size_t length = 0;
        while (at + length < size && !isspace((unsigned char)text[at + length])) length++;
        if (length > 0) {
            lofi_buffer_append(out, text + at, length);
            lofi_buffer_text(out, " ");
        }
        at += length + 1;
    }
}

static void drop(lofi_buffer *words, const char *mark) {
    for (char *at = strstr(words->data ? words->data : "", mark); at; at = strstr(at, mark)) {
        memmove(at, at + strlen(mark), strlen(at + strlen(mark)) + 1);
        words->size -= strlen(mark);
    }
}

static const char *const marks[] = {"[Verse]",   "[VERSE 1]", "(Chorus)", "Verse 2:", "## Bridge",      "[Hook]",
                                    "**Outro**", "{Intro}",   "Verse 3",  "[Inst]",   "[Verse 1: Nuja]"};
static const char *const canonical[] = {"[Verse]", "[Chorus]", "[Bridge]", "[Intro]", "[Outro]", "[Instrumental]"};

/* Lines of marks and words in any order: every word comes out, in its order, and all marks are canonical. */
static void words_are_never_lost(void **state) {
    (void)state;
    static const char *const words[] = {"la",  "(ooh)", "rain,",  "Chorus", "夜",        "café", "the end", "[Am]",
                                        "a:b", "12:30", "verse!", "#",      "[Unknown]", "-",    "* la",    "x2"};
    for (uint64_t n = 0; n < 4000; n++) {
        const lofi_random random = lofi_random_at(n, LOFI_RANDOM_PROMPT, 7);
        lofi_buffer text = LOFI_BUFFER_INIT, before = LOFI_BUFFER_INIT, after = LOFI_BUFFER_INIT;
        size_t lines = lofi_random_below(&random, 0, 12);
        for (size_t i = 0; i < lines; i++) {
            uint64_t kind = lofi_random_below(&random, 10 * i + 1, 4);
            uint64_t choice = lofi_random_below(&random, 10 * i + 2, 1000);
            const char *word = words[choice % (sizeof words / sizeof *words)];
            if (kind == 1) lofi_buffer_text(&text, marks[choice % (sizeof marks / sizeof *marks)]);
            if (kind >= 2) {
                lofi_buffer_printf(&text, "%s so %s", word, words[(choice / 20) % 16]);
                lofi_buffer_printf(&before, "%s so %s ", word, words[(choice / 20) % 16]);
            }
            lofi_buffer_text(&text, choice % 3 ? "\n" : choice % 2 ? "\r\n" : " \t\n");
        }
        lofi_buffer out = form(lofi_buffer_str(&text), text.size), again = form(lofi_buffer_str(&out), out.size);
        assert_string_equal(lofi_buffer_str(&out), lofi_buffer_str(&again));
        words_of(&after, lofi_buffer_str(&out), out.size);
        for (size_t i = 0; i < sizeof canonical / sizeof *canonical; i++) {
            char mark[32];
            snprintf(mark, sizeof mark, "%s ", canonical[i]);
            drop(&after, mark);
        }
        lofi_buffer wanted = LOFI_BUFFER_INIT;
        words_of(&wanted, lofi_buffer_str(&before), before.size);
        if (strcmp(lofi_buffer_str(&wanted), lofi_buffer_str(&after)) != 0)
            fail_msg("'%s' became '%s'", lofi_buffer_str(&text), lofi_buffer_str(&out));
        assert_null(strstr(lofi_buffer_str(&out), "\n\n\n"));
        assert_null(strstr(lofi_buffer_str(&out), " \n"));
        lofi_buffer_free(&text);
        lofi_buffer_free(&before);
        lofi_buffer_free(&after);
        lofi_buffer_free(&wanted);
        lofi_buffer_free(&out);
        lofi_buffer_free(&again);
    }
}

static void count_findings(void *user, size_t line, const char *what) {
    (void)line;
    assert_true(lofi_utf8_printable(what));
    ++*(size_t *)user;
}

static void run_all(const char *text, size_t size) {
    lofi_buffer stripped = LOFI_BUFFER_INIT, out = LOFI_BUFFER_INIT, again = LOFI_BUFFER_INIT;
    size_t findings = 0;
    lofi_code code = lofi_lyrics_form(&out, text, size, NULL);
    assert_int_equal(lofi_lyrics_check(text, size, count_findings, &findings, NULL), code);
    assert_int_equal(lofi_lyrics_strip_times(&stripped, text, size, NULL), code);
    if (code == LOFI_OK) {
        assert_int_equal(lofi_lyrics_form(&again, lofi_buffer_str(&out), out.size, NULL), LOFI_OK);
        assert_int_equal(again.size, out.size);
        assert_memory_equal(lofi_buffer_str(&again), lofi_buffer_str(&out), out.size);
        lofi_buffer_clear(&again);
        assert_int_equal(lofi_lyrics_form(&again, lofi_buffer_str(&stripped), stripped.size, NULL), LOFI_OK);
    }
    lofi_buffer_free(&stripped);
    lofi_buffer_free(&out);
    lofi_buffer_free(&again);
}

/* Random bytes of the characters that matter, of any length, also cut within a character. */
static void random_bytes_do_no_harm(void **state) {
    (void)state;
    static const char alphabet[] = "[](){}<>:#*-=_. \t\r\n0123vVerschoubridgx\xc3\xa9\xe6\x98\x9f";
    char text[400];
    for (uint64_t n = 0; n < 20000; n++) {
        const lofi_random random = lofi_random_at(n, LOFI_RANDOM_PROMPT, 8);
        size_t size = lofi_random_below(&random, 0, sizeof text);
        bool any = n % 4 == 0;
        for (size_t i = 0; i < size; i++)
            text[i] = any ? (char)lofi_random_below(&random, i + 1, 256)
                          : alphabet[lofi_random_below(&random, i + 1, sizeof alphabet - (n % 2 ? 6 : 1))];
        char *exact = malloc(size + 1); /* so that a read past the end is seen by the sanitizer */
        memcpy(exact, text, size);
        run_all(exact, size);
        free(exact);
    }
}

static void repeat(const char *piece, size_t count) {
    lofi_buffer text = LOFI_BUFFER_INIT;
    for (size_t i = 0; i < count; i++) lofi_buffer_text(&text, piece);
    run_all(lofi_buffer_str(&text), text.size);
    lofi_buffer_free(&text);
}

static void large_texts_take_no_long(void **state) {
    (void)state;
    static const char *const pieces[] = {
        "[Verse]\n", "[Verse]", "[Vrese]\n",  "[",   "]",    "(",        "#",           "<00:12.00>", "[00:",
        "12.00]",    "la ",     "a",          "\n",  "\r",   "Verse 2:", "Verse 2: ",   "[ar:x]\n",   " \n",
        "((",        ":",       "(Chorus)\n", "-\n", "[ar:", "夜",       "\xef\xbb\xbf"};
    clock_t start = clock();
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        repeat(pieces[i], ((size_t)1 << 20) / strlen(pieces[i]));
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    if (seconds > 60) fail_msg("%zu texts of 1 MiB took %.1f s", sizeof pieces / sizeof *pieces, seconds);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(brings_texts_into_form),   cmocka_unit_test(knows_marks),
        cmocka_unit_test(leaves_words_alone),       cmocka_unit_test(takes_times_out),
        cmocka_unit_test(refuses_what_is_no_text),  cmocka_unit_test(tells_what_to_look_at),
        cmocka_unit_test(words_are_never_lost),     cmocka_unit_test(random_bytes_do_no_harm),
        cmocka_unit_test(large_texts_take_no_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
