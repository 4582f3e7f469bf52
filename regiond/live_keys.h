/* live_keys: the region's signing key, from the file `signing.key` in its directory; and
 * `vault.key` beside it, by which it opens what it serves of the vault. */

#ifndef MEC_LIVE_KEYS_H
#define MEC_LIVE_KEYS_H

#include "common/token.h"
#include "common/vault_key.h"
#include "control.pb-c.h"

struct live_keys {
    uint8_t seed[TOKEN_KEY_SEED_SIZE]; /* secret: wipe it after use */
    const char *kid;                   /* @config's */
};

/* Load the key, and find its id in @config by its public half.
 *
 * Errors: -errno of the file; -EPERM, others may read it; -EBADMSG, it is no key; -ENOKEY, @config
 * does not know it. *@ret_why says so in words. */
int live_keys_load(const char *directory, const Mec__Config *config, struct live_keys *ret_keys,
                   const char **ret_why);

/* Load the seed of the region's key of the vault. The caller wipes it. Errors: likewise, but for
 * -ENOKEY. */
int live_keys_load_vault(const char *directory, uint8_t ret_seed[VAULT_KEY_SEED_SIZE],
                         const char **ret_why);

#endif
