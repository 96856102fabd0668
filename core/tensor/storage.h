/* Counted memory that tensors show: its version, the rows that are known to be filled, and pending updates. It comes
 * from the core's allocator, in one block with its header, or from somebody else, who says how it is given back. */
#ifndef EM_TENSOR_STORAGE_H
#define EM_TENSOR_STORAGE_H

#include "base/status.h"

/* Updates of a table's rows that were deferred (optim/deferred.h) and are applied before anybody reads the rows. A
 * row's content is what it will be then, so applying them counts as no change of the storage. */
typedef struct em_pending {
    const char *data;           /* the table: (rows, width), contiguous */
    int64_t rows, width;
    void (*apply)(struct em_pending *p, const int64_t *ids, int64_t n); /* null: all rows; ids out of range: no rows */
    void (*release)(struct em_pending *p);
} em_pending;

typedef struct em_groups em_groups;
typedef struct em_filled em_filled;

typedef struct em_storage {
    int64_t refs;
    char *data;                 /* on a cache line, unless it is somebody else's */
    size_t bytes;
    int64_t version;
    em_pending *pending;        /* owned; or null. Whoever reads or writes the data calls em__apply_pending first */
    em_filled *filled;          /* owned: what is known of filled rows; or null */
    em_tensor *kept;            /* handles that stay as they are, or null. Who writes calls em__before_change first */
    void (*release)(struct em_storage *s);      /* called when refs reaches 0: gives back data and header */
} em_storage;

em_status em__storage_new(em_storage **out, size_t bytes, bool zeroed);

/* Takes the memory over, also on failure. */
em_status em__storage_foreign(em_storage **out, const em_foreign *memory);

void em__storage_dispose(em_storage *s);
static inline void em__storage_release(em_storage *s)       /* null is fine */
{
    if (s && --s->refs == 0) em__storage_dispose(s);
}

/* Applies the pending updates to all rows. After an interrupt some may still be pending. */
void em__storage_apply_pending(em_storage *s);

/* All of a storage of so many rows is 0 but for the rows of g, which it takes over, also on failure (EM_ENOMEM). That
 * is known until its version changes, or somebody may have written without counting that (em__storage_exposed). Its
 * memory then serves the next zeros with only those rows cleared. */
em_status em__storage_set_filled(em_storage *s, em_groups *g, int64_t rows);
void em__storage_exposed(em_storage *s);

/* Those rows of so many, lent; or null: not known. */
const em_groups *em__storage_filled(const em_storage *s, int64_t rows);

#endif
