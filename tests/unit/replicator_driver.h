/* replicator_driver: a replicator in virtual time, between a home that commits and followers that
 * apply.
 *
 * Home and followers are small fakes that keep to the protocol strictly: a follower checks digests,
 * history, order and epoch of all that comes, as a real one does, and can be told to misbehave. */

#ifndef MEC_REPLICATOR_DRIVER_H
#define MEC_REPLICATOR_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/frame.h"
#include "common/moment.h"
#include "common/revocation_list.h"
#include "control.pb-c.h"
#include "replication.pb-c.h"
#include "replicator/replicator.h"

#define DRIVER_REGIONS_MAX 4
#define DRIVER_SHARD       "us-east"
#define DRIVER_BEAT_US     (250 * MILLISECOND_US)
#define DRIVER_WALL_US     UINT64_C(1800000000000000) /* the wall clock when time begins */

enum { HOME = 0, EU = 1, AP = 2 }; /* regions by peer number: us-east, eu-west, ap-northeast */

struct driver_change {
    uint8_t *bytes;
    size_t size;
    uint8_t digest[32];
};

struct driver_home {
    bool up;
    bool is_home;
    bool mute; /* takes questions and answers nothing, as a stopped process would */
    uint64_t epoch;
    struct driver_change *log; /* seq 1 stands at 0 */
    size_t count, capacity;
    uint64_t tail_id; /* 0 = nobody listens */
    uint64_t beat_at_us;
    unsigned tail_asks, fetch_asks;
    uint64_t last_tail_ask_after_seq;
    struct revocation_list *revocations; /* since it started */
    uint64_t revocations_told_seq;       /* to who listens */
};

struct driver_follower {
    bool up;
    uint64_t epoch_seen;
    uint64_t cursor_seq;
    uint8_t cursor_digest[32];

    unsigned lose_answers; /* apply so many more frames, and never answer them */
    unsigned lose_applies; /* so many more batches never arrive */
    unsigned busy;         /* refuse so many more frames */
    bool full;             /* refuse changes, but not heartbeats */
    unsigned invalid;      /* find so many more batches unreadable */

    unsigned batches, heartbeats, duplicates, gaps;
    size_t changes_in_largest_batch;
    uint64_t fresh_wall_us; /* it held all that its home had at this time; 0 = never */
    uint64_t last_apply_us; /* virtual time of the last change taken in */
    uint64_t last_after_seq;
    uint64_t audit_n; /* of the last head of an audit chain that was passed on; 0 = none */
};

struct driver {
    uint64_t now_us;
    /* What a follower makes of each Apply, and adds to its answer; NULL: nothing. */
    void (*hears)(struct driver *driver, uint32_t peer, const Mec__Apply *apply,
                  Mec__Applied *answer);
    struct replicator *replicator;
    struct driver_home home;
    struct driver_follower followers[DRIVER_REGIONS_MAX]; /* HOME's is unused */
    unsigned closes[DRIVER_REGIONS_MAX];
    char *log; /* every line so far */

    Mec__Config config;
    Mec__RegionConfig regions[DRIVER_REGIONS_MAX];
    Mec__RegionConfig *region_list[DRIVER_REGIONS_MAX];
    Mec__LinkConfig links[DRIVER_REGIONS_MAX * DRIVER_REGIONS_MAX];
    Mec__LinkConfig *link_list[DRIVER_REGIONS_MAX * DRIVER_REGIONS_MAX];
    Mec__ShardConfig shard;
    Mec__ShardConfig *shard_list[1];
    Mec__Settings settings;

    struct driver_frame *frames, *last_frame; /* on their way into the replicator */
};

/* us-east, home to the shard us-east, and its followers eu-west and ap-northeast, all up, every
 * link with @latency_us one way. Nothing has happened yet at time 0. */
struct driver *driver_create(uint64_t latency_us);
void driver_free(struct driver *driver);

void driver_run_for(struct driver *driver, uint64_t duration_us);

/* Commit @count changes with values of @value_bytes at the home, as one group. */
void driver_commit(struct driver *driver, size_t count, size_t value_bytes);

/* Commit one change that voids @user's tokens below a generation. */
void driver_revoke(struct driver *driver, const char *user);

void driver_follower_stops(struct driver *driver, uint32_t peer);
void driver_follower_starts(struct driver *driver, uint32_t peer); /* with what it had on disk */
void driver_home_stops(struct driver *driver);
void driver_home_starts(struct driver *driver);
/* The replicator ends and another one starts. */
void driver_restart_replicator(struct driver *driver);

/* The config's link from one region to another; change it, then driver_configure(). */
Mec__LinkConfig *driver_link(struct driver *driver, uint32_t from, uint32_t to);
void driver_cut(struct driver *driver, uint32_t peer, Mec__CutKind cut); /* both ways; configures */
void driver_configure(struct driver *driver);

/* Let @peer say something, in the order in which all is said. */
void driver_say(struct driver *driver, uint32_t peer, enum frame_kind kind, uint64_t id,
                const ProtobufCMessage *message);

/* A frame from @peer as it stands; id and kind are free to be wrong. */
void driver_inject(struct driver *driver, uint32_t peer, enum frame_kind kind, uint64_t id,
                   const void *body, size_t body_size);

/* Does the follower hold exactly what the home has? */
bool driver_is_equal(const struct driver *driver, uint32_t peer);
uint64_t driver_staleness_us(const struct driver *driver, uint32_t peer);
unsigned driver_logged(const struct driver *driver, const char *text); /* how often */

/* A field of the replicator's status of the stream to @peer. */
double driver_status_number(struct driver *driver, uint32_t peer, const char *field);
bool driver_state_is(struct driver *driver, uint32_t peer, const char *state);

#endif
