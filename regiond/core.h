/* core: what the parts of a region's core share: the region itself. Only regiond's pure files
 * include it; the shells and the simulator see region.h. */

#ifndef MEC_CORE_H
#define MEC_CORE_H

#include "common/buckets.h"
#include "common/deadlines.h"
#include "regiond/cache.h"
#include "regiond/caches.h"
#include "regiond/copies.h"
#include "regiond/edge.h"
#include "regiond/outbox.h"
#include "regiond/region.h"
#include "regiond/secret.h"
#include "regiond/services.h"

#define PEER_NONE UINT32_MAX

/* What is counted since the start; name as in the status. */
#define COUNTERS(X)                                                                                \
    X(calls)                                                                                       \
    X(reads)                                                                                       \
    X(writes)                                                                                      \
    X(refused)                                                                                     \
    X(denied)                                                                                      \
    X(limited)                                                                                     \
    X(waits)                                                                                       \
    X(behind)                                                                                      \
    X(closed_for_bad_frame)                                                                        \
    X(batches)                                                                                     \
    X(committed)                                                                                   \
    X(disk_full)                                                                                   \
    X(applied_changes)                                                                             \
    X(pushed_changes)                                                                              \
    X(fetched_changes)                                                                             \
    X(hashes)                                                                                      \
    X(forwards)                                                                                    \
    X(forward_failures)                                                                            \
    X(audit_heads_kept)                                                                            \
    X(audit_heads_refused)                                                                         \
    X(service_down)                                                                                \
    X(service_failures)                                                                            \
    X(service_waits)

struct counters {
#define X(name) uint64_t name;
    COUNTERS(X)
#undef X
};

/* What the deadlines of a region are for; region.c says what happens when one has come. */
enum due {
    DUE_FORWARD,   /* its owner: a pending of forward.c */
    DUE_READ,      /* its owner: a waiting_read of reading.c */
    DUE_READINESS, /* this and the others are there once: they need no owner */
    DUE_HEARTBEAT,
    DUE_PUMP,
    DUE_SWEEP,
    DUE_PROBE,
    DUE_AUDIT_NOTES,
    DUE_ERASING, /* its owner: an erasing of erasing.c, or NULL */
    DUE_PARKED,  /* its owner: a parked of parking.c */
};

struct announce;
struct audit_notes;
struct audit;
struct commit;
struct data_keys;
struct drain;
struct erasing;
struct feed;
struct forward;
struct hashing;
struct parking;
struct probe;
struct standings;
struct signing;

struct region {
    struct moment at; /* of the step under way */
    char *name;
    char *directory;
    char *vfs;

    Mec__Config *config;    /* our own copy */
    Mec__Settings settings; /* of it, with defaults where it says 0 */
    uint32_t self;          /* our index in config->regions */
    bool *peer_up;          /* by index in config->regions */
    size_t peer_count;

    struct copy *copies; /* in the order of the first config: the storage's */
    size_t copy_count;
    struct deadlines deadlines;
    struct {
        struct deadline deadline;
        uint64_t met; /* bit set of peers that were connected to; the first 64 count */
        bool announced;
    } readiness;
    struct secret secret;
    struct arena *scratch; /* of the step */
    struct outbox *outbox;
    struct edge *edge;
    struct standings *standings;
    struct buckets *buckets;
    struct signing *signing;
    struct cache *cache;
    struct data_keys *data_keys;
    struct audit_notes *audit_notes;
    struct caches *caches;
    struct services *services;
    struct parking *parking;
    struct commit *commit;
    struct announce *announce;
    struct feed *feed;
    struct forward *forward;
    struct hashing *hashing;
    struct probe *probe;
    struct drain *drain;
    struct audit *audit;
    struct queue_reader *queue_reader;
    struct erasing *erasings; /* users that are being erased */
    size_t erasing_count;
    struct deadline erasing_deadline;
    size_t waiting_reads;
    struct counters counters;
    bool writable;
    bool stopped; /* storage failed: nothing is said or done any more */
};

/* The struct that @member of @pointer belongs to. */
#define OWNER_OF(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
