/* ship: the replicator's talk with the followers, over emulated links. */

#ifndef MEC_SHIP_H
#define MEC_SHIP_H

#include "replicator/replicator_internal.h"

/* Open every stream of @shard whose follower is connected; open ones go on. */
void ship_open(struct replicator *replicator, struct home_shard *shard, uint64_t now_us);
/* Ask all followers of @shard afresh, stopped ones too. */
void ship_reopen(struct replicator *replicator, struct home_shard *shard, uint64_t now_us);
void ship_close(struct home_shard *shard);

void ship_peer_up(struct replicator *replicator, uint32_t peer, uint64_t now_us);
void ship_peer_down(struct replicator *replicator, uint32_t peer);

/* The home has just said where its log ends: pass it on with the next pump. */
void ship_beat_soon(struct home_shard *shard, uint64_t now_us);

/* An Applied has come out of a follower's socket: put it on the link back. Errors: -EBADMSG. */
int ship_take(struct replicator *replicator, uint32_t peer, const struct frame *frame,
              uint64_t now_us);

/* Deliver every message that is due. */
void ship_deliver(struct replicator *replicator, uint64_t now_us);

/* Send what may go out now, and give up what is overdue. */
void ship_pump(struct replicator *replicator, struct home_shard *shard, uint64_t now_us);

/* The links have changed: what they reset is asked anew, what they held gets time to arrive. */
void ship_relinked(struct home_shard *shard, uint64_t now_us);

/* Set the windows of @shard's streams, @stream_count of which share this process. */
void ship_limit(struct home_shard *shard, size_t stream_count);

#endif
