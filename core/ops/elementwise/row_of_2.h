/* The loop of a row over x and y. Included by pointwise.h once for each type EM_GIVEN that a row may give. */
#define EM__VALUE EM__NAME(em_value, _of_2, EM_GIVEN)

typedef EM_GIVEN EM__VALUE(em_scalar x, em_scalar y, em_scalar a);

EM_INLINE void EM__NAME(em__row, _of_2, EM_GIVEN)(EM__VALUE *value, char *const *p, const int64_t *s, int64_t n,
                                                  em_scalar a)
{
    EM_GIVEN *to = (void *)p[0];
    const em_scalar *x = (void *)p[1], *y = (void *)p[2];
    if (s[0] == 1 && s[1] == 1 && s[2] == 1) {
        EM_SIMD
        for (int64_t i = 0; i < n; i++) to[i] = value(x[i], y[i], a);
    } else if (s[0] == 1 && s[1] == 1 && s[2] == 0) {
        const em_scalar y0 = *y;
        EM_SIMD
        for (int64_t i = 0; i < n; i++) to[i] = value(x[i], y0, a);
    } else if (s[0] == 1 && s[1] == 0 && s[2] == 1) {
        const em_scalar x0 = *x;
        EM_SIMD
        for (int64_t i = 0; i < n; i++) to[i] = value(x0, y[i], a);
    } else {
        for (int64_t i = 0; i < n; i++) to[i * s[0]] = value(x[i * s[1]], y[i * s[2]], a);
    }
}

#undef EM__VALUE
#undef EM_GIVEN
