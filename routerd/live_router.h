/* live_router: the shell of the router's core: clients, a connection to every regiond, controld and
 * the timer become its events; its actions become writes. */

#ifndef MEC_LIVE_ROUTER_H
#define MEC_LIVE_ROUTER_H

#include "common/live_control.h"
#include "common/live_loop.h"

struct live_router;

/* Start from the configuration in the process's directory: open the listeners, connect to the
 * regions. The caller owns the result; @loop must outlive it.
 *
 * A listener that cannot be opened is told to controld before the loop is stopped; see
 * live_router_failed(). Errors: as live_control_create(); -EINVAL, the core cannot use the
 * configuration. Each is logged. */
int live_router_create(struct live_loop *loop, const struct live_options *options,
                       struct live_router **ret_router);
void live_router_free(struct live_router *live);

/* It never began to serve: the process is to end with an error. */
bool live_router_failed(const struct live_router *live);

#endif
