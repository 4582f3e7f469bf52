#include "regiond/edge.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <uthash.h>

#include "common/memory.h"
#include "common/reach.h"

/* What token_verify() allows for clocks. */
#define CLOCK_ALLOWANCE_S 2

struct known {
    UT_hash_handle hh;
    uint8_t hash[crypto_generichash_BYTES];
    struct token_claims claims;
};

struct edge {
    char *world;
    struct token_key *keys;
    size_t key_count;
    struct known *table; /* uthash iterates by arrival: the oldest comes first */
    enum caches_mode mode;
    struct edge_stats stats;
};

struct edge *edge_create(void)
{
    struct edge *edge = memory_alloc(sizeof *edge);

    edge->world = memory_text("");
    edge->stats.cache.bytes_max = EDGE_BYTES_MAX;
    return edge;
}

static void forget(struct edge *edge, struct known *known)
{
    HASH_DEL(edge->table, known);
    edge->stats.cache.entries--;
    edge->stats.cache.bytes -= sizeof *known;
    free(known);
}

static void forget_all(struct edge *edge)
{
    edge->stats.cache.drops += edge->stats.cache.entries;
    while (edge->table)
        forget(edge, edge->table);
}

/* Let the oldest go until @more bytes have room. */
static void trim(struct edge *edge, size_t more)
{
    struct caches_counters *stats = &edge->stats.cache;

    while (edge->mode != CACHES_FROZEN && edge->table && stats->bytes + more > stats->bytes_max) {
        forget(edge, edge->table);
        stats->evictions++;
    }
}

void edge_resize(struct edge *edge, size_t bytes_max)
{
    edge->stats.cache.bytes_max = bytes_max;
    trim(edge, 0);
}

void edge_free(struct edge *edge)
{
    if (!edge)
        return;
    forget_all(edge);
    free(edge->keys);
    free(edge->world);
    free(edge);
}

/* Most configurations change something else. */
static bool is_known(const struct edge *edge, const char *world, const struct token_key *keys,
                     size_t key_count)
{
    return strcmp(edge->world, world) == 0 && edge->key_count == key_count &&
           (key_count == 0 || memcmp(edge->keys, keys, key_count * sizeof *keys) == 0);
}

void edge_configure(struct edge *edge, const char *world, const struct token_key *keys,
                    size_t key_count)
{
    if (is_known(edge, world, keys, key_count))
        return;
    forget_all(edge);
    free(edge->world);
    free(edge->keys);
    edge->world = memory_text(world);
    edge->keys = key_count ? memory_copy(keys, key_count * sizeof *keys) : NULL;
    edge->key_count = key_count;
}

static void remember(struct edge *edge, const uint8_t *hash, const struct token_claims *claims)
{
    struct known *known;

    if (edge->mode != CACHES_ON) {
        reach(EDGE_CLOSED);
        return;
    }
    trim(edge, sizeof *known);
    if (edge->stats.cache.bytes + sizeof *known > edge->stats.cache.bytes_max)
        return;
    known = memory_alloc(sizeof *known);
    memcpy(known->hash, hash, sizeof known->hash);
    known->claims = *claims;
    HASH_ADD(hh, edge->table, hash, sizeof known->hash, known);
    edge->stats.cache.entries++;
    edge->stats.cache.bytes += sizeof *known;
}

/* Only within the token's life by our own clock; near its ends token_verify() decides. */
static bool in_time(const struct token_claims *claims, uint64_t now_s)
{
    return now_s + CLOCK_ALLOWANCE_S >= claims->issued_s && now_s < claims->expires_s;
}

int edge_check(struct edge *edge, struct slice token, uint64_t now_s,
               struct token_claims *ret_claims)
{
    uint8_t hash[crypto_generichash_BYTES];
    struct token_claims claims;
    struct known *known;
    int r = -EBADMSG;

    if (token.size <= TOKEN_SIZE_MAX) {
        crypto_generichash(hash, sizeof hash, (const uint8_t *)token.data, token.size, NULL, 0);
        HASH_FIND(hh, edge->table, hash, sizeof hash, known);
        if (known && in_time(&known->claims, now_s)) {
            edge->stats.cache.hits++;
            *ret_claims = known->claims;
            return 0;
        }
        if (known) {
            reach(TOKEN_RAN_OUT);
            forget(edge, known);
            edge->stats.cache.drops++;
        }
        edge->stats.cache.misses++;
        r = token_verify(token, edge->world, edge->keys, edge->key_count, now_s, &claims);
    }
    if (r < 0) {
        if (r == -EKEYEXPIRED)
            reach(TOKEN_EXPIRED);
        else
            reach(TOKEN_REFUSED);
        edge->stats.refused++;
        return r;
    }
    if (in_time(&claims, now_s))
        remember(edge, hash, &claims);
    *ret_claims = claims;
    return 0;
}

struct edge_stats edge_stats(const struct edge *edge)
{
    return edge->stats;
}

static struct caches_counters counters(const void *context)
{
    const struct edge *edge = context;

    return edge->stats.cache;
}

static void flush(void *context)
{
    forget_all(context);
}

static void set_mode(void *context, enum caches_mode mode)
{
    struct edge *edge = context;

    edge->mode = mode;
    if (mode == CACHES_DISABLED)
        forget_all(edge);
    trim(edge, 0);
}

const struct caches_kind edge_kind = {counters, flush, set_mode};
