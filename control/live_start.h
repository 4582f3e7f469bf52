/* live_start: starting a controld, and talking to the one that runs, from the command. */

#ifndef MEC_LIVE_START_H
#define MEC_LIVE_START_H

#include <stddef.h>

#include "control/mecentral.h"
#include "control/world.h"

/* The two locks that a controld holds for as long as it lives. */
struct live_locks {
    int runtime;
    int data;
};

/* Errors: -EWOULDBLOCK, the world runs or the data is in use; -errno; each said on stderr. */
int live_start_lock(const struct mecentral *run, const char *runtime, const char *data,
                    struct live_locks *ret_locks);
void live_start_unlock(const struct live_locks *locks);

/* Start a controld on the state file in @data, hand it the locks, and connect. Errors: -errno,
 * said on stderr with what its log says. */
int live_start_controld(const char *runtime, const char *data, const struct live_locks *locks,
                        int *ret_fd);

/* The last lines of a process's log, each behind @indent, on stderr. */
void live_start_show_log(const char *data, const char *process, unsigned lines);

/* The running world of this run's name, from its state file. Errors: -ENOENT, none runs (said on
 * stderr); -EBADMSG (said too). */
int live_start_find(const struct mecentral *run, struct world **ret_world);

/* Connect to its controld. Errors: -ECONNREFUSED, it is dead (said on stderr); -errno. */
int live_start_connect(const struct mecentral *run, const struct world *world, int *ret_fd);

/* Say why an ask failed. Returns the exit code. */
int live_start_explain(const struct mecentral *run, const struct world *world, int error);

#endif
