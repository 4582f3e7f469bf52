/* ending: the end of a run: what is broken is healed, a core of regions at least, and what must
 * come right then is waited for, within bounds of virtual time: queues drain, copies become equal,
 * clients are served as if nothing had been. */

#ifndef MEC_ENDING_H
#define MEC_ENDING_H

struct simulation;

void ending_run(struct simulation *simulation);

#endif
