/* copies: this region's copy of each shard: whose home is where, how far the copy has got, how
 * fresh it is.
 *
 * `visible` is what answers may say. It moves only once a batch is durable and the cache has let go
 * of what the batch changed, so a read at or past a position never sees older data. The file itself
 * may be a batch ahead of it for a moment; who reads it says so (see metadata.c). */

#ifndef MEC_COPIES_H
#define MEC_COPIES_H

#include "call.pb-c.h"
#include "common/position.h"
#include "regiond/store.h"

struct region;
struct drain_entry;
struct follower_group;
struct revocations;
struct waiting_read;

/* A moment at which the home's log ended somewhere: by the home's wall clock, and by our monotonic
 * one when we were told, which is later. */
struct freshness_mark {
    uint64_t wall_us;
    uint64_t heard_us;
};

/* How fresh a follower is, within one epoch. */
struct freshness {
    uint64_t epoch;
    bool known;
    struct freshness_mark as_of; /* everything up to then is here */
    bool pending;                /* the home's log ended at pending_seq then: */
    struct freshness_mark pending_mark;
    uint64_t pending_seq;
};

/* The part of the queue's drain that goes to this shard's home. */
struct drain_shard {
    uint64_t accepted_seq;
    struct drain_entry *ready; /* may be sent now, each the first of its user */
    size_t window_count;       /* entries in memory */
    uint64_t backoff_us;
    uint64_t retry_at_us;
};

struct copy {
    char shard[SHARD_NAME_SIZE];
    uint32_t target;    /* index at the storage */
    char home[64];      /* region, by the config */
    uint32_t home_peer; /* its index; PEER_NONE: not in the config */
    uint64_t epoch;     /* by the config */
    struct store_reader *reader;
    struct store_end visible;
    struct freshness freshness;
    struct revocations *revocations; /* that came ahead of the log */
    bool diverged;
    struct follower_group *groups; /* unanswered Apply frames, in order */
    size_t apply_bytes;            /* of them */
    struct waiting_read *waiting;
    struct drain_shard drain;
};

/* Errors: -errno of the readers, or -EINVAL. @ends as for region_create(). */
int copies_open(struct region *region, const struct store_end *ends);
void copies_free(struct region *region);

/* Take homes and epochs from the region's new config. */
void copies_configure(struct region *region);

struct copy *copies_find(const struct region *region, const char *shard); /* NULL: none */

/* Whether this region is to be home to @copy: the config says so, and the log has not seen a newer
 * epoch than the config. */
bool copies_becomes_home(const struct region *region, const struct copy *copy);

/* Whether it is, and may accept writes, export the log and answer for all that was ever written:
 * not while changes of the home before are still on their way to the disk, for what is visible is
 * then less than what the others have. */
bool copies_is_home(const struct region *region, const struct copy *copy);

/* Staleness by the home's wall clock and ours; yet never less than the time since we were told, so
 * that clocks which disagree can hide no more than the way of one message. Returns false when it is
 * not known. */
bool copies_staleness(const struct region *region, const struct copy *copy, uint64_t *ret_us);

/* How long ago @mark was, reckoned so. */
uint64_t copies_since(const struct region *region, const struct freshness_mark *mark);

/* The home's log ended at @last_seq at @mark, it says in @epoch. */
void copies_heard(struct copy *copy, uint64_t epoch, struct freshness_mark mark, uint64_t last_seq);

/* Move `visible`; the cache has been told. */
void copies_advance(struct copy *copy, uint64_t epoch, uint64_t seq, const uint8_t *digest);

/* Whether @copy has everything that @bookmark has seen of its shard. */
bool copies_reached(const struct copy *copy, Mec__Position *const *bookmark, size_t count);

#endif
