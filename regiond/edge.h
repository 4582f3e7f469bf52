/* edge: who is asking? Checks bearer tokens, and remembers the newest ones that were good, because
 * a signature costs forty times as much to check as a hash.
 *
 * A remembered token is still refused at its expiry, and all are forgotten when the keys change. */

#ifndef MEC_EDGE_H
#define MEC_EDGE_H

#include <stddef.h>
#include <stdint.h>

#include "common/token.h"
#include "regiond/caches.h"

#define EDGE_BYTES_MAX (4u * 1024 * 1024) /* some ten thousand tokens */

struct edge;

struct edge_stats {
    struct caches_counters cache; /* misses: signatures checked */
    uint64_t refused;
};

struct edge *edge_create(void);
void edge_free(struct edge *edge);

/* What it remembers, as a cache among others. */
extern const struct caches_kind edge_kind;

/* Remember so much, instead of EDGE_BYTES_MAX. */
void edge_resize(struct edge *edge, size_t bytes_max);

/* From now on tokens are of @world and signed by one of @keys. Copies both. */
void edge_configure(struct edge *edge, const char *world, const struct token_key *keys,
                    size_t key_count);

/* Errors: as token_verify(). *@ret_claims is set only on 0. */
int edge_check(struct edge *edge, struct slice token, uint64_t now_s,
               struct token_claims *ret_claims);

struct edge_stats edge_stats(const struct edge *edge);

#endif
