/* What the files of traffic share. */

#ifndef MEC_TRAFFIC_INTERNAL_H
#define MEC_TRAFFIC_INTERNAL_H

#include "routerd/policy.h"
#include "sim/model/traffic.h"

struct traffic {
    const struct deployment *deployment;
    struct traffic_rules rules;
    uint32_t region_count;
    const struct route *routes[TRAFFIC_OPERATION_COUNT];
    enum parts_service services[TRAFFIC_OPERATION_COUNT];
    uint32_t outside[TOPOLOGY_REGIONS_MAX];        /* services whose data may not lie there */
    uint64_t (*nearness_us)[TOPOLOGY_REGIONS_MAX]; /* [geo][region], by which the router chooses */
    /* How long it takes when all is well: [geo][home][other], or [geo][home]. */
    uint64_t *usual_us[TRAFFIC_OPERATION_COUNT];
};

/* A request that has come to its end. Its kind is not known yet when it has been served. */
struct traffic_end {
    bool served;
    bool queued;
    bool stale;
    uint32_t region; /* POLICY_NONE: none */
    uint32_t tries;
    uint32_t asked; /* bit set: those tried, and those whom they have asked */
    uint64_t way_us;
    int problem;
    const char *why;
};

/* What regiond would make of it. */
enum traffic_verdict {
    TRAFFIC_SERVED,
    TRAFFIC_DECLINED, /* nothing done: others may be asked */
    TRAFFIC_BEHIND,   /* not as new as the session: the home is to be asked */
    TRAFFIC_REFUSED   /* a last word */
};

/* How the world looks from one place in one state. What is found out is kept, for those who decide
 * about many requests from there. */
struct traffic_view {
    const struct traffic *traffic;
    const struct traffic_state *state;
    uint32_t geo;
    bool seen[TRAFFIC_OPERATION_COUNT];
    /* By home: may a token still be renewed? */
    enum {
        TRAFFIC_RENEWAL_UNKNOWN,
        TRAFFIC_RENEWED,
        TRAFFIC_NOT_RENEWED
    } renewal[TOPOLOGY_REGIONS_MAX];
    /* By operation, once seen; not initialised before. */
    struct policy_region known[TRAFFIC_OPERATION_COUNT][POLICY_REGIONS_MAX];
};

void traffic_view_init(struct traffic_view *view, const struct traffic *traffic,
                       const struct traffic_state *state, uint32_t geo);

/* What a router knows there of the regions for @operation. */
const struct policy_region *traffic_view_known(struct traffic_view *view,
                                               enum traffic_operation operation);

/* traffic_decide() from there. */
void traffic_view_decide(struct traffic_view *view, const struct traffic_question *question,
                         struct traffic_outcome *ret_outcome);

/* A request at a region. */
struct traffic_call {
    struct traffic_view *view;
    const struct traffic_question *question;
    uint32_t region;
};

/* Adds what it waits for to @end->way_us, and whom it asks to @end->asked. */
enum traffic_verdict traffic_serve(const struct traffic_call *call, struct traffic_end *end);

/* The router's part, and all it leads to; without a look at how long a token lasts. */
void traffic_route(struct traffic_view *view, const struct traffic_question *question,
                   struct traffic_end *ret_end);

#endif
