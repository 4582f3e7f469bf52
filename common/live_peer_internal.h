/* live_peer_internal: what live_listen.c needs of live_peer.c and nobody else does. */

#ifndef MEC_LIVE_PEER_INTERNAL_H
#define MEC_LIVE_PEER_INTERNAL_H

#include "common/live_peer.h"

/* The peers that one listener has accepted and that are up. */
struct live_peer_list {
    struct live_peer *first;
};

/* Take over the connected socket @fd as a peer of @list, and call `up`. */
void live_peer_accept(struct live_loop *loop, int fd, uint32_t uid,
                      const struct live_peer_handlers *handlers, void *context,
                      struct live_peer_list *list);

#endif
