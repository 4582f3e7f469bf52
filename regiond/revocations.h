/* revocations: what a follower has been told of voided tokens ahead of the log.
 *
 * Revocations overtake the changes that make them, so a token can be refused before the account's
 * record is here. What is held is what the log does not show yet; it goes when the log gets there.
 *
 * And the follower knows how old this knowledge is: the age is that of the last moment at which the
 * home's log ended somewhere, up to where every revocation is here, in the log or ahead of it. For
 * that the home's replicator tells stretches: all revocations in (after, through]. A stretch counts
 * from when the log has reached its beginning. Whatever is lost, comes twice, late or from an epoch
 * that is over, the age is never less than the true one; it may be more.
 *
 * A new epoch begins without any knowledge. What was held goes on denying until the new home's
 * revocations are known as a whole. */

#ifndef MEC_REVOCATIONS_H
#define MEC_REVOCATIONS_H

#include "regiond/copies.h"
#include "replication.pb-c.h"

/* For each shard. What has no room is not held: the age then counts from before it until the log
 * has brought it. */
#define REVOCATIONS_HELD_MAX 8192u

struct revocations;

/* What one message says. */
struct revocations_news {
    uint64_t epoch;
    struct freshness_mark mark; /* when the home's log ended at @last_seq */
    uint64_t last_seq;
    uint64_t after_seq, through_seq; /* all in this stretch are in @items, in order, well-formed */
    Mec__Revocation *const *items;
    size_t count;
};

/* Of a copy whose log ends at @visible_seq then. */
struct revocations *revocations_create(void);
void revocations_free(struct revocations *revocations);

/* The shard is in @epoch now. When that is news, nothing is known any more; an older one is none.
 */
void revocations_begin_epoch(struct revocations *revocations, uint64_t epoch);

/* Is what @apply says of revocations in order? */
bool revocations_well_formed(const Mec__Apply *apply);

/* @visible_seq: where the log ends here. @wall_s: what has expired by then makes room first. */
void revocations_hear(struct revocations *revocations, const struct revocations_news *news,
                      uint64_t visible_seq, uint64_t wall_s);

/* The log shows everything up to @visible_seq now. */
void revocations_advance(struct revocations *revocations, uint64_t visible_seq);

size_t revocations_count(const struct revocations *revocations); /* held */

/* The stretch that it has been told, for the home's replicator. */
uint64_t revocations_after_seq(const struct revocations *revocations);
uint64_t revocations_through_seq(const struct revocations *revocations);

/* NULL when nothing is known in this epoch. */
const struct freshness_mark *revocations_as_of(const struct revocations *revocations);

bool revocations_void(const struct revocations *revocations, const char *user, const char *session,
                      uint64_t generation);

/* ---- of a region's copy ---- */

/* Is a token with these void by what has come ahead of the log? */
bool revocations_ahead(const struct region *region, const struct copy *copy, const char *user,
                       const char *session, uint64_t generation);

/* How old what this region knows of the shard's revocations is: 0 at home; else by the home's wall
 * clock and ours, and never less than the time since we were told, as copies_staleness(). What the
 * log itself has counts as well. Returns false when it is not known. */
bool revocations_age(const struct region *region, const struct copy *copy, uint64_t *ret_us);

#endif
