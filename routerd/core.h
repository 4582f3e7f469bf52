/* core: what the parts of the router's core share: its state, and the actions of a step.
 *
 * router.c takes events apart; asking.c brings requests to regions, probing.c watches the regions,
 * respond.c words the answers, explain.c the reasons, router_status.c the state. */

#ifndef MEC_CORE_H
#define MEC_CORE_H

#include "common/buckets.h"
#include "common/deadlines.h"
#include "common/memory.h"
#include "common/network.h"
#include "common/parts.h"
#include "common/wan.h"
#include "control.pb-c.h"
#include "routerd/hints.h"
#include "routerd/idents.h"
#include "routerd/marks.h"
#include "routerd/pending.h"
#include "routerd/router.h"
#include "routerd/vantage.h"

#define CORE_SHARDS_MAX  64
#define CORE_LOOKUPS_MAX 16

/* Call ids of what is no client's try. Tries count from 1 and never get that far. */
#define CORE_ID_PROBE  (UINT64_C(1) << 63)
#define CORE_ID_LIST   (UINT64_C(1) << 62)
#define CORE_ID_LOOKUP (UINT64_C(1) << 61)

/* What a cache of a region has done, by the last Pong. */
struct core_cache {
    bool present;
    uint64_t hits;
    uint64_t misses;
    uint64_t entries;
    uint64_t bytes;
};

/* The connection to a region. */
struct core_region {
    struct core_cache caches[PARTS_CACHE_COUNT];
    bool connected;
    bool was_connected; /* ever */
    bool listed;        /* its queue has been listed since the connection stands */
    bool list_asked;    /* a QueueListAsk is under way */
    bool list_wanted;   /* another one is needed after it */
};

struct core_shard {
    uint32_t home; /* region; POLICY_NONE: not in the config */
    /* The last bookmark of one position that was printed for the shard. */
    struct position printed;
    char text[POSITION_TEXT_SIZE];
};

/* An `explain` that waits to learn where a user's home is. */
struct core_lookup {
    bool present;
    uint64_t explain_id;
    uint64_t call_id;
    uint32_t region;
    uint8_t *ask; /* packed */
    size_t ask_size;
    struct deadline deadline;
};

struct core_counters {
    uint64_t requests;
    uint64_t by_status[6]; /* 1xx .. 5xx, as answered */
    uint64_t by_problem[PROBLEM_COUNT];
    uint64_t queued;
    uint64_t failovers; /* tries that were followed by another */
    uint64_t clients_gone;
    uint64_t duration_us; /* of answered requests, in all */
};

struct router {
    Mec__Config *config; /* our own copy */
    struct network *network;
    struct wan *wan;
    struct deadlines deadlines;
    struct vantages *vantages;
    struct pendings *pendings;
    struct marks *marks;
    struct hints *hints;
    struct buckets *buckets; /* by client address */
    struct idents idents;
    struct arena *arena; /* what this step makes; lives until the next one */

    struct core_region regions[POLICY_REGIONS_MAX];
    struct core_shard shards[CORE_SHARDS_MAX];
    const char *shard_names[CORE_SHARDS_MAX];
    struct core_lookup lookups[CORE_LOOKUPS_MAX];
    struct core_counters counters;
    uint64_t serial; /* of probes and lookups */
    bool ready;
    struct deadline start;

    struct moment at; /* of this step */
    struct router_action *actions;
    size_t action_count;
    size_t action_capacity;
    uint8_t **kept; /* bytes of this step's SENDs */
    size_t kept_count;
    size_t kept_capacity;
};

/* A new action of this step; valid until the next one is added. */
struct router_action *core_act(struct router *router, enum router_action_kind kind);
void core_log(struct router *router, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Send a whole frame now. Takes over @bytes (malloc). */
void core_send(struct router *router, uint32_t region, uint8_t *bytes, size_t size);
void core_send_message(struct router *router, uint32_t region, enum frame_kind kind, uint64_t id,
                       const ProtobufCMessage *message);

/* The region has sent what it should not. */
void core_close(struct router *router, uint32_t region, const char *why);

/* POLICY_NONE for an unknown name. */
uint32_t core_region_index(const struct router *router, struct slice name);
uint32_t core_shard_index(const struct router *router, const char *name);

const char *core_region_name(const struct router *router, uint32_t region);

/* Serve from now on, if every region has been connected and listed, or @anyway. */
void core_become_ready(struct router *router, bool anyway);

#endif
