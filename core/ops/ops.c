/* The operations that there are: the list of ops.def as a table, which the registry gets before main begins. So the
 * registry, which stands below, names no operation. */
#include "graph/registry.h"
#include "ops/ops.def"

#define NOTHING_OF_FILE(family, file)
#define NOTHING(name)

#define JOIN_2(a, b) a##b
#define JOIN(a, b) JOIN_2(a, b)
#define FIRST(name, type) JOIN(JOIN(JOIN(em_op_, name), type), EM_FIRST_ISA)

#define DECLARE(name) EM_DECLARE_VARIANTS(em_op, em_op_##name)
#define DECLARE_INTEGERS(name) \
    extern const em_op FIRST(name, _i64_), FIRST(name, _i32_), FIRST(name, _u8_), FIRST(name, _bool_);
#define DECLARE_MOVE(name) extern const em_op FIRST(name, _any_);
EM_OP_LIST(NOTHING_OF_FILE, DECLARE, DECLARE, NOTHING)
EM_OP_LIST(NOTHING_OF_FILE, NOTHING, DECLARE_INTEGERS, DECLARE_MOVE)

#define REAL(name) {.floats = EM_VARIANTS(em_op, em_op_##name)},
#define ANY(name) \
    {.floats = EM_VARIANTS(em_op, em_op_##name), \
     .i64 = &FIRST(name, _i64_), .i32 = &FIRST(name, _i32_), \
     .u8 = &FIRST(name, _u8_), .boolean = &FIRST(name, _bool_)},
#define MOVE(name) {.move = &FIRST(name, _any_)},
const em_variants em__operations[] = {EM_OP_LIST(NOTHING_OF_FILE, REAL, ANY, MOVE)};

enum { OPS = (int)(sizeof em__operations / sizeof *em__operations) };
_Static_assert(OPS <= (int)EM_MOST_OPS, "the registry has room for them");
static em_info infos[OPS];

__attribute__((constructor)) static void hand_over(void) { em__register(em__operations, infos, OPS); }
