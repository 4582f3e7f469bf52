/* forward: calls that this region makes of others, over emulated links, and of itself.
 *
 * A call of our own goes the same way but for the link, so that a flow of several steps (signing
 * up, draining the queue) need not know who is at the other end. No callback runs before
 * forward_call() has returned. */

#ifndef MEC_FORWARD_H
#define MEC_FORWARD_H

#include "call.pb-c.h"
#include "regiond/core.h"

#define FORWARD_CALLS_MAX 4096

struct pending;

/* @answer is set on 0 and lives until the callback returns. @error: -EHOSTUNREACH, the call never
 * left; -ECONNRESET or -ETIMEDOUT, what became of it is not known; -ENOBUFS, too many calls are
 * out; -ECANCELED, the region is being freed. */
struct request;

typedef void forward_done(struct region *region, void *context, int error,
                          const Mec__Answer *answer);

/* @link_seed makes the luck of the links. */
struct forward *forward_create(uint64_t link_seed);
void forward_free(struct forward *forward);

/* Ask the region with index @peer (PEER_NONE fails) on behalf of @asker, who is told in time how it
 * ended, rather than give up on us. */
void forward_call(struct region *region, const struct request *asker, uint32_t peer,
                  const Mec__Call *call, forward_done *done, void *context);

/* The same on nobody's behalf, with a call that is packed already. */
void forward_packed(struct region *region, uint32_t peer, const uint8_t *call, size_t size,
                    forward_done *done, void *context);

bool forward_reaches(const struct region *region, uint32_t peer);

/* Our own answer to our own call @id. */
void forward_answer_self(struct region *region, uint64_t id, const Mec__Answer *answer);

/* Carry out what is due: messages on links, and calls of our own. Returns whether there was
 * anything. */
bool forward_pump(struct region *region);

/* Nobody has answered @pending, whose deadline has come. */
void forward_timed_out(struct region *region, struct pending *pending);

void forward_peer_down(struct region *region, uint32_t peer);
void forward_peer_frame(struct region *region, uint32_t peer, const struct frame *frame);

/* Links have changed. */
void forward_configure(struct region *region);

uint64_t forward_wake_us(const struct region *region);

/* End every call with -ECANCELED. Returns whether there were any. */
bool forward_cancel(struct region *region);

#endif
