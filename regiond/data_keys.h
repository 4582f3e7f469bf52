/* data_keys: each user has a key of their own, under which what they put into the vault is sealed.
 *
 * It stands in the user's shard (service `vault-keys`, key "1"), once for each region of the world,
 * in a box (X25519, as crypto_box_seal() makes them) that only this region can open. So every
 * region can open every item, and who has the files of all of them can open none. Keys that were
 * opened are kept for a while, in memory only and few: they are wiped when they go, and go when the
 * record changes. */

#ifndef MEC_DATA_KEYS_H
#define MEC_DATA_KEYS_H

#include "common/vault_key.h"
#include "regiond/core.h"

#define DATA_KEYS_SERVICE  "vault-keys"
#define DATA_KEYS_RECORD   "1"
#define DATA_KEYS_SIZE     32
#define DATA_KEYS_KEPT_MAX 256

struct data_key {
    uint8_t bytes[DATA_KEYS_SIZE]; /* secret: whoever has asked for it wipes it */
    uint64_t version;              /* of the record */
    bool outdated; /* some region of the config cannot open it: it is to be put into boxes again */
};

/* Our own boxes are opened by the key that grows from @seed. */
struct data_keys *data_keys_create(const uint8_t seed[VAULT_KEY_SEED_SIZE]);
void data_keys_free(struct data_keys *keys);

/* Find @user's key by our copy of their shard.
 *
 * Errors: -ENOENT, the user has none; -ENOKEY, it is in no box that we can open; -EBADMSG, the
 * record is damaged; -EIO. */
int data_keys_find(struct region *region, const struct copy *copy, const char *user,
                   struct data_key *ret_key);

/* A key for a user who has none. */
void data_keys_draw(struct region *region, uint8_t ret_bytes[DATA_KEYS_SIZE]);

/* The value of the record of a key: a box for each region of the config. A new string, without
 * secrets; NULL when we could not open our own, or there is none for us. */
char *data_keys_boxes(struct region *region, const uint8_t bytes[DATA_KEYS_SIZE]);

/* A record of that service and user has changed in @copy. */
void data_keys_changed(struct region *region, const struct copy *copy, const char *service,
                       const char *user);

/* The config says something else about who opens what. */
void data_keys_configure(struct region *region);

size_t data_keys_kept(const struct data_keys *keys);

#endif
