/* scale_health: what routers believe of regions, from each place, while things break: the router's
 * own health code (routerd/health.h), fed with probes that are sent and come back, or do not, over
 * ways that faults hold up or close.
 *
 * Between a cut and the moment at which its probes have told is what makes an outage felt: requests
 * go where nobody answers. After it is mended, regions are let back slowly. Probes are looked at
 * only while they can change anything, so a day costs as much as its faults do.
 *
 * Taken for granted: there are always requests under way, so that one of them times out as soon as
 * any can; a closed connection is noticed at once, and stands again as soon as the region is back.
 */

#ifndef MEC_SCALE_HEALTH_H
#define MEC_SCALE_HEALTH_H

#include "routerd/health.h"
#include "sim/model/scale_faults.h"

#define SCALE_HEALTH_PROBES 8 /* under way at once, as a router has it */

/* One region as seen from one place: a time line of which a span at a time is known. */
struct scale_watch {
    /* The span, up to and without @until_us. */
    uint64_t from_us;
    uint64_t until_us;
    enum scale_way way;
    bool usable; /* as the router sees it */

    /* How things stand behind it, at until_us: so far everything has been worked out. */
    enum scale_way next_way;
    struct health health;
    uint64_t now_us;
    uint64_t round_trip_us;
    uint64_t phase_us; /* of its probes, below the interval */
    uint64_t probe_us; /* the next one */
    uint64_t held_us;  /* since when the way is held, while it is */
    struct {
        uint64_t at_us;
        bool passes;
    } results[SCALE_HEALTH_PROBES];
    uint32_t result_count;
};

struct scale_health {
    const struct scale_faults *faults;
    struct health_settings thresholds;
    uint64_t interval_us;
    uint64_t slack_us;
    uint64_t timeout_us; /* of requests, beyond the round trip */
    uint32_t region_count;
    uint32_t geo_count;
    struct scale_watch *watches; /* [geo][region] */
    uint64_t *until_us;          /* [geo]: until when nothing that it sees changes */
};

/* Everything is up, at 0. @faults is borrowed, and with it its deployment. */
void scale_health_init(struct scale_health *health, const struct scale_faults *faults);
void scale_health_clear(struct scale_health *health);

/* Go on to @now_us, not back. From then until health->until_us[geo] its watches stay as they are.
 */
void scale_health_advance(struct scale_health *health, uint32_t geo, uint64_t now_us);

const struct scale_watch *scale_health_watch(const struct scale_health *health, uint32_t geo,
                                             uint32_t region);

#endif
