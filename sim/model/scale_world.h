/* scale_world: what `mecentral sim --world FILE` is told: regions, users, what they ask for by the
 * time of day, how much a region can do, how the links of clients are, and what breaks when. */

#ifndef MEC_SCALE_WORLD_H
#define MEC_SCALE_WORLD_H

#include "sim/model/scale_faults.h"
#include "sim/model/scale_sun.h"

/* Its own parameters, behind those of the deployment and of the mix; in the order of this list:
 * identifier, key, kind, default, least, most, choices, help */
#define SCALE_WORLD_OWN(X)                                                                         \
    X(DURATION, "duration", DURATION, "24h", 1e6, 2678400e6, NULL,                                 \
      "how long it runs; 31d at most")                                                             \
    X(BEGINS, "begins", DURATION, "0", 0, 86400e6, NULL,                                           \
      "what time of day it is in Greenwich (UTC) at the beginning")                                \
    X(SLICE, "slice", DURATION, "1m", 1e6, 3600e6, NULL,                                           \
      "loads, and so queues, are the same for so long; a part of `duration`")                      \
    X(REQUESTS, "requests_per_user", NUMBER, "20", 0, 1e6, NULL, "requests of a user a day")       \
    X(PEAK_TO_TROUGH, "peak_to_trough", NUMBER, "4", 1, 1e6, NULL,                                 \
      "so many times as much is asked at the peak hour as 12 h later")                             \
    X(PEAK_HOUR, "peak_hour", NUMBER, "20", 0, 24, NULL,                                           \
      "hour of the day, by the sun where users are, at which most is asked")                       \
    X(SERVICE_TIME, "service_time", DURATION, "2ms", 0, 3600e6, NULL,                              \
      "how long a region works on a request, on average")                                          \
    X(SERVICE_SPREAD, "service_spread", CHOICE, "exponential", 0, 0, scale_world_spreads,          \
      "the work of a request: `exponential`, or `constant`: always alike")                         \
    X(CAPACITY, "capacity", TREE, "{}", 0, 0, NULL,                                                \
      "requests a second that regions can do: `{us-east: 2000}`; others as `headroom` says")       \
    X(HEADROOM, "headroom", NUMBER, "1.5", 0.01, 1e6, NULL,                                        \
      "a region can do so many times what it is asked at its own peak, all being well")            \
    X(WAIT_MOST, "wait_most", DURATION, "200ms", 0, 60e6, NULL,                                    \
      "a request that would have to wait for longer is turned away at once (503)")                 \
    X(CLIENT_JITTER, "client_jitter", DURATION, "2ms", 0, 3600e6, NULL,                            \
      "jitter of clients' links, each way, where the topology says none")                          \
    X(CLIENT_JITTER_KIND, "client_jitter_kind", CHOICE, "pareto", 0, 0, scale_world_jitters,       \
      "its distribution: `uniform`, `normal` or `pareto`")                                         \
    X(CLIENT_LOSS, "client_loss", SHARE, "0.1%", 0, 0.9, NULL,                                     \
      "messages lost on clients' links, each way, where the topology says none; each costs a "     \
      "retransmission")                                                                            \
    X(SEED, "seed", COUNT, "1", 0, 9007199254740991., NULL,                                        \
      "the same seed gives the same result, whatever the number of processes")                     \
    X(FAULTS, "faults", TREE, "[]", 0, 0, NULL, SCALE_FAULTS_HELP)

enum scale_world_param {
    SCALE_WORLD_MIX = DEPLOYMENT_PARAM_COUNT,
    SCALE_WORLD_BEFORE = SCALE_WORLD_MIX + TRAFFIC_OPERATION_COUNT - 1,
#define X(identifier, key, kind, initial, least, most, choices, help) SCALE_WORLD_##identifier,
    SCALE_WORLD_OWN(X)
#undef X
        SCALE_WORLD_PARAM_COUNT
};

extern const struct params_spec scale_world_specs[SCALE_WORLD_PARAM_COUNT];

/* What the requests of one simulation may come to. */
#define SCALE_WORLD_REQUESTS_MAX 1e12

struct scale_world {
    struct deployment *deployment;
    struct traffic *traffic;
    double mix[TRAFFIC_OPERATION_COUNT];
    uint64_t duration_us;
    uint64_t slice_us;
    uint64_t slice_count; /* the last one may be shorter */
    double requests_per_user;
    struct scale_sun sun;
    double service_us;
    bool service_varies;
    double given_capacity[TOPOLOGY_REGIONS_MAX]; /* requests a second; 0: by headroom */
    double headroom;
    uint64_t wait_most_us;
    uint64_t seed;
    struct scale_faults faults;
};

/* Errors: -EINVAL, with a new *@ret_error that says where. The caller owns the result. */
int scale_world_create(const struct params *params, struct scale_world **ret_world,
                       char **ret_error);
void scale_world_free(struct scale_world *world);

#endif
