#include "regiond/readiness.h"

#include "common/reach.h"
#include "regiond/outbox.h"

#define PATIENCE_US   SECOND_US
#define PEERS_COUNTED 64u

static void announce(struct region *region)
{
    deadlines_clear(&region->deadlines, &region->readiness.deadline);
    region->readiness.announced = true;
    outbox_ready(region->outbox);
}

void readiness_timed_out(struct region *region)
{
    reach(READY_WITHOUT_ALL);
    announce(region);
}

static bool has_met_all(const struct region *region)
{
    for (uint32_t peer = 0; peer < region->peer_count && peer < PEERS_COUNTED; peer++)
        if (peer != region->self && !(region->readiness.met & UINT64_C(1) << peer))
            return false;
    return true;
}

void readiness_begin(struct region *region)
{
    region->readiness.deadline.kind = DUE_READINESS;
    deadlines_set(&region->deadlines, &region->readiness.deadline,
                  has_met_all(region) ? region->at.now_us : region->at.now_us + PATIENCE_US);
}

void readiness_peer_up(struct region *region, uint32_t peer)
{
    if (peer < PEERS_COUNTED)
        region->readiness.met |= UINT64_C(1) << peer;
    if (!region->readiness.announced && has_met_all(region))
        announce(region);
}
