/* The flag that an interrupt sets, and interrupts that are held back for a while. */
#include "base/interrupt.h"

_Atomic int em__stop;
_Atomic int64_t em__interrupts;

static _Atomic bool held, late;         /* interrupts are held back; one has come meanwhile */

void em_interrupt(void)
{
    if (held) {
        late = true;
        return;
    }
    em__interrupts++;
    em__stop = 1;
}

void em__hold_interrupts(void) { held = true; }

void em__let_interrupts(void)
{
    held = false;
    if (late) em_interrupt();
    late = false;
}

bool em_interrupted(void) { return em__stop || late; }

void em_clear_interrupt(void)
{
    late = false;
    em__stop = 0;
}
