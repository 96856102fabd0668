/* What the registry is handed: every operation, with the descriptors that it was compiled to. */
#ifndef EM_GRAPH_REGISTRY_H
#define EM_GRAPH_REGISTRY_H

#include "base/cpu.h"
#include "graph/call.h"

typedef struct em_variants {
    const em_op *floats[EM_ISAS][2];    /* float, double */
    const em_op *i64, *i32, *u8, *boolean;      /* null where the operation computes with floats alone */
    const em_op *move;                  /* one for all dtypes: it moves elements by their size; or null */
} em_variants;

enum { EM_MOST_OPS = 1024 };

/* Before anybody asks for an operation; ops/ops.c does it before main. `infos` is memory for the registry. */
void em__register(const em_variants *list, em_info *infos, int count);

#endif
