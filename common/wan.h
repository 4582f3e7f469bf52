/* wan: messages on their way over emulated links, for one process.
 *
 * A process emulates both directions of every conversation that it starts: what it asks waits here
 * before it goes to the peer's socket, and the peer's answer waits here before the process's own
 * logic sees it. Servers emulate nothing. So one process decides the whole round trip, and it can
 * hide its own lateness: an answer's delay counts from the moment at which the peer would have sent
 * it, had the request arrived exactly on time.
 *
 * wan owns the messages given to it. It has no clock: pop what is due, then ask when to come back.
 * What arrives at once (no latency) is due at the next wan_pop() of the same time.
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
    bool urgent;   /* goes ahead of all that is not; see link.h */
    uint8_t *bytes;
    size_t size;
    uint64_t arrival_us; /* when it is, or was, due; set by wan */
    void *context;       /* the owner's; handed back untouched */
};

/* The owner frees what is returned. wan_free() frees all messages and touches no link: those may be
 * gone already. It does nothing for the contexts, here or in the other calls that forget. */
struct wan *wan_create(void);
void wan_free(struct wan *wan);

/* Put @message on @link as sent at @sent_us. Takes over message->bytes, except on LINK_RESET, when
 * the message is not taken and the call should fail at once. On LINK_HELD it waits for the link to
 * be healed (wan_relink()) or for wan_drop_peer(). Held messages are bounded to 64 MiB in all; the
 * oldest are dropped past that. What is under way is bounded to 256 MiB: past that (a narrow link
 * and a sender that does not care) the answer is LINK_RESET, too. */
enum link_fate wan_send(struct wan *wan, struct link *link, const struct wan_message *message,
                        uint64_t sent_us);

/* After links have changed: what is held on a link that is whole again is sent at @now_us, in
 * order. On a link that is newly cut, LINK_CUT_HOLD holds also what is under way; LINK_CUT_RESET
 * drops what is held or under way, and wan_take_reset() tells. What is under way on a link that
 * loses less or carries more than before comes as if it was sent again, where that is earlier.
 * Until this is called, what is sent on a healed link waits behind what is held. */
void wan_relink(struct wan *wan, uint64_t now_us);

/* Messages that wan_relink() has dropped since the last one, so that their owner can fail those
 * calls at once: at most @max into @ret_messages, bytes NULL and size 0. Returns how many; fewer
 * than @max are the last. What is not taken before the next wan_relink() is forgotten. */
size_t wan_take_reset(struct wan *wan, struct wan_message *ret_messages, size_t max);

/* Take the earliest message due at @now_us; of those due at the same time, the one that was sent
 * first. The caller then owns ret_message->bytes. */
bool wan_pop(struct wan *wan, uint64_t now_us, struct wan_message *ret_message);

/* When the earliest message is due; UINT64_MAX when none is. */
uint64_t wan_wake_us(const struct wan *wan);

/* Forget everything to and from @peer: its connection is gone. Takes time in proportion to all that
 * is on its way. */
void wan_drop_peer(struct wan *wan, uint32_t peer);

#endif
