/* Work beside the team: a thread of its own runs one job at a time, such as drawing the next batch while a step trains
 * on this one. On that thread loops of parallel.h run alone, with the same chunks. As in a loop, a job has no errors,
 * no allocation, no handles and no Lua; what it uses, others leave alone until em__background_wait has returned. */
#ifndef EM_PARALLEL_BACKGROUND_H
#define EM_PARALLEL_BACKGROUND_H

#include "parallel/parallel.h"

typedef struct em__background em__background;

/* `owner` leads the messages. Fails: EM_ENOMEM, also when the system grants no thread. */
em_status em__background_new(em__background **out, const char *owner);
void em__background_free(em__background *b);    /* waits; fine on NULL */

void em__background_start(em__background *b, void (*job)(void *), void *with);  /* waits for the job before */
void em__background_wait(em__background *b);    /* until there is no job; fine on NULL */

#endif
