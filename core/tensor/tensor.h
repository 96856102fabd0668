/* Inside of a tensor: a strided window on a counted storage. Knows nothing of operations or gradients; autograd hangs
 * an origin on it, of which it knows only how to let go, and the base of a view, to which changes of the view go. */
#ifndef EM_TENSOR_TENSOR_H
#define EM_TENSOR_TENSOR_H

#include "base/status.h"

/* Changes that rows of a table wait for, and get before anybody sees them (optim/owed.h): a row's content is what it
 * will be then, so giving them their due counts as no change of the storage. */
typedef struct em_debt {
    const char *data;           /* the table: (rows, width), contiguous */
    int64_t rows, width;
    void (*pay)(struct em_debt *d, const int64_t *ids, int64_t n);      /* null: all rows; ids out of range: no rows */
    void (*release)(struct em_debt *d);
} em_debt;

typedef struct em_groups em_groups;

typedef struct em_storage {
    int64_t refs;
    size_t bytes;               /* of the data that follows this header in the same block, on a cache line */
    int64_t version;
    em_debt *debt;              /* owned; or null. Whoever reads or writes the data calls em__settle first */
    em_groups *filled;          /* owned: rows outside which all is 0; or null */
    int64_t filled_at;          /* the version of which that holds */
    size_t row_bytes;
    em_tensor *kept;            /* handles that stay as they are, or null. Who writes calls em__before_change first */
} em_storage;

typedef struct em_origin {
    int64_t refs;
    void (*release)(struct em_origin *);    /* called when refs reaches 0 */
} em_origin;

typedef struct em_rows em_rows;

struct em_tensor {
    int64_t refs;
    em_storage *storage;        /* null for a row-sparse gradient */
    char *data;                 /* first element of the view */
    em_rows *rows;              /* entries of a row-sparse gradient */
    em_origin *origin;          /* what autograd knows of it, or null */
    em_tensor *base;            /* of a view: whose elements these are; itself none */
    em_tensor *frozen;          /* (V) bool: rows that training leaves as they are; or null */
    int64_t changes;            /* of a base's history in place; of a view: those it knows of */
    int64_t count;
    em_dtype dtype;
    int dims;
    bool contiguous;
    bool number;                /* made from a Lua number: gives way to tensors when dtypes are promoted */
    bool apart;                 /* a view made while no gradients are recorded: it has no part in its base's history */
    em_tensor *next_kept, **kept_at;    /* in the list of its storage, if it is kept; or null */
    int64_t size[EM_MAX_DIMS], stride[EM_MAX_DIMS];
};

/* Gives the rows of t's storage what they are owed: all rows, or those of `ids` (int64, contiguous) if t is just the
 * table that owes. After an interrupt some may still wait. */
void em__settle_storage(em_storage *s);
void em__settle_rows(const em_tensor *t, const em_tensor *ids);
static inline void em__settle(const em_tensor *t)
{
    if (t->storage && t->storage->debt) em__settle_storage(t->storage);
}

/* All of t, a table (rows, …) alone in its storage, is 0 but for the rows of g, which it takes over. That is known
 * until t changes. Its memory then serves the next zeros with only those rows cleared. */
void em__set_filled(em_tensor *t, em_groups *g);

/* Those rows, if t is all of its storage, row for row; or null: not known. */
const em_groups *em__filled(const em_tensor *t);

/* The mask of frozen rows, or null. */
static inline const uint8_t *em__frozen(const em_tensor *t)
{
    return t->frozen ? (const uint8_t *)t->frozen->data : NULL;
}

/* Whether several of its elements lie in one place, as in an expanded tensor. */
bool em__repeats(const em_tensor *t);

/* Makes of *t, a reference of the caller's, one to a handle whose elements stay as they are now, whatever is written to
 * its storage later: for those who come back to them, as the entries of a row-sparse gradient do. Nobody may write
 * through it. It costs no copy until somebody is about to write: then the handle gets elements of its own. */
em_status em__keep(em_tensor **t);

/* Call it before elements of t are written: kept handles of its storage get their copies. EM_ENOMEM. */
em_status em__copy_kept(em_storage *s);
static inline em_status em__spare_kept(const em_tensor *t)
{
    return t->storage && t->storage->kept ? em__copy_kept(t->storage) : EM_OK;
}

/* The same where each element gets a value of its own; EM_EVALUE if several lie in one place. `name` is what the script
 * has called. */
em_status em__fail_repeats(const em_tensor *t, const char *name, const char *rest_of_name);
static inline em_status em__before_change(const em_tensor *t, const char *name)
{
    return !t->contiguous && em__repeats(t) ? em__fail_repeats(t, name, "") : em__spare_kept(t);
}

/* Product of the sizes; false on overflow, of the bytes too, or on a negative size (EM_ESHAPE recorded). */
em_status em__count(int64_t *count, em_dtype dtype, int dims, const int64_t *sizes);

/* t shows what `from` shows, of the same dtype, whatever it showed before. What it is to autograd stays. */
void em__tensor_become(em_tensor *t, const em_tensor *from);

/* Fresh, contiguous, shaped like `t`. */
em_status em__tensor_like(em_tensor **out, const em_tensor *t, em_dtype dtype);

/* View with t's dtype, contiguous strides computed by em__strides or given. Shares storage; no origin. */
em_status em__tensor_window(em_tensor **out, const em_tensor *t, char *data, int dims, const int64_t *sizes,
                            const int64_t *strides);

/* The handle alone: shape and dtype of `t`, with its data only if `with_data`. No origin, so no cycles. */
em_status em__tensor_shell(em_tensor **out, const em_tensor *t, bool with_data);

/* A row-sparse tensor of this shape around `rows`, which it takes over, also on failure. */
em_status em__tensor_rows(em_tensor **out, em_dtype dtype, int dims, const int64_t *sizes, em_rows *rows);

void em__strides(int64_t *strides, int dims, const int64_t *sizes);
bool em__is_contiguous(int dims, const int64_t *sizes, const int64_t *strides);

void em__origin_release(em_origin *origin);

/* "(2, 3)" into a buffer; returns it. */
enum { EM_SHAPE_TEXT = 160 };
const char *em__shape_text(char buffer[EM_SHAPE_TEXT], int dims, const int64_t *sizes);
#define EM_SHAPE(t) em__shape_text((char[EM_SHAPE_TEXT]){0}, (t)->dims, (t)->size)

#define EM_DATA(type, t) ((type *)(void *)(t)->data)

#endif
