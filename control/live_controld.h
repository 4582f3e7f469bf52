/* live_controld: the libevent shell of controller: the control socket, processes, files, timers. */

#ifndef MEC_LIVE_CONTROLD_H
#define MEC_LIVE_CONTROLD_H

/* Run the world whose state file is in @data until it is down or we are told to end. Children
 * outlive it. Returns the exit code. */
int live_controld_run(const char *data);

#endif
