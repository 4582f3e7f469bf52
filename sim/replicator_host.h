/* replicator_host: what a replicator's core runs in here, as live_replicator.c is in the daemon. */

#ifndef MEC_REPLICATOR_HOST_H
#define MEC_REPLICATOR_HOST_H

#include "common/frame.h"
#include "sim/process.h"

int replicator_host_start(struct process *process);
void replicator_host_end(struct process *process);
void replicator_host_tick(struct process *process);
void replicator_host_configured(struct process *process);
void replicator_host_peer(struct process *process, uint32_t peer, bool up);
void replicator_host_frame(struct process *process, uint32_t peer, const struct frame *frame);

char *replicator_host_status(const struct process *process); /* a new text */

#endif
