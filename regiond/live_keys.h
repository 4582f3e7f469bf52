/* live_keys: the region's signing key, from the file `signing.key` in its directory. */

#ifndef MEC_LIVE_KEYS_H
#define MEC_LIVE_KEYS_H

#include "common/token.h"
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

#endif
