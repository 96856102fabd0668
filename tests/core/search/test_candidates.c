/* What searches read and give: which rows, in which dtype, and how results are laid down. */
#include "search/candidates.h"

#include <math.h>

#include "support.h"

static void test_rows(void **state)
{
    (void)state;
    const em_dtype dtypes[] = {EM_F32, EM_F16, EM_BF16};
    for (int i = 0; i < 3; i++) {
        em_tensor *table = tensor_of(dtypes[i], SHAPE(4, 2), VALUES(0, 1, 2, 3, 4, 5, 6, 7));
        em_tensor *only = tensor_of(EM_I64, SHAPE(4), VALUES(3, 0, 3, 2));
        em__candidates c;
        float room[8];
        assert_ok(em__candidates_open(&c, table, NULL, 3, "f"));
        assert_int_equal(c.n, 3);
        assert_int_equal(em__candidates_are_copied(&c), dtypes[i] != EM_F32);
        const float *rows = em__candidates_at(&c, 1, 2, room);
        for (int d = 0; d < 4; d++) assert_true(rows[d] == (float)(2 + d));
        em__candidates_close(&c);

        assert_ok(em__candidates_open(&c, table, only, -1, "f"));
        assert_int_equal(c.n, 3);
        rows = em__candidates_at(&c, 1, 2, room);
        assert_true(rows[0] == 4 && rows[1] == 5 && rows[2] == 6 && rows[3] == 7);
        assert_int_equal(em__candidate_id(&c, 2), 3);
        em__candidates_close(&c);

        assert_ok(em__candidates_open(&c, table, only, 3, "f"));
        assert_int_equal(c.n, 2);
        em__candidates_close(&c);
        release_all(TENSORS(table, only));
    }
}

static void test_refused(void **state)
{
    (void)state;
    em_tensor *table = tensor_of(EM_F32, SHAPE(2, 1), VALUES(0, 1)), *ids = tensor_of(EM_I64, SHAPE(2), VALUES(1, 2));
    em_tensor *whole = tensor_of(EM_I32, SHAPE(1, 2), VALUES(0, 1));
    em__candidates c;
    assert_fails(em__candidates_open(&c, table, ids, -1, "f"), EM_ERANGE, "f: restrict: id 2 at position 1");
    em__candidates_close(&c);
    assert_fails(em__check_table(whole, "f"), EM_ETYPE, "f: argument table: expected floats, got int32");
    assert_fails(em__check_table(ids, "f"), EM_ETYPE, "int64");
    assert_fails(em__check_queries(whole, table, "f"), EM_ESHAPE, "expected shape (Q, 1) or (1), got (1, 2)");
    assert_fails(em__check_candidate_ids(whole, 0, 9, "f"), EM_ETYPE, "expected ids (n) of int64, got int32");
    assert_ok(em__check_candidate_ids(ids, 0, 3, "f"));
    release_all(TENSORS(table, ids, whole));
}

static void test_queries(void **state)
{
    (void)state;
    em_tensor *queries = tensor_of(EM_F64, SHAPE(2, 2), VALUES(3, 4, 0, 0)), *out;
    assert_ok(em__queries_of(&out, queries, EM_F32, em__scores_find(EM_F32)));
    assert_tensor_close(1e-6, 0, out, EM_F32, SHAPE(2, 2), VALUES(0.6, 0.8, 0, 0));
    em_tensor_release(out);
    assert_ok(em__queries_of(&out, queries, EM_F64, em__scores_find(EM_F64)));
    assert_tensor(queries, EM_F64, SHAPE(2, 2), VALUES(3, 4, 0, 0));
    release_all(TENSORS(queries, out));
}

static void test_results(void **state)
{
    (void)state;
    em_tensor *scores = tensor_of(EM_F32, SHAPE(1, 3), VALUES(0, 0, 0));
    em_tensor *ids = tensor_of(EM_I64, SHAPE(1, 3), VALUES(0, 0, 0));
    em__hit hits[] = {{-4, 7}, {-9, 1}};
    const em__best best = {hits, 2, 2};
    em__write_hits(scores, ids, 0, 3, &best, true);
    assert_tensor(scores, EM_F32, SHAPE(1, 3), VALUES(2, 3, INFINITY));
    assert_tensor(ids, EM_I64, SHAPE(1, 3), VALUES(7, 1, -1));
    em__write_hits(scores, ids, 0, 3, &best, false);
    assert_tensor(scores, EM_F32, SHAPE(1, 3), VALUES(-4, -9, -INFINITY));
    release_all(TENSORS(scores, ids));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows), cmocka_unit_test(test_refused), cmocka_unit_test(test_queries),
        cmocka_unit_test(test_results),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
