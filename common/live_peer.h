/* live_peer: frames over Unix sockets: the connecting side, which comes back by itself, and the
 * listening side.
 *
 * What is sent within one turn of the event loop leaves in one write. Input is bounded by the frame
 * size; output waiting for a peer that does not read is bounded to 64 MiB, past that the connection
 * is closed with a logged reason. A bad frame closes its connection likewise. */

#ifndef MEC_LIVE_PEER_H
#define MEC_LIVE_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/frame.h"
#include "common/live_loop.h"

struct live_peer; /* one connection, made or accepted */

/* Any but @frame may be NULL. A handler may send to, close or free any peer, its own too. */
struct live_peer_handlers {
    /* Connected (again), or accepted. */
    void (*up)(struct live_peer *peer, void *context);
    /* A whole frame; it lives until the handler returns. */
    void (*frame)(struct live_peer *peer, const struct frame *frame, void *context);
    /* The connection is gone: closed by the other side, failed, or closed for a bad frame. An
     * accepted peer is freed after this; a connecting one tries again, 5 ms later at first, backing
     * off to 200 ms. Called also for live_peer_close(); not for a try that never connected. */
    void (*down)(struct live_peer *peer, const char *why, void *context);
    /* All frames that one read brought have been handed over. */
    void (*burst_end)(void *context);
};

/* Connect to the Unix socket @path, from the next turn of the loop on and after every loss. @name
 * is for the log. @handlers is copied. The caller frees it with live_peer_free(), before the loop.
 */
struct live_peer *live_peer_connect(struct live_loop *loop, const char *name, const char *path,
                                    const struct live_peer_handlers *handlers, void *context);

/* Close and forget. What was sent is still handed to the socket as far as it takes it; `down` is
 * not called. */
void live_peer_free(struct live_peer *peer);

/* Close now, with `down` called from within; a connecting peer reconnects. What was sent is still
 * handed to the socket as far as it takes it. Nothing happens when the peer is not up. */
void live_peer_close(struct live_peer *peer, const char *why);

bool live_peer_is_up(const struct live_peer *peer);
void *live_peer_context(const struct live_peer *peer);
void live_peer_set_tag(struct live_peer *peer, uint64_t tag); /* the owner's number for it */
uint64_t live_peer_tag(const struct live_peer *peer);

/* The uid of the process at the other end (SO_PEERCRED): our own, or there would be no peer. */
uint32_t live_peer_uid(const struct live_peer *peer);

/* Send whole frames (header and body). Copies. Too much output is noticed here and closes the
 * connection at the end of the turn, never from within this call. Nothing happens when the peer is
 * not up. */
void live_peer_send(struct live_peer *peer, const uint8_t *frame, size_t size);

/* Pack and send. */
void live_peer_send_message(struct live_peer *peer, enum frame_kind kind, uint64_t id,
                            const ProtobufCMessage *message);

/* Listen on the Unix socket @path (mode 0600; a stale file is replaced, a live one is -EADDRINUSE).
 * Only peers with our own uid are accepted; connecting, too, goes to our own uid only. Errors: -EPERM,
 * the directory of @path is not ours alone (mode 0700); -errno. */
struct live_listener;
int live_listen(struct live_loop *loop, const char *path, const struct live_peer_handlers *handlers,
                void *context, struct live_listener **ret_listener);

/* Stop listening, remove the socket's file, and free the peers that were accepted, without calling
 * `down`. */
void live_listener_free(struct live_listener *listener);

#endif
