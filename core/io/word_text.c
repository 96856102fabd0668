/* Whether a word is text, and how it is made one. */
#include "io/word_text.h"

#include <string.h>

#include <utf8proc.h>

static bool is_control(unsigned char c) { return c < 0x20 || c == 0x7F; }

/* Bytes of the character at `p`; 0: there is none. */
static size_t character(const unsigned char *p, size_t n)
{
    utf8proc_int32_t c;
    if (*p < 0x80) return 1;
    const utf8proc_ssize_t length = utf8proc_iterate(p, (utf8proc_ssize_t)n, &c);
    return length > 0 ? (size_t)length : 0;
}

const char *em__word_fault(const char *word, size_t n)
{
    const unsigned char *p = (const unsigned char *)word;
    if (n == 0) return "an empty word";
    if (n > EM_WORD_TEXT_MAX) return "a word of more than 4 MB";
    for (size_t at = 0; at < n;) {
        if (is_control(p[at])) return "a word with a control character";
        const size_t length = character(p + at, n - at);
        if (!length) return "a word that is not valid UTF-8";
        at += length;
    }
    return NULL;
}

/* Bytes at `p`, no character, that may be the beginning of one: at least 1. */
static size_t broken(const unsigned char *p, size_t n)
{
    const unsigned char lead = p[0];
    if (lead < 0xC2 || lead > 0xF4) return 1;
    const unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (n < 2 || p[1] < low || p[1] > high) return 1;
    const size_t whole = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    size_t length = 2;
    while (length < whole && length < n && (p[length] & 0xC0) == 0x80) length++;
    return length;
}

size_t em__word_replace(char *to, const char *word, size_t n)
{
    const unsigned char *p = (const unsigned char *)word;
    size_t made = 0;
    for (size_t at = 0; at < n;) {
        const size_t length = is_control(p[at]) ? 0 : character(p + at, n - at);
        if (length) {
            memcpy(to + made, word + at, length);
            made += length;
            at += length;
        } else {
            memcpy(to + made, "\xEF\xBF\xBD", 3);
            made += 3;
            at += is_control(p[at]) ? 1 : broken(p + at, n - at);
        }
    }
    return made;
}
