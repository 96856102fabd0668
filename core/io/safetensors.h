/* Inside of the format safetensors: eight bytes that say how long the header is, the header, a JSON object, and the
 * bytes of the tensors without gaps.
 *
 *     {"__metadata__": {"key": "text", ...},
 *      "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
 *
 * Files written here are protected: the metadata's "embla.checksum" holds digits of XXH3, 16 for the length and the
 * header (with these 16 as zeros), then 16 for each tensor in order of its bytes. "embla.format" beside it shows that
 * there was one, should its name be damaged. Neither is part of the metadata that scripts see.
 *
 * In an em_content the metadata is the value "__metadata__", which no tensor can be called: fields one after the other,
 * each a uint32 of its length and its bytes. Three make an entry: what it is, "metadata" or "widened" (a tensor whose
 * dtype in the file the core has not), a key or a tensor's name, and the text, or the dtype in the file. */
#ifndef EM_IO_SAFETENSORS_H
#define EM_IO_SAFETENSORS_H

#include "base/mapping.h"
#include "io/elements.h"
#include "io/json.h"

#define EM__METADATA "__metadata__"
#define EM__CHECKSUM "embla.checksum"
#define EM__CHECKED "embla.format"

enum { EM__DIGITS = 16, EM__LENGTH_BYTES = 8, EM__MOST_HEADER = 100000000 };

typedef struct em__stored_tensor {
    int64_t name;               /* where it begins among the header's names, ended by 0 */
    int64_t described;          /* the byte of the file where its description stands */
    int64_t begin, end;         /* bytes in the file */
    int64_t shape;              /* where it begins among the sizes */
    em_stored stored;
    int dims;
} em__stored_tensor;

typedef struct em__safetensors_header {
    EM_ARRAY(em__stored_tensor) tensors;        /* in order of the header */
    EM_ARRAY(int64_t) order;                    /* of their bytes: numbers of tensors */
    EM_ARRAY(int64_t) sizes;
    em__chars names;
    em__chars metadata;                         /* as above, without the checksum */
    int64_t checksum;           /* the byte of the file where its digits begin; 0: there is none */
    char *text;                 /* length and header, as the file has them */
    size_t bytes;
} em__safetensors_header;

/* Reads it and checks all that can be checked without the tensors' bytes. To be freed, also on failure. */
em_status em__safetensors_header_read(em__safetensors_header *h, const em__source *s);
void em__safetensors_header_free(em__safetensors_header *h);

const char *em__safetensors_dtype(em_stored stored);    /* "F32" */

/* The digits of the length and header, of which the 16 at `own` are taken as zeros; and of a tensor's bytes, from the
 * XXH3 of each of its chunks. */
void em__safetensors_header_digits(char digits[EM__DIGITS], char *text, size_t n, size_t own);
void em__safetensors_digits(char digits[EM__DIGITS], const uint64_t *of_chunks, int64_t n);

enum { EM__CHECKED_CHUNK = 1 << 19 };           /* bytes */
static inline int64_t em__checked_chunks(int64_t bytes) { return (bytes + EM__CHECKED_CHUNK - 1) / EM__CHECKED_CHUNK; }

/* Adds a field to metadata as content has it. */
em_status em__safetensors_add_field(em__chars *to, const char *text, size_t n);

em_status em__safetensors_write(const char *path, const em_content *content, const void *options);

#endif
