/* A vocabulary as a file of text; its format is in embla/text.h at em_vocab_save. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "text/vocab.h"

/* ---- saving -------------------------------------------------------------------------------------------- */

static const char escaped[] = "\\\t\n\r", letters[] = "\\tnr";

static em_status write_word(em__output *out, const char *word, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        const char *special = word[i] ? strchr(escaped, word[i]) : NULL;
        if (special)
            EM_TRY(em__output_write(out, (char[]){'\\', letters[special - escaped]}, 2));
        else
            EM_TRY(em__output_write(out, word + i, 1));
    }
    return em__output_write(out, "\n", 1);
}

static em_status write_vocab(em__output *out, const em_vocab *v)
{
    char line[128];
    int n = snprintf(line, sizeof line, "embla-vocab 1 %" PRId64 " %" PRId64 " %" PRId64 "\n", v->entries.n, v->special,
                     v->unknown);
    EM_TRY(em__output_write(out, line, (size_t)n));
    for (int64_t id = 0; id < v->entries.n; id++) {
        size_t length;
        const char *word = em_vocab_word(v, id, &length);
        n = snprintf(line, sizeof line, "%" PRId64 "\t", v->entries.at[id].count);
        EM_TRY(em__output_write(out, line, (size_t)n));
        EM_TRY(write_word(out, word, length));
    }
    return EM_OK;
}

em_status em_vocab_save(const em_vocab *v, const char *path)
{
    em__output out;
    EM_TRY(em__output_open(&out, path));
    const em_status s = write_vocab(&out, v);
    if (s) {
        em__output_discard(&out);
        return s;
    }
    return em__output_commit(&out);
}

/* ---- loading ------------------------------------------------------------------------------------------- */

typedef struct reader {
    em__input in;
    EM_ARRAY(char) word;
} reader;

static em_status malformed(const reader *r, const char *what)
{
    return em__fail(EM_EFORMAT, "%s: byte %lld: %s", r->in.path, (long long)em__input_offset(&r->in), what);
}

static em_status expect(reader *r, const char *text)
{
    for (; *text; text++) {
        int c;
        EM_TRY(em__input_byte(&r->in, &c));
        if (c != *text) return malformed(r, "not a vocabulary file");
    }
    return EM_OK;
}

/* A decimal number (with '-' for negative ones) and the byte that must end it. */
static em_status read_number(reader *r, int end, int64_t *number)
{
    int c, digits = 0;
    uint64_t n = 0;
    EM_TRY(em__input_byte(&r->in, &c));
    const bool negative = c == '-';
    if (negative) EM_TRY(em__input_byte(&r->in, &c));
    for (; c >= '0' && c <= '9' && digits < 19; digits++) {
        n = 10 * n + (uint64_t)(c - '0');
        EM_TRY(em__input_byte(&r->in, &c));
    }
    if (!digits || c != end || n > INT64_MAX) return malformed(r, "a number was expected");
    *number = negative ? -(int64_t)n : (int64_t)n;
    return EM_OK;
}

static em_status read_word(reader *r)
{
    r->word.n = 0;
    for (;;) {
        int c;
        EM_TRY(em__input_byte(&r->in, &c));
        if (c == '\n') return EM_OK;
        if (c < 0) return malformed(r, "the file ends inside a line");
        if (c == '\\') {
            EM_TRY(em__input_byte(&r->in, &c));
            const char *letter = c > 0 ? strchr(letters, c) : NULL;
            if (!letter) return malformed(r, "unknown escape in a word");
            c = escaped[letter - letters];
        }
        EM_TRY(EM_ARRAY_RESERVE(&r->word, 1, "a word"));
        r->word.at[r->word.n++] = (char)c;
    }
}

static em_status read_vocab(reader *r, em_vocab *v)
{
    int64_t size, special, unknown;
    EM_TRY(expect(r, "embla-vocab 1 "));
    EM_TRY(read_number(r, ' ', &size));
    EM_TRY(read_number(r, ' ', &special));
    EM_TRY(read_number(r, '\n', &unknown));
    for (int64_t id = 0; id < size; id++) {
        int64_t count, got;
        EM_TRY(read_number(r, '\t', &count));
        EM_TRY(read_word(r));
        if (count < 0 || count > INT64_MAX - v->total) return malformed(r, "a count is out of range");
        EM_TRY(em_vocab_add(v, r->word.at, (size_t)r->word.n, count, &got));
        if (got != id) return malformed(r, "a word stands twice");
    }
    int c;
    EM_TRY(em__input_byte(&r->in, &c));
    if (c >= 0) return malformed(r, "more words than the first line says");
    if (special < 0 || special > v->entries.n || unknown < -1 || unknown >= special)
        return malformed(r, "special and unknown words of the first line do not fit");
    v->special = special;
    v->unknown = unknown;
    return EM_OK;
}

em_status em_vocab_load(em_vocab **out, const char *path)
{
    enum { LONG_WORD = 256 };
    *out = NULL;
    reader r = {0};
    em_vocab *v;
    EM_TRY(em_vocab_new(&v));
    em_status s = em__input_open(&r.in, path);
    if (!s) s = EM_ARRAY_RESERVE(&r.word, LONG_WORD, "a word");
    if (!s) s = read_vocab(&r, v);
    EM_ARRAY_FREE(&r.word);
    em__input_close(&r.in);
    if (s)
        em_vocab_release(v);
    else
        *out = v;
    return s;
}
