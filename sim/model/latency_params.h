/* latency_params: what the latency model is told, and scenarios out of it. */

#ifndef MEC_LATENCY_PARAMS_H
#define MEC_LATENCY_PARAMS_H

#include "sim/model/deployment.h"
#include "sim/model/latency.h"

enum latency_param {
    LATENCY_TOPOLOGY,
    LATENCY_REGIONS,
    LATENCY_CLIENT,
    LATENCY_REGION,
    LATENCY_FAR,
    LATENCY_REQUEST_BYTES,
    LATENCY_RESPONSE_BYTES,
    LATENCY_ROUTER_WORK,
    LATENCY_EDGE_WORK,
    LATENCY_EDGE_VERIFY_WORK,
    LATENCY_GATEWAY_WORK,
    LATENCY_SERVICE_WORK,
    LATENCY_CACHE_WORK,
    LATENCY_STORAGE_WORK,
    LATENCY_COMMIT_WORK,
    LATENCY_APPLY_WORK,
    LATENCY_DNS_CACHED,
    LATENCY_DNS_AUTHORITATIVE,
    LATENCY_DNS_RATE,
    LATENCY_DNS_TTL,
    LATENCY_SPREAD,
    LATENCY_SAMPLES,
    LATENCY_SEED,
    LATENCY_OBJECTIVE,
    LATENCY_OBJECTIVE_PERCENTILE,
    LATENCY_AGAINST_SAMPLES,
    LATENCY_SCENARIOS,
    LATENCY_PARAM_COUNT
};

extern const struct params_spec latency_specs[LATENCY_PARAM_COUNT];

/* The share of look-ups that a resolver's cache answers: 1 - 1/(rate * ttl), at least 0. */
double latency_dns_hits(double rate_per_s, double ttl_us);

/* Read the scenarios. The caller frees the list, and each with latency_scenario_free().
 * Errors: -EINVAL, with a new *@ret_error that says where. */
int latency_params_scenarios(const struct params *params, const struct deployment *deployment,
                             struct latency_scenario **ret_scenarios, size_t *ret_count,
                             char **ret_error);

#endif
