/* standing: is a token still good, by what this region knows of its user's account?
 *
 * A signature says who somebody was when it was made; this says whether they still are. At the
 * user's home it is the truth. Elsewhere it is as old as the copy of the shard, which is why calls
 * that must not be wrong ask how old that is as well.
 *
 * What an account says of its sessions is kept in a service-local cache, bounded in entries, and
 * dropped before a change of the account becomes visible. */

#ifndef MEC_STANDING_H
#define MEC_STANDING_H

#include "regiond/core.h"

#define STANDING_ENTRIES_MAX 16384

enum standing {
    STANDING_GOOD,
    STANDING_VOID,      /* revoked, or the account is gone */
    STANDING_UNKNOWN,   /* a follower that has never heard of the account */
    STANDING_UNREADABLE /* the file cannot be read */
};

struct standings;

struct standings *standing_create(void);
void standing_free(struct standings *standings);

enum standing standing_of(struct region *region, const struct copy *copy,
                          const struct token_claims *claims);

/* The account of @user has changed. */
void standing_drop(struct region *region, const struct copy *copy, const char *user);

/* What it can do as a cache. */
extern const struct caches_kind standing_kind;

#endif
