/* redaction: what of a change may be told to which region. Where the data of its service may not
 * lie, a follower gets the change's place in the log, its digest and no more. It happens here, in
 * the home's region, before anything reaches a link: nothing pinned is ever in a frame to a region
 * outside. */

#ifndef MEC_REDACTION_H
#define MEC_REDACTION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/memory.h"
#include "control.pb-c.h"
#include "replication.pb-c.h"

struct redaction {
    bool any;       /* some service is pinned */
    bool *may_hold; /* by region's index in the config * PARTS_SERVICE_COUNT + service */
};

void redaction_configure(struct redaction *redaction, const Mec__Config *config);
void redaction_release(struct redaction *redaction);

/* Make of @item, which holds a change as it is stored, what may go to the region @peer. What that
 * takes comes from @arena. */
void redaction_apply(const struct redaction *redaction, uint32_t peer, struct arena *arena,
                     Mec__StoredChange *item);

#endif
