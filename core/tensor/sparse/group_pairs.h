/* Grouping ids by a sort of pairs, and reading the groups off it: for group.c, which includes this for each type PAIR
 * of its pairs, with OF_PAIR(name) for the names of what is made. What the first pass moves comes from the ids. */

static void OF_PAIR(count)(const plan *p, const PAIR *from, int pass, int64_t c)
{
    DIGIT_OF_PASS(p, pass, shift, mask);
    uint32_t *restrict count = p->count + c * DIGITS;
    memset(count, 0, (size_t)(mask + 1) * sizeof *count);
    for (int64_t i = chunk_at(p, c), end = chunk_at(p, c + 1); i < end; i++)
        count[(uint64_t)from[i].id >> shift & mask]++;
}

static void OF_PAIR(place)(const plan *p, PAIR *restrict to, const PAIR *restrict from, int pass, int64_t c)
{
    DIGIT_OF_PASS(p, pass, shift, mask);
    uint32_t *restrict at = p->count + c * DIGITS;
    const int64_t start = chunk_at(p, c), end = chunk_at(p, c + 1);
    const int64_t *ids = p->ids;
    if (pass)
        for (int64_t i = start; i < end; i++) to[at[(uint64_t)from[i].id >> shift & mask]++] = from[i];
    else
        for (int64_t i = start; i < end; i++) {
            const PAIR moved = {.entry = (__typeof__(moved.entry))i, .id = (__typeof__(moved.id))ids[i]};
            to[at[(uint64_t)ids[i] & mask]++] = moved;
        }
}

static void OF_PAIR(insert)(const plan *p, PAIR *to)
{
    for (int64_t i = 0; i < p->n; i++) {
        const PAIR moved = {.entry = (__typeof__(moved.entry))i, .id = (__typeof__(moved.id))p->ids[i]};
        int64_t j = i;
        for (; j > 0 && to[j - 1].id > moved.id; j--) to[j] = to[j - 1];
        to[j] = moved;
    }
}

static const PAIR *OF_PAIR(sort)(const plan *p, PAIR *to, PAIR *from)
{
    if (p->n <= INSERT || p->passes == 0) {
        OF_PAIR(insert)(p, to);
        return to;
    }
    for (int pass = 0; pass < p->passes; pass++) {
        EACH_CHUNK(c, p)
        {
            if (pass)
                OF_PAIR(count)(p, from, pass, c);
            else
                count_ids(p, c);
        }
        lay_out(p);
        EACH_CHUNK(c, p) OF_PAIR(place)(p, to, from, pass, c);
        PAIR *const swap = from;
        from = to, to = swap;
    }
    return from;
}

/* Where the first group begins that does not begin before the chunk. */
static int64_t OF_PAIR(group_at)(const plan *p, const PAIR *sorted, int64_t c)
{
    int64_t low = chunk_at(p, c), high = p->n;
    if (low == 0 || low == high) return low;
    const __typeof__(sorted->id) before = sorted[low - 1].id;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (sorted[middle].id <= before)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int64_t OF_PAIR(unique)(const plan *p, const PAIR *sorted, int64_t c)
{
    int64_t n = 0;
    for (int64_t i = em__max(1, chunk_at(p, c)), end = chunk_at(p, c + 1); i < end; i++)
        n += sorted[i].id != sorted[i - 1].id;
    return n;
}

/* Groups from chunk c on, the first of them number u; returns the number after the last. Without a branch: whether
 * an entry begins a group is as hard to foresee as the ids. */
static int64_t OF_PAIR(write)(const plan *p, em_groups *g, const PAIR *sorted, int64_t u, int64_t c)
{
    const int64_t first = OF_PAIR(group_at)(p, sorted, c), end = OF_PAIR(group_at)(p, sorted, c + 1);
    if (first == end) return u;
    for (int64_t i = first; i < end; i++) {
        u += i != first && sorted[i].id != sorted[i - 1].id;
        g->ids[u] = (int64_t)sorted[i].id;
        g->start[u + 1] = i + 1;
        g->order[i] = (int64_t)sorted[i].entry;
    }
    return u + 1;
}

static void OF_PAIR(group)(const plan *p, em_groups *g, void *to, void *from)
{
    const PAIR *sorted = OF_PAIR(sort)(p, to, from);
    if (p->chunks == 1) {
        g->n = OF_PAIR(write)(p, g, sorted, 0, 0);
        return;
    }
    int64_t u[MOST_CHUNKS + 1] = {0};
    EACH_CHUNK(c, p) u[c + 1] = OF_PAIR(unique)(p, sorted, c) + (c == 0);
    for (int64_t c = 0; c < p->chunks; c++) u[c + 1] += u[c];
    EACH_CHUNK(c, p) OF_PAIR(write)(p, g, sorted, u[c], c);
    g->n = u[p->chunks];
}

#undef OF_PAIR
#undef PAIR
