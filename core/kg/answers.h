/* What the room's checks share. */
#ifndef EM_KG_ANSWERS_H
#define EM_KG_ANSWERS_H

#include "embla.h"

/* An error of `owner` unless its argument `name` is contiguous int64 of shape (n); of any size if n < 0. */
em_status em__check_keys(const em_tensor *t, int64_t n, const char *owner, const char *name);

#endif
