/* Sums of a row-sparse gradient's entries, compiled for each variant. */
#include "tensor/sparse/row_sums.h"

#include "tensor/simd.h"

/* ---- some rows ----------------------------------------------------------------------------------------- */

enum { MOST = EM__MACHINE_BYTES == 64 ? 8 : 4 };       /* vectors summed at a time: of the registers, half */

/* What an entry of coefficient a and row x adds, in a term that is known when this is compiled; q is `own`. */
#define TERM(term, a, x, q) \
    ((term) == EM_TERM_ROW    ? (a) * (x) \
     : (term) == EM_TERM_SIGN ? (__typeof__((a) * (x)))EM_SIGNED(a, x, q) \
                              : (a) * ((q) - (x)))

#define EACH_VECTOR(k) EM_WRITTEN_OUT for (int k = 0; k < count; k++)
#define COLUMN(k) ((k) == count - 1 ? last : d + (k) * EM_WIDE)

/* `count` vectors of columns, from d on, the last at `last`: y += the sum of the terms, or = it if fresh. The count is
 * known when this is compiled; the additions to several vectors do not wait for one another. */
EM_INLINE void sum_vectors(const em_row_term term, em_real *restrict y, const em_row_list *l,
                           const em_real *restrict own, int64_t d, int64_t last, bool fresh, const int count)
{
    em_vector sum[8], q[8];
    EACH_VECTOR(k) {
        sum[k] = fresh ? (em_vector){0} : EM_VECTOR_AT(y + COLUMN(k));
        q[k] = own ? EM_VECTOR_AT(own + COLUMN(k)) : (em_vector){0};
    }
    for (int64_t e = 0; e < l->n; e++) {
        const em_vector a = EM_ALL(sum[0], l->coef[e]);
        const em_real *x = l->row[e];
        EACH_VECTOR(k) sum[k] += TERM(term, a, EM_VECTOR_AT(x + COLUMN(k)), q[k]);
    }
    EACH_VECTOR(k) *(em_vector *)(y + COLUMN(k)) = sum[k];
}

/* Rows of fewer columns than a vector has. */
EM_INLINE void sum_few(const em_row_term term, em_real *restrict y, const em_row_list *l, const em_real *restrict own,
                       int64_t d, bool fresh, int64_t n)
{
    em_four sum = {0}, q = {0}, x;
    if (!fresh) em__read_few(&sum, y + d, n);
    if (own) em__read_few(&q, own + d, n);
    for (int64_t e = 0; e < l->n; e++) {
        em__read_few(&x, l->row[e] + d, n);
        sum += TERM(term, EM_ALL(x, l->coef[e]), x, q);
    }
    em__write_few(y + d, &sum, n);
}

/* In as few passes over the list as registers allow, since most lists are short. The last vector of a row ends where
 * the row does and overlaps the one before it, in the same pass: what both hold is the same. */
EM_INLINE void sum_list(const em_row_term term, em_real *restrict y, const em_row_list *l, const em_real *restrict own,
                        int64_t width, bool fresh)
{
    if (width < EM_WIDE) {
        for (int64_t d = 0; d < width; d += 4) sum_few(term, y, l, own, d, fresh, width - d);
        return;
    }
    const int64_t vectors = (width + EM_WIDE - 1) / EM_WIDE;
    int64_t passes = (vectors + MOST - 1) / MOST, v = 0;
    for (; passes > 0; passes--) {
        const int64_t n = (vectors - v + passes - 1) / passes, d = v * EM_WIDE;
        const int64_t last = em__min(d + (n - 1) * EM_WIDE, width - EM_WIDE);
        v += n;
        switch (n) {
        case 1: sum_vectors(term, y, l, own, d, last, fresh, 1); break;
        case 2: sum_vectors(term, y, l, own, d, last, fresh, 2); break;
        case 3: sum_vectors(term, y, l, own, d, last, fresh, 3); break;
        case 4: sum_vectors(term, y, l, own, d, last, fresh, 4); break;
        case 5: sum_vectors(term, y, l, own, d, last, fresh, 5); break;
        case 6: sum_vectors(term, y, l, own, d, last, fresh, 6); break;
        case 7: sum_vectors(term, y, l, own, d, last, fresh, 7); break;
        case 8: sum_vectors(term, y, l, own, d, last, fresh, 8); break;
        }
    }
}

void em__list_sum(em_real *restrict y, const em_row_list *l, em_row_term term, const em_real *restrict own,
                  int64_t width, bool fresh)
{
    switch (term) {
    case EM_TERM_ROW: sum_list(EM_TERM_ROW, y, l, own, width, fresh); break;
    case EM_TERM_SIGN: sum_list(EM_TERM_SIGN, y, l, own, width, fresh); break;
    case EM_TERM_DIFFERENCE: sum_list(EM_TERM_DIFFERENCE, y, l, own, width, fresh); break;
    }
}

/* ---- entries of a gradient ----------------------------------------------------------------------------- */

/* The part that the first of `order` belongs to, how many of them do, as terms and tables may differ, and `before`: the
 * entries of the parts before it. */
static int64_t count_of_same_part(const em_rows *r, const int64_t *order, int64_t count, const em_row_part **part,
                                  int64_t *before)
{
    int64_t first = order[0], n = 0;
    *part = em__row_part_of(r, &first);
    *before = order[0] - first;
    const int64_t end = *before + (*part)->ids->count;
    if (end == r->entries) return count;
    while (n < count && order[n] < end) n++;
    return n;
}

/* Entries order[0 .. n-1] of a part as a list, those EM_LIST further on being asked for; `more` follow in `order`. */
static void take(em_row_list *l, const em_rows *r, const em_row_part *p, int64_t before, const int64_t *order,
                 int64_t n, int64_t more)
{
    l->n = n;
    for (int64_t i = 0; i < n; i++) {
        const int64_t e = order[i] - before;
        l->row[i] = em__source_row(p, e);
        l->coef[i] = em__coef(p, e);
    }
    if (!em__is_far(p)) return;
    for (int64_t i = 0; i < em__min(n, n + more - EM_LIST); i++) em__fetch_entry(r, order[i + EM_LIST]);
}

void em__add_entries(em_real *restrict sum, const em_rows *r, const int64_t *order, int64_t count, int64_t more,
                     int64_t id, bool fresh)
{
    em_row_list l;
    while (count) {
        const em_row_part *p;
        int64_t before;
        const int64_t n = count_of_same_part(r, order, em__min(count, EM_LIST), &p, &before);
        take(&l, r, p, before, order, n, count - n + more);
        em__list_sum(sum, &l, p->term, p->table ? EM_REALS(p->table) + id * r->width : NULL, r->width, fresh);
        order += n, count -= n, fresh = false;
    }
}

/* ---- all of them --------------------------------------------------------------------------------------- */

static void values(void *to, const em_rows *r, int64_t from, int64_t count)
{
    int64_t first = 0;                      /* entry of the part */
    for (int i = 0; i < r->n_parts; i++) {
        const int64_t n = r->parts[i].ids->count, *id = EM_DATA(int64_t, r->parts[i].ids);
        const int64_t lo = em__max(from, first), hi = em__min(from + count, first + n);
        EM_PARALLEL_CHUNKS(begin, end, em__max(0, hi - lo), (double)r->width)
            for (int64_t e = lo + begin; e < lo + end; e++)
                em__add_entries((em_real *)to + (e - from) * r->width, r, &e, 1, 0, id[e - first], true);
        first += n;
    }
}

static void sums(void *to, const em_rows *r, const em_groups *g, bool compact)
{
    const int64_t pieces = (g->entries + EM_ROW_PIECE - 1) / EM_ROW_PIECE;
    EM_PARALLEL_EACH(k, pieces, EM_ROW_PIECE * (double)r->width)
        for (int64_t u = em__groups_split(g, k, pieces), end = em__groups_split(g, k + 1, pieces); u < end; u++) {
            em_real *y = (em_real *)to + (compact ? u : g->ids[u]) * r->width;
            em__add_group(y, r, g, u, compact);
        }
}

const em_rows_kernel EM__NAME(em_rows, _kernel, EM_VARIANT) = {.values = values, .sums = sums};
