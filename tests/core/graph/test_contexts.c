/* The search for callbacks in a history. */
#include "graph/variable.h"

#include "support.h"

static em_status no_hook(void *context, em_tensor *grad, em_tensor **replacement)
{
    (void)context;
    (void)grad;
    (void)replacement;
    return EM_OK;
}

static void add_hook(em_tensor *t, void *context)
{
    int64_t id;
    assert_ok(em_tensor_add_hook(t, no_hook, context, NULL, &id));
}

typedef struct found {
    void *list[8];
    int n, most;
} found;

static bool note(void *arg, void *context)
{
    found *f = arg;
    f->list[f->n++] = context;
    return f->n < f->most;
}

/* How many contexts `t` leads to, and whether `wanted` (null: any) is one of them. */
static int contexts(em_tensor *t, const void *wanted, bool *has)
{
    found f = {.most = 8};
    int64_t passed = 0;
    em_contexts_start();
    assert_true(em_contexts_of(t, note, &f, &passed));
    *has = false;
    for (int i = 0; i < f.n; i++) *has |= f.list[i] == wanted;
    return f.n;
}

static em_tensor *leaf(void)
{
    em_tensor *x = tensor_of(EM_F32, SHAPE(2), VALUES(1, 2));
    assert_ok(em_tensor_set_requires_grad(x, true));
    return x;
}

static em_tensor *twice(em_tensor *x)
{
    em_tensor *y;
    assert_ok(em_apply(em_op_find("add"), (em_tensor *[]){x, x}, 2, NULL, NULL, &y));
    return y;
}

static void results_lead_to_hooks_upstream_once(void **state)
{
    (void)state;
    int a, b;
    bool has;
    em_tensor *x = leaf(), *y = twice(x), *z = twice(y);
    add_hook(x, &a);
    add_hook(y, &b);
    assert_int_equal(contexts(x, &a, &has), 1);
    assert_true(has);
    assert_int_equal(contexts(z, &b, &has), 2);
    assert_true(has);
    assert_int_equal(contexts(x, &b, &has), 1);
    assert_false(has);
    release_all(TENSORS(y, x));
    assert_int_equal(contexts(z, &a, &has), 2);             /* the graph holds them */
    assert_true(has);
    em_tensor_release(z);
}

static void a_search_passes_over_what_it_has_seen_and_ends_early(void **state)
{
    (void)state;
    int a, b;
    em_tensor *x = leaf(), *y = twice(x), *z = twice(y);
    add_hook(x, &a);
    add_hook(y, &b);
    found f = {.most = 8};
    int64_t passed = 0;
    em_contexts_start();
    assert_true(em_contexts_of(y, note, &f, &passed));
    assert_int_equal(f.n, 2);
    assert_int_equal(passed, 3);                            /* two variables and a node */
    assert_true(em_contexts_of(z, note, &f, &passed));
    assert_int_equal(f.n, 2);
    f = (found){.most = 1};
    em_contexts_start();
    assert_false(em_contexts_of(z, note, &f, &passed));
    assert_int_equal(f.n, 1);
    release_all(TENSORS(x, y, z));
}

static void gradients_and_bases_lead_there_too(void **state)
{
    (void)state;
    int a, b;
    bool has;
    em_tensor *x = leaf(), *g = leaf(), *y = twice(x), *view;
    add_hook(g, &a);
    add_hook(y, &b);
    assert_ok(em_tensor_set_grad(x, g));
    em_tensor_release(g);
    assert_int_equal(contexts(x, &a, &has), 1);
    assert_true(has);
    em_set_grad_enabled(false);
    em_opts opts = {.at = {{.given = true, .i = 1}}, .ints = {2}};
    assert_ok(em_apply(em_op_find("view"), &y, 1, &opts, NULL, &view));
    em_set_grad_enabled(true);
    em_tensor_release(y);
    assert_int_equal(contexts(view, &b, &has), 2);
    assert_true(has);
    release_all(TENSORS(x, view));
}

static void freeing_a_long_chain_of_gradients_does_not_recurse(void **state)
{
    (void)state;
    const int64_t before = em_memory_blocks();
    em_tensor *first = leaf(), *last = first;
    em_tensor_retain(first);
    for (int k = 0; k < 300000; k++) {
        em_tensor *next = leaf();
        assert_ok(em_tensor_set_grad(last, next));
        em_tensor_release(last);
        last = next;
    }
    em_tensor_release(last);
    bool has;
    assert_int_equal(contexts(first, NULL, &has), 0);
    em_tensor_release(first);
    assert_int_equal(em_memory_blocks(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_lead_to_hooks_upstream_once),
        cmocka_unit_test(a_search_passes_over_what_it_has_seen_and_ends_early),
        cmocka_unit_test(gradients_and_bases_lead_there_too),
        cmocka_unit_test(freeing_a_long_chain_of_gradients_does_not_recurse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
