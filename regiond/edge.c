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
    struct edge_stats stats;
};

struct edge *edge_create(void)
{
    struct edge *edge = memory_alloc(sizeof *edge);

    edge->world = memory_text("");
    return edge;
}

static void forget(struct edge *edge, struct known *known)
{
    HASH_DEL(edge->table, known);
    edge->stats.entries--;
    free(known);
}

static void forget_all(struct edge *edge)
{
    while (edge->table)
        forget(edge, edge->table);
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

void edge_configure(struct edge *edge, const char *world, const struct token_key *keys,
                    size_t key_count)
{
    forget_all(edge);
    free(edge->world);
    free(edge->keys);
    edge->world = memory_text(world);
    edge->keys = key_count ? memory_copy(keys, key_count * sizeof *keys) : NULL;
    edge->key_count = key_count;
}

static void remember(struct edge *edge, const uint8_t *hash, const struct token_claims *claims)
{
    struct known *known = memory_alloc(sizeof *known);

    if (edge->stats.entries == EDGE_TOKENS_MAX)
        forget(edge, edge->table);
    memcpy(known->hash, hash, sizeof known->hash);
    known->claims = *claims;
    HASH_ADD(hh, edge->table, hash, sizeof known->hash, known);
    edge->stats.entries++;
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
            edge->stats.hits++;
            *ret_claims = known->claims;
            return 0;
        }
        if (known) {
            reach(TOKEN_RAN_OUT);
            forget(edge, known);
        }
        edge->stats.misses++;
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
