/* buckets: token buckets by name: so many a window, and a whole window's worth at once after a
 * rest.
 *
 * Bounded: when there are too many names, the one that was asked for longest ago is forgotten,
 * which gives it a full bucket. No clock of its own. */

#ifndef MEC_BUCKETS_H
#define MEC_BUCKETS_H

#include <stdbool.h>
#include <stdint.h>

#define BUCKETS_MAX 8192

struct buckets;

/* What may be told to who asks (draft-ietf-httpapi-ratelimit-headers). */
struct bucket_state {
    uint32_t quota; /* a window; 0: there is no limit */
    uint32_t window_s;
    uint32_t remaining;
    uint32_t reset_s; /* until the bucket is full again */
};

struct buckets *buckets_create(void);
void buckets_free(struct buckets *buckets);

/* Take one of @quota (a window of @window_s seconds) from the bucket of @name. Returns false when
 * it is empty. @quota 0: always true. */
bool buckets_take(struct buckets *buckets, const char *name, uint32_t quota, uint32_t window_s,
                  uint64_t now_us, struct bucket_state *ret_state);

/* Seconds until the next one is there, rounded up; at least 1. */
uint32_t buckets_retry_s(const struct bucket_state *state);

#endif
