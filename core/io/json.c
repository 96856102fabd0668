/* JSON: jansson behind a door of its own. */
#include "io/json.h"

#include <limits.h>
#include <string.h>

#include "base/status.h"

/* ---- memory ---------------------------------------------------------------------------------------------- */

/* A block begins with its size.
 *
 * Where memory is short jansson goes wrong in one place: it takes the buffer in which it collects a token to have
 * grown. So there is a reserve for that, and once a block has been refused the rest of the text becomes bytes that end
 * it. */
enum { HEADER = 16 };

static struct {
    bool refused;
    char *reserve, *lent;       /* `reserve_bytes` that serve once */
    size_t reserve_bytes;
    char *ahead;                /* what jansson has not read yet, some of which it has */
    size_t ahead_bytes;
} now;

static void *take(size_t bytes)
{
    char *block = bytes > SIZE_MAX - HEADER ? NULL : em__alloc(bytes + HEADER);
    if (!block) {
        now.refused = true;
        if (now.ahead) memset(now.ahead, 1, now.ahead_bytes);
        if (bytes > now.reserve_bytes) return NULL;
        now.lent = now.reserve;
        now.reserve_bytes = 0;
        return now.lent;
    }
    memcpy(block, &bytes, sizeof bytes);
    return block + HEADER;
}

static void give(void *p)
{
    if (!p || p == now.lent) return;
    char *block = (char *)p - HEADER;
    size_t bytes;
    memcpy(&bytes, block, sizeof bytes);
    em__free(block, bytes + HEADER);
}

/* Another user of jansson in this program keeps its memory. */
typedef struct door {
    json_malloc_t malloc_;
    json_free_t free_;
} door;

static door open_door(void)
{
    door before;
    json_get_alloc_funcs(&before.malloc_, &before.free_);
    json_set_alloc_funcs(take, give);
    memset(&now, 0, sizeof now);
    return before;
}

static void close_door(door before) { json_set_alloc_funcs(before.malloc_, before.free_); }

void em_json_release(em_json *j)
{
    if (!j) return;
    const door before = open_door();
    json_decref(j);
    close_door(before);
}

/* ---- integers beyond int64 -------------------------------------------------------------------------------- */

/* The end of the next integer that int64 does not hold, from `at` on; n if there is none. */
static size_t next_long(const char *text, size_t n, size_t at)
{
    static const char most[] = "9223372036854775807", least[] = "9223372036854775808";
    while (at < n) {
        if (text[at] == '"') {
            for (at++; at < n && text[at] != '"'; at++) at += text[at] == '\\';
            at++;
        } else if (text[at] == '-' || (text[at] >= '0' && text[at] <= '9')) {
            const bool negative = text[at] == '-';
            const size_t first = at += negative;
            bool integer = true;
            for (; at < n && (text[at] & 0x80) == 0 && text[at] && strchr("0123456789+-.eE", text[at]); at++)
                integer = integer && text[at] >= '0' && text[at] <= '9';
            const size_t digits = at - first;
            if (!integer || digits < 19 || text[first] == '0') continue;
            if (digits > 19 || memcmp(text + first, negative ? least : most, 19) > 0) return at;
        } else {
            at++;
        }
    }
    return n + 1;
}

/* The text with ".0" behind each of them: *out, of *m bytes; null if there is none. */
static em_status with_reals(char **out, size_t *m, const char *text, size_t n)
{
    size_t count = 0, from = 0, to = 0;
    for (size_t at = next_long(text, n, 0); at <= n; at = next_long(text, n, at)) count++;
    *out = NULL;
    if (!count) return EM_OK;
    *m = n + 2 * count;
    *out = em__alloc(*m);
    if (!*out) return em__fail_memory("a text of JSON", *m);
    for (size_t at = next_long(text, n, 0); at <= n; at = next_long(text, n, at)) {
        memcpy(*out + to, text + from, at - from);
        to += at - from;
        memcpy(*out + to, ".0", 2);
        to += 2;
        from = at;
    }
    memcpy(*out + to, text + from, n - from);
    return EM_OK;
}

/* Where a byte of that text stands in the first one. */
static size_t without_reals(const char *text, size_t n, size_t position)
{
    size_t shift = 0;
    for (size_t at = next_long(text, n, 0); at <= n && at + shift < position; at = next_long(text, n, at)) shift += 2;
    return position - shift;
}

/* ---- decoding --------------------------------------------------------------------------------------------- */

/* "unable to ... near 'x'" without what it stands near, which may be anything. */
static const char *reason(json_error_t *e)
{
    char *near = strstr(e->text, " near ");
    if (near) *near = 0;
    return e->text[0] ? e->text : "malformed";
}

/* Bytes from a quote to the one that closes it, or to the end. */
static size_t quoted(const char *text, size_t n)
{
    size_t at = 1;
    while (at < n && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
    return at < n ? at + 1 : n;
}

static bool is_between(char byte) { return byte && strchr(" \t\n\r,:[]{}\"", byte); }

/* Bytes of the longest token. */
static size_t longest_token(const char *text, size_t n)
{
    size_t longest = 0;
    for (size_t at = 0, from = 0; at < n; from = at) {
        if (text[at] == '"')
            at += quoted(text + at, n - at);
        else if (is_between(text[at]))
            at++;
        else
            while (at < n && !is_between(text[at])) at++;
        if (at - from > longest) longest = at - from;
    }
    return longest;
}

typedef struct stream {
    const char *text;
    size_t n, at;
} stream;

static size_t read_on(void *buffer, size_t most, void *context)
{
    stream *s = context;
    const size_t n = now.refused ? 0 : s->n - s->at < most ? s->n - s->at : most;
    if (n) memcpy(buffer, s->text + s->at, n);
    s->at += n;
    now.ahead = buffer;
    now.ahead_bytes = n;
    return n;
}

/* EM_EFORMAT, with *e set but no sentence, where the text is malformed. */
static em_status load(json_t **out, const char *text, size_t n, size_t flags, json_error_t *e)
{
    /* The buffer doubles: twice the next power of two. */
    const size_t bytes = 4 * longest_token(text, n) + 64;
    char *reserve = em__alloc(bytes);
    if (!reserve) return em__fail_memory("a text of JSON", bytes);
    const door before = open_door();
    now.reserve = reserve;
    now.reserve_bytes = bytes;
    *e = (json_error_t){.text = ""};
    stream s = {text, n, 0};
    *out = json_load_callback(read_on, &s, flags, e);
    const bool refused = now.refused;
    if (refused) {                      /* a part of it may lie in the reserve */
        json_decref(*out);
        *out = NULL;
    }
    close_door(before);
    em__free(reserve, bytes);
    now.lent = NULL;
    if (refused) return em__fail_memory("a text of JSON", n);
    return *out ? EM_OK : EM_EFORMAT;
}

static em_status fail_place(const char *text, size_t at, const char *where, int64_t line, const char *what)
{
    size_t begin = 0;
    for (size_t i = 0; i < at; i++)
        if (text[i] == '\n') line++, begin = i + 1;
    const size_t column = at - begin + (at == begin);
    return em__fail(EM_EFORMAT, "%s: line %lld, column %zu: %s", where, (long long)line, column, what);
}

em_status em_json_decode(em_json **out, const char *text, size_t n, const char *where, int64_t line)
{
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL;
    char *wide;
    size_t m = 0;
    json_error_t e;
    *out = NULL;
    if (n > INT_MAX) return em__fail(EM_EFORMAT, "%s: a text of JSON of more than 2^31 bytes", where);
    const char *zero = n ? memchr(text, 0, n) : NULL;           /* which jansson takes for the end */
    if (zero) return fail_place(text, (size_t)(zero - text), where, line, "a zero byte");
    EM_TRY(with_reals(&wide, &m, text, n));
    const em_status s = load(out, wide ? wide : text, wide ? m : n, flags, &e);
    size_t at = e.position > 0 ? (size_t)e.position : 0;
    if (s == EM_EFORMAT && wide) at = without_reals(text, n, at);
    em__free(wide, m);
    return s == EM_EFORMAT ? fail_place(text, at < n ? at : n, where, line, reason(&e)) : s;
}

/* ---- one after the other ---------------------------------------------------------------------------------- */

em_status em__json_fail(const em__json_walker *w, size_t at, const char *what)
{
    return em__fail(EM_EFORMAT, "%s: byte %lld: %s", w->path, (long long)(w->position + (int64_t)at), what);
}

static int next_byte(em__json_walker *w)
{
    while (w->at < w->n && w->text[w->at] && strchr(" \t\n\r", w->text[w->at])) w->at++;
    return w->at < w->n ? (unsigned char)w->text[w->at] : -1;
}

static em_status expect(em__json_walker *w, char byte, const char *what)
{
    if (next_byte(w) != byte) return em__json_fail(w, w->at, what);
    w->at++;
    return EM_OK;
}

em_status em__json_open(em__json_walker *w)
{
    w->inside = false;
    return expect(w, '{', "expected {");
}

/* Bytes of the object that begins there, or `n` if it does not end within them. */
static size_t enclosed(const char *text, size_t n)
{
    size_t at = 0;
    for (int64_t depth = 0; at < n;) {
        if (text[at] == '"') {
            at += quoted(text + at, n - at);
            continue;
        }
        depth += (text[at] == '{') - (text[at] == '}');
        at++;
        if (!depth) break;
    }
    return at < n ? at : n;
}

em_status em__json_value(em__json_walker *w, json_type type, size_t most, json_t **value)
{
    json_error_t e;
    *value = NULL;
    const bool text = type == JSON_STRING;
    if (next_byte(w) != (text ? '"' : '{'))
        return em__json_fail(w, w->at, text ? "expected a string" : "expected an object");
    const char *from = w->text + w->at;
    const size_t rest = w->n - w->at, n = text ? quoted(from, rest) : enclosed(from, rest < most ? rest : most);
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK;
    const em_status s = load(value, from, n, flags | (text && w->inside ? JSON_ALLOW_NUL : 0), &e);
    const size_t used = e.position > 0 ? (size_t)e.position : 0;
    const bool cut = !text && n < rest && used >= n;
    if (s == EM_EFORMAT) return em__json_fail(w, w->at + used, cut ? "it is too long" : reason(&e));
    if (!s) w->at += used;
    return s;
}

em_status em__json_key(em__json_walker *w, json_t **key)
{
    *key = NULL;
    const int next = next_byte(w);
    if (next == '}') {
        w->at++;
        return EM_OK;
    }
    if (w->inside) EM_TRY(expect(w, ',', "expected , or }"));
    w->inside = false;                  /* a key has no zero bytes */
    EM_TRY(em__json_value(w, JSON_STRING, SIZE_MAX, key));
    w->inside = true;
    const em_status s = expect(w, ':', "expected :");
    if (s) {
        em_json_release(*key);
        *key = NULL;
    }
    return s;
}

/* ---- writing ---------------------------------------------------------------------------------------------- */

static int append(const char *bytes, size_t n, void *to)
{
    em__chars *chars = to;
    if (EM_ARRAY_RESERVE(chars, (int64_t)n, "a text of JSON")) return -1;
    memcpy(chars->at + chars->n, bytes, n);
    chars->n += (int64_t)n;
    return 0;
}

em_status em__json_quote(em__chars *to, const char *text, size_t n, const char *what)
{
    const door before = open_door();
    json_t *j = json_stringn(text, n);
    const int fault = j ? json_dump_callback(j, append, to, JSON_ENCODE_ANY) : 0;
    json_decref(j);
    close_door(before);
    if (j && !fault) return EM_OK;
    if (j || now.refused) return em__fail_memory("a text of JSON", n);
    return em__fail(EM_EVALUE, "%s is not UTF-8", what);
}
