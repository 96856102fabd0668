/* Cases of cases.def: their text read into tensors. */
#include "op_case.h"

#include <math.h>

enum { SMALL_N = 5, SMALL_M = 4, LARGE_N = 20011, LARGE_M = 307 };

/* ---- numbers: a generator of the test's own --------------------------------------------------------------- */

typedef struct numbers {
    uint64_t state;
    int64_t count, last;                /* of the tensor; size of its last dim */
    double a, b;                        /* what the word says after the domain */
} numbers;

static double next_unit(numbers *g)
{
    g->state = g->state * 6364136223846793005u + 1442695040888963407u;
    return ((double)(g->state >> 40) + 0.5) / 16777216;
}

static double next_between(numbers *g, double a, double b) { return a + (b - a) * next_unit(g); }

static double next_normal(numbers *g)
{
    const double size = sqrt(-2 * log(next_unit(g)));
    return size * cos(6.283185307179586 * next_unit(g));
}

/* i as one of 0 .. count-1 in another order. */
static int64_t shuffled(const numbers *g, int64_t i) { return (int64_t)((uint64_t)i * 7919 % (uint64_t)g->count); }

static double domain_normal(numbers *g, int64_t i) { return (void)i, next_normal(g); }
static double domain_uniform(numbers *g, int64_t i) { return (void)i, next_between(g, g->a, g->b); }
static double domain_positive(numbers *g, int64_t i) { return (void)i, next_between(g, 0.5, 2); }
static double domain_unit(numbers *g, int64_t i) { return (void)i, next_between(g, 0.1, 0.9); }
static double domain_zeros(numbers *g, int64_t i) { return (void)g, (void)i, 0; }
static double domain_ones(numbers *g, int64_t i) { return (void)g, (void)i, 1; }
static double domain_signs(numbers *g, int64_t i) { return (void)i, next_unit(g) < 0.5 ? -1 : 1; }
static double domain_mask(numbers *g, int64_t i) { return (void)i, next_unit(g) < 0.5; }
static double domain_ids(numbers *g, int64_t i) { return (void)i, floor(next_unit(g) * g->a); }
static double domain_rising(numbers *g, int64_t i) { return (double)i * g->a; }
static double domain_distinct(numbers *g, int64_t i)
{
    return 0.3 * ((double)shuffled(g, i) - (double)(g->count / 2)) + 0.05;
}
static double domain_steps(numbers *g, int64_t i) { return -3.85 + 0.3 * (double)((shuffled(g, i) * 5 + i) % 27); }
static double domain_offsets(numbers *g, int64_t i) { return floor((double)i * g->a / (double)(g->count + 1)); }
/* Lehmer's matrix. */
static double domain_definite(numbers *g, int64_t i)
{
    const double row = (double)(i / g->last + 1), col = (double)(i % g->last + 1);
    return row < col ? row / col : col / row;
}
/* Of each row the last is what the others leave. */
static double domain_probabilities(numbers *g, int64_t i)
{
    const double n = (double)g->last;
    const double share = (double)(i % g->last + 1) / (n * (n + 1) / 2);
    return share;
}

static const struct domain {
    const char *name;
    double (*value)(numbers *g, int64_t i);
    int dtype;                          /* -1: that of the value inputs */
} domains[] = {
    {"normal", domain_normal, -1},     {"uniform", domain_uniform, -1},   {"positive", domain_positive, -1},
    {"unit", domain_unit, -1},         {"zeros", domain_zeros, -1},       {"ones", domain_ones, -1},
    {"signs", domain_signs, -1},       {"distinct", domain_distinct, -1}, {"steps", domain_steps, -1},
    {"probabilities", domain_probabilities, -1},                          {"mask", domain_mask, EM_BOOL},
    {"ids", domain_ids, EM_I64},       {"rising", domain_rising, EM_I64}, {"offsets", domain_offsets, EM_I64},
    {"definite", domain_definite, -1},
};

static const struct domain *find_domain(const char *name, size_t length)
{
    for (size_t d = 0; d < sizeof domains / sizeof *domains; d++)
        if (strlen(domains[d].name) == length && !strncmp(domains[d].name, name, length)) return &domains[d];
    fail_msg("no domain \"%.*s\"", (int)length, name);
    return NULL;
}

/* ---- reading a word --------------------------------------------------------------------------------------- */

static double read_number(const char **text, bool large)
{
    if (**text == 'N') return (*text)++, large ? LARGE_N : SMALL_N;
    if (**text == 'M') return (*text)++, large ? LARGE_M : SMALL_M;
    char *end;
    const double x = strtod(*text, &end);
    if (end == *text) fail_msg("a number is missing at \"%s\"", *text);
    *text = end;
    return x;
}

static int read_sizes(const char **text, int64_t sizes[EM_MAX_DIMS], bool large)
{
    int dims = 0;
    if (*(*text)++ != '(') fail_msg("sizes are missing before \"%s\"", *text);
    while (**text && **text != ')') {
        sizes[dims++] = (int64_t)read_number(text, large);
        if (**text == ',') (*text)++;
    }
    if (*(*text)++ != ')') fail_msg("no ) after sizes");
    return dims;
}

/* ---- building --------------------------------------------------------------------------------------------- */

/* Not contiguous unless it has no dims: the first dim runs fastest, and every other element is a gap. */
static em_tensor *strided_empty(em_dtype dtype, int dims, const int64_t *sizes)
{
    int64_t strides[EM_MAX_DIMS], step = 2;
    for (int d = 0; d < dims; d++) {
        strides[d] = step;
        step *= sizes[d] ? sizes[d] : 1;
    }
    em_tensor *whole, *view;
    assert_ok(em_tensor_zeros(&whole, dtype, 1, &step));
    assert_ok(em_tensor_view(&view, whole, 1, dims, sizes, strides));
    em_tensor_release(whole);
    return view;
}

static em_tensor *filled(const struct domain *d, numbers *g, em_dtype dtype, int dims, const int64_t *sizes,
                         bool strided)
{
    em_tensor *t;
    if (strided)
        t = strided_empty(dtype, dims, sizes);
    else
        assert_ok(em_tensor_empty(&t, dtype, dims, sizes));
    g->count = em_tensor_count(t);
    g->last = dims ? sizes[dims - 1] : 1;
    for (int64_t i = 0; i < g->count; i++) em_tensor_set(t, i, (double)(float)d->value(g, i));
    return t;
}

static em_tensor *read_input(const char **text, bool *wanted, unsigned seed, em_dtype dtype, bool large, bool strided)
{
    *wanted = false;
    if (**text == '-') return (*text)++, NULL;
    const bool constant = **text == '!';
    *text += constant;
    const size_t length = strcspn(*text, ":(");
    const struct domain *d = find_domain(*text, length);
    *text += length;
    numbers g = {.state = seed * 2654435761u + 12345};
    for (int k = 0; **text == ':'; k++) {
        (*text)++;
        *(k ? &g.b : &g.a) = read_number(text, large);
    }
    int64_t sizes[EM_MAX_DIMS];
    const int dims = read_sizes(text, sizes, large);
    *wanted = !constant && d->dtype < 0;
    return filled(d, &g, d->dtype < 0 ? dtype : (em_dtype)d->dtype, dims, sizes, strided);
}

void case_inputs_make(case_inputs *c, const op_case *k, em_dtype dtype, bool large, bool strided)
{
    const char *text = k->inputs;
    for (c->n = 0; *text; c->n++) {
        assert_true(c->n < MOST_INPUTS);
        c->in[c->n] = read_input(&text, &c->wanted[c->n], (unsigned)c->n + 1, dtype, large, strided);
        text += strspn(text, " ");
    }
}

void case_inputs_free(case_inputs *c)
{
    for (int i = 0; i < c->n; i++) em_tensor_release(c->in[i]);
}

em_tensor *numbers_like(const em_tensor *t, unsigned seed, bool strided)
{
    numbers g = {.state = seed * 2654435761u + 54321};
    return filled(&domains[0], &g, em_tensor_dtype(t), em_tensor_dims(t), em_tensor_sizes(t), strided);
}
