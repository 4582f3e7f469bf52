#include <assert.h>
#include <math.h>
#include <string.h>

#include "sim/model/cost.h"

#define MINUTE_US 60e6

/* Of a fleet while it is being made. Regions go by their place in the fleet. */
struct making {
    const struct cost_input *input;
    struct cost_fleet *fleet;
    uint32_t holders[TOPOLOGY_REGIONS_MAX][PARTS_SERVICE_COUNT]; /* by home; 0: not offered */
    double moved[TOPOLOGY_REGIONS_MAX][TOPOLOGY_REGIONS_MAX];    /* cores, [dead][instead] */
    double wait_us;                                              /* of all requests of a second */
};

static uint32_t bit(size_t k)
{
    return UINT32_C(1) << k;
}

static bool may_hold(const struct making *making, size_t k, enum parts_service service)
{
    const struct deployment *deployment = making->input->deployment;
    uint32_t region = making->fleet->regions[k].region;

    return topology_may_hold(deployment->topology, service, deployment->region[region]);
}

static uint64_t between_us(const struct making *making, size_t a, size_t b)
{
    const struct deployment *deployment = making->input->deployment;
    uint32_t from = making->fleet->regions[a].region;
    uint32_t to = making->fleet->regions[b].region;

    return deployment->between[from][to].latency_us + deployment->between[to][from].latency_us;
}

static uint64_t client_us(const struct making *making, size_t geo, size_t k)
{
    return making->input->deployment->geos[geo].round_trip_us[making->fleet->regions[k].region];
}

/* ---- who holds what ---- */

/* The home holds it, and of the regions that may, those nearest to the home. */
static uint32_t holders_of(const struct making *making, size_t home, enum parts_service service)
{
    size_t wanted = making->input->copies ? making->input->copies : making->fleet->count;
    uint32_t holders = bit(home);

    if (!may_hold(making, home, service))
        return 0;
    for (size_t copies = 1; copies < wanted; copies++) {
        size_t best = SIZE_MAX;
        for (size_t k = 0; k < making->fleet->count; k++) {
            if ((holders & bit(k)) != 0 || !may_hold(making, k, service))
                continue;
            if (best == SIZE_MAX || between_us(making, home, k) < between_us(making, home, best))
                best = k;
        }
        if (best == SIZE_MAX)
            break;
        holders |= bit(best);
    }
    return holders;
}

/* The nearest to a place of users; SIZE_MAX: there is none. */
static size_t nearest(const struct making *making, size_t geo, uint32_t among)
{
    size_t best = SIZE_MAX;

    for (size_t k = 0; k < making->fleet->count; k++) {
        if ((among & bit(k)) == 0)
            continue;
        if (best == SIZE_MAX || client_us(making, geo, k) < client_us(making, geo, best))
            best = k;
    }
    return best;
}

/* ---- what is asked ---- */

static double busy_cores(const struct making *making, double cpu_s)
{
    const struct cost_compute *compute = &making->input->compute;

    return cpu_s * compute->peak_factor / compute->utilisation;
}

/* @per_s requests from @geo come to @at, and when that is dead to the nearest other holder. */
static void serve(struct making *making, size_t geo, size_t at, uint32_t holders, double per_s,
                  double cpu_s)
{
    struct cost_region *region = &making->fleet->regions[at];
    size_t instead = nearest(making, geo, holders & ~bit(at));
    double cores = busy_cores(making, per_s * cpu_s);

    region->requests_per_s += per_s;
    region->answered_bytes_per_s += per_s * making->input->user.answer_bytes;
    region->own_cores += cores;
    if (instead != SIZE_MAX)
        making->moved[at][instead] += cores;
    making->fleet->requests_per_s += per_s;
    making->wait_us += per_s * (double)client_us(making, geo, at);
}

/* Reads go to the nearest copy, all else goes home. */
static void ask(struct making *making, size_t geo, size_t home, double share)
{
    const struct cost_user *user = &making->input->user;
    const struct cost_compute *compute = &making->input->compute;

    making->fleet->regions[home].homes += share;
    for (int service = 0; service < PARTS_SERVICE_COUNT; service++) {
        uint32_t holders = making->holders[home][service];
        double reads = share * user->reads_per_s[service];
        double writes = share * user->writes_per_s[service];
        double cpu_s = service == PARTS_AUTH ? compute->login_s : compute->write_s;
        if (holders == 0) {
            making->fleet->refused_per_s += reads + writes;
            continue;
        }
        serve(making, geo, nearest(making, geo, holders), holders, reads, compute->read_s);
        serve(making, geo, home, holders, writes, cpu_s);
    }
}

/* As deployment.c has it, but for the regions of this fleet. */
static void ask_all(struct making *making)
{
    const struct deployment *deployment = making->input->deployment;
    size_t others = making->fleet->count - 1;
    double away = others > 0 ? making->input->roaming : 0;
    uint32_t all = (uint32_t)((UINT64_C(1) << making->fleet->count) - 1);

    for (size_t geo = 0; geo < deployment->geo_count; geo++) {
        double share = deployment->geos[geo].users / deployment->users;
        size_t first = nearest(making, geo, all);
        for (size_t home = 0; home < making->fleet->count; home++) {
            double part = home == first ? 1 - away : away / (double)others;
            if (share * part > 0)
                ask(making, geo, home, share * part);
        }
    }
}

/* ---- what is kept and sent ---- */

static void keep(struct making *making, size_t home, enum parts_service service)
{
    const struct cost_input *input = making->input;
    struct cost_fleet *fleet = making->fleet;
    struct cost_region *from = &fleet->regions[home];
    double writes = from->homes * input->user.writes_per_s[service];
    double changes = writes * input->user.change_bytes[service];
    double bytes = from->homes * input->user.stored_bytes[service] + changes * input->keeping.log_s;

    for (size_t k = 0; k < fleet->count; k++) {
        struct cost_region *to = &fleet->regions[k];
        if ((making->holders[home][service] & bit(k)) == 0)
            continue;
        to->stored_bytes += bytes * input->keeping.overhead;
        if (k == home)
            continue;
        to->own_cores += busy_cores(making, writes * input->compute.apply_s);
        from->sent_bytes_per_s += changes;
        fleet->per_user[COST_REPLICATION] +=
            changes * COST_MONTH_S / COST_GB * input->prices.between_gb[from->region][to->region];
    }
    /* Followers append nothing to an audit chain. */
    if (making->holders[home][service] != 0)
        from->stored_bytes +=
            writes * input->keeping.audit_bytes * input->keeping.audit_s * input->keeping.overhead;
}

static void keep_all(struct making *making)
{
    for (size_t home = 0; home < making->fleet->count; home++)
        for (int service = 0; service < PARTS_SERVICE_COUNT; service++)
            keep(making, home, (enum parts_service)service);
}

/* Two regions do not die at once: room for the worst of them is room for any. */
static void take_headroom(struct making *making)
{
    for (size_t k = 0; making->input->compute.failover && k < making->fleet->count; k++)
        for (size_t dead = 0; dead < making->fleet->count; dead++)
            making->fleet->regions[k].headroom_cores =
                fmax(making->fleet->regions[k].headroom_cores, making->moved[dead][k]);
}

/* ---- what an outage takes away ---- */

/* Share of a service's requests that fail at once when the home is gone, though copies are left. */
static double fails_closed(const struct making *making, enum parts_service service)
{
    const struct cost_user *user = &making->input->user;
    bool queues = making->input->deployment->topology->settings.queue_writes;
    double all = user->reads_per_s[service] + user->writes_per_s[service];

    if (service == PARTS_METADATA && queues)
        return 0;
    return all > 0 ? user->writes_per_s[service] / all : 0;
}

/* Time of an outage of its home that a user of a service loses. A token is renewed at home alone;
 * so at first only what is sensitive fails, and when the token has come to its end, which takes
 * half its life in the mean, all does, until somebody makes another region home. */
static double lost_us(const struct making *making, size_t home, enum parts_service service)
{
    const struct cost_value *value = &making->input->value;
    double token_us = making->input->deployment->topology->settings.token_lifetime_s * 1e6;
    double first_us = fmin(token_us / 2, value->promote_us);

    if (making->holders[home][service] == 0)
        return 0;
    if ((making->holders[home][service] & ~bit(home)) == 0)
        return outage_mean_us(&value->outage);
    return fails_closed(making, service) * outage_mean_between_us(&value->outage, 0, first_us) +
           outage_mean_between_us(&value->outage, first_us, value->promote_us);
}

static double lost_min_per_year(const struct making *making)
{
    const struct cost_user *user = &making->input->user;
    double lost = 0, all = 0;

    for (int service = 0; service < PARTS_SERVICE_COUNT; service++) {
        double requests = user->reads_per_s[service] + user->writes_per_s[service];
        all += requests;
        for (size_t home = 0; home < making->fleet->count; home++)
            lost += requests * making->fleet->regions[home].homes *
                    lost_us(making, home, (enum parts_service)service);
    }
    return all > 0 ? making->input->value.outages_per_year * lost / all / MINUTE_US : 0;
}

/* ---- what that costs ---- */

/* Services of one's own may be anywhere, as those that are not pinned. */
static double services_at(const struct making *making, size_t k)
{
    double services = making->input->team.services;

    for (int service = 0; service < PARTS_SERVICE_COUNT; service++)
        if (!may_hold(making, k, (enum parts_service)service))
            services--;
    return services;
}

static void charge(struct making *making)
{
    const struct cost_prices *prices = &making->input->prices;
    const struct cost_team *team = &making->input->team;
    struct cost_fleet *fleet = making->fleet;
    double pairs = 0;

    for (size_t k = 0; k < fleet->count; k++) {
        const struct cost_region *region = &fleet->regions[k];
        fleet->per_user[COST_STORAGE] += region->stored_bytes / COST_GB * prices->storage_gb;
        fleet->per_user[COST_EGRESS] += region->answered_bytes_per_s * COST_MONTH_S / COST_GB *
                                        prices->egress_gb[region->region];
        pairs += region->services;
    }
    double engineers = team->base + team->per_region * (double)fleet->count +
                       team->per_service * team->services +
                       team->per_pair * pow(pairs, team->exponent);
    fleet->fixed[COST_REGIONS] = prices->region * (double)fleet->count;
    fleet->fixed[COST_OPERATIONS] = prices->engineer * engineers;
    fleet->per_user[COST_OPERATIONS] = prices->engineer * team->per_million_users / 1e6;
}

static void value_losses(struct making *making)
{
    const struct cost_value *value = &making->input->value;
    struct cost_fleet *fleet = making->fleet;

    fleet->wait_ms = fleet->requests_per_s > 0 ? making->wait_us / fleet->requests_per_s / 1e3 : 0;
    fleet->lost_min_per_year = lost_min_per_year(making);
    double wait_ms = fleet->wait_ms * value->round_trips;
    fleet->wait_loss = wait_ms * fleet->requests_per_s * COST_MONTH_S * value->request_ms +
                       wait_ms * value->user_revenue * value->revenue_per_ms;
    fleet->outage_loss = fleet->lost_min_per_year / 12 * value->user_minute;
}

void cost_fleet_make(const struct cost_input *input, const uint32_t *regions, size_t count,
                     struct cost_fleet *ret_fleet)
{
    struct making making = {.input = input, .fleet = ret_fleet};

    assert(count > 0 && count <= input->deployment->region_count);
    memset(ret_fleet, 0, sizeof *ret_fleet);
    ret_fleet->count = count;
    for (size_t k = 0; k < count; k++)
        ret_fleet->regions[k].region = regions[k];
    for (size_t k = 0; k < count; k++) {
        ret_fleet->regions[k].services = services_at(&making, k);
        for (int service = 0; service < PARTS_SERVICE_COUNT; service++)
            making.holders[k][service] = holders_of(&making, k, (enum parts_service)service);
    }
    ask_all(&making);
    keep_all(&making);
    take_headroom(&making);
    charge(&making);
    value_losses(&making);
}
