/* replicator: the core of a replicator: ships the change log of each shard that its region is home
 * to, from its own regiond to every other region, over emulated links.
 *
 * It owns nothing durable: the follower's cursor says where to go on. For each follower there is
 * one stream, a state machine: closed -> asking (for the cursor) -> streaming, with a window of
 * batches that are not yet acknowledged; or stopped (diverged, fenced) until the shard's home or
 * epoch changes or the follower comes back. A ring in memory holds the
 * newest changes; a follower further behind is served from the home's log by FETCH. */

#ifndef MEC_REPLICATOR_H
#define MEC_REPLICATOR_H

#include <stdbool.h>

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
    const Mec__Config *config; /* CONFIGURED; with the same regions as before */
};

enum replicator_action_kind { REPLICATOR_SEND, REPLICATOR_CLOSE, REPLICATOR_LOG };

struct replicator_action {
    enum replicator_action_kind kind;
    uint32_t peer;
    const uint8_t *bytes; /* a whole frame; lives until the next step */
    size_t size;
    const char *text;
    bool alarm; /* LOG: a person should look */
};

struct replicator_actions {
    const struct replicator_action *items; /* live until the next step */
    size_t count;
};

/* @link_seed may be the world's: the replicator mixes its own name in.
 *
 * Errors: -EINVAL, the config does not name @region, or its links are out of range. */
int replicator_create(const char *region, const Mec__Config *config, uint64_t link_seed,
                      struct moment at, struct replicator **ret_replicator);
void replicator_free(struct replicator *replicator);

/* Before the first step: of each log hold no more than @changes in memory, and ask for no more at
 * once. 0: as always. */
void replicator_set_memory(struct replicator *replicator, size_t changes);
struct replicator_actions replicator_step(struct replicator *replicator,
                                          const struct replicator_event *event);
uint64_t replicator_wake_us(const struct replicator *replicator);

/* A JSON object as a new string:
 *
 *     {"region", "streams": [{"shard", "follower", "state", "epoch", "cursor", "home_seq", "lag",
 *                             "in_flight_batches", "in_flight_bytes", "rtt_configured_ms",
 *                             "rtt_measured_ms"}],
 *      "ring": {"changes", "bytes"}, "shipped": {"changes", "batches", "bytes"}}
 *
 * `state` is closed, asking, streaming, stopped_diverged or stopped_fenced. `cursor`, `home_seq`,
 * `lag` (in changes), `epoch` and `rtt_measured_ms` are null while they are not known. */
char *replicator_status(const struct replicator *replicator, struct moment at);

#endif
