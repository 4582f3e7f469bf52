#include "control/live_vault_keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/live_files.h"
#include "common/live_log.h"
#include "control/text.h"

static int load(const char *path, uint8_t ret_public[VAULT_KEY_PUBLIC_SIZE])
{
    uint8_t seed[VAULT_KEY_SEED_SIZE];
    int error = live_files_read_secret(path, seed, sizeof seed);

    if (error == -ENOENT) {
        randombytes_buf(seed, sizeof seed);
        error = live_files_replace(path, seed, sizeof seed, 0600);
    }
    if (error == 0)
        vault_key_public(seed, ret_public);
    sodium_memzero(seed, sizeof seed);
    return error;
}

int live_vault_keys_prepare(struct world *world)
{
    int error = 0;

    for (size_t i = 0; error == 0 && i < world->topology->region_count; i++) {
        char *path =
            text_format("%s/regiond/%s/vault.key", world->data, world->topology->regions[i].name);

        error = load(path, world->vault_keys[i]);
        if (error != 0)
            live_log(LIVE_LOG_ERROR, "cannot use %s: %s", path, strerror(-error));
        free(path);
    }
    return error;
}
