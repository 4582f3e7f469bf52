/* region_host: what a regiond's core runs in here, as live_region.c is in the daemon: its disk, its
 * storage thread, its password thread, its connections. It outlives the process: the disk stays. */

#ifndef MEC_REGION_HOST_H
#define MEC_REGION_HOST_H

#include "common/frame.h"
#include "common/token.h"
#include "sim/process.h"
#include "sim/vfs.h"

#define REGION_HOST_DIRECTORY "data"

struct region_host *region_host_create(struct process *process);
void region_host_free(struct region_host *host);

struct vfs *region_host_disk(struct region_host *host);
const char *region_host_vfs(const struct region_host *host); /* its name */

char *region_host_status(struct process *process); /* a new text */

/* Let the watch look at what it says of revocations. */
void region_host_watch_revocations(struct process *process);

/* Has it been told, ahead of the log, that a token with @claims is void? */
bool region_host_is_revoked(const struct process *process, const struct token_claims *claims);

/* Is a batch on its way to the disk? */
bool region_host_is_writing(const struct region_host *host);

/* Some copy of a shard cannot be relied on: the process may stumble over it. */
void region_host_damaged(struct region_host *host, uint32_t shard, bool damaged);
bool region_host_is_damaged(const struct region_host *host, uint32_t shard);

/* What process.c and sockets.c bring. */
int region_host_start(struct process *process);
void region_host_end(struct process *process, enum process_end how);
void region_host_tick(struct process *process);
void region_host_configured(struct process *process);
void region_host_peer(struct process *process, uint32_t peer, bool up);
void region_host_peer_frame(struct process *process, uint32_t peer, const struct frame *frame);
void region_host_served(struct process *process, uint64_t number, const struct frame *frame);
void region_host_closed(struct process *process, uint64_t number);

/* Has it made the signing key of that number? */
bool region_host_has_key(const struct region_host *host, uint32_t number);

#endif
