#include "sim/model/scale_wait.h"

#include <assert.h>
#include <math.h>

#define SECOND_US_F 1e6
#define NEGLIGIBLE  1e-17
#define HUGE_SUM    1e300

/* Erlang's B, upside down: the share that finds all of @servers busy at an offered load of @load,
 * where nobody waits, is one over this. Sums from the largest state down, where all terms are
 * positive, so nothing cancels; and ends early where they have become small. */
static double inverse_erlang_b(double servers, double load)
{
    double sum = 1;
    double term = 1;

    for (double k = servers; k > 0 && term > sum * NEGLIGIBLE && sum < HUGE_SUM; k--) {
        term *= k / load;
        sum += term;
    }
    return sum;
}

/* (1 - exp(-@x)) / @x, also for 0. */
static double mean_survival(double x)
{
    return fabs(x) < 1e-12 ? 1 : -expm1(-x) / x;
}

struct scale_wait scale_wait_of(double arrivals_per_s, double capacity_per_s, double workers,
                                double most_us)
{
    struct scale_wait wait = {.drain_us = INFINITY, .most_us = most_us};

    assert(capacity_per_s > 0 && workers >= 1);
    if (arrivals_per_s <= 0)
        return wait;
    double load = arrivals_per_s / capacity_per_s * workers; /* in servers */
    double excess = (capacity_per_s - arrivals_per_s) * most_us / SECOND_US_F;

    /* Somebody is free; all are busy and the wait would be in bounds; it would be out of them. Each
     * by itself relative to the last but one state of the servers, as of Barrer's density
     * exp(-(capacity - arrivals) wait), and all times exp(excess) when that would overflow. */
    double scale = excess < 0 ? exp(excess) : 1;
    double free = inverse_erlang_b(workers - 1, load) * scale;
    double within = arrivals_per_s * most_us / SECOND_US_F *
                    (excess < 0 ? mean_survival(-excess) : mean_survival(excess));
    double beyond = arrivals_per_s / capacity_per_s * (excess < 0 ? 1 : exp(-excess));

    wait.shed = beyond / (free + within + beyond);
    wait.waits = within / (free + within);
    if (excess != 0) {
        wait.drain_us = SECOND_US_F / (capacity_per_s - arrivals_per_s);
        wait.below_most = -expm1(-fabs(excess));
    }
    return wait;
}

double scale_wait_us(const struct scale_wait *wait, double luck)
{
    if (!isfinite(wait->drain_us) || wait->below_most < 1e-9)
        return luck * wait->most_us;
    if (wait->drain_us > 0)
        return -log1p(-luck * wait->below_most) * wait->drain_us;
    /* The mirror image: so long below the bound. */
    return fmax(0, wait->most_us + log1p(-(1 - luck) * wait->below_most) * -wait->drain_us);
}

double scale_wait_mean_us(const struct scale_wait *wait)
{
    double bound = wait->most_us;

    if (!isfinite(wait->drain_us) || wait->below_most < 1e-9)
        return wait->waits * bound / 2;
    double drain = fabs(wait->drain_us);
    double mean = drain - bound * (1 - wait->below_most) / wait->below_most;
    return wait->waits * (wait->drain_us > 0 ? mean : bound - mean);
}
