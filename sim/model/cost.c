#include "sim/model/cost.h"

#include <math.h>

static double floor_cores(const struct cost_input *input, const struct cost_region *region)
{
    const struct cost_compute *compute = &input->compute;
    double working = compute->instances_min - compute->instances_spare;

    return fmax(working, 0) * compute->instance_cores * region->services;
}

static double load_cores(const struct cost_region *region)
{
    return region->own_cores + region->headroom_cores;
}

double cost_floor_users(const struct cost_input *input, const struct cost_region *region)
{
    double load = load_cores(region);

    return load > 0 ? floor_cores(input, region) / load : INFINITY;
}

/* Instances count in fractions: rounding up would cost at most one for each service and region, and
 * make steps of what is a line. The spare one is on top of what the load needs: N + 1. */
static void bill_compute(const struct cost_input *input, const struct cost_fleet *fleet,
                         double users, struct cost_bill *bill)
{
    const struct cost_compute *compute = &input->compute;
    double loaded = 0, idle = 0;

    for (size_t k = 0; k < fleet->count; k++) {
        const struct cost_region *region = &fleet->regions[k];
        double load = users * load_cores(region);
        loaded += load;
        idle += fmax(floor_cores(input, region) - load, 0);
        idle += compute->instances_spare * compute->instance_cores * region->services;
    }
    bill->cores = loaded + idle;
    bill->loaded_cores = loaded;
    bill->variable[COST_COMPUTE] = loaded * input->prices.core;
    bill->fixed[COST_COMPUTE] = idle * input->prices.core;
}

void cost_bill_make(const struct cost_input *input, const struct cost_fleet *fleet, double users,
                    struct cost_bill *ret_bill)
{
    struct cost_bill bill = {0};

    for (int item = 0; item < COST_ITEM_COUNT; item++) {
        bill.variable[item] = users * fleet->per_user[item];
        bill.fixed[item] = fleet->fixed[item];
    }
    bill_compute(input, fleet, users, &bill);
    if (input->prices.engineer > 0)
        bill.engineers =
            (bill.variable[COST_OPERATIONS] + bill.fixed[COST_OPERATIONS]) / input->prices.engineer;
    for (int item = 0; item < COST_ITEM_COUNT; item++)
        bill.total += bill.variable[item] + bill.fixed[item];
    bill.wait_loss = users * fleet->wait_loss;
    bill.outage_loss = users * fleet->outage_loss;
    *ret_bill = bill;
}

double cost_burden(const struct cost_input *input, const struct cost_fleet *fleet, double users)
{
    struct cost_bill bill;

    cost_bill_make(input, fleet, users, &bill);
    return bill.total + bill.wait_loss + bill.outage_loss;
}
