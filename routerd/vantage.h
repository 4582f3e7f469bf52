/* vantage: how the regions look from each place where clients are.
 *
 * A vantage is a geo tag; towards each region it has the two emulated links, health, probes, and
 * round trips configured and measured. The places of listeners stay; others come at first use, and
 * the least recently used goes when there are too many. Two vantages may rightly see two worlds. */

#ifndef MEC_VANTAGE_H
#define MEC_VANTAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/deadlines.h"
#include "common/geo.h"
#include "common/network.h"
#include "control.pb-c.h"
#include "routerd/health.h"
#include "routerd/policy.h"

#define VANTAGES_MAX   64 /* besides those of listeners */
#define VANTAGE_SLOTS  (VANTAGES_MAX + 128)
#define VANTAGE_PROBES 8 /* under way at once, towards one region */
#define VANTAGE_ROUTE  160

struct vantage;

struct vantage_probe {
    uint64_t id;
    uint64_t sent_us;
    uint64_t deadline_us;
    uint64_t arrived_us; /* at the region; 0 = not yet */
};

/* From one vantage to one region. */
struct vantage_region {
    struct vantage *vantage;
    uint32_t region;
    struct link *to_region;
    struct link *to_client;
    struct health health;
    bool connected;
    bool serving;           /* by its last Pong */
    bool writable;          /* by its last Pong */
    uint32_t services_down; /* by its last Pong: bits of enum parts_service */
    uint32_t outside;       /* likewise: those whose data may not lie there, by the config */
    uint64_t round_trip_us; /* as configured now */
    uint64_t measured_us;   /* of the last probe that came back; 0 = none yet */
    uint64_t heard_us;      /* when anything last came back */
    struct vantage_probe probes[VANTAGE_PROBES]; /* oldest first */
    uint32_t probe_count;
    uint64_t probe_phase_us; /* next probe; the deadline is earlier when one under way ends first */
    struct deadline deadline;
    bool lost; /* has become unusable in this step: what is under way fails over */

    /* The last Mec-Route text, kept while nothing changes. */
    char route[VANTAGE_ROUTE];
    const char *route_why;
    uint32_t route_generation;
};

struct vantage {
    char geo[GEO_NAME_SIZE];
    uint32_t slot;
    bool pinned; /* a listener's */
    uint32_t in_flight;
    uint64_t used_us;
    uint32_t generation; /* rises with each change that could alter a decision */
    struct vantage_region *regions;
    struct policy_region known[POLICY_REGIONS_MAX]; /* what policy reads */
    bool any_service_down;
};

struct vantages;

/* @network and @deadlines are borrowed. @config lives until the next vantages_configure(). */
struct vantages *vantages_create(struct network *network, struct deadlines *deadlines,
                                 const Mec__Config *config, uint64_t now_us);
void vantages_free(struct vantages *vantages);

/* Links, settings or listeners have changed; the regions have not. */
void vantages_configure(struct vantages *vantages, const Mec__Config *config, uint64_t now_us);

/* The vantage of a geo tag as a client wrote it, made if need be.
 * Errors: -EINVAL, not a place that is known; -EBUSY, all vantages are in use. */
int vantages_find(struct vantages *vantages, struct slice geo, uint64_t now_us,
                  struct vantage **ret_vantage);

/* Iterate: NULL behind the last. */
struct vantage *vantages_next(const struct vantages *vantages, const struct vantage *after);
struct vantage *vantages_at(const struct vantages *vantages, uint32_t slot);

/* The connection to @region stands or is gone, for all vantages. @first: it has never been down. */
void vantages_connected(struct vantages *vantages, uint32_t region, bool first, uint64_t now_us);
void vantages_disconnected(struct vantages *vantages, uint32_t region, uint64_t now_us);

/* Has any link become unusable since the last vantages_clear_lost()? Its @lost is set. */
bool vantages_any_lost(const struct vantages *vantages);
void vantages_clear_lost(struct vantages *vantages);

/* Tell of a signal. Returns true when usability has changed; then @lost is set if it was lost. */
bool vantage_signal(struct vantages *vantages, struct vantage_region *seen,
                    enum health_signal signal, uint64_t now_us);

/* Take in what a Pong says of the region. */
void vantage_pong(struct vantage_region *seen, bool serving, bool writable, uint32_t services_down);

/* What policy is to know for a request of @route: vantage->known, or a copy in @ret_copy when a
 * service is down somewhere, or its data may not lie everywhere. */
const struct policy_region *vantage_known(const struct vantage *vantage, const struct route *route,
                                          struct policy_region ret_copy[POLICY_REGIONS_MAX]);

#endif
