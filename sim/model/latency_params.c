#include "sim/model/latency_params.h"

/* The four ways that a read usually goes. All of a user whose home is the region
 * `region`, but for the third, who reads what must be newest from far away. */
#define SCENARIOS                                                                                  \
    "{local-cache-hit: {about: the region near the client has it in its cache,"                    \
    " stages: [router, client, edge, gateway, service, cache]},"                                   \
    " local-cache-miss: {about: the same from the disk,"                                           \
    " stages: [router, client, edge, gateway, service, cache, storage]},"                          \
    " cross-region: {about: only the far home may answer what must be the newest,"                 \
    " stages: [router, cross-region, edge, gateway, service, cache]},"                             \
    " edge-validation: {about: a token not seen before is checked and the regional copy is read,"  \
    " stages: [router, client, edge-verify, gateway, service, cache, storage]}}"

#define MEASURED "measured on 2 cores of a Debian 12 virtual machine, 2026-11: "

const struct params_spec latency_specs[LATENCY_PARAM_COUNT] = {
    [LATENCY_TOPOLOGY] = {"topology", PARAMS_FILE, "", 0, 0, NULL,
                          "a topology file, as `mecentral up -f` takes it: regions and links",
                          NULL},
    [LATENCY_REGIONS] = {"regions", PARAMS_TEXT, "", 0, 0, NULL,
                         "so many built-in regions, or these by name: `3`, `us-east,eu-west`; "
                         "empty: those of the topology, or the first five",
                         NULL},
    [LATENCY_CLIENT] = {"client", PARAMS_TEXT, "", 0, 0, NULL,
                        "where clients are: a region, a city or `lat,lon`; empty: in the region "
                        "that serves",
                        NULL},
    [LATENCY_REGION] = {"region", PARAMS_TEXT, "", 0, 0, NULL,
                        "the region that serves; empty: the first one", NULL},
    [LATENCY_FAR] = {"far", PARAMS_TEXT, "", 0, 0, NULL,
                     "the other end of `cross-region` and `replication`; empty: the second region",
                     NULL},
    [LATENCY_REQUEST_BYTES] = {"request_bytes", PARAMS_SIZE, "400B", 0, 1e8, NULL,
                               "size of a request; matters on links with a rate", NULL},
    [LATENCY_RESPONSE_BYTES] = {"response_bytes", PARAMS_SIZE, "600B", 0, 1e8, NULL,
                                "size of a response; matters on links with a rate", NULL},
    [LATENCY_ROUTER_WORK] = {"router_work", PARAMS_DURATION, "110us", 0, 60e6, NULL,
                             "stage `router`: HTTP in and out, the decision, passing on",
                             MEASURED "p50 of a minimal router with one region behind it, 5,000 "
                                      "requests a second"},
    [LATENCY_EDGE_WORK] = {"edge_work", PARAMS_DURATION, "1us", 0, 60e6, NULL,
                           "stage `edge`: a token that has been checked before", NULL},
    [LATENCY_EDGE_VERIFY_WORK] = {"edge_verify_work", PARAMS_DURATION, "41us", 0, 60e6, NULL,
                                  "stage `edge-verify`: an Ed25519 signature is checked",
                                  MEASURED "libsodium"},
    [LATENCY_GATEWAY_WORK] = {"gateway_work", PARAMS_DURATION, "10us", 0, 60e6, NULL,
                              "stage `gateway`: checks, limits, dispatch", NULL},
    [LATENCY_SERVICE_WORK] = {"service_work", PARAMS_DURATION, "10us", 0, 60e6, NULL,
                              "stage `service`: what the service itself computes", NULL},
    [LATENCY_CACHE_WORK] = {"cache_work", PARAMS_DURATION, "1us", 0, 60e6, NULL,
                            "stage `cache`: a look into the regional cache", NULL},
    [LATENCY_STORAGE_WORK] = {"storage_work", PARAMS_DURATION, "4us", 0, 60e6, NULL,
                              "stage `storage`: one record from SQLite",
                              MEASURED "prepared SELECT of a point, warm"},
    [LATENCY_COMMIT_WORK] = {"commit_work", PARAMS_DURATION, "160us", 0, 60e6, NULL,
                             "stage `commit`: a durable commit", MEASURED "one fdatasync"},
    [LATENCY_APPLY_WORK] = {"apply_work", PARAMS_DURATION, "100us", 0, 60e6, NULL,
                            "stage `replication`: the follower's part, behind the way to `far`",
                            NULL},
    [LATENCY_DNS_CACHED] = {"dns_cached", PARAMS_DURATION, "1ms", 0, 60e6, NULL,
                            "stage `dns`: answered by the resolver's cache", NULL},
    [LATENCY_DNS_AUTHORITATIVE] = {"dns_authoritative", PARAMS_DURATION, "40ms", 0, 60e6, NULL,
                                   "stage `dns`: asked of the name's own server", NULL},
    [LATENCY_DNS_RATE] = {"dns_rate", PARAMS_NUMBER, "0.5", 0, 1e9, NULL,
                          "look-ups a second at a resolver; with `dns_ttl` it makes the share of "
                          "hits, 1 - 1/(rate x TTL)",
                          NULL},
    [LATENCY_DNS_TTL] = {"dns_ttl", PARAMS_DURATION, "60s", 0, 864e8, NULL,
                         "how long a resolver keeps the answer", NULL},
    [LATENCY_SPREAD] = {"spread", PARAMS_NUMBER, "0.25", 0, 3, NULL,
                        "spread of each piece of work around its median: sigma of a log-normal; 0: "
                        "none",
                        NULL},
    [LATENCY_SAMPLES] = {"samples", PARAMS_COUNT, "20k", 1, 1e6, NULL,
                         "requests drawn for each scenario", NULL},
    [LATENCY_SEED] = {"seed", PARAMS_COUNT, "1", 0, 9007199254740992.0, NULL,
                      "the same seed gives the same numbers", NULL},
    [LATENCY_OBJECTIVE] = {"objective", PARAMS_DURATION, "0", 0, 36e8, NULL,
                           "what a scenario without an objective of its own may take; 0: anything. "
                           "Exit 1 when one takes longer",
                           NULL},
    [LATENCY_OBJECTIVE_PERCENTILE] = {"objective_percentile", PARAMS_NUMBER, "95", 0, 100, NULL,
                                      "of which percentile objectives speak", NULL},
    [LATENCY_AGAINST_SAMPLES] = {"against_samples", PARAMS_COUNT, "300", 1, 10000, NULL,
                                 "with --against live: requests sent for each scenario; fewer when "
                                 "they would take longer than 10 s",
                                 NULL},
    [LATENCY_SCENARIOS] =
        {"scenarios", PARAMS_TREE, SCENARIOS, 0, 0, NULL,
         "by name: `stages`, a list; `about`, `client`, `region` and `objective` "
         "if wanted. A stage is a name (dns, tcp, tls1.2, tls1.3, tls-resumed, "
         "router, client, edge, edge-verify, gateway, service, cache, storage, "
         "commit, replication, cross-region) or a map: `{stage: cross-region, to: "
         "eu-west}`, `{stage: work, name: render, time: 3ms}`, `{parallel: [[..], "
         "[..]]}`, each with `share` (of requests that have it) and `times`",
         NULL},
};

double latency_dns_hits(double rate_per_s, double ttl_us)
{
    double asked = rate_per_s * ttl_us / 1e6; /* within the life of one answer */

    return asked > 1 ? 1 - 1 / asked : 0;
}
