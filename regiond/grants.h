/* grants: whom else a user lets read an item of the vault.
 *
 * A grant is a record of the owner's shard (service `grants`, the owner's id, key
 * NAME/INCARNATION/GRANTEE): so the check is one look at the copy that has the item, and a grant of
 * an item that was deleted is no grant of another that has its name later. It names the other user
 * by id; the name that it was given for stands in it for the owner to read. */

#ifndef MEC_GRANTS_H
#define MEC_GRANTS_H

#include "regiond/core.h"
#include "regiond/request.h"

#define GRANTS_SERVICE      "grants"
#define GRANTS_PER_ITEM_MAX 100

/* Has @owner granted that incarnation of item @name to @grantee, by @copy? Errors: -ENOENT, no;
 * -EIO. */
int grants_find(struct region *region, const struct copy *copy, const char *owner, const char *name,
                uint64_t incarnation, const char *grantee, struct record *ret_record);

void grants_put(struct region *region, struct request *request);
void grants_delete(struct region *region, struct request *request);
void grants_list(struct region *region, struct request *request);

#endif
