/* grants_internal: what the files of grants.h share. */

#ifndef MEC_GRANTS_INTERNAL_H
#define MEC_GRANTS_INTERNAL_H

#include "regiond/account.h"
#include "regiond/grants.h"

struct grant {
    const char *key;              /* of its record */
    char name[ACCOUNT_NAME_SIZE]; /* that it was given for */
    uint64_t updated_wall_us;
};

/* An item and the grants of its present incarnation, as one user has them. In the step's arena. */
struct grants {
    const char *user; /* set these two first */
    const char *item;
    bool exists;         /* the item */
    uint64_t epoch, seq; /* of the item, or of its tombstone */
    uint64_t incarnation;
    struct grant *items;
    size_t count;
};

/* Read them: a records_read. @context is a struct grants. */
int grants_read(struct region *region, const struct copy *copy, void *context);

/* The key of a grant; @grantee "" makes what they all begin with. In the step's arena. */
const char *grants_key(struct region *region, const char *name, uint64_t incarnation,
                       const char *grantee);

#endif
