/* Every operation by name, dtype and processor: the table of descriptors, and what their texts say. */
#include "graph/registry.h"

#include <stdlib.h>
#include <string.h>

#include "tensor/half.h"

/* ---- the table ----------------------------------------------------------------------------------------- */

static const em_variants *operations;
static em_info *infos;
static int ops;

void em__register(const em_variants *list, em_info *memory, int count)
{
    operations = list;
    infos = memory;
    ops = count;
}

/* The descriptor that is read, not run. */
static const em_op *described(int index)
{
    return operations[index].move ? operations[index].move : operations[index].floats[0][0];
}

static const em_op *find_variant(int index, em_dtype dtype, int isa)
{
    const em_variants *v = &operations[index];
    if (v->move) return v->move;
    if (isa < 0) return NULL;
    switch (em__computed_in(dtype)) {
    case EM_F64: return v->floats[isa][1];
    case EM_I64: return v->i64;
    case EM_I32: return v->i32;
    case EM_U8: return v->u8;
    case EM_BOOL: return v->boolean;
    default: return v->floats[isa][0];
    }
}

/* ---- what a descriptor's text says, read once ---------------------------------------------------------- */

static void read_inputs(em_info *f, const char *text)
{
    if (!strcmp(text, "*")) {
        f->any_number = true;
        f->least = 1;
        f->inputs[0] = (em_input_spec){.name = "tensors", .kind = EM_INPUT_LIST};
        return;
    }
    while (*text) {
        const size_t n = strcspn(text, " "), word = strcspn(text, " #!?=");
        em_input_spec *input = &f->inputs[f->most];
        memcpy(input->name, text, word);
        for (size_t k = word; k < n; k++) {
            if (text[k] == '#') input->kind = EM_INPUT_IDS;
            if (text[k] == '!') input->kind = EM_INPUT_MASK;
            if (text[k] == '?') input->optional = true;
            if (text[k] == '=') f->contiguous[f->most] = true;
        }
        f->most++;
        if (!input->optional) f->least = f->most;
        text += n + (text[n] == ' ');
    }
}

static void read_outputs(em_info *f, const char *text)
{
    while (*text && *text != '[') {
        const size_t n = strcspn(text, " ");
        f->named++;
        text += n + (text[n] == ' ');
    }
}

static void read_default(em_opt *o, const em_opt_spec *spec)
{
    *o = (em_opt){0};
    const char *text = spec->initial;
    if (!*text || !strcmp(text, "!")) return;
    o->given = true;
    switch (spec->kind) {
    case EM_OPT_BOOL: o->i = !strcmp(text, "true"); break;
    case EM_OPT_INT: o->i = strtoll(text, NULL, 10); break;
    case EM_OPT_NUMBER: o->x = strtod(text, NULL); break;
    case EM_OPT_ENUM: o->i = em_opt_choice(spec, text); break;
    default: o->given = false;
    }
    if (spec->kind == EM_OPT_INT) o->x = (double)o->i;
}

int em_opt_choice(const em_opt_spec *spec, const char *word)
{
    const char *choices = spec->choices;
    const size_t length = strlen(word);
    for (int i = 0; *choices; i++) {
        const size_t n = strcspn(choices, " ");
        if (n == length && !memcmp(choices, word, n)) return i;
        choices += n + (choices[n] == ' ');
    }
    return -1;
}

static bool holds(double x, char sign, bool equal, double limit)
{
    if (equal && x == limit) return true;
    return sign == '>' ? x > limit : x < limit;
}

bool em_opt_in_range(const em_opt_spec *spec, double x)
{
    const char *range = spec->choices;
    char *end;
    const bool equal = *range && range[1] == '=';
    switch (*range) {
    case '\0': return x == x;
    case '~': return x != strtod(range + 2, NULL);
    case '>':
    case '<': return holds(x, *range, equal, strtod(range + (equal ? 2 : 1), NULL));
    }
    const double low = strtod(range + 1, &end), high = strtod(end + 1, &end);
    return holds(x, '>', *range == '[', low) && holds(x, '<', *end == ']', high);
}

void em__opts_default(em_opts *opts, const em_opt_spec *specs)
{
    *opts = (em_opts){0};
    for (int i = 0; specs && specs[i].name; i++) read_default(&opts->at[i], &specs[i]);
}

static void read_options(em_info *f, const em_op *op)
{
    f->list = -1;
    for (; op->opts && op->opts[f->n_opts].name; f->n_opts++)
        if (op->opts[f->n_opts].kind == EM_OPT_INTS) f->list = f->n_opts;
    em__opts_default(&f->defaults, op->opts);
}

const em_info *em__info(const em_op *op)
{
    const int index = em_op_index(op);
    em_info *f = &infos[index];
    if (f->ready) return f;
    read_inputs(f, op->inputs);
    read_outputs(f, op->outputs);
    read_options(f, op);
    for (int d = 0; d < EM_DTYPES; d++) f->variant[d] = find_variant(index, (em_dtype)d, em__isa());
    f->ready = true;
    return f;
}

void em__opts_copy(em_opts *to, const em_opts *from, const em_info *f)
{
    for (int k = 0; k < f->n_opts; k++) to->at[k] = from->at[k];
    if (f->list < 0) return;
    for (int64_t k = 0; k < from->at[f->list].i; k++) to->ints[k] = from->ints[k];
}

/* ---- asking -------------------------------------------------------------------------------------------- */

int em_op_count(void) { return ops; }
const em_op *em_op_at(int index) { return described(index); }
const char *em_op_name(const em_op *op) { return em__key(op); }
const char *em_op_title(const em_op *op) { return op->name; }
const char *em_op_doc(const em_op *op) { return op->doc; }
const em_input_spec *em_op_inputs(const em_op *op) { return em__info(op)->inputs; }
const char *em_op_outputs(const em_op *op) { return op->outputs; }
int em_op_output_count(const em_op *op) { return em__info(op)->named; }
bool em_op_differentiable(const em_op *op) { return op->backward != NULL; }
bool em_op_inplace(const em_op *op) { return (op->flags & EM_OP_INPLACE) != 0; }

const em_opt_spec *em_op_opts(const em_op *op)
{
    static const em_opt_spec none[] = {{0}};
    return op->opts ? op->opts : none;
}

/* Two small hash tables, filled on first use: by name and by descriptor. */
enum { SLOTS = 2 * EM_MOST_OPS };                       /* they stay half empty */
static short by_name[SLOTS], by_address[SLOTS];         /* index + 1; 0 is free */

static unsigned name_slot(const char *name)
{
    uint32_t h = 2166136261u;
    while (*name) h = (h ^ (unsigned char)*name++) * 16777619u;
    return (h ^ h >> 15) % SLOTS;
}

static unsigned address_slot(const em_op *op) { return (uint32_t)((uintptr_t)op >> 3) * 2654435761u >> 21; }

static void fill_slots(void)
{
    for (int i = 0; i < ops; i++) {
        unsigned a = name_slot(em__key(described(i))), b = address_slot(described(i));
        while (by_name[a]) a = (a + 1) % SLOTS;
        while (by_address[b]) b = (b + 1) % SLOTS;
        by_name[a] = by_address[b] = (short)(i + 1);
    }
}

const em_op *em_op_find(const char *name)
{
    static bool filled;
    if (!filled) fill_slots();
    filled = true;
    for (unsigned a = name_slot(name); by_name[a]; a = (a + 1) % SLOTS)
        if (!strcmp(em__key(described(by_name[a] - 1)), name)) return described(by_name[a] - 1);
    return NULL;
}

int em_op_index(const em_op *op)
{
    static bool filled;
    if (!filled) em_op_find(em__key(op));
    filled = true;
    unsigned b = address_slot(op);
    while (by_address[b] && described(by_address[b] - 1) != op) b = (b + 1) % SLOTS;
    return by_address[b] - 1;
}

const em_opts *em_op_defaults(const em_op *op) { return &em__info(op)->defaults; }
void em_opts_default(em_opts *opts, const em_op *op) { *opts = *em_op_defaults(op); }
