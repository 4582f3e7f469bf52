#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/geo.h"
#include "common/moment.h"
#include "control/settings.h"
#include "sim/plan_internal.h"
#include "sim/plan_luck.h"

#define DEFAULT_DURATION_US (60 * SECOND_US)
#define SETTLING_US         (2500 * MILLISECOND_US)

static void choose_regions(struct plan *plan, uint32_t wished, struct random *random)
{
    static const uint32_t weights[PLAN_REGIONS_MAX + 1] = {0, 0, 15, 60, 15, 10};
    size_t count = plan_luck_pick(random, weights, PLAN_REGIONS_MAX + 1);
    uint32_t taken = 0;

    plan->region_count = wished != 0 ? wished : count;
    for (size_t i = 0; i < plan->region_count;) {
        uint64_t which = random_up_to(random, geo_region_count() - 1);

        if (taken >> which & 1u)
            continue;
        taken |= 1u << which;
        snprintf(plan->region_names[i++], sizeof(plan->region_names[0]), "%s",
                 geo_region_at(which)->name);
    }
}

static void choose_core(struct plan *plan, struct random *random)
{
    uint32_t all = (1u << plan->region_count) - 1;
    uint32_t some = (uint32_t)plan_luck_between(random, 1, all);

    plan->core = plan_luck_chance(random, 70) ? all : some;
}

static void choose_clients(struct plan *plan, struct random *random)
{
    plan->user_count = plan_luck_between(random, 1, 6);
    plan->client_count = plan_luck_between(random, 2, 12);
    if (plan->user_count > plan->client_count)
        plan->user_count = plan->client_count;
    plan->key_count = plan_luck_between(random, 1, 6);
    for (size_t i = 0; i < plan->client_count; i++) {
        uint64_t shared = random_up_to(random, plan->user_count - 1);
        struct plan_client *client = &plan->clients[i];

        client->user = (uint32_t)(i < plan->user_count ? i : shared);
        client->place = (uint32_t)random_up_to(random, plan->region_count - 1);
        client->router = (uint32_t)random_up_to(random, plan->router_count - 1);
    }
}

static void make_world(struct plan *plan, uint32_t wished_regions)
{
    struct random random;

    plan_luck_stream(plan->seed, PLAN_ASPECT_WORLD, &random);
    choose_regions(plan, wished_regions, &random);
    choose_core(plan, &random);
    plan->router_count = plan_luck_chance(&random, 15) ? PLAN_ROUTERS_MAX : 1;
    choose_clients(plan, &random);
    plan->sync_us = plan_luck_wide(&random, 50, 5000);
    uint64_t few_pages = plan_luck_between(&random, 8, 200);
    plan->tidy_pages = plan_luck_chance(&random, 30) ? few_pages : 0;
    uint64_t few_changes = plan_luck_wide(&random, 1, 40);
    plan->memory_changes = plan_luck_chance(&random, 30) ? few_changes : 0;
    uint64_t look_us = plan_luck_between(&random, 3 * SECOND_US, 30 * SECOND_US);
    plan->look_every_us = plan_luck_chance(&random, 80) ? look_us : 0;
}

/* Every number is drawn whether it is used or not, so that the ones behind it stay the same when it
 * is used more or less often. */
static void vary_queue(Mec__Settings *settings, struct random *random)
{
    uint64_t few = plan_luck_between(random, 1, 20);
    uint64_t soon_us = plan_luck_between(random, 2 * SECOND_US, 20 * SECOND_US);
    uint64_t slow = plan_luck_between(random, 2, 20);

    settings->queue_writes = !plan_luck_chance(random, 10);
    if (plan_luck_chance(random, 20))
        settings->queue_max_entries = (uint32_t)few;
    if (plan_luck_chance(random, 25))
        settings->queue_expiry_us = soon_us;
    if (plan_luck_chance(random, 25))
        settings->queue_drain_per_s = (uint32_t)slow;
}

static void vary_health(Mec__Settings *settings, struct random *random)
{
    settings->probe_interval_us = plan_luck_wide(random, 250 * MILLISECOND_US, 2 * SECOND_US);
    settings->probe_slack_us = plan_luck_wide(random, 30 * MILLISECOND_US, 400 * MILLISECOND_US);
    settings->probe_fail_threshold = (uint32_t)plan_luck_between(random, 1, 3);
    settings->probe_pass_threshold = (uint32_t)plan_luck_between(random, 1, 3);
}

static void vary_times(Mec__Settings *settings, struct random *random)
{
    /* A log-in may ask two other regions in turn, each half a world away. */
    settings->request_timeout_us = plan_luck_wide(random, 800 * MILLISECOND_US, 3 * SECOND_US);
    settings->bookmark_wait_us = plan_luck_between(random, 0, 300 * MILLISECOND_US);
    uint64_t brisk_us = plan_luck_wide(random, 250 * MILLISECOND_US, 500 * MILLISECOND_US);
    uint64_t calm_us = plan_luck_wide(random, 500 * MILLISECOND_US, 2 * SECOND_US);
    settings->heartbeat_interval_us = plan_luck_chance(random, 20) ? brisk_us : calm_us;
    uint64_t short_s = plan_luck_between(random, 5, 30);
    if (plan_luck_chance(random, 25))
        settings->token_lifetime_s = (uint32_t)short_s;
}

/* How long a region trusts what it knows of grants and revoked tokens; how much a vault holds. */
static void vary_vault(struct plan *plan)
{
    struct random random;

    plan_luck_stream(plan->seed, PLAN_ASPECT_VAULT_SETTINGS, &random);
    uint64_t bound_us = plan_luck_wide(&random, SECOND_US, 10 * SECOND_US);
    uint32_t few = (uint32_t)plan_luck_between(&random, 1, 3);
    if (plan_luck_chance(&random, 50))
        plan->settings.revocation_bound_us = bound_us;
    if (plan_luck_chance(&random, 20))
        plan->settings.quota_vault_keys = few;
}

/* How long sessions last, and how often may be asked. */
static void vary_sessions(Mec__Settings *settings, struct random *random)
{
    uint64_t short_s = plan_luck_between(random, 4, 40);
    uint64_t of_user = plan_luck_between(random, 1, 5);
    uint64_t of_client = plan_luck_between(random, 1, 4);
    uint64_t of_name = plan_luck_between(random, 2, 12);

    if (plan_luck_chance(random, 20))
        settings->session_lifetime_s = (uint32_t)short_s;
    if (plan_luck_chance(random, 10))
        settings->user_rate_per_s = (uint32_t)of_user;
    if (plan_luck_chance(random, 10))
        settings->client_rate_per_s = (uint32_t)of_client;
    if (plan_luck_chance(random, 10))
        settings->login_rate_per_min = (uint32_t)of_name;
}

static void make_settings(struct plan *plan)
{
    static const uint64_t cache_sizes[] = {0, 4096, 1024 * 1024, 1024 * 1024};
    Mec__Settings *settings = &plan->settings;
    struct random random;

    mec__settings__init(settings);
    settings_default(settings);
    /* The least there is: nobody's password is at stake. */
    settings->argon2_operations = 1;
    settings->argon2_memory_kib = 8;

    plan_luck_stream(plan->seed, PLAN_ASPECT_SETTINGS, &random);
    vary_health(settings, &random);
    vary_times(settings, &random);
    vary_queue(settings, &random);
    settings->cache_bytes = cache_sizes[random_up_to(&random, 3)];
    vary_vault(plan);
    plan_luck_stream(plan->seed, PLAN_ASPECT_SESSIONS, &random);
    vary_sessions(settings, &random);
}

void plan_make(const struct plan_wishes *wishes, struct plan *ret_plan)
{
    assert(wishes->region_count != 1);
    assert(wishes->region_count <= PLAN_REGIONS_MAX);
    memset(ret_plan, 0, sizeof(*ret_plan));
    ret_plan->seed = wishes->seed;
    ret_plan->duration_us = wishes->duration_us != 0 ? wishes->duration_us : DEFAULT_DURATION_US;
    /* By then all have signed up and logged in, if nothing is broken. */
    uint64_t quarter_us = ret_plan->duration_us / 4;
    uint64_t settled_us = quarter_us < SETTLING_US ? quarter_us : SETTLING_US;

    make_world(ret_plan, wishes->region_count);
    make_settings(ret_plan);
    plan_make_faults(ret_plan, wishes->faults, settled_us);
    plan_make_work(ret_plan, settled_us);
}
