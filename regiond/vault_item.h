/* vault_item: an item of the vault as it is sealed: the content type, in a field of fixed size, and
 * the value. So a list can say how long a value is without opening it, and nobody who cannot open
 * it sees what type it is of. */

#ifndef MEC_VAULT_ITEM_H
#define MEC_VAULT_ITEM_H

#include "common/seal.h"
#include "regiond/core.h"

#define VAULT_ITEM_TYPE_SIZE_MAX 128
#define VAULT_ITEM_HEAD_SIZE     (1 + VAULT_ITEM_TYPE_SIZE_MAX)

/* That what is stored is longer than the value. */
#define VAULT_ITEM_OVERHEAD (VAULT_ITEM_HEAD_SIZE + SEAL_OVERHEAD)

/* An item that was opened; all of it lies in `plain`. */
struct vault_item {
    uint8_t *plain;
    size_t plain_size;
    const char *content_type;
    struct slice value;
};

/* Put the two together, to be sealed: a new piece of memory, which the caller wipes and frees.
 * @content_type has at most VAULT_ITEM_TYPE_SIZE_MAX bytes. */
uint8_t *vault_item_pack(const char *content_type, struct slice value, size_t *ret_size);

/* Open @sealed, an item of @user in @copy. The caller closes *@ret_item with vault_item_close().
 *
 * Errors: as data_keys_find(), but -ENOENT is -EBADMSG too; -EBADMSG, it does not open. */
int vault_item_open(struct region *region, const struct copy *copy, const char *user,
                    const char *name, uint64_t version, struct slice sealed,
                    struct vault_item *ret_item);

/* Wipe it. */
void vault_item_close(struct vault_item *item);

#endif
