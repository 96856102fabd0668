/* Storages: alignment, foreign memory, filled rows. */
#include "tensor/storage.h"

#include <math.h>

#include "base/memory.h"
#include "support.h"
#include "tensor/sparse/row_sparse.h"

/* ---- memory of one's own ------------------------------------------------------------------------------- */

static void data_lies_on_a_cache_line(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 64, 1000, 3 << 20};
    for (int k = 0; k < 5; k++) {
        em_storage *s;
        assert_ok(em__storage_new(&s, sizes[k], true));
        assert_int_equal((uintptr_t)s->data % 64, 0);
        assert_int_equal(s->bytes, sizes[k]);
        for (size_t i = 0; i < sizes[k]; i++) assert_int_equal(s->data[i], 0);
        memset(s->data, 7, sizes[k]);
        em__storage_release(s);
    }
    em__storage_release(NULL);
}

static void an_ordinary_storage_is_one_block(void **state)
{
    (void)state;
    em_storage *s;
    const int64_t before = em_memory_blocks();
    assert_ok(em__storage_new(&s, 4, false));
    assert_int_equal(em_memory_blocks(), before + 1);
    em__storage_release(s);
    assert_int_equal(em_memory_blocks(), before);
}

/* ---- memory of others ---------------------------------------------------------------------------------- */

static void count(void *times) { ++*(int *)times; }

static void foreign_memory_is_used_where_it_lies(void **state)
{
    (void)state;
    float memory[6] = {1, 2, 3, 4, 5, 6};
    int times = 0;
    em_tensor *t, *view, *more;
    assert_ok(em_tensor_from_memory(&t, &(em_foreign){memory, sizeof memory, count, &times}, EM_F32, SHAPE(2, 3)));
    assert_ptr_equal(em_tensor_data(t), memory);
    assert_int_equal(em_tensor_bytes(t), sizeof memory);
    assert_true(em_tensor_is_contiguous(t));
    assert_tensor(t, EM_F32, SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6));
    memory[4] = 50;                                         /* seen in the tensor, … */
    assert_tensor(t, EM_F32, SHAPE(2, 3), VALUES(1, 2, 3, 4, 50, 6));
    assert_ok(em_tensor_view(&view, t, 3, SHAPE(3), NULL));
    assert_ok(em_tensor_fill(view, 9));
    assert_true(memory[2] == 3 && memory[3] == 9 && memory[5] == 9);        /* … and the other way round */
    assert_ok(em_tensor_detach(&more, view));
    em_tensor_release(t);
    em_tensor_release(view);
    assert_int_equal(times, 0);
    assert_tensor(more, EM_F32, SHAPE(3), VALUES(9, 9, 9));
    em_tensor_release(more);
    assert_int_equal(times, 1);
}

static void foreign_memory_need_not_be_given_back(void **state)
{
    (void)state;
    int64_t memory[2] = {7, 8};
    em_tensor *t;
    assert_ok(em_tensor_from_memory(&t, &(em_foreign){.data = memory, .bytes = sizeof memory}, EM_I64, SHAPE(1)));
    assert_tensor(t, EM_I64, SHAPE(1), VALUES(7));          /* the memory may be longer */
    em_tensor_release(t);
    assert_ok(em_tensor_from_memory(&t, &(em_foreign){.data = memory}, EM_I64, SHAPE(0, 3)));
    assert_tensor(t, EM_I64, SHAPE(0, 3), NO_VALUES);
    em_tensor_release(t);
    assert_true(memory[0] == 7 && memory[1] == 8);
}

static void memory_that_does_not_fit_is_given_back_once(void **state)
{
    (void)state;
    double memory[3] = {1, 2, 3};
    int times = 0;
    em_tensor *t;
    em_foreign m = {memory, sizeof memory, count, &times};
    assert_fails(em_tensor_from_memory(&t, &m, EM_F64, SHAPE(2, 2)), EM_ESHAPE,
                 "from_memory: shape (2, 2) of float64 takes 32 bytes, given 24");
    assert_null(t);
    assert_int_equal(times, 1);
    assert_fails(em_tensor_from_memory(&t, &m, EM_F64, SHAPE(-1)), EM_ESHAPE, "negative size -1");
    assert_int_equal(times, 2);
    m.data = (char *)memory + 2;
    assert_fails(em_tensor_from_memory(&t, &m, EM_F32, SHAPE(1)), EM_EVALUE,
                 "from_memory: elements of float32 lie at a multiple of 4 bytes");
    assert_int_equal(times, 3);
    m.data = NULL;
    assert_fails(em_tensor_from_memory(&t, &m, EM_F32, SHAPE(1)), EM_EVALUE, "from_memory: elements of float32");
    assert_null(t);
    assert_int_equal(times, 4);
}

static int taken, returned;
static void count_returned(void *memory)
{
    (void)memory;
    returned++;
}

static em_status from_memory(void *memory, em_tensor *out[EM_MAX_OUT])
{
    taken++;
    return em_tensor_from_memory(&out[0], &(em_foreign){memory, 8, count_returned, NULL}, EM_F32, SHAPE(2));
}

static void without_memory_for_a_tensor_it_is_given_back_once(void **state)
{
    (void)state;
    float memory[2] = {1, 2};
    taken = returned = 0;
    assert_int_equal(each_allocation_fails(&(fallible){.call = from_memory}, memory), 2);
    assert_true(taken > 2);
    assert_int_equal(returned, taken);
}

/* Kernels may take elements from any address that is a multiple of an element. */
static void elements_may_lie_beside_cache_lines(void **state)
{
    (void)state;
    enum { N = 37, OPERATIONS = 6 };
    _Alignas(64) float memory[N * N + 1];
    static const char *const names[OPERATIONS] = {"add", "exp", "sum", "softmax", "matmul", "sort"};
    static const int inputs[OPERATIONS] = {2, 1, 1, 1, 2, 1};
    for (int k = 0; k < N * N; k++) memory[k + 1] = (float)sin(k);
    em_tensor *t, *same;
    const em_foreign beside = {.data = memory + 1, .bytes = sizeof memory - sizeof *memory};
    assert_ok(em_tensor_from_memory(&t, &beside, EM_F32, SHAPE(N, N)));
    assert_int_equal((uintptr_t)em_tensor_data(t) % 64, 4);
    assert_ok(em_tensor_clone(&same, t));
    assert_int_equal((uintptr_t)em_tensor_data(same) % 64, 0);
    for (int k = 0; k < OPERATIONS; k++) {
        em_tensor *got[EM_MAX_OUT] = {0}, *want[EM_MAX_OUT] = {0};
        const em_op *op = em_op_find(names[k]);
        assert_ok(em_apply(op, (em_tensor *[]){t, t}, inputs[k], NULL, NULL, got));
        assert_ok(em_apply(op, (em_tensor *[]){same, same}, inputs[k], NULL, NULL, want));
        for (int o = 0; o < EM_MAX_OUT && want[o]; o++) assert_same_bits(got[o], want[o]);
        release_all(EM_MAX_OUT, got);
        release_all(EM_MAX_OUT, want);
    }
    release_all(TENSORS(t, same));
}

/* ---- rows that are filled ------------------------------------------------------------------------------ */

enum { ROWS = 3000, WIDE = 50 };

/* Zeros but for rows 7 and 2999, which it knows. */
static em_tensor *few_rows(float value)
{
    em_tensor *t;
    em_groups *g;
    const int64_t ids[] = {7, ROWS - 1, 7}, n = 3;
    assert_ok(em_tensor_zeros(&t, EM_F32, SHAPE(ROWS, WIDE)));
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < WIDE; k++) EM_DATA(float, t)[ids[i] * WIDE + k] = value;
    assert_ok(em__group(&g, (const int64_t *[]){ids}, &n, 1, ROWS));
    assert_ok(em__set_filled(t, g));
    return t;
}

static void assert_zeros_of_that_size(void)
{
    em_tensor *t;
    assert_ok(em_tensor_zeros(&t, EM_F32, SHAPE(ROWS, WIDE)));
    for (int64_t i = 0; i < ROWS * WIDE; i++) assert_true(EM_DATA(float, t)[i] == 0);
    em_tensor_release(t);
}

static void filled_rows_are_known_until_a_change(void **state)
{
    (void)state;
    em_tensor *t = few_rows(3), *other;
    const em_groups *g = em__filled(t);
    assert_non_null(g);
    assert_int_equal(g->n, 2);
    assert_int_equal(g->ids[1], ROWS - 1);
    assert_ok(em_tensor_view(&other, t, 0, SHAPE(ROWS / 2, 2 * WIDE), NULL));
    assert_null(em__filled(other));                                     /* rows of another length */
    em_tensor_release(other);
    assert_ok(em_tensor_view(&other, t, WIDE, SHAPE(ROWS - 1, WIDE), NULL));
    assert_null(em__filled(other));                                     /* some of the rows */
    em_tensor_touch(other);
    em_tensor_release(other);
    assert_null(em__filled(t));
    em_tensor_release(t);
}

static void who_gets_the_data_may_fill_other_rows(void **state)
{
    (void)state;
    em_tensor *t = few_rows(3);
    ((float *)em_tensor_data(t))[0] = 4;
    assert_null(em__filled(t));
    em_tensor_release(t);
    assert_zeros_of_that_size();
}

static em_status note_filled(void *context, em_tensor *out[EM_MAX_OUT])
{
    em_groups *g;
    const int64_t id = 1, n = 1;
    (void)context;
    em_status s = em_tensor_zeros(out, EM_F32, SHAPE(2, 2));
    if (!s) s = em__group(&g, (const int64_t *[]){&id}, &n, 1, 2);
    if (!s) s = em__set_filled(out[0], g);
    if (s) em_tensor_release(out[0]);
    if (s) out[0] = NULL;
    return s;
}

static void without_memory_to_note_them_groups_are_freed(void **state)
{
    (void)state;
    assert_int_equal(each_allocation_fails(&(fallible){.call = note_filled}, NULL), 5);
}

static void memory_of_few_rows_becomes_zeros(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        em_tensor_release(few_rows(5));
        assert_zeros_of_that_size();
    }
    em_tensor *t = few_rows(6);
    for (int k = 0; k < WIDE; k++) EM_DATA(float, t)[100 * WIDE + k] = 8;       /* another row */
    em_tensor_touch(t);
    em_tensor_release(t);
    assert_zeros_of_that_size();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_lies_on_a_cache_line),
        cmocka_unit_test(an_ordinary_storage_is_one_block),
        cmocka_unit_test(foreign_memory_is_used_where_it_lies),
        cmocka_unit_test(foreign_memory_need_not_be_given_back),
        cmocka_unit_test(memory_that_does_not_fit_is_given_back_once),
        cmocka_unit_test(without_memory_for_a_tensor_it_is_given_back_once),
        cmocka_unit_test(elements_may_lie_beside_cache_lines),
        cmocka_unit_test(filled_rows_are_known_until_a_change),
        cmocka_unit_test(who_gets_the_data_may_fill_other_rows),
        cmocka_unit_test(without_memory_to_note_them_groups_are_freed),
        cmocka_unit_test(memory_of_few_rows_becomes_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
