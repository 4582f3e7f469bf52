/* cost_params: what the cost model is told. */

#ifndef MEC_COST_PARAMS_H
#define MEC_COST_PARAMS_H

#include "sim/model/cost.h"
#include "sim/model/cost_growth.h"

#define COST_USERS_MAX 24 /* numbers of users in one list */

enum cost_param {
    COST_PARAM_USERS_LIST = DEPLOYMENT_PARAM_COUNT,
    COST_PARAM_ORDER,
    COST_PARAM_GLOBAL_REGIONS,
    COST_PARAM_COPIES,

    COST_PARAM_REQUESTS,
    COST_PARAM_WRITE_SHARE,
    COST_PARAM_VAULT_SHARE,
    COST_PARAM_LOGINS,
    COST_PARAM_PEAK_FACTOR,
    COST_PARAM_ANSWER_BYTES,

    COST_PARAM_CPU_APPLICATION,
    COST_PARAM_CPU_ROUTER,
    COST_PARAM_CPU_TOKEN,
    COST_PARAM_CPU_READ,
    COST_PARAM_CPU_WRITE,
    COST_PARAM_CPU_APPLY,
    COST_PARAM_CPU_LOGIN,
    COST_PARAM_UTILISATION,
    COST_PARAM_INSTANCE_CORES,
    COST_PARAM_INSTANCES_MIN,
    COST_PARAM_INSTANCES_SPARE,
    COST_PARAM_FAILOVER,

    COST_PARAM_ACCOUNT_BYTES,
    COST_PARAM_VAULT_BYTES,
    COST_PARAM_METADATA_BYTES,
    COST_PARAM_STORAGE_OVERHEAD,
    COST_PARAM_LOGIN_CHANGE_BYTES,
    COST_PARAM_CHANGE_BYTES,
    COST_PARAM_LOG_RETENTION,
    COST_PARAM_AUDIT_BYTES,
    COST_PARAM_AUDIT_RETENTION,

    COST_PARAM_SERVICES,
    COST_PARAM_ENGINEERS_BASE,
    COST_PARAM_ENGINEERS_PER_REGION,
    COST_PARAM_ENGINEERS_PER_SERVICE,
    COST_PARAM_ENGINEERS_PER_PAIR,
    COST_PARAM_PAIRS_EXPONENT,
    COST_PARAM_ENGINEERS_PER_MILLION,

    COST_PARAM_PRICES,
    COST_PARAM_CORE_PRICE,
    COST_PARAM_STORAGE_PRICE,
    COST_PARAM_EGRESS_PRICE,
    COST_PARAM_BETWEEN_PRICE,
    COST_PARAM_REGION_PRICE,
    COST_PARAM_ENGINEER_PRICE,

    COST_PARAM_USER_REVENUE,
    COST_PARAM_REVENUE_PER_100MS,
    COST_PARAM_VALUE_OF_MS,
    COST_PARAM_ROUND_TRIPS,
    COST_PARAM_VALUE_OF_MINUTES,
    COST_PARAM_OUTAGES_PER_YEAR,
    COST_PARAM_OUTAGE_MEDIAN,
    COST_PARAM_OUTAGE_SIGMA,
    COST_PARAM_PROMOTE_AFTER,
    COST_PARAM_COUNT
};

extern const struct params_spec cost_params_specs[COST_PARAM_COUNT];

struct cost_asked {
    struct cost_input input;
    struct deployment *deployment; /* what @input refers to */
    double users[COST_USERS_MAX];  /* ascending */
    size_t user_count;
    enum cost_order order;
    size_t global_regions;
};

/* Errors: -EINVAL, with a new *@ret_error. The caller releases the content with
 * cost_params_free(). */
int cost_params_read(const struct params *params, struct cost_asked *ret_asked, char **ret_error);
void cost_params_free(struct cost_asked *asked);

#endif
