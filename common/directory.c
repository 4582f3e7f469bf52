#include "common/directory.h"

#include <sodium.h>
#include <string.h>

static uint64_t weight(const char *name, const char *shard)
{
    crypto_generichash_state state;
    uint8_t digest[crypto_generichash_BYTES_MIN];
    uint64_t value = 0;

    crypto_generichash_init(&state, NULL, 0, sizeof digest);
    crypto_generichash_update(&state, (const uint8_t *)name, strlen(name) + 1);
    crypto_generichash_update(&state, (const uint8_t *)shard, strlen(shard));
    crypto_generichash_final(&state, digest, sizeof digest);
    for (size_t i = 0; i < sizeof value; i++)
        value = value << 8 | digest[i];
    return value;
}

const char *directory_of(const Mec__Config *config, const char *name)
{
    const char *best = NULL;
    uint64_t best_weight = 0;

    for (size_t i = 0; i < config->n_shards; i++) {
        const char *shard = config->shards[i]->name;
        uint64_t shard_weight = weight(name, shard);

        if (best && shard_weight <= best_weight)
            continue;
        best = shard;
        best_weight = shard_weight;
    }
    return best;
}
