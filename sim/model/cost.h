/* cost: what a deployment costs a month, as its users and its regions grow.
 *
 * A fleet is a set of regions with users spread over it: who has their home where, who reads what
 * at which copy, what moves when a region dies. All of that is proportionate to users, so it is
 * worked out once for each set; a bill then is the fleet for so many users. What is not
 * proportionate (a spare of everything, people, what a region costs by itself) is kept apart: only
 * so can one say from how many users on a region pays for itself.
 *
 * A month is a twelfth of 365 days, 730 hours; a GB is 10^9 bytes. */

#ifndef MEC_COST_H
#define MEC_COST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/parts.h"
#include "sim/model/deployment.h"
#include "sim/model/model.h"
#include "sim/model/outage.h"

#define COST_MONTH_S (730.0 * 3600)
#define COST_GB      1e9

enum cost_item {
    COST_COMPUTE,
    COST_STORAGE,
    COST_REPLICATION, /* bytes between regions */
    COST_EGRESS,      /* bytes to clients */
    COST_REGIONS,     /* what each region costs whatever it does */
    COST_OPERATIONS,  /* people */
    COST_ITEM_COUNT
};

/* Of one month, in one currency. */
struct cost_prices {
    const char *unit; /* "units", "USD". Static */
    double core, storage_gb, region, engineer;
    double egress_gb[TOPOLOGY_REGIONS_MAX];                        /* from a region to clients */
    double between_gb[TOPOLOGY_REGIONS_MAX][TOPOLOGY_REGIONS_MAX]; /* [from][to] */
};

/* What the mean user does and has, by service. Log-ins are the writes of auth. */
struct cost_user {
    double reads_per_s[PARTS_SERVICE_COUNT], writes_per_s[PARTS_SERVICE_COUNT];
    double stored_bytes[PARTS_SERVICE_COUNT], change_bytes[PARTS_SERVICE_COUNT];
    double answer_bytes;
};

struct cost_compute {
    double read_s, write_s, login_s, apply_s; /* CPU of each */
    double peak_factor;                       /* busiest time over the mean */
    double utilisation;                       /* of what is there, at the busiest time */
    double instance_cores, instances_min, instances_spare; /* of each service in each region */
    bool failover; /* every region has room for what comes to it when any other one dies */
};

struct cost_keeping {
    double overhead; /* bytes paid for each byte kept */
    double log_s;    /* how long changes are kept, at each copy */
    double audit_bytes, audit_s;
};

struct cost_team {
    double base, per_region, per_service, per_pair, per_million_users; /* engineers */
    double exponent;                                                   /* of the number of pairs */
    double services;
};

/* What slowness and outages are worth. */
struct cost_value {
    double request_ms;       /* of a ms that a request waits */
    double user_revenue;     /* of a user in a month */
    double revenue_per_ms;   /* share of it that a ms of waiting loses */
    double round_trips;      /* that a user waits for with a request */
    double user_minute;      /* of a user who cannot do what they want for a minute */
    double outages_per_year; /* of a region */
    struct outage outage;
    double promote_us; /* until another region becomes home */
};

struct cost_input {
    const struct deployment *deployment;
    double roaming;
    size_t copies; /* of each user's data, at most; 0: as many as there are regions */
    struct cost_user user;
    struct cost_compute compute;
    struct cost_keeping keeping;
    struct cost_team team;
    struct cost_value value;
    struct cost_prices prices;
};

/* All but @region and @services is of the mean user of the whole fleet. */
struct cost_region {
    uint32_t region; /* in the deployment */
    double services; /* that run there */
    double homes;    /* share of users */
    double requests_per_s;
    double own_cores;      /* for what it serves and applies, at the busiest time */
    double headroom_cores; /* for what comes when the worst other region dies */
    double stored_bytes;
    double sent_bytes_per_s;     /* to other regions */
    double answered_bytes_per_s; /* to clients */
};

struct cost_fleet {
    struct cost_region regions[TOPOLOGY_REGIONS_MAX];
    size_t count;
    double requests_per_s, refused_per_s; /* those of pinned services, by users from outside */
    double wait_ms;                       /* round trip of the mean request */
    double lost_min_per_year;             /* of the mean user */
    double per_user[COST_ITEM_COUNT];     /* money, but for compute, whose floor is not linear */
    double fixed[COST_ITEM_COUNT];
    double wait_loss, outage_loss; /* money, of a user */
};

struct cost_bill {
    double variable[COST_ITEM_COUNT], fixed[COST_ITEM_COUNT];
    double cores, loaded_cores, engineers; /* the second: of them, what the load needs */
    double total;
    double wait_loss, outage_loss; /* beside the total: nobody sends an invoice for them */
};

/* Spread the users of @input over these regions of its deployment: one at least, each once. */
void cost_fleet_make(const struct cost_input *input, const uint32_t *regions, size_t count,
                     struct cost_fleet *ret_fleet);

void cost_bill_make(const struct cost_input *input, const struct cost_fleet *fleet, double users,
                    struct cost_bill *ret_bill);

/* The total and both losses: what one would rather have small. */
double cost_burden(const struct cost_input *input, const struct cost_fleet *fleet, double users);

/* Users above which the region's load is more than the instances that it has anyway; INFINITY:
 * there is no load. */
double cost_floor_users(const struct cost_input *input, const struct cost_region *region);

extern const struct model cost_model;

#endif
