/* seal: a value as it rests on a disk and travels, so that only who has its key can read it, and
 * only in the place that it was sealed for.
 *
 * XChaCha20-Poly1305. Shard, user, service, key and version are bound in as associated data: a
 * value that is put under another user, another key or an older version of the same key does not
 * open.
 *
 * The form: one format byte, the nonce, the ciphertext with its tag. Pure: the caller draws the
 * nonce, which must never be used twice under one key; at 192 bits a random one never is. No copy
 * of a key is kept. */

#ifndef MEC_SEAL_H
#define MEC_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "common/slice.h"

#define SEAL_KEY_SIZE   32
#define SEAL_NONCE_SIZE 24
#define SEAL_OVERHEAD   (1 + SEAL_NONCE_SIZE + 16) /* a sealed value is so many bytes longer */

/* What a value belongs to. Borrowed texts, none of them NULL. */
struct seal_place {
    const char *shard;
    const char *user;
    const char *service;
    const char *key;
    uint64_t version;
};

/* Seal @plain into @ret_sealed, which has room for plain.size + SEAL_OVERHEAD bytes, and takes
 * exactly those. Cannot fail. */
void seal_value(const uint8_t key[SEAL_KEY_SIZE], const uint8_t nonce[SEAL_NONCE_SIZE],
                const struct seal_place *place, struct slice plain, uint8_t *ret_sealed);

/* Open @sealed into @ret_plain, which has room for sealed.size bytes; *@ret_size is how many it is.
 * The caller wipes them when they are no longer needed.
 *
 * Errors: -EBADMSG, it was not sealed with this key for this place, or has been changed, or is no
 * sealed value at all; @ret_plain then holds nothing of it. */
int seal_open(const uint8_t key[SEAL_KEY_SIZE], const struct seal_place *place, struct slice sealed,
              uint8_t *ret_plain, size_t *ret_size);

#endif
