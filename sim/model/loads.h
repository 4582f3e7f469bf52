/* loads: how much each region has to work on, whatever has failed elsewhere; what it needs to have
 * to spare for that; and which regions fall one after the other when it has less.
 *
 * A request is work for every region that is asked about it: the one that answers, those that
 * declined it before, the home or directory that was asked by another region. Everybody's peak is
 * taken to be at the same time, and whoever is refused is taken not to try again. */

#ifndef MEC_LOADS_H
#define MEC_LOADS_H

#include "sim/model/traffic.h"

#define LOADS_NONE UINT32_MAX

struct load {
    double per_s[TOPOLOGY_REGIONS_MAX];
    double failing; /* share of requests that get no answer but a refusal, read-only included */
};

/* Loads by what is down. What was measured is kept. */
struct loads;

/* All is borrowed. @state is what is broken besides; @per_s: requests a second in all. */
struct loads *loads_create(const struct traffic *traffic, const struct traffic_state *state,
                           const double mix[TRAFFIC_OPERATION_COUNT], double per_s);
void loads_free(struct loads *loads);

/* When all is well, whatever the state. */
const struct load *loads_usual(const struct loads *loads);

/* With the regions @down down, besides those of the state. Valid until the next call. */
const struct load *loads_with(struct loads *loads, uint32_t down);

struct load_worst {
    double usual_per_s; /* when all is well */
    double now_per_s;
    double worst_per_s; /* after any single other region has died; at least as much as now */
    uint32_t after;     /* which; the region itself: none makes it more */
    double headroom;    /* what that takes, as a share of what is usual; 0 when nothing is */
};

void loads_worst(struct loads *loads, uint32_t region, struct load_worst *ret_worst);

struct load_cascade {
    uint32_t rounds[TOPOLOGY_REGIONS_MAX + 1]; /* bit sets of regions that fall together; the
                                                  first holds the one that was killed, if any */
    size_t round_count;
    uint32_t fallen; /* all of them */
    double failing;  /* share of requests, in the end */
};

struct load_capacity {
    double headroom;    /* so many times what it does when all is well, besides that */
    double least_per_s; /* but so much in any case */
};

/* Kill @first (LOADS_NONE: nothing more than what is broken), then whatever is asked for more than
 * it can do, all such at a time, until no other is. */
void loads_cascade(struct loads *loads, uint32_t first, const struct load_capacity *capacity,
                   struct load_cascade *ret_cascade);

#endif
