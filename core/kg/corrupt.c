/* Negatives: true triples with the head or the tail replaced. Negative i is made of the numbers at position + i of the
 * generator alone, attempt a of it from stream a. */
#include "base/status.h"
#include "kg/answers.h"
#include "parallel/parallel.h"
#include "random/rng.h"
#include "tensor/tensor.h"

enum { ATTEMPTS = 8, HEAD = 0, RELATION = 1, TAIL = 2 };

typedef struct job {
    const int64_t *triples;
    const double *head_share;
    const em_answers *known;
    int64_t num, entities, relations;
    em_rng rng;
} job;

static bool is_known(const job *j, const int64_t triple[3])
{
    return j->known && em_answers_has(j->known, triple[HEAD] * j->relations + triple[RELATION], triple[TAIL]);
}

/* False if every entity would make a known triple. */
static bool draw(const job *j, int64_t i, int64_t to[3])
{
    const int64_t *from = j->triples + i / j->num * 3;
    uint32_t bits[4];
    int side = TAIL;
    for (int k = 0; k < 3; k++) to[k] = from[k];
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        em__philox(j->rng.seed, j->rng.position + (uint64_t)i, EM_STREAM_NEGATIVES + (uint64_t)attempt, bits);
        if (attempt == 0)
            side = em__uniform_f64(em__join_bits(bits[2], bits[3])) < j->head_share[from[RELATION]] ? HEAD : TAIL;
        to[side] = (int64_t)em__bounded(em__join_bits(bits[0], bits[1]), (uint64_t)j->entities);
        if (!is_known(j, to)) return true;
    }
    for (int64_t n = 1; n < j->entities; n++) {
        to[side] = (to[side] + 1) % j->entities;
        if (!is_known(j, to)) return true;
    }
    return false;
}

static em_status check_triples(const em_tensor *triples, int64_t entities, int64_t relations)
{
    if (triples->dtype != EM_I64)
        return em__fail(EM_ETYPE, "Negatives: argument triples: expected int64, got %s",
                        em_dtype_name(triples->dtype));
    if (triples->dims != 2 || triples->size[1] != 3 || !triples->contiguous)
        return em__fail(EM_ESHAPE, "Negatives: argument triples: expected (B, 3), got %s", EM_SHAPE(triples));
    for (int64_t i = 0; i < triples->count; i++) {
        const int64_t id = EM_DATA(int64_t, triples)[i], n = i % 3 == RELATION ? relations : entities;
        if (id < 0 || id >= n)
            return em__fail(EM_ERANGE, "Negatives: id %lld at position [%lld, %lld] is out of range for %lld %s "
                            "(ids count from 0)", (long long)id, (long long)(i / 3), (long long)(i % 3), (long long)n,
                            i % 3 == RELATION ? "relations" : "entities");
    }
    return EM_OK;
}

em_status em_corrupt(em_tensor **out, const em_tensor *triples, int64_t num, int64_t entities,
                     const em_tensor *head_share, const em_answers *known, em_rng *rng)
{
    *out = NULL;
    if (head_share->dtype != EM_F64 || head_share->dims != 1 || !head_share->contiguous)
        return em__fail(EM_ESHAPE, "Negatives: expected shares (R) of float64");
    if (num < 0) return em__fail(EM_EVALUE, "Negatives: num must be >= 0, got %lld", (long long)num);
    EM_TRY(check_triples(triples, entities, head_share->count));
    EM_TRY(em_tensor_empty(out, EM_I64, 3, (int64_t[]){triples->size[0], num, 3}));
    const job j = {EM_DATA(int64_t, triples), EM_DATA(double, head_share), known, num, entities, head_share->count,
                   *rng};
    const int64_t n = triples->size[0] * num, interrupts = em__interrupts;
    int64_t *to = EM_DATA(int64_t, *out);
    int64_t bad = INT64_MAX;
    EM_PARALLEL_MIN(i, n, bad) if (!em__stop && !draw(&j, i, to + 3 * i)) bad = em__min(bad, i);
    em_status s = EM_OK;
    if (em__interrupts != interrupts) {
        s = em__fail(EM_EINTERRUPT, "interrupted!");
    } else if (bad < INT64_MAX) {
        const int64_t *triple = j.triples + bad / num * 3;
        s = em__fail(EM_EVALUE, "Negatives: triple (%lld, %lld, %lld): every entity in its place makes a known triple",
                     (long long)triple[HEAD], (long long)triple[RELATION], (long long)triple[TAIL]);
    }
    if (s) {
        em_tensor_release(*out);
        *out = NULL;
        return s;
    }
    rng->position += (uint64_t)n;
    return EM_OK;
}
