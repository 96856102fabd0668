/* Text split into words: by whitespace, or by the rule for letters, digits and marks. */
#include "text/splitter.h"

#include <string.h>
#include <utf8proc.h>

typedef enum class {
    WHITESPACE,
    LINE,                       /* the line feed */
    WORD,                       /* part of a word */
    APOSTROPHE, UNDERSCORE,     /* part of a word between two of its parts */
    SYMBOL,                     /* visible, no part of a word */
    EXTEND,                     /* part of a word that has begun: combining marks, joiners, variation selectors */
    FORMAT,                     /* invisible, dropped; does not part words */
    HIGH,                       /* first byte of a character beyond ASCII */
} class;

typedef struct character {
    class class;
    int32_t code;
    int bytes;
} character;

/* ---- characters ---------------------------------------------------------------------------------------- */

static class ascii_class(int c, const em_text_opts *o)
{
    if (c >= 0x80) return HIGH;
    if (c == '\n') return LINE;
    if (c <= ' ' || c == 0x7f) return WHITESPACE;
    if (o->split == EM_SPLIT_BLANKS) return WORD;
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return WORD;
    if (c >= '0' && c <= '9') return o->digits ? WORD : WHITESPACE;
    return c == '\'' ? APOSTROPHE : c == '_' ? UNDERSCORE : SYMBOL;
}

void em__splitter_init(em__splitter *s, const em_text_opts *opts, uint64_t key)
{
    s->opts = *opts;
    s->key = key;
    for (int c = 0; c < 256; c++) {
        s->class[c] = (unsigned char)ascii_class(c, opts);
        s->lower[c] = (unsigned char)(opts->lower && c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
}

/* As Unicode's word boundaries (UAX 29) have it: marks and the joiners U+200C and U+200D, by which Persian, Sinhala and
 * others tell words apart, stay with what they follow; the zero width space U+200B parts words, of Khmer and Thai say;
 * the other format characters (soft hyphen, word joiner, byte order mark, marks of direction) are as if not there. */
static class class_of(const em__splitter *s, int32_t code)
{
    if (s->opts.split == EM_SPLIT_BLANKS) return WORD;
    if (code == 0x2019) return APOSTROPHE;
    if (code == 0x200B) return WHITESPACE;
    if (code == 0x200C || code == 0x200D) return EXTEND;
    switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_LU: case UTF8PROC_CATEGORY_LL: case UTF8PROC_CATEGORY_LT: case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
        return WORD;
    case UTF8PROC_CATEGORY_MN: case UTF8PROC_CATEGORY_MC: case UTF8PROC_CATEGORY_ME: return EXTEND;
    case UTF8PROC_CATEGORY_ND: case UTF8PROC_CATEGORY_NL: case UTF8PROC_CATEGORY_NO:
        return s->opts.digits ? WORD : WHITESPACE;
    case UTF8PROC_CATEGORY_ZS: case UTF8PROC_CATEGORY_ZL: case UTF8PROC_CATEGORY_ZP: case UTF8PROC_CATEGORY_CC:
        return WHITESPACE;
    case UTF8PROC_CATEGORY_CF: return FORMAT;
    case UTF8PROC_CATEGORY_PC: return UNDERSCORE;
    default: return SYMBOL;
    }
}

static character read_character(const em__splitter *s, const unsigned char *p, const unsigned char *end)
{
    if (*p < 0x80) return (character){(class)s->class[*p], *p, 1};
    int32_t code;
    const utf8proc_ssize_t n = utf8proc_iterate(p, end - p, &code);
    if (n <= 0) return (character){s->opts.split == EM_SPLIT_BLANKS ? WORD : WHITESPACE, 0xFFFD, 1};
    return (character){class_of(s, code), code, (int)n};
}

/* Bytes of an apostrophe or of underscores at p that belong to a word because a part of it follows; 0 if they do not.
 */
static int64_t joiner(const em__splitter *s, const unsigned char *p, const unsigned char *end)
{
    const unsigned char *const start = p;
    const class kind = read_character(s, p, end).class;
    if (kind != APOSTROPHE && kind != UNDERSCORE) return 0;
    while (p < end) {
        const character c = read_character(s, p, end);
        if (c.class == WORD && p > start) return p - start;
        if (c.class != kind || (kind == APOSTROPHE && p > start)) return 0;
        p += c.bytes;
    }
    return 0;
}

/* ---- words --------------------------------------------------------------------------------------------- */

/* A word being written at the end of the text. */
typedef struct draft {
    char *text;
    size_t length;
    bool full;                  /* cut: nothing more is added */
    bool compose;               /* may not be in composed form */
} draft;

static void append(draft *d, const char *bytes, size_t n)
{
    d->full = d->full || d->length + n > EM_WORD_MAX;
    if (d->full) return;
    memcpy(d->text + d->length, bytes, n);
    d->length += n;
}

/* Below U+0300 and in the big scripts without combining characters text is always composed; there is no need to ask. */
static bool always_composed(int32_t c)
{
    return c < 0x300 || (c >= 0x400 && c < 0x483) || (c >= 0x48A && c < 0x530) || (c >= 0x4E00 && c < 0xA000) ||
           (c >= 0x3041 && c < 0x3097) || (c >= 0x30A1 && c < 0x30FB) || (c >= 0xAC00 && c < 0xD7A4);
}

static void append_character(const em__splitter *s, draft *d, int32_t code)
{
    char bytes[4];
    if (s->opts.lower) code = utf8proc_tolower(code);
    d->compose = d->compose || !always_composed(code);
    append(d, bytes, (size_t)utf8proc_encode_char(code, (utf8proc_uint8_t *)bytes));
}

/* Puts the word into composed form (NFC), of at most EM_WORD_MAX bytes. */
static void compose(draft *d)
{
    int32_t codes[4 * EM_WORD_MAX + 8];         /* a character decomposes into at most 4 */
    const utf8proc_option_t how = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
    utf8proc_ssize_t n = utf8proc_decompose((const utf8proc_uint8_t *)d->text, (utf8proc_ssize_t)d->length, codes,
                                            4 * EM_WORD_MAX, how);
    if (n <= 0 || n > 4 * EM_WORD_MAX) return;
    n = utf8proc_reencode(codes, n, how);
    if (n <= 0) return;
    const char *bytes = (const char *)codes;
    size_t length = (size_t)n;
    if (length > EM_WORD_MAX) {
        length = EM_WORD_MAX;
        while ((bytes[length] & 0xC0) == 0x80) length--;
    }
    memcpy(d->text, bytes, length);
    d->length = length;
}

static void append_joiner(draft *d, const unsigned char *p, int64_t bytes)
{
    const bool curly = bytes == 3 && !memcmp(p, "\xE2\x80\x99", 3);
    append(d, curly ? "'" : (const char *)p, curly ? 1 : (size_t)bytes);
}

/* Reads the word that begins at p; returns where it ends. */
static const unsigned char *read_word(const em__splitter *s, draft *d, const unsigned char *p, const unsigned char *end)
{
    for (;;) {
        for (; p < end && s->class[*p] == WORD; p++) {
            if (d->length < EM_WORD_MAX && !d->full)
                d->text[d->length++] = (char)s->lower[*p];
            else
                d->full = true;
        }
        if (p == end || s->class[*p] < APOSTROPHE || s->class[*p] == SYMBOL) return p;
        const character c = read_character(s, p, end);
        if (c.class == WORD || c.class == EXTEND || c.class == FORMAT) {
            if (c.class != FORMAT) append_character(s, d, c.code);
            p += c.bytes;
            continue;
        }
        const int64_t bytes = joiner(s, p, end);
        if (!bytes) return p;
        append_joiner(d, p, bytes);
        p += bytes;
    }
}

uint32_t em__word_hash(uint64_t key, const char *word, size_t length)
{
    uint64_t h = key ^ length;
    for (; length; word += 8) {
        uint64_t piece = 0;
        const size_t n = length < 8 ? length : 8;
        for (size_t i = 0; i < n; i++) piece |= (uint64_t)(unsigned char)word[i] << (8 * i);
        h = (h ^ piece) * 0x9E3779B97F4A7C15u;
        h ^= h >> 29;
        length -= n;
    }
    h *= 0xBF58476D1CE4E5B9u;
    return (uint32_t)(h >> 32);
}

/* ---- text ---------------------------------------------------------------------------------------------- */

static void add_word(const em__splitter *s, em__words *out, const draft *d, uint32_t at)
{
    out->at[out->count++] = (em__word){.at = at, .hash = em__word_hash(s->key, d->text, d->length),
                                       .length = (uint8_t)d->length, .before = out->after};
    out->after = EM_BREAK_NONE;
}

static void end_line(em__words *out)
{
    const uint8_t now = out->line_blank ? EM_BREAK_PARAGRAPH : EM_BREAK_LINE;
    if (now > out->after) out->after = now;
    out->line_blank = true;
}

void em__split(const em__splitter *s, const char *bytes, size_t n, bool line_blank, em__words *out)
{
    const unsigned char *p = (const unsigned char *)bytes, *const end = p + n;
    uint32_t used = 0;
    out->count = 0;
    out->after = EM_BREAK_NONE;
    out->line_blank = line_blank;
    while (p < end) {
        const character c = read_character(s, p, end);
        if (c.class == LINE) {
            end_line(out);
        } else if (c.class == WHITESPACE && *p < 0x80) {
            /* neither a word nor a change of the line */
        } else {
            out->line_blank = false;
            draft d = {.text = out->text + used};
            if (c.class == WORD)
                p = read_word(s, &d, p, end);
            else if (s->opts.punctuation && (c.class == SYMBOL || c.class == APOSTROPHE || c.class == UNDERSCORE))
                append_character(s, &d, c.code);
            if (d.compose && s->opts.split == EM_SPLIT_WORDS) compose(&d);
            if (d.length) add_word(s, out, &d, used);
            used += (uint32_t)d.length;
            if (c.class == WORD) continue;
        }
        p += c.bytes;
    }
}

size_t em__split_point(const char *bytes, size_t n)
{
    for (size_t i = n; i > 0; i--)
        if ((unsigned char)bytes[i - 1] <= ' ') return i;
    size_t i = n;
    while (i > 1 && n - i < 3 && ((unsigned char)bytes[i - 1] & 0xC0) == 0x80) i--;
    return i > 1 && (unsigned char)bytes[i - 1] >= 0xC0 ? i - 1 : n;
}
