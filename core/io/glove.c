/* Word vectors as GloVe writes them: lines of a word and its numbers, with no header or one of "V D". Words may have
 * blanks: how many numbers follow one is found out from the first lines, and the rest is split from the right. */
#include "io/format.h"
#include "io/vector_rows.h"

static em_status read_file(em_content **out, const char *path, const void *options)
{
    em__rows r;
    *out = NULL;
    em_status s = em__rows_open(&r, path, options);
    if (!s) s = em__rows_read_text(&r, true, 0, "");
    if (!s) s = em__rows_take(out, &r);
    em__rows_close(&r);
    return s;
}

static const em_field fields[] = {EM_VECTOR_FIELDS, {{0}, 0, 0}};

const em_format EM_FORMAT(glove) = {
    .name = "glove",
    .doc = "word vectors as GloVe writes them, words with blanks too: vocab, matrix (V, D)",
    .reading = {fields, &em__vector_defaults, sizeof em__vector_defaults},
    .read = read_file,
};
