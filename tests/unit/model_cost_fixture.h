/* What the tests of the cost model share: its parameters out of a few words.
 *
 * The workload is one of round numbers, so that what comes out is exact: a request a second of each
 * user, half of them writes, all of metadata; half a second of CPU each; 1,024 bytes of change. */

#ifndef MEC_MODEL_COST_FIXTURE_H
#define MEC_MODEL_COST_FIXTURE_H

#include <stdlib.h>

#include "sim/model/cost_params.h"
#include "tests/unit/model_fixture.h"

#define COST_FIXTURE_ROUND                                                                         \
    "requests_per_user_day=86400", "write_share=50%", "vault_share=0%", "logins_per_user_day=0",   \
        "peak_factor=1", "utilisation=100%", "cpu_application=500ms", "cpu_router=0",              \
        "cpu_token=0", "cpu_read=0", "cpu_write=0", "cpu_apply=0", "cpu_login=0",                  \
        "account_bytes=0", "vault_bytes=0", "metadata_bytes=0", "storage_overhead=1",              \
        "login_change_bytes=1024B", "change_bytes=1024B", "log_retention=0", "audit_bytes=0",      \
        "failover=off", "roaming=0%"

/* Errors: as cost_params_read(). */
static inline int cost_fixture_try(const char *topology, const char *const *first,
                                   const char *const *then, struct cost_asked *ret_asked,
                                   char **ret_error)
{
    struct params *params = params_create(cost_params_specs, COST_PARAM_COUNT);
    char *error = NULL;

    if (topology) {
        ck_assert_int_eq(params_set(params, DEPLOYMENT_TOPOLOGY, "world.yaml", &error), 0);
        params_attach(params, DEPLOYMENT_TOPOLOGY, topology, strlen(topology));
    }
    model_fixture_set(params, first);
    model_fixture_set(params, then);
    int result = cost_params_read(params, ret_asked, ret_error);
    params_free(params);
    return result;
}

/* A round workload with @then, up to a NULL. */
static inline struct cost_asked cost_fixture_ask(const char *topology, const char *const *then)
{
    static const char *const round[] = {COST_FIXTURE_ROUND, NULL};
    struct cost_asked asked;
    char *error = NULL;

    ck_assert_msg(cost_fixture_try(topology, round, then, &asked, &error) == 0, "%s", error);
    return asked;
}

/* A fleet of the first @count regions. */
static inline struct cost_fleet cost_fixture_fleet(const struct cost_asked *asked, size_t count)
{
    uint32_t regions[TOPOLOGY_REGIONS_MAX];
    struct cost_fleet fleet;

    for (uint32_t i = 0; i < count; i++)
        regions[i] = i;
    cost_fleet_make(&asked->input, regions, count, &fleet);
    return fleet;
}

#endif
