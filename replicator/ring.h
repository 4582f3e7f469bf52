/* ring: the newest changes of one shard's log, in memory.
 *
 * It holds a dense run of stored changes, bounded in number and bytes; the oldest leave first. Each
 * change must name the digest of the one before it, so a run in the ring is a run of one history.
 * The ring does not judge the changes' own digests: each follower does, before it applies them. */

#ifndef MEC_RING_H
#define MEC_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_DIGEST_SIZE 32

struct ring;

struct ring_change {
    uint64_t seq;
    const uint8_t *bytes; /* a packed Change; lives until the ring is next changed */
    size_t size;
    const uint8_t *digest; /* RING_DIGEST_SIZE */
};

/* An empty ring whose next change is seq 1. The caller owns the result. */
struct ring *ring_create(size_t changes_max, size_t bytes_max);
void ring_free(struct ring *ring);

/* From the next change on, hold no more than @changes_max. */
void ring_limit(struct ring *ring, size_t changes_max);

/* Forget everything; the next change is @after_seq + 1, of whatever history. */
void ring_reset(struct ring *ring, uint64_t after_seq);

/* Add the next change; copies. When it alone is over the ring's bounds, it is still kept.
 *
 * Errors: -ERANGE, it is not the next one; -EBADMSG, @bytes are no Change of that seq or @digest
 * has not the right size; -EILSEQ, it follows another history. The ring is unchanged then. */
int ring_append(struct ring *ring, uint64_t seq, const uint8_t *bytes, size_t size,
                const uint8_t *digest, size_t digest_size);

/* Forget every change up to and including @seq, and go on behind the last one as before. */
void ring_drop_through(struct ring *ring, uint64_t seq);

/* The change @seq; false when the ring does not hold it. */
bool ring_get(const struct ring *ring, uint64_t seq, struct ring_change *ret_change);

uint64_t ring_after_seq(const struct ring *ring); /* the run starts behind this seq */
uint64_t ring_last_seq(const struct ring *ring);  /* and ends with this one; the same when empty */
size_t ring_count(const struct ring *ring);
size_t ring_bytes(const struct ring *ring); /* of the changes */

#endif
