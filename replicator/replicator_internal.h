/* replicator_internal: the state of a replicator, shared by the files that make up its core.
 *
 * replicator.c takes events apart and keeps the configuration; home.c talks to our own regiond,
 * ship.c to the followers; replicator_status.c tells people. */

#ifndef MEC_REPLICATOR_INTERNAL_H
#define MEC_REPLICATOR_INTERNAL_H

#include <stdbool.h>

#include "common/memory.h"
#include "common/network.h"
#include "common/wan.h"
#include "replicator/ahead.h"
#include "replicator/log_feed.h"
#include "replicator/redaction.h"
#include "replicator/replicator.h"
#include "replicator/source.h"
#include "replicator/stream.h"

/* An answer that takes this much longer than its round trip will not come. */
#define REPLICATOR_PATIENCE_US (5 * SECOND_US)

/* One shard at one other region. */
struct follower {
    uint32_t peer;
    const char *region; /* the replicator's */
    struct link *out, *back;
    struct stream stream;
    struct source source;
    struct ahead ahead;
    bool was_busy; /* by its last answer that was any news */
};

/* One shard that our region is home to, and everyone that follows it. */
struct home_shard {
    struct log_feed *feed;
    uint64_t config_epoch;
    struct follower *followers;
    size_t follower_count;
};

struct replicator_shipped {
    uint64_t changes;
    uint64_t batches;
    uint64_t bytes;
};

struct replicator {
    char *region;
    uint32_t own;   /* our region's index: the peer that is our own regiond */
    char **regions; /* by peer number */
    uint64_t beat_interval_us;
    struct redaction redaction;
    size_t memory_changes; /* of a log, in its ring and asked for at once; 0: as always */
    struct network *network;
    struct wan *wan;
    bool *peer_up;
    size_t peer_count; /* regions, our own among them */
    struct home_shard *shards;
    size_t shard_count;
    uint64_t next_call_id;
    struct replicator_shipped shipped;

    /* What the present step makes, freed when the next one begins. */
    struct arena *arena;
    struct replicator_action *actions;
    size_t action_count, action_capacity;
    uint8_t **frames;
    size_t frame_count, frame_capacity;
};

/* Add an action. @bytes is taken over. */
void replicator_send(struct replicator *replicator, uint32_t peer, uint8_t *bytes, size_t size);
void replicator_close(struct replicator *replicator, uint32_t peer, const char *why);
void replicator_log(struct replicator *replicator, bool alarm, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* NULL when our region is not home to it. */
struct home_shard *replicator_find_shard(struct replicator *replicator, const char *name);

#endif
