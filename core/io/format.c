/* The formats that there are. */
#include "io/format.h"

#include <string.h>

#include "base/file.h"
#include "io/formats.def"

#define DECLARE(name) extern const em_format EM_FORMAT(name);
EM_FORMAT_LIST(DECLARE)

#define ENTRY(name) &EM_FORMAT(name),
static const em_format *const formats[] = {EM_FORMAT_LIST(ENTRY)};
enum { FORMATS = (int)(sizeof formats / sizeof *formats) };

int em_format_count(void) { return FORMATS; }
const em_format *em_format_at(int index) { return formats[index]; }

const em_format *em_format_find(const char *name)
{
    for (int i = 0; i < FORMATS; i++)
        if (!strcmp(formats[i]->name, name)) return formats[i];
    return NULL;
}

static const em_format *recognize(const unsigned char *first, size_t n)
{
    for (int i = 0; i < FORMATS; i++)
        if (formats[i]->recognize && formats[i]->recognize(first, n)) return formats[i];
    return NULL;
}

em_status em_format_recognize(const em_format **out, const char *path)
{
    enum { FIRST = 512 };
    unsigned char first[FIRST];
    size_t n;
    em__input in;
    *out = NULL;
    EM_TRY(em__input_open_raw(&in, path));
    em_status s = em__input_read(&in, first, FIRST, &n);
    em__input_close(&in);
    if (s) return s;
    *out = recognize(first, n);
    if (*out || !em__gzip_begins(first, n)) return EM_OK;
    EM_TRY(em__input_open(&in, path));
    s = em__input_read(&in, first, FIRST, &n);
    em__input_close(&in);
    if (!s) *out = recognize(first, n);
    return s;
}
