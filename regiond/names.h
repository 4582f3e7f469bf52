/* names: user names are unique in the world. Each name has a directory shard, the same for
 * everyone (rendezvous hash), whose home alone hands it out: first reserved for a minute, then,
 * once the account exists, confirmed for good. */

#ifndef MEC_NAMES_H
#define MEC_NAMES_H

#include "regiond/core.h"
#include "regiond/request.h"

#define NAMES_RESERVED_US (60 * SECOND_US)

struct name_claim {
    char user[USER_ID_SIZE];
    char shard[SHARD_NAME_SIZE]; /* the user's home */
    bool confirmed;
    uint64_t expires_wall_us;
    uint64_t version; /* of the record */
};

/* The name's directory shard. NULL: this region has no copy of it. */
struct copy *names_directory(const struct region *region, const char *name);

/* Read the claim on @name from our copy of its directory. Errors: -ENOENT, none; -EBADMSG; -EIO. */
int names_read(struct region *region, const struct copy *directory, const char *name,
               struct name_claim *ret_claim);

/* Read a claim as names_lookup() answers it. Errors: -EBADMSG. */
int names_parse(struct slice json, struct name_claim *ret_claim);

/* Operations at the directory's home: call->shard is the directory, call->key the name,
 * claims.user and claims.shard who claims it. A lookup without a shard is answered by any copy. */
void names_claim(struct region *region, struct request *request);
void names_confirm(struct region *region, struct request *request);
void names_release(struct region *region, struct request *request);
void names_lookup(struct region *region, struct request *request);

#endif
