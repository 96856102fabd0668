/* Words split out of text: cases, long words, and random text against a slow way. */
#include "text/splitter.h"

#include <stdio.h>
#include <utf8proc.h>

#include "support.h"

/* Words with a space between; '|' stands before a word that begins a line, '#' one that begins a paragraph. */
static void split(const em_text_opts *opts, const char *text, size_t n, char *out)
{
    em__splitter s;
    em__words w = {.text = malloc(EM_SPLIT_GROWTH * n + EM_WORD_MAX), .at = malloc((n + 1) * sizeof *w.at)};
    em__splitter_init(&s, opts, 42);
    em__split(&s, text, n, false, &w);
    size_t used = 0;
    for (int64_t i = 0; i < w.count; i++) {
        if (i) out[used++] = ' ';
        if (w.at[i].before) out[used++] = w.at[i].before == EM_BREAK_LINE ? '|' : '#';
        assert_true(w.at[i].at + w.at[i].length <= EM_SPLIT_GROWTH * n);
        memcpy(out + used, w.text + w.at[i].at, w.at[i].length);
        used += w.at[i].length;
        assert_int_equal(w.at[i].hash, em__word_hash(42, w.text + w.at[i].at, w.at[i].length));
    }
    if (w.after) out[used++] = w.after == EM_BREAK_LINE ? '|' : '#';
    out[used] = 0;
    free(w.text);
    free(w.at);
}

#define PLAIN {.split = EM_SPLIT_WORDS, .lower = true, .digits = true}
#define CASED {.split = EM_SPLIT_WORDS, .digits = true}
#define LETTERS {.split = EM_SPLIT_WORDS, .lower = true}
#define MARKS {.split = EM_SPLIT_WORDS, .lower = true, .digits = true, .punctuation = true}
#define BLANKS {.split = EM_SPLIT_BLANKS}
#define BLANKS_LOWER {.split = EM_SPLIT_BLANKS, .lower = true}

static const struct {
    em_text_opts opts;
    const char *text, *want;
} cases[] = {
    {PLAIN, "", ""},
    {PLAIN, "Hello, World!", "hello world"},
    {CASED, "Hello, World!", "Hello World"},
    {PLAIN, "x86 has 2 modes", "x86 has 2 modes"},
    {LETTERS, "x86 has 2 modes", "x has modes"},
    {MARKS, "Wait... (\"no\")", "wait . . . ( \" no \" )"},
    {BLANKS, "Wait... (\"no\")\t x_1", "Wait... (\"no\") x_1"},
    {BLANKS_LOWER, "WAIT \xC3\x84!", "wait \xC3\xA4!"},
    /* apostrophes and underscores: inside a word only */
    {PLAIN, "don't 'quoted' rock'n'roll dogs' ''x''", "don't quoted rock'n'roll dogs x"},
    {PLAIN, "don''t", "don t"},
    {PLAIN, "don\xE2\x80\x99t \xE2\x80\x98x\xE2\x80\x99", "don't x"},
    {PLAIN, "__attribute__((a__b)) _x_ _", "attribute a__b x"},
    {PLAIN, "a_'b a'_b", "a b a b"},
    {MARKS, "don't 'x' _y_ a_b", "don't ' x ' _ y _ a_b"},
    {PLAIN, "end'", "end"},
    {PLAIN, "end_", "end"},
    {LETTERS, "a'1 b_2", "a b"},
    /* letters beyond ASCII */
    {PLAIN, "\xC3\x89T\xC3\x89 \xD0\x96\xD0\xA3\xD0\x9A \xCE\xA3",
        "\xC3\xA9t\xC3\xA9 \xD0\xB6\xD1\x83\xD0\xBA \xCF\x83"},
    {PLAIN, "e\xCC\x81t", "\xC3\xA9t"},                                     /* e + acute accent, composed */
    {BLANKS, "e\xCC\x81t", "e\xCC\x81t"},
    {PLAIN, "co\xC2\xADop \xE2\x80\x8B", "coop"},                           /* soft hyphen; zero width space alone */
    /* a zero width space parts words (Khmer: language, Khmer) */
    {PLAIN, "\xE1\x9E\x97\xE1\x9E\xB6\xE2\x80\x8B\xE1\x9E\x81\xE1\x9F\x92",
        "\xE1\x9E\x97\xE1\x9E\xB6 \xE1\x9E\x81\xE1\x9F\x92"},
    {PLAIN, "a\xE2\x80\x8B'b'", "a b"},
    {BLANKS, "a\xE2\x80\x8B""b", "a\xE2\x80\x8B""b"},
    /* the joiners stay in a word (Persian: I go; Malayalam: he, which ends in one), and alone are none */
    {PLAIN, "\xD9\x85\xDB\x8C\xE2\x80\x8C\xD8\xB1\xD9\x88\xD9\x85",
        "\xD9\x85\xDB\x8C\xE2\x80\x8C\xD8\xB1\xD9\x88\xD9\x85"},
    {PLAIN, "\xE0\xB4\xA8\xE0\xB5\x8D\xE2\x80\x8D.", "\xE0\xB4\xA8\xE0\xB5\x8D\xE2\x80\x8D"},
    {PLAIN, "\xE2\x80\x8C \xE2\x80\x8D x", "x"},
    /* other format characters: word joiner, byte order mark, Mongolian vowel separator, marks of direction */
    {PLAIN, "\xEF\xBB\xBF""a\xE2\x81\xA0""b\xEF\xBB\xBF""c\xE1\xA0\x8E""d\xE2\x80\x8E""e\xE2\x80\x8F""f", "abcdef"},
    {PLAIN, "\xE2\x80\xAA""a\xE2\x80\xAC \xE2\x81\xA6""b\xE2\x81\xA9", "a b"},
    /* marks and variation selectors stay with what they follow, and are no words of their own */
    {PLAIN, "\xE2\x9D\xA4\xEF\xB8\x8F \xEF\xB8\x8F. \xCC\x81 x", "x"},
    {MARKS, "\xE2\x9D\xA4\xEF\xB8\x8F!", "\xE2\x9D\xA4 !"},
    {PLAIN, "1\xEF\xB8\x8F\xE2\x83\xA3", "1\xEF\xB8\x8F\xE2\x83\xA3"},
    {PLAIN, "\xE4\xB8\xAD\xF3\xA0\x84\x80\xE6\x96\x87", "\xE4\xB8\xAD\xF3\xA0\x84\x80\xE6\x96\x87"},
    {PLAIN, "\xE0\xA4\xB9\xE0\xA4\xBF\xE0\xA4\x82", "\xE0\xA4\xB9\xE0\xA4\xBF\xE0\xA4\x82"},
    {PLAIN, "a\xC2\xA0""b\xE3\x80\x80""c\xE2\x80\x94""d", "a b c d"},       /* spaces, and a dash */
    {MARKS, "a\xE2\x80\x94""b\xE2\x82\xAC", "a \xE2\x80\x94 b \xE2\x82\xAC"},
    {PLAIN, "\xE4\xB8\xAD\xE6\x96\x87\xE3\x80\x82\xE6\x96\x87", "\xE4\xB8\xAD\xE6\x96\x87 \xE6\x96\x87"},
    {PLAIN, "\xD9\xA1\xD9\xA2", "\xD9\xA1\xD9\xA2"},
    {LETTERS, "a\xD9\xA1""b", "a b"},
    /* bytes that are no UTF-8: alone, cut short, overlong, a surrogate, beyond the last character */
    {PLAIN, "a\xFF""b", "a b"},
    {PLAIN, "a\xC3", "a"},
    {PLAIN, "a\xE2\x80", "a"},
    {PLAIN, "a\xC0\xAF""b \xED\xA0\x80""c \xF4\x90\x80\x80""d", "a b c d"},
    {BLANKS, "a\xFF""b \xE2\x80", "a\xEF\xBF\xBD""b \xEF\xBF\xBD\xEF\xBF\xBD"},
    {MARKS, "a\xFF""b", "a b"},
    /* breaks */
    {PLAIN, "a\nb\n\nc\r\nd\r\n\r\ne", "a |b #c |d #e"},
    {PLAIN, "a\n \t\nb", "a #b"},
    {PLAIN, "a\n---\nb", "a |b"},
    {PLAIN, "a\n\xC2\xA0\nb", "a |b"},
    {PLAIN, "\na\n", "|a|"},
    {PLAIN, "a\n\n", "a#"},
    {PLAIN, "a\fb\x7f""c", "a b c"},
};

static void words_are_as_stated(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char got[256];
        split(&cases[i].opts, cases[i].text, strlen(cases[i].text), got);
        if (strcmp(got, cases[i].want)) print_error("case %zu: '%s'\n", i, cases[i].text);
        assert_string_equal(got, cases[i].want);
    }
}

static void a_zero_byte_is_whitespace(void **state)
{
    (void)state;
    char got[64];
    split(&(em_text_opts)PLAIN, "a\0b", 3, got);
    assert_string_equal(got, "a b");
    split(&(em_text_opts)BLANKS, "a\0b", 3, got);
    assert_string_equal(got, "a b");
}

static void long_words_are_cut_at_a_character(void **state)
{
    (void)state;
    char text[1201], got[2000];
    memset(text, 'x', 1200);
    text[1200] = 0;
    split(&(em_text_opts)PLAIN, text, 1200, got);
    assert_int_equal(strlen(got), 255);
    for (int i = 0; i < 1200; i += 2) memcpy(text + i, "\xC3\xA9", 2);
    split(&(em_text_opts)PLAIN, text, 1200, got);
    assert_int_equal(strlen(got), 254);
    for (int i = 0; i < 1200; i += 3) memcpy(text + i, "e\xCC\x81", 3);     /* cut, then composed */
    split(&(em_text_opts)PLAIN, text, 1200, got);
    assert_int_equal(strlen(got), 85 * 2);
}

/* The longest growth there is: room for EM_SPLIT_GROWTH times the text must do, which split looks at. U+023A is longer
 * in lower case, the Kelvin sign shorter. Split by whitespace, a byte that is no UTF-8 becomes U+FFFD, in words of
 * letters it separates; and only these are composed: U+FB2C is three characters then. */
static void growth_stays_in_its_bounds(void **state)
{
    (void)state;
    static const char *const growing[] = {"\xFF", "\xC8\xBA", "\xCE\x90", "\xEF\xAC\xAC", "\xE2\x84\xAA", "A"};
    static const size_t grown[][2] = {{0, 3}, {3, 3}, {2, 2}, {6, 3}, {1, 1}, {1, 1}};      /* bytes of one */
    for (size_t g = 0; g < sizeof growing / sizeof *growing; g++)
        for (int blanks = 0; blanks < 2; blanks++) {
            char text[400] = "", got[4000];
            for (int i = 0; i < 60; i++) {
                strcat(text, growing[g]);
                if (i % 20 == 19) strcat(text, " ");
            }
            split(&(em_text_opts){.split = blanks ? EM_SPLIT_BLANKS : EM_SPLIT_WORDS, .lower = true},
                  text, strlen(text), got);
            assert_int_equal(strlen(got), grown[g][blanks] ? 60 * grown[g][blanks] + 2 : 0);
        }
}

/* A slow reading of the rule for words of letters and digits, by whole characters, composed and lowered by utf8proc. */
static void reference(const char *text, size_t n, char *out)
{
    size_t used = 0;
    bool inside = false;
    char word[4096];
    size_t length = 0;
    for (size_t at = 0; at <= n;) {
        int32_t code = ' ';
        int64_t bytes = 1;
        bool part = false;
        if (at < n) {
            bytes = utf8proc_iterate((const uint8_t *)text + at, (int64_t)(n - at), &code);
            if (bytes > 0) {
                const utf8proc_category_t c = utf8proc_category(code);
                part = (c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_NO);
                if (c == UTF8PROC_CATEGORY_MN || c == UTF8PROC_CATEGORY_MC || c == UTF8PROC_CATEGORY_ME) part = inside;
                if (code == 0x200C || code == 0x200D) part = inside;
                if (c == UTF8PROC_CATEGORY_CF && code != 0x200B && !part) {
                    at += (size_t)bytes;
                    continue;
                }
            } else {
                bytes = 1;
            }
        }
        if (part) {
            length += (size_t)utf8proc_encode_char(utf8proc_tolower(code), (uint8_t *)word + length);
            inside = true;
        } else if (inside) {
            word[length] = 0;
            uint8_t *composed = utf8proc_NFC((uint8_t *)word);
            used += (size_t)sprintf(out + used, "%s%s", used ? " " : "", (char *)composed);
            free(composed);
            inside = false;
            length = 0;
        }
        at += (size_t)bytes;
    }
    out[used] = 0;
}

static void random_text_is_split_as_by_the_slow_way(void **state)
{
    (void)state;
    static const char *const pieces[] = {"a", "B", "7", " ", ".", "\xCC\x81", "e", "\xC3\x89", "\xFF",
        "\xE1\x84\x80", "\xE1\x85\xA1",
                                         "\xE1\x86\xA8", "\xCE\x86", "\xE0\xA4\x95", "\xE0\xA4\xBC", "\xE2\x84\xA6",
                                             "-", "\xE4\xB8\xAD",
                                         "\xCC\xA3", "\xED", "\x80", "\xF0\x9F\x98\x80", "\xF0\x90\x90\x80",
                                             "\xC4\xB0", "\xE2\x80\x8B", "\xE2\x80\x8C", "\xE2\x80\x8D",
                                         "\xC2\xAD", "\xEF\xB8\x8F"};
    uint32_t seed = 1;
    for (int round = 0; round < 20000; round++) {
        char text[256] = "", got[1024], want[1024];
        for (int i = 0; i < 24; i++) {
            seed = seed * 1664525u + 1013904223u;
            strcat(text, pieces[(seed >> 8) % (sizeof pieces / sizeof *pieces)]);
        }
        split(&(em_text_opts)PLAIN, text, strlen(text), got);
        reference(text, strlen(text), want);
        assert_string_equal(got, want);
    }
}

static void the_split_point_is_after_the_last_whitespace(void **state)
{
    (void)state;
    assert_int_equal(em__split_point("ab cd", 5), 3);
    assert_int_equal(em__split_point("ab\n", 3), 3);
    assert_int_equal(em__split_point("abcd", 4), 4);
    assert_int_equal(em__split_point("ab\xC3\xA9", 4), 2);
    assert_int_equal(em__split_point("ab\xE2\x80", 4), 2);
    assert_int_equal(em__split_point("\xE2\x80\x99", 3), 3);
    assert_int_equal(em__split_point("\x80\x80\x80\x80\x80", 5), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_as_stated),
        cmocka_unit_test(a_zero_byte_is_whitespace),
        cmocka_unit_test(long_words_are_cut_at_a_character),
        cmocka_unit_test(growth_stays_in_its_bounds),
        cmocka_unit_test(random_text_is_split_as_by_the_slow_way),
        cmocka_unit_test(the_split_point_is_after_the_last_whitespace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
