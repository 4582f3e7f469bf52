/* live_keys: the region's signing keys as files in its directory: `signing.key` is its first,
 * `signing.2.key` its second, and so on; 32 bytes, mode 0600. A file once made is never changed. */

#ifndef MEC_LIVE_KEYS_H
#define MEC_LIVE_KEYS_H

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

#endif
