/* wan: messages on their way over emulated links, for one process.
 *
 * A process emulates both directions of every conversation that it starts: what it asks waits here
 * before it goes to the peer's socket, and the peer's answer waits here before the process's own
 * logic sees it. Servers emulate nothing. So one process decides the whole round trip, and it can
 * hide its own lateness: an answer's delay counts from the moment at which the peer would have sent
 * it, had the request arrived exactly on time.
 *
 * wan owns the messages given to it. It has no clock: pop what is due, then ask when to come back.
 */

#ifndef MEC_WAN_H
#define MEC_WAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/link.h"

struct wan;

enum wan_direction { WAN_OUT, WAN_IN };

/* One message. @bytes is a whole frame (WAN_OUT) or a frame's body (WAN_IN); allocated by malloc.
 */
struct wan_message {
    enum wan_direction direction;
    uint32_t peer; /* the owner's number for the other side */
    uint8_t kind;  /* frame kind */
    uint64_t id;   /* call id */
    uint8_t *bytes;
    size_t size;
    uint64_t arrival_us; /* when it is, or was, due; set by wan */
    void *context;       /* the owner's; handed back untouched */
};

struct wan *wan_create(void);
void wan_free(struct wan *wan);

/* Put @message on @link as sent at @sent_us. Takes over message->bytes, except on LINK_RESET, when
 * the message is not taken and the call should fail at once. On LINK_HELD it waits for the link to
 * be healed (wan_relink()) or for wan_drop_peer(). Held messages are bounded to 64 MiB in all; the
 * oldest are dropped past that. */
enum link_fate wan_send(struct wan *wan, struct link *link, const struct wan_message *message,
                        uint64_t sent_us);

/* After links have changed: what is held on a link that is whole again is sent at @now_us; what is
 * held or under way on a link that is now CUT_RESET, or newly cut, is held or dropped as TCP would:
 * LINK_CUT_HOLD holds also what is under way. */
void wan_relink(struct wan *wan, uint64_t now_us);

/* Take the earliest message due at @now_us. The caller then owns ret_message->bytes. */
bool wan_pop(struct wan *wan, uint64_t now_us, struct wan_message *ret_message);

/* When the earliest message is due; UINT64_MAX when none is. */
uint64_t wan_wake_us(const struct wan *wan);

/* Forget everything to and from @peer: its connection is gone. */
void wan_drop_peer(struct wan *wan, uint32_t peer);

#endif
