/* Inside of a tensor: a strided window on a counted storage. Knows nothing of operations or gradients; autograd gives
 * it an origin, of which it knows only how to release it, and the base of a view, to which changes of the view go. */
#ifndef EM_TENSOR_TENSOR_H
#define EM_TENSOR_TENSOR_H

#include "tensor/storage.h"

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
    bool untracked;             /* a view made while no gradients are recorded: its base's history ignores it */
    em_tensor *next_kept, **kept_at;    /* in the list of its storage, if it is kept; or null */
    int64_t size[EM_MAX_DIMS], stride[EM_MAX_DIMS];
};

/* Applies the pending updates of t's storage: to all rows, or to those of `ids` (int64, contiguous) if t is just the
 * table that has them. After an interrupt some may still be pending. */
void em__apply_pending_rows(const em_tensor *t, const em_tensor *ids);
static inline void em__apply_pending(const em_tensor *t)
{
    if (t->storage && t->storage->pending) em__storage_apply_pending(t->storage);
}

/* em__storage_set_filled of t, a table (rows, …) alone in its storage. */
em_status em__set_filled(em_tensor *t, em_groups *g);

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
