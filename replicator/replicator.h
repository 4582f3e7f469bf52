/* replicator: the core of a replicator: ships the change log of each shard that its region is home
 * to, from its own regiond to every other region, over emulated links.
 *
 * It owns nothing durable: the follower's cursor says where to go on. For each follower there is
 * one stream, a state machine: unknown -> (asked for the cursor) -> streaming, with a window of
 * batches that are not yet acknowledged; or stopped (diverged, fenced). A ring in memory holds the
 * newest changes; a follower further behind is served from the home's log by FETCH. */

#ifndef MEC_REPLICATOR_H
#define MEC_REPLICATOR_H

#include "common/frame.h"
#include "common/moment.h"
#include "control.pb-c.h"

struct replicator;

enum replicator_event_kind {
    REPLICATOR_PEER_UP, /* connection to a regiond stands; our own region's too */
    REPLICATOR_PEER_DOWN,
    REPLICATOR_FRAME,
    REPLICATOR_CONFIGURED,
    REPLICATOR_TICK
};

struct replicator_event {
    enum replicator_event_kind kind;
    struct moment at;
    uint32_t peer; /* index into config->regions */
    struct frame frame;
    const Mec__Config *config; /* CONFIGURED: lives until the next one */
};

enum replicator_action_kind { REPLICATOR_SEND, REPLICATOR_CLOSE, REPLICATOR_LOG };

struct replicator_action {
    enum replicator_action_kind kind;
    uint32_t peer;
    const uint8_t *bytes; /* a whole frame; lives until the next step */
    size_t size;
    const char *text;
};

struct replicator_actions {
    const struct replicator_action *items; /* live until the next step */
    size_t count;
};

/* Errors: -EINVAL, the config does not name @region. */
int replicator_create(const char *region, const Mec__Config *config, uint64_t link_seed,
                      struct moment at, struct replicator **ret_replicator);
void replicator_free(struct replicator *replicator);
struct replicator_actions replicator_step(struct replicator *replicator,
                                          const struct replicator_event *event);
uint64_t replicator_wake_us(const struct replicator *replicator);

/* A JSON object as a new string: for each shard and follower the state, cursor, lag in changes,
 * bytes in flight, and the round trip of the link as configured and as measured. */
char *replicator_status(const struct replicator *replicator, struct moment at);

#endif
