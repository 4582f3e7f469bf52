/* traffic_state: what is broken, as people write it: parameters that models of failures share. */

#ifndef MEC_TRAFFIC_STATE_H
#define MEC_TRAFFIC_STATE_H

#include "sim/model/traffic.h"

/* In the order of enum traffic_state_param. */
#define TRAFFIC_STATE_PARAMS                                                                       \
    {"down", PARAMS_TEXT, "", 0, 0, NULL, "regions that are down: `us-east,eu-west`", NULL},       \
        {"isolate", PARAMS_TEXT, "", 0, 0, NULL, "regions all of whose links are cut", NULL},      \
        {"cut",                                                                                    \
         PARAMS_TEXT,                                                                              \
         "",                                                                                       \
         0,                                                                                        \
         0,                                                                                        \
         NULL,                                                                                     \
         "links that are cut, both ways: `us-east/eu-west,client:Paris/eu-west`",                  \
         NULL},                                                                                    \
        {"service_down",                                                                           \
         PARAMS_TEXT,                                                                              \
         "",                                                                                       \
         0,                                                                                        \
         0,                                                                                        \
         NULL,                                                                                     \
         "services that are down: `us-east/vault,eu-west/auth`",                                   \
         NULL},                                                                                    \
        {"replicator_down",                                                                        \
         PARAMS_TEXT,                                                                              \
         "",                                                                                       \
         0,                                                                                        \
         0,                                                                                        \
         NULL,                                                                                     \
         "regions whose replicator alone is down",                                                 \
         NULL},                                                                                    \
        {"disk_full", PARAMS_TEXT, "", 0, 0, NULL, "regions whose disk is full", NULL},            \
        {"control_down", PARAMS_SWITCH, "off", 0, 0, NULL, "is the control plane down?", NULL},    \
    {                                                                                              \
        "since", PARAMS_DURATION, "1m", 0, 31536e9, NULL,                                          \
            "how long ago it broke: vault reads at followers end with the `revocation_bound` of "  \
            "the topology, and tokens run out",                                                    \
            NULL                                                                                   \
    }

enum traffic_state_param {
    TRAFFIC_STATE_DOWN,
    TRAFFIC_STATE_ISOLATE,
    TRAFFIC_STATE_CUT,
    TRAFFIC_STATE_SERVICE_DOWN,
    TRAFFIC_STATE_REPLICATOR_DOWN,
    TRAFFIC_STATE_DISK_FULL,
    TRAFFIC_STATE_CONTROL_DOWN,
    TRAFFIC_STATE_SINCE,
    TRAFFIC_STATE_PARAM_COUNT
};

/* Errors: -EINVAL, with a new *@ret_error: no such region, service or place. */
int traffic_state_read(const struct params *params, size_t first,
                       const struct deployment *deployment, struct traffic_state *ret_state,
                       char **ret_error);

/* What is done otherwise than the topology says; one parameter. */
#define TRAFFIC_STATE_QUEUE_PARAM                                                                  \
    {                                                                                              \
        "queue_writes", PARAMS_CHOICE, "topology", 0, 0, traffic_state_queue_choices,              \
            "writes whose home is away: `queue`, `read-only`, or what the topology says", NULL     \
    }

extern const char *const traffic_state_queue_choices[];

void traffic_state_take_queue(const struct params *params, size_t index, struct traffic *traffic);

#endif
