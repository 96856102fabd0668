/* Ctrl-C, as a flag: em_interrupt sets it from a signal handler; kernels look once a chunk, waiting for files once a
 * wait, and leave early with EM_EINTERRUPT. */
#ifndef EM_BASE_INTERRUPT_H
#define EM_BASE_INTERRUPT_H

#include <stdint.h>

#include "embla.h"

extern _Atomic int em__stop;

/* Between these two an interrupt waits, for short work that is done completely or not at all. */
void em__hold_interrupts(void);
void em__let_interrupts(void);

/* Interrupts so far. The same before and after some work, none of it was left out, though em__stop be cleared again. */
extern _Atomic int64_t em__interrupts;

#endif
