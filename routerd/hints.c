#include "routerd/hints.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/memory.h"

#define WAYS 4u
#define SETS (HINTS_MAX / WAYS)

_Static_assert(crypto_shorthash_siphashx24_BYTES == 16, "a digest is 16 bytes");
_Static_assert(crypto_shorthash_siphashx24_KEYBYTES == 16, "a key is 16 bytes");

struct hint_set {
    struct hint ways[WAYS];
    uint8_t present;
    uint8_t next; /* which way is overwritten next */
};

struct hints {
    uint8_t key[16];
    struct hint_set sets[SETS];
};

struct hints *hints_create(const uint8_t key[16])
{
    struct hints *hints = memory_alloc(sizeof(*hints));
    memcpy(hints->key, key, sizeof(hints->key));
    return hints;
}

void hints_free(struct hints *hints)
{
    free(hints);
}

static void read_token(struct slice token, struct hint *ret_hint)
{
    struct token_claims claims;
    ret_hint->user[0] = '\0';
    ret_hint->shard[0] = '\0';
    ret_hint->error = token.size > TOKEN_SIZE_MAX ? -EBADMSG : token_peek(token, &claims);
    if (ret_hint->error != 0)
        return;
    memcpy(ret_hint->user, claims.user, sizeof(ret_hint->user));
    memcpy(ret_hint->shard, claims.shard, sizeof(ret_hint->shard));
}

const struct hint *hints_find(struct hints *hints, struct slice token)
{
    uint8_t digest[16];
    crypto_shorthash_siphashx24(digest, (const unsigned char *)token.data, token.size, hints->key);
    uint32_t number;
    memcpy(&number, digest, sizeof(number));
    struct hint_set *set = &hints->sets[number % SETS];
    for (uint32_t way = 0; way < WAYS; way++) {
        if (((uint32_t)set->present >> way & 1u) != 0 &&
            memcmp(set->ways[way].digest, digest, sizeof(digest)) == 0)
            return &set->ways[way];
    }
    struct hint *hint = &set->ways[set->next];
    set->present |= (uint8_t)(1u << set->next);
    set->next = (uint8_t)((set->next + 1u) % WAYS);
    memcpy(hint->digest, digest, sizeof(digest));
    read_token(token, hint);
    return hint;
}
