#include "sim/model/cost_params.h"

#include <errno.h>
#include <string.h>

#include "sim/model/cost_price_list.h"
#include "sim/model/cost_prices.h"
#include "sim/model/quantity.h"

#define DAY_S    86400.0
#define MEASURED "measured on 2 cores of a Debian 12 virtual machine, 2026-11: "
#define OUTAGES                                                                                    \
    "outages or disruptions of one region of one large provider, 2022-05 to 2024-12: median 212 "  \
    "minutes, log-normal with sigma 1.06"
#define PEOPLE "an engineer who does nothing else counts as 1"

static const char *const orders[] = {"paying", "given", NULL};

/* clang-format off */
const struct params_spec cost_params_specs[COST_PARAM_COUNT] = {
    DEPLOYMENT_PARAMS,
    [COST_PARAM_USERS_LIST] = {"users_list", PARAMS_TREE, "[10k, 100k, 1M, 10M, 50M, 100M]", 0, 0, NULL,
        "numbers of users to work it out for, ascending; where they are stays as it is", NULL},
    [COST_PARAM_ORDER] = {"order", PARAMS_CHOICE, "paying", 0, 0, orders,
        "in which regions are added: whichever pays for itself first, or as they are given", NULL},
    [COST_PARAM_GLOBAL_REGIONS] = {"global_regions", PARAMS_COUNT, "5", 3, TOPOLOGY_REGIONS_MAX, NULL,
        "phases: early is while one region is best, growth while fewer than this are, global from "
        "then on", NULL},
    [COST_PARAM_COPIES] = {"copies", PARAMS_COUNT, "0", 0, TOPOLOGY_REGIONS_MAX, NULL,
        "regions that hold a user's data, the home among them; 0: all of them, as a world does", NULL},

    [COST_PARAM_REQUESTS] = {"requests_per_user_day", PARAMS_NUMBER, "100", 0, 1e6, NULL,
        "requests a day of the mean user, those who are away included; log-ins not", NULL},
    [COST_PARAM_WRITE_SHARE] = {"write_share", PARAMS_SHARE, "15%", 0, 1, NULL,
        "share of requests that write", NULL},
    [COST_PARAM_VAULT_SHARE] = {"vault_share", PARAMS_SHARE, "20%", 0, 1, NULL,
        "share of reads and of writes that are the vault's; the others are metadata's", NULL},
    [COST_PARAM_LOGINS] = {"logins_per_user_day", PARAMS_NUMBER, "0.3", 0, 1e6, NULL,
        "log-ins a day of the mean user: a session lasts a day, and three in ten come on a day", NULL},
    [COST_PARAM_PEAK_FACTOR] = {"peak_factor", PARAMS_NUMBER, "2.5", 1, 1000, NULL,
        "each region's busiest time over its mean", NULL},
    [COST_PARAM_ANSWER_BYTES] = {"answer_bytes", PARAMS_SIZE, "4kB", 0, 1e12, NULL,
        "sent to the client for each request, headers and encryption included", NULL},

    [COST_PARAM_CPU_APPLICATION] = {"cpu_application", PARAMS_DURATION, "2ms", 0, 36e8, NULL,
        "CPU of each request for what your services do beside all below: TLS, logic, logs", NULL},
    [COST_PARAM_CPU_ROUTER] = {"cpu_router", PARAMS_DURATION, "31us", 0, 36e8, NULL,
        "CPU of each request in the router", MEASURED "a minimal router at 5,000 requests a second"},
    [COST_PARAM_CPU_TOKEN] = {"cpu_token", PARAMS_DURATION, "41us", 0, 36e8, NULL,
        "CPU of checking a token, with each request but a log-in", MEASURED "Ed25519, libsodium"},
    [COST_PARAM_CPU_READ] = {"cpu_read", PARAMS_DURATION, "4us", 0, 36e8, NULL,
        "CPU of reading a record", MEASURED "SQLite, prepared SELECT of a point, warm"},
    [COST_PARAM_CPU_WRITE] = {"cpu_write", PARAMS_DURATION, "24us", 0, 36e8, NULL,
        "CPU of writing a record and its change", MEASURED "SQLite, 42,000 a second in batches of 32"},
    [COST_PARAM_CPU_APPLY] = {"cpu_apply", PARAMS_DURATION, "24us", 0, 36e8, NULL,
        "CPU of a change at each copy", MEASURED "SQLite, 42,000 a second in batches of 32"},
    [COST_PARAM_CPU_LOGIN] = {"cpu_login", PARAMS_DURATION, "70ms", 0, 36e8, NULL,
        "CPU of a log-in", MEASURED "argon2id, interactive, 64 MiB"},
    [COST_PARAM_UTILISATION] = {"utilisation", PARAMS_SHARE, "50%", 0.01, 1, NULL,
        "how busy cores may be at the busiest time", NULL},
    [COST_PARAM_INSTANCE_CORES] = {"instance_cores", PARAMS_NUMBER, "2", 0, 1024, NULL,
        "cores of an instance", NULL},
    [COST_PARAM_INSTANCES_MIN] = {"instances_min", PARAMS_COUNT, "2", 0, 1000, NULL,
        "instances of each service in each region at least, the spare ones among them", NULL},
    [COST_PARAM_INSTANCES_SPARE] = {"instances_spare", PARAMS_COUNT, "1", 0, 1000, NULL,
        "of them on top of what the load needs: N + 1", NULL},
    [COST_PARAM_FAILOVER] = {"failover", PARAMS_SWITCH, "true", 0, 0, NULL,
        "has each region room for what comes to it when any other one dies?", NULL},

    [COST_PARAM_ACCOUNT_BYTES] = {"account_bytes", PARAMS_SIZE, "1kB", 0, 1e15, NULL,
        "kept of a user's account and sessions", NULL},
    [COST_PARAM_VAULT_BYTES] = {"vault_bytes", PARAMS_SIZE, "5kB", 0, 1e15, NULL,
        "kept in a user's vault", NULL},
    [COST_PARAM_METADATA_BYTES] = {"metadata_bytes", PARAMS_SIZE, "100kB", 0, 1e15, NULL,
        "kept of a user's metadata", NULL},
    [COST_PARAM_STORAGE_OVERHEAD] = {"storage_overhead", PARAMS_NUMBER, "2", 1, 1000, NULL,
        "bytes paid for each byte kept: room to grow, indexes, a backup", NULL},
    [COST_PARAM_LOGIN_CHANGE_BYTES] = {"login_change_bytes", PARAMS_SIZE, "300B", 0, 1e12, NULL,
        "of a log-in in the change log and on the way to each copy", NULL},
    [COST_PARAM_CHANGE_BYTES] = {"change_bytes", PARAMS_SIZE, "1.2kB", 0, 1e12, NULL,
        "the same of a write: the record and what is around it", NULL},
    [COST_PARAM_LOG_RETENTION] = {"log_retention", PARAMS_DURATION, "7d", 0, 1e17, NULL,
        "how long each copy keeps changes", NULL},
    [COST_PARAM_AUDIT_BYTES] = {"audit_bytes", PARAMS_SIZE, "250B", 0, 1e12, NULL,
        "of a write or log-in in the audit log, at its home alone", NULL},
    [COST_PARAM_AUDIT_RETENTION] = {"audit_retention", PARAMS_DURATION, "365d", 0, 1e17, NULL,
        "how long the audit log is kept", NULL},

    [COST_PARAM_SERVICES] = {"services", PARAMS_COUNT, "3", PARTS_SERVICE_COUNT, 10000, NULL,
        "services that run in each region: auth, vault, metadata, and others that you have", NULL},
    [COST_PARAM_ENGINEERS_BASE] = {"engineers_base", PARAMS_NUMBER, "0.5", 0, 1e6, NULL,
        "people to run it, whatever there is: " PEOPLE, NULL},
    [COST_PARAM_ENGINEERS_PER_REGION] = {"engineers_per_region", PARAMS_NUMBER, "0.25", 0, 1e6, NULL,
        "and for each region", NULL},
    [COST_PARAM_ENGINEERS_PER_SERVICE] = {"engineers_per_service", PARAMS_NUMBER, "0.25", 0, 1e6, NULL,
        "and for each service", NULL},
    [COST_PARAM_ENGINEERS_PER_PAIR] = {"engineers_per_pair", PARAMS_NUMBER, "0.05", 0, 1e6, NULL,
        "and for each service in each region", NULL},
    [COST_PARAM_PAIRS_EXPONENT] = {"pairs_exponent", PARAMS_NUMBER, "1", 0, 4, NULL,
        "power of the number of such pairs; above 1 each makes all others harder to run", NULL},
    [COST_PARAM_ENGINEERS_PER_MILLION] = {"engineers_per_million", PARAMS_NUMBER, "0.2", 0, 1e6, NULL,
        "and for each million users", NULL},

    [COST_PARAM_PRICES] = {"prices", PARAMS_CHOICE, "none", 0, 0, cost_price_list_names,
        "whose list: a provider's, in USD, or none: units of cost, one of them a core for a month",
        NULL},
    [COST_PARAM_CORE_PRICE] = {"core_price", PARAMS_TEXT, "listed", 0, 0, NULL,
        "of a core for a month", NULL},
    [COST_PARAM_STORAGE_PRICE] = {"storage_price", PARAMS_TEXT, "listed", 0, 0, NULL,
        "of a GB kept for a month. A price is `listed`, a number such as 0.09, or `0.003 cores`, so "
        "many times that of a core", NULL},
    [COST_PARAM_EGRESS_PRICE] = {"egress_price", PARAMS_TEXT, "listed", 0, 0, NULL,
        "of a GB to clients, from every region", NULL},
    [COST_PARAM_BETWEEN_PRICE] = {"between_price", PARAMS_TEXT, "listed", 0, 0, NULL,
        "of a GB from one region to another, between any two", NULL},
    [COST_PARAM_REGION_PRICE] = {"region_price", PARAMS_TEXT, "20 cores", 0, 0, NULL,
        "of a region for a month, whatever it does: load balancers, monitoring, addresses", NULL},
    [COST_PARAM_ENGINEER_PRICE] = {"engineer_price", PARAMS_TEXT, "500 cores", 0, 0, NULL,
        "of an engineer for a month", NULL},

    [COST_PARAM_USER_REVENUE] = {"user_revenue", PARAMS_TEXT, "0.02 cores", 0, 0, NULL,
        "what the mean user brings in a month", NULL},
    [COST_PARAM_REVENUE_PER_100MS] = {"revenue_per_100ms", PARAMS_SHARE, "0.5%", 0, 1, NULL,
        "share of revenue that 100 ms of waiting lose",
        "between 0.2% (of searches; Brutlag, Speed Matters, Google 2009) and 1% (of sales; Linden, "
        "Make Data Useful, 2006, on Amazon)"},
    [COST_PARAM_VALUE_OF_MS] = {"value_of_ms", PARAMS_TEXT, "0", 0, 0, NULL,
        "beside revenue: what it is worth when a million requests wait 1 ms less each", NULL},
    [COST_PARAM_ROUND_TRIPS] = {"round_trips", PARAMS_NUMBER, "2", 0, 1000, NULL,
        "round trips that a user waits for with a request, in the mean: 1 where the connection is "
        "there, 2 more for TCP and TLS 1.3, and what waits for one another's answers", NULL},
    [COST_PARAM_VALUE_OF_MINUTES] = {"value_of_minutes", PARAMS_TEXT, "5 cores", 0, 0, NULL,
        "what it is worth that a million users, away or not, do not lose a minute to an outage",
        NULL},
    [COST_PARAM_OUTAGES_PER_YEAR] = {"outages_per_year", PARAMS_NUMBER, "0.12", 0, 1e6, NULL,
        "of each region, as a whole", OUTAGES ", 0.12 in a region's year with ten products or more hit; "
                                         "with any, 0.42"},
    [COST_PARAM_OUTAGE_MEDIAN] = {"outage_median", PARAMS_DURATION, "212m", 0, 1e15, NULL,
        "how long half of them last at most", OUTAGES},
    [COST_PARAM_OUTAGE_SIGMA] = {"outage_sigma", PARAMS_NUMBER, "1.06", 0, 5, NULL,
        "spread of the logarithm of that; 0: none", OUTAGES},
    [COST_PARAM_PROMOTE_AFTER] = {"promote_after", PARAMS_DURATION, "30m", 0, 1e15, NULL,
        "until an operator makes another region the home of those who have lost theirs", NULL},
};
/* clang-format on */

/* ---- numbers of users ---- */

static int read_users(const struct params *params, struct cost_asked *asked, char **ret_error)
{
    const struct yaml_tree *list = params_tree(params, COST_PARAM_USERS_LIST);

    if (list->kind != YAML_TREE_LIST || list->count == 0)
        return yaml_tree_error(list, ret_error, "a list is wanted: [10k, 1M, 100M]");
    if (list->count > COST_USERS_MAX)
        return yaml_tree_error(list, ret_error, "more than %d numbers", COST_USERS_MAX);
    for (size_t i = 0; i < list->count; i++) {
        const struct yaml_tree *item = &list->children[i];
        double *users = &asked->users[i];
        if (item->kind != YAML_TREE_SCALAR ||
            quantity_parse(QUANTITY_COUNT, item->text, users) != 0)
            return yaml_tree_error(
                item, ret_error, "%s%s%s is not a number of users such as 12000 or 5M",
                item->text ? "\"" : "", item->text ? item->text : "this", item->text ? "\"" : "");
        if (*users < 1 || *users > COST_GROWTH_USERS_MAX)
            return yaml_tree_error(item, ret_error, "\"%s\" is not between 1 and 1000G",
                                   item->text);
        if (i > 0 && *users <= users[-1])
            return yaml_tree_error(item, ret_error,
                                   "\"%s\" is not above the one before it: put them in order",
                                   item->text);
    }
    asked->user_count = list->count;
    return 0;
}

/* ---- the work ---- */

static double seconds(const struct params *params, size_t index)
{
    return params_value(params, index) / 1e6;
}

static struct cost_user read_user(const struct params *params)
{
    double requests = params_value(params, COST_PARAM_REQUESTS) / DAY_S;
    double writes = requests * params_value(params, COST_PARAM_WRITE_SHARE);
    double vault = params_value(params, COST_PARAM_VAULT_SHARE);
    double change_bytes = params_value(params, COST_PARAM_CHANGE_BYTES);
    struct cost_user user = {.answer_bytes = params_value(params, COST_PARAM_ANSWER_BYTES)};

    user.reads_per_s[PARTS_VAULT] = (requests - writes) * vault;
    user.reads_per_s[PARTS_METADATA] = (requests - writes) * (1 - vault);
    user.writes_per_s[PARTS_AUTH] = params_value(params, COST_PARAM_LOGINS) / DAY_S;
    user.writes_per_s[PARTS_VAULT] = writes * vault;
    user.writes_per_s[PARTS_METADATA] = writes * (1 - vault);
    user.stored_bytes[PARTS_AUTH] = params_value(params, COST_PARAM_ACCOUNT_BYTES);
    user.stored_bytes[PARTS_VAULT] = params_value(params, COST_PARAM_VAULT_BYTES);
    user.stored_bytes[PARTS_METADATA] = params_value(params, COST_PARAM_METADATA_BYTES);
    user.change_bytes[PARTS_AUTH] = params_value(params, COST_PARAM_LOGIN_CHANGE_BYTES);
    user.change_bytes[PARTS_VAULT] = change_bytes;
    user.change_bytes[PARTS_METADATA] = change_bytes;
    return user;
}

static struct cost_compute read_compute(const struct params *params)
{
    double each_s =
        seconds(params, COST_PARAM_CPU_APPLICATION) + seconds(params, COST_PARAM_CPU_ROUTER);
    double checked_s = each_s + seconds(params, COST_PARAM_CPU_TOKEN);

    return (struct cost_compute){
        .read_s = checked_s + seconds(params, COST_PARAM_CPU_READ),
        .write_s = checked_s + seconds(params, COST_PARAM_CPU_WRITE),
        .login_s =
            each_s + seconds(params, COST_PARAM_CPU_LOGIN) + seconds(params, COST_PARAM_CPU_WRITE),
        .apply_s = seconds(params, COST_PARAM_CPU_APPLY),
        .peak_factor = params_value(params, COST_PARAM_PEAK_FACTOR),
        .utilisation = params_value(params, COST_PARAM_UTILISATION),
        .instance_cores = params_value(params, COST_PARAM_INSTANCE_CORES),
        .instances_min = params_value(params, COST_PARAM_INSTANCES_MIN),
        .instances_spare = params_value(params, COST_PARAM_INSTANCES_SPARE),
        .failover = params_on(params, COST_PARAM_FAILOVER),
    };
}

static struct cost_keeping read_keeping(const struct params *params)
{
    return (struct cost_keeping){
        .overhead = params_value(params, COST_PARAM_STORAGE_OVERHEAD),
        .log_s = seconds(params, COST_PARAM_LOG_RETENTION),
        .audit_bytes = params_value(params, COST_PARAM_AUDIT_BYTES),
        .audit_s = seconds(params, COST_PARAM_AUDIT_RETENTION),
    };
}

static struct cost_team read_team(const struct params *params)
{
    return (struct cost_team){
        .base = params_value(params, COST_PARAM_ENGINEERS_BASE),
        .per_region = params_value(params, COST_PARAM_ENGINEERS_PER_REGION),
        .per_service = params_value(params, COST_PARAM_ENGINEERS_PER_SERVICE),
        .per_pair = params_value(params, COST_PARAM_ENGINEERS_PER_PAIR),
        .per_million_users = params_value(params, COST_PARAM_ENGINEERS_PER_MILLION),
        .exponent = params_value(params, COST_PARAM_PAIRS_EXPONENT),
        .services = params_value(params, COST_PARAM_SERVICES),
    };
}

/* ---- what is at stake ---- */

static int read_value(const struct params *params, const struct cost_prices *prices,
                      struct cost_value *ret_value, char **ret_error)
{
    double million_requests_ms, million_minutes;
    struct cost_value value = {
        .revenue_per_ms = params_value(params, COST_PARAM_REVENUE_PER_100MS) / 100,
        .round_trips = params_value(params, COST_PARAM_ROUND_TRIPS),
        .outages_per_year = params_value(params, COST_PARAM_OUTAGES_PER_YEAR),
        .outage = {.median_us = params_value(params, COST_PARAM_OUTAGE_MEDIAN),
                   .sigma = params_value(params, COST_PARAM_OUTAGE_SIGMA)},
        .promote_us = params_value(params, COST_PARAM_PROMOTE_AFTER),
    };

    if (cost_prices_money(params, COST_PARAM_USER_REVENUE, prices->core, &value.user_revenue,
                          ret_error) != 0 ||
        cost_prices_money(params, COST_PARAM_VALUE_OF_MS, prices->core, &million_requests_ms,
                          ret_error) != 0 ||
        cost_prices_money(params, COST_PARAM_VALUE_OF_MINUTES, prices->core, &million_minutes,
                          ret_error) != 0)
        return -EINVAL;
    value.request_ms = million_requests_ms / 1e6;
    value.user_minute = million_minutes / 1e6;
    *ret_value = value;
    return 0;
}

static int check(const struct params *params, char **ret_error)
{
    double spare = params_value(params, COST_PARAM_INSTANCES_SPARE);

    if (spare > params_value(params, COST_PARAM_INSTANCES_MIN))
        return params_error(params, COST_PARAM_INSTANCES_SPARE, ret_error,
                            "more than instances_min, of which they are a part");
    return 0;
}

int cost_params_read(const struct params *params, struct cost_asked *ret_asked, char **ret_error)
{
    struct cost_asked asked = {
        .order = (enum cost_order)params_choice(params, COST_PARAM_ORDER),
        .global_regions = (size_t)params_value(params, COST_PARAM_GLOBAL_REGIONS),
        .input = {.roaming = params_value(params, DEPLOYMENT_ROAMING),
                  .copies = (size_t)params_value(params, COST_PARAM_COPIES),
                  .user = read_user(params),
                  .compute = read_compute(params),
                  .keeping = read_keeping(params),
                  .team = read_team(params)},
    };

    if (read_users(params, &asked, ret_error) != 0 || check(params, ret_error) != 0 ||
        deployment_create(params, 0, &asked.deployment, ret_error) != 0)
        return -EINVAL;
    asked.input.deployment = asked.deployment;
    if (cost_prices_read(params, asked.deployment, &asked.input.prices, ret_error) != 0 ||
        read_value(params, &asked.input.prices, &asked.input.value, ret_error) != 0) {
        cost_params_free(&asked);
        return -EINVAL;
    }
    *ret_asked = asked;
    return 0;
}

void cost_params_free(struct cost_asked *asked)
{
    deployment_free(asked->deployment);
    asked->deployment = NULL;
}
