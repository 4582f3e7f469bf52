/* router_host: what a routerd's core runs in here, as live_router.c is in the daemon. */

#ifndef MEC_ROUTER_HOST_H
#define MEC_ROUTER_HOST_H

#include "common/frame.h"
#include "routerd/http_message.h"
#include "sim/process.h"

int router_host_start(struct process *process);
void router_host_end(struct process *process);
void router_host_tick(struct process *process);
void router_host_configured(struct process *process);
void router_host_peer(struct process *process, uint32_t peer, bool up);
void router_host_frame(struct process *process, uint32_t peer, const struct frame *frame);

/* A client asks, or no longer waits. @request and all that it points into live until the end of the
 * run. */
void router_host_ask(struct process *process, uint64_t request_id,
                     const struct http_request *request);
void router_host_give_up(struct process *process, uint64_t request_id);

/* Where would it go? The answer goes to client.h, or to looks.h. */
void router_host_explain(struct process *process, uint64_t explain_id, const Mec__ExplainAsk *ask);

/* New texts. */
char *router_host_status(const struct process *process);
char *router_host_metrics(const struct process *process);

#endif
