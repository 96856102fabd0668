/* Inside of a column of text: pieces of it, each bytes one after the other and where each text begins. */
#ifndef EM_TEXT_STRINGS_H
#define EM_TEXT_STRINGS_H

#include "base/array.h"

enum { EM_STRINGS_MOST = 1 << 30 };     /* bytes of a piece */
#define EM_STRINGS_MISSING ((uint32_t)1 << 31)  /* in `starts`: the text that begins there is missing */

typedef struct em__strings_piece {
    int64_t first;              /* number of its first text */
    EM_ARRAY(uint32_t) starts;  /* of each text, in bytes, and where the last ends */
    EM_ARRAY(char) bytes;
} em__strings_piece;

struct em_strings {
    int64_t refs, count, missing;
    EM_ARRAY(em__strings_piece) pieces;
};

/* An empty piece at the end, with room for exactly so much. On failure there is none. */
em_status em__strings_piece_add(em_strings *s, int64_t texts, int64_t bytes);

#endif
