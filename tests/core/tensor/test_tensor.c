/* Tensors: sizes, strides, views, versions, origins, kept handles. */
#include "tensor/tensor.h"

#include "base/memory.h"
#include "support.h"

/* ---- sizes --------------------------------------------------------------------------------------------- */

static void fresh_tensors_are_contiguous(void **state)
{
    (void)state;
    em_tensor *t;
    assert_ok(em_tensor_empty(&t, EM_I32, SHAPE(2, 3, 4)));
    assert_int_equal(em_tensor_dims(t), 3);
    assert_int_equal(em_tensor_count(t), 24);
    assert_int_equal(em_tensor_dtype(t), EM_I32);
    assert_int_equal(em_tensor_bytes(t), 24 * 4);
    assert_int_equal(em_tensor_stride(t, 0), 12);
    assert_int_equal(em_tensor_stride(t, 1), 4);
    assert_int_equal(em_tensor_stride(t, 2), 1);
    assert_int_equal(em_tensor_sizes(t)[1], 3);
    assert_true(em_tensor_is_contiguous(t));
    assert_false(em_tensor_is_sparse(t));
    assert_int_equal((uintptr_t)em_tensor_data(t) % 64, 0);
    em_tensor_release(t);
    em_tensor_release(NULL);
}

static void zeros_are_zero(void **state)
{
    (void)state;
    for (int dtype = 0; dtype < EM_DTYPES; dtype++) {
        em_tensor *t, *used;
        assert_ok(em_tensor_empty(&used, (em_dtype)dtype, SHAPE(3, 2)));
        memset(em_tensor_data(used), 0xff, em_tensor_bytes(used));
        em_tensor_release(used);                            /* its block comes back for the next one */
        assert_ok(em_tensor_zeros(&t, (em_dtype)dtype, SHAPE(3, 2)));
        assert_tensor(t, (em_dtype)dtype, SHAPE(3, 2), VALUES(0, 0, 0, 0, 0, 0));
        em_tensor_release(t);
    }
}

static void tensors_may_be_empty_or_scalar(void **state)
{
    (void)state;
    em_tensor *t;
    assert_ok(em_tensor_zeros(&t, EM_F64, SHAPE(2, 0, 3)));
    assert_tensor(t, EM_F64, SHAPE(2, 0, 3), NO_VALUES);
    assert_true(em_tensor_is_contiguous(t));
    assert_int_equal(em_tensor_stride(t, 0), 3);            /* a size of 0 counts as 1 */
    em_tensor_release(t);
    assert_ok(em_tensor_scalar(&t, EM_F64, 2.5));
    assert_tensor(t, EM_F64, SCALAR, VALUES(2.5));
    em_tensor_release(t);
    assert_ok(em_tensor_scalar_int(&t, EM_I64, INT64_MAX));
    assert_true(element_int(t, 0) == INT64_MAX);
    em_tensor_release(t);
}

static void impossible_sizes_are_refused(void **state)
{
    (void)state;
    const int64_t huge = (int64_t)1 << 32;
    em_tensor *t = (em_tensor *)(void *)state;
    assert_fails(em_tensor_empty(&t, EM_F32, SHAPE(2, -1)), EM_ESHAPE, "negative size -1 in shape (2, -1)");
    assert_null(t);
    assert_fails(em_tensor_empty(&t, EM_F32, SHAPE(1, 1, 1, 1, 1, 1, 1, 1, 1)), EM_ESHAPE, "at most 8 dims, given 9");
    assert_fails(em_tensor_empty(&t, EM_F32, -1, NULL), EM_ESHAPE, "dims");
    assert_fails(em_tensor_empty(&t, EM_F32, SHAPE(huge, huge)), EM_ESHAPE, "too many elements");
    assert_fails(em_tensor_empty(&t, EM_F32, SHAPE(huge, huge, 0)), EM_ESHAPE, "too many elements");
    assert_fails(em_tensor_empty(&t, EM_F32, SHAPE(INT64_MAX)), EM_ESHAPE, "too many elements");
    assert_fails(em_tensor_empty(&t, EM_U8, SHAPE(INT64_MAX, 2)), EM_ESHAPE, "too many elements");
    assert_fails(em_tensor_empty(&t, EM_F64, SHAPE(INT64_MAX / 8)), EM_ESHAPE, "too many elements");
    assert_fails(em_tensor_zeros(&t, EM_U8, SHAPE((int64_t)1 << 58)), EM_ENOMEM, "not enough memory");
    assert_null(t);
}

static void contiguity_is_what_row_major_order_asks(void **state)
{
    (void)state;
    assert_true(em__is_contiguous(SHAPE(2, 3), (int64_t[]){3, 1}));
    assert_false(em__is_contiguous(SHAPE(2, 3), (int64_t[]){1, 2}));
    assert_false(em__is_contiguous(SHAPE(2, 3), (int64_t[]){4, 1}));
    assert_false(em__is_contiguous(SHAPE(2, 3), (int64_t[]){0, 1}));
    assert_true(em__is_contiguous(SHAPE(1, 3), (int64_t[]){99, 1}));       /* the stride of one element is never used */
    assert_true(em__is_contiguous(SHAPE(3, 1), (int64_t[]){1, 99}));
    assert_true(em__is_contiguous(SHAPE(0, 3), (int64_t[]){7, 5}));
    assert_true(em__is_contiguous(0, NULL, NULL));
}

static void shapes_have_a_text(void **state)
{
    (void)state;
    char text[EM_SHAPE_TEXT];
    assert_string_equal(em__shape_text(text, 0, NULL), "()");
    assert_string_equal(em__shape_text(text, SHAPE(5)), "(5)");
    assert_string_equal(em__shape_text(text, SHAPE(2, 0, 3)), "(2, 0, 3)");
    const int64_t m = INT64_MIN;
    assert_true(strlen(em__shape_text(text, SHAPE(m, m, m, m, m, m, m, m))) < EM_SHAPE_TEXT);
}

/* ---- counting ------------------------------------------------------------------------------------------ */

static void a_view_keeps_the_storage(void **state)
{
    (void)state;
    const int64_t blocks = em_memory_blocks();
    em_tensor *t = tensor_of(EM_F32, SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6)), *view, *other;
    assert_ok(em_tensor_view(&view, t, 1, SHAPE(3, 2), (int64_t[]){1, 3}));
    assert_true(em_tensor_same_storage(view, t));
    em_tensor_release(t);
    /* elements 1 + i + 3 j of 1 .. 6; the last lies outside of the storage and is not read */
    assert_int_equal(em_tensor_stride(view, 1), 3);
    assert_false(em_tensor_is_contiguous(view));
    assert_true(element(view, 0) == 2 && element(view, 1) == 5 && element(view, 2) == 3);
    assert_ok(em_tensor_empty(&other, EM_F32, SHAPE(2)));
    assert_false(em_tensor_same_storage(view, other));
    em_tensor_release(other);
    em_tensor_release(view);
    assert_int_equal(em_memory_blocks(), blocks);
}

static void views_without_strides_are_contiguous(void **state)
{
    (void)state;
    em_tensor *t = tensor_of(EM_I64, SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6)), *view;
    assert_ok(em_tensor_view(&view, t, 0, SHAPE(6), NULL));
    assert_tensor(view, EM_I64, SHAPE(6), VALUES(1, 2, 3, 4, 5, 6));
    assert_true(em_tensor_is_contiguous(view));
    em_tensor_release(view);
    assert_ok(em_tensor_view(&view, t, 3, SHAPE(3), NULL));
    assert_tensor(view, EM_I64, SHAPE(3), VALUES(4, 5, 6));
    em_tensor_release(view);
    assert_ok(em_tensor_view(&view, t, 2, SHAPE(4, 2), (int64_t[]){0, 3}));
    assert_tensor(view, EM_I64, SHAPE(4, 2), VALUES(3, 6, 3, 6, 3, 6, 3, 6));
    em_tensor_release(view);
    em_tensor_release(t);
}

static void versions_are_those_of_the_storage(void **state)
{
    (void)state;
    em_tensor *t = tensor_of(EM_F32, SHAPE(2), VALUES(1, 2)), *view;
    assert_ok(em_tensor_detach(&view, t));
    const int64_t before = em_tensor_version(t);
    em_tensor_touch(view);
    assert_int_equal(em_tensor_version(t), before + 1);
    assert_tensor(view, EM_F32, SHAPE(2), VALUES(1, 2));
    assert_true(em_tensor_same_storage(view, t));
    assert_int_equal(t->storage->refs, 2);
    em_tensor_release(t);
    em_tensor_release(view);
}

static int released;
static void release_origin(em_origin *origin)
{
    released++;
    em__free(origin, sizeof *origin);
}

static void an_origin_is_let_go_with_its_last_user(void **state)
{
    (void)state;
    em_tensor *t = tensor_of(EM_F32, SHAPE(1), VALUES(1)), *shell;
    em_origin *origin = em__alloc(sizeof *origin);
    *origin = (em_origin){.refs = 2, .release = release_origin};
    t->origin = origin;
    assert_ok(em__tensor_shell(&shell, t, true));
    assert_null(shell->origin);                     /* a node's own copy has none, or nothing would ever be freed */
    released = 0;
    em_tensor_retain(t);
    em_tensor_release(t);
    assert_int_equal(released, 0);
    em_tensor_release(t);
    assert_int_equal(released, 0);
    em__origin_release(origin);
    assert_int_equal(released, 1);
    assert_tensor(shell, EM_F32, SHAPE(1), VALUES(1));
    em_tensor_release(shell);
}

static void a_shell_without_data_is_only_a_shape(void **state)
{
    (void)state;
    em_tensor *t = tensor_of(EM_F64, SHAPE(3, 2), VALUES(1, 2, 3, 4, 5, 6)), *shell;
    const int64_t used = em_memory_used();
    assert_ok(em__tensor_shell(&shell, t, false));
    assert_null(em_tensor_data(shell));
    assert_int_equal(em_tensor_bytes(shell), 0);
    assert_int_equal(em_tensor_size(shell, 0), 3);
    assert_int_equal(em_tensor_dtype(shell), EM_F64);
    em_tensor_release(t);
    assert_true(em_memory_used() < used);           /* it did not keep the data */
    em_tensor_release(shell);
}

/* ---- failing allocations ------------------------------------------------------------------------------- */

static em_tensor *given;
static void make_given(void *context)
{
    (void)context;
    given = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4));
}
static void release_given(void *context)
{
    (void)context;
    em_tensor_release(given);
}
static em_status call_empty(void *context, em_tensor *out[])
{
    (void)context;
    return em_tensor_empty(out, EM_F32, SHAPE(10, 10));
}
static em_status call_zeros(void *context, em_tensor *out[])
{
    (void)context;
    return em_tensor_zeros(out, EM_F64, SHAPE(600, 600));
}
static em_status call_scalar(void *context, em_tensor *out[])
{
    (void)context;
    return em_tensor_scalar(out, EM_I32, 3);
}
static em_status call_view(void *context, em_tensor *out[])
{
    (void)context;
    return em_tensor_view(out, given, 0, SHAPE(4), NULL);
}
static em_status call_detach(void *context, em_tensor *out[])
{
    (void)context;
    return em_tensor_detach(out, given);
}
static em_status call_shell(void *context, em_tensor *out[])
{
    (void)context;
    return em__tensor_shell(out, given, false);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    const struct {
        em_status (*call)(void *, em_tensor *[]);
        int allocations;
    } cases[] = {{call_empty, 2}, {call_zeros, 2}, {call_scalar, 2}, {call_view, 1}, {call_detach, 1}, {call_shell, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const fallible f = {make_given, cases[i].call, release_given};
        assert_int_equal(each_allocation_fails(&f, NULL), cases[i].allocations);
    }
}

/* ---- elements that are kept ---------------------------------------------------------------------------- */

static void kept_elements_stay_as_they_are(void **state)
{
    (void)state;
    em_tensor *t = tensor_of(EM_F32, SHAPE(4), VALUES(1, 2, 3, 4)), *kept = t, *tail, *again;
    em_tensor_retain(kept);
    assert_ok(em__keep(&kept));                         /* a handle of its own: t is another's */
    assert_ptr_not_equal(kept, t);
    assert_true(em_tensor_same_storage(kept, t));       /* no copy yet */
    assert_ok(em_tensor_view(&tail, t, 2, SHAPE(2), (int64_t[]){1}));
    again = tail;
    assert_ok(em__keep(&again));                        /* nobody else has it: it is kept itself */
    assert_ptr_equal(again, tail);
    const int64_t version = em_tensor_version(t);
    assert_ok(em_tensor_fill(t, 9));
    assert_int_equal(em_tensor_version(t), version + 1);
    assert_tensor(t, EM_F32, SHAPE(4), VALUES(9, 9, 9, 9));
    assert_tensor(kept, EM_F32, SHAPE(4), VALUES(1, 2, 3, 4));
    assert_tensor(tail, EM_F32, SHAPE(2), VALUES(3, 4));
    assert_ok(em_tensor_fill(t, 8));                    /* they are apart now */
    assert_tensor(kept, EM_F32, SHAPE(4), VALUES(1, 2, 3, 4));
    release_all(TENSORS(t, kept, tail));
}

static void kept_handles_may_go_in_any_order(void **state)
{
    (void)state;
    static const int orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {1, 2, 0}};
    for (int o = 0; o < 4; o++) {
        em_tensor *t = tensor_of(EM_I64, SHAPE(2), VALUES(1, 2)), *kept[3];
        for (int k = 0; k < 3; k++) {
            em_tensor_retain(kept[k] = t);
            assert_ok(em__keep(&kept[k]));
        }
        em_tensor_release(kept[orders[o][0]]);
        em_tensor_release(kept[orders[o][1]]);
        assert_ok(em_tensor_fill_int(t, 5));
        assert_tensor(kept[orders[o][2]], EM_I64, SHAPE(2), VALUES(1, 2));
        em_tensor_release(kept[orders[o][2]]);
        assert_ok(em_tensor_fill_int(t, 6));
        em_tensor_release(t);
    }
}

static void what_shows_the_same_shares_its_copy(void **state)
{
    (void)state;
    em_tensor *t = tensor_of(EM_I64, SHAPE(2), VALUES(1, 2)), *a = t, *b = t;
    em_tensor_retain(a);
    em_tensor_retain(b);
    assert_ok(em__keep(&a));
    assert_ok(em__keep(&b));
    assert_ok(em_tensor_fill(t, 0));
    assert_true(em_tensor_same_storage(a, b));
    assert_false(em_tensor_same_storage(a, t));
    release_all(TENSORS(t, a, b));
}

static void repeated_elements_are_copied_once(void **state)
{
    (void)state;
    em_tensor *t = tensor_of(EM_F32, SHAPE(2), VALUES(1, 2)), *wide;
    assert_ok(em_tensor_view(&wide, t, 0, SHAPE(1000, 2), (int64_t[]){0, 1}));
    assert_ok(em__keep(&wide));
    assert_ok(em_tensor_fill(t, 7));
    assert_int_equal(em_tensor_bytes(wide), 2 * sizeof(float));
    assert_int_equal(em_tensor_stride(wide, 0), 0);
    assert_true(element(wide, 0) == 1 && element(wide, 1999) == 2);
    release_all(TENSORS(t, wide));
}

static void prepare_kept(void *context)
{
    em_tensor **t = context;
    t[0] = tensor_of(EM_F32, SHAPE(2), VALUES(1, 2));
    for (int k = 1; k < 3; k++) {
        assert_ok(em_tensor_view(&t[k], t[0], 2 - k, SHAPE(1), (int64_t[]){1}));
        assert_ok(em__keep(&t[k]));
    }
}

static em_status fill_kept(void *context, em_tensor *out[EM_MAX_OUT])
{
    em_tensor **t = context;
    (void)out;
    const em_status s = em_tensor_fill(t[0], 9);
    if (s)
        assert_tensor(t[0], EM_F32, SHAPE(2), VALUES(1, 2));
    assert_true(element(t[1], 0) == 2 && element(t[2], 0) == 1);
    return s;
}

static void clean_kept(void *context) { release_all(3, context); }

static void without_memory_for_copies_nothing_is_written(void **state)
{
    (void)state;
    em_tensor *t[3];
    assert_true(each_allocation_fails(&(fallible){prepare_kept, fill_kept, clean_kept}, t) >= 2);
}

static void elements_in_one_place_are_seen(void **state)
{
    (void)state;
    em_tensor *t = tensor_of(EM_F32, SHAPE(2), VALUES(1, 2)), *wide, *none, *one;
    assert_ok(em_tensor_view(&wide, t, 0, SHAPE(3, 2), (int64_t[]){0, 1}));
    assert_ok(em_tensor_view(&none, t, 0, SHAPE(3, 0), (int64_t[]){0, 1}));
    assert_ok(em_tensor_view(&one, t, 0, SHAPE(1, 2), (int64_t[]){0, 1}));
    assert_true(em__repeats(wide));
    assert_false(em__repeats(none) || em__repeats(one) || em__repeats(t));
    assert_fails(em_tensor_before_change(wide, "add_"), EM_EVALUE,
                 "add_: several elements of the tensor written to, of shape (3, 2), lie in one place");
    assert_ok(em_tensor_before_change(wide, NULL));
    assert_ok(em_tensor_fill(wide, 4));
    assert_tensor(t, EM_F32, SHAPE(2), VALUES(4, 4));
    em_rng rng = {1, 0};
    assert_fails(em_tensor_fill_normal(wide, 0, 1, &rng), EM_EVALUE, "normal_: several elements");
    assert_int_equal(rng.position, 0);
    assert_fails(em_tensor_copy(wide, wide), EM_EVALUE, "copy_: several elements");
    release_all(TENSORS(t, wide, none, one));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fresh_tensors_are_contiguous),
        cmocka_unit_test(zeros_are_zero),
        cmocka_unit_test(tensors_may_be_empty_or_scalar),
        cmocka_unit_test(impossible_sizes_are_refused),
        cmocka_unit_test(contiguity_is_what_row_major_order_asks),
        cmocka_unit_test(shapes_have_a_text),
        cmocka_unit_test(a_view_keeps_the_storage),
        cmocka_unit_test(views_without_strides_are_contiguous),
        cmocka_unit_test(versions_are_those_of_the_storage),
        cmocka_unit_test(an_origin_is_let_go_with_its_last_user),
        cmocka_unit_test(a_shell_without_data_is_only_a_shape),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(kept_elements_stay_as_they_are),
        cmocka_unit_test(kept_handles_may_go_in_any_order),
        cmocka_unit_test(what_shows_the_same_shares_its_copy),
        cmocka_unit_test(repeated_elements_are_copied_once),
        cmocka_unit_test(without_memory_for_copies_nothing_is_written),
        cmocka_unit_test(elements_in_one_place_are_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
