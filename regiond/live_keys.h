/* live_keys: the region's keys as files in its directory. Signing keys: `signing.key` is its first,
 * `signing.2.key` its second, and so on. `vault.key`: by which it opens what it serves of the
 * vault. Each has 32 bytes and mode 0600; a file once made is never changed. */

#ifndef MEC_LIVE_KEYS_H
#define MEC_LIVE_KEYS_H

#include "common/vault_key.h"
#include "regiond/region.h"

struct live_keys {
    struct region_key *keys; /* secret */
    size_t count;
};

/* Read all keys of @region in @directory.
 *
 * Errors: -errno of a file; -EPERM, others may read one; -EBADMSG, one is no key. *@ret_why says so
 * in words: a new text. */
int live_keys_read(const char *directory, const char *region, struct live_keys *ret_keys,
                   char **ret_why);
void live_keys_free(struct live_keys *keys); /* wipes them; what it stands in stays */

/* Make the key @kid, durably, unless it is there. Errors: -EINVAL, no name of a key of @region;
 * -errno. */
int live_keys_make(const char *directory, const char *region, const char *kid);

/* Remove it. Errors: likewise. */
int live_keys_forget(const char *directory, const char *region, const char *kid);

/* Load the seed of the region's key of the vault. The caller wipes it. Errors: likewise, but for
 * -ENOKEY. */
int live_keys_load_vault(const char *directory, uint8_t ret_seed[VAULT_KEY_SEED_SIZE],
                         const char **ret_why);

#endif
