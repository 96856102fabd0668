/* One part: where its entries come from, and the part without some of them. */
#include "tensor/sparse/row_part.h"

#include "tensor/shape.h"

/* ---- its tensors --------------------------------------------------------------------------------------- */

void em__row_part_release(em_row_part *p)
{
    em_tensor_release(p->ids);
    em_tensor_release(p->source);
    em_tensor_release(p->index);
    em_tensor_release(p->coef);
    em_tensor_release(p->table);
}

void em__row_part_retain(const em_row_part *p)
{
    em_tensor_retain(p->ids);
    em_tensor_retain(p->source);
    if (p->index) em_tensor_retain(p->index);
    if (p->coef) em_tensor_retain(p->coef);
    if (p->table) em_tensor_retain(p->table);
}

em_status em__row_part_keep(em_row_part *p)
{
    EM_TRY(em__keep(&p->ids));
    EM_TRY(em__keep(&p->source));
    EM_TRY(em__keep(&p->index));
    return em__keep(&p->coef);
}

/* ---- some of its entries ------------------------------------------------------------------------------- */

static bool is_out(int64_t id, int64_t padding, const uint8_t *dropped)
{
    return id == padding || (dropped && dropped[id]);
}

em_status em__row_part_without(em_row_part *out, const em_row_part *p, int64_t padding, const uint8_t *dropped)
{
    const int64_t *id = EM_DATA(int64_t, p->ids), n = p->ids->count;
    int64_t kept = 0;
    for (int64_t e = 0; e < n; e++) kept += !is_out(id[e], padding, dropped);
    *out = *p;
    out->ids = out->index = out->coef = NULL;
    if (out->table) em_tensor_retain(out->table);
    if (kept == n) {
        em_tensor_release(out->table);
        *out = *p;
        em__row_part_retain(out);
        return EM_OK;
    }
    em_tensor_retain(out->source);
    em_status s = em_tensor_empty(&out->ids, EM_I64, 1, &kept);
    if (!s) s = em_tensor_empty(&out->index, EM_I64, 1, &kept);
    if (!s && p->coef) s = em_tensor_empty(&out->coef, p->coef->dtype, 1, &kept);
    if (s) {
        em__row_part_release(out);
        return s;
    }
    const int64_t *index = p->index ? EM_DATA(int64_t, p->index) : NULL;
    /* each entry's id, and where it takes its row (and coefficient) from */
    int64_t *new_id = EM_DATA(int64_t, out->ids), *new_index = EM_DATA(int64_t, out->index), k = 0;
    for (int64_t e = 0; e < n; e++) {
        if (is_out(id[e], padding, dropped)) continue;
        new_id[k] = id[e];
        new_index[k] = index ? index[e] : e / p->every;
        if (p->coef) {
            if (p->coef->dtype == EM_F32)
                EM_DATA(float, out->coef)[k] = EM_DATA(float, p->coef)[e];
            else
                EM_DATA(double, out->coef)[k] = EM_DATA(double, p->coef)[e];
        }
        k++;
    }
    return EM_OK;
}

/* ---- its source ---------------------------------------------------------------------------------------- */

/* The value every row is made of, where each row of `dy` repeats one number: (n) of them, stride `step`. */
static em_status constant_rows(em_row_part *p, const em_tensor *dy, int64_t n, int64_t width, int64_t step)
{
    EM_TRY(em_tensor_empty(&p->source, dy->dtype, 2, (int64_t[]){1, width}));
    p->source->stride[0] = 0;
    p->source->contiguous = false;
    em_tensor_fill(p->source, 1);
    em_tensor *column;
    EM_TRY(em__tensor_window(&column, dy, dy->data, 1, &n, &step));
    em_status s = em_tensor_contiguous(&p->coef, column);
    em_tensor_release(column);
    return s;
}

em_status em__row_part_source(em_row_part *p, em_tensor *dy, int64_t n, int64_t width)
{
    em_iterator w;
    const int last = dy->dims - 1;
    em__iterator_init(&w, 1, last, dy->size, (const int64_t *const[]){dy->stride});
    const int64_t step = last ? w.stride[0][0] : 0, inner = dy->stride[last];
    if (n && width > 1 && w.dims == 1 && inner == 0) return constant_rows(p, dy, n, width, step);
    const bool rows = n == 0 || (w.dims == 1 && (inner == 1 || width <= 1));
    em_tensor *whole = NULL;
    if (!rows) EM_TRY(em_tensor_contiguous(&whole, dy));
    const em_tensor *from = rows ? dy : whole;
    em_status s = em__tensor_window(&p->source, from, from->data, 2, (int64_t[]){n, width},
                                    (int64_t[]){rows && n > 1 ? step : width, 1});
    em_tensor_release(whole);
    return s;
}
