/* scale_wait: how long requests wait at a region, by how busy it is.
 *
 * A region is so many workers, with requests coming at random (Poisson) and service times that vary
 * (exponential). A request that would wait longer than a bound is turned away at once, so the queue
 * stays short however much comes: M/M/c with balking by the offered wait, of which the distribution
 * is known in closed form (Barrer, "Queuing with impatient customers and ordered service",
 * Operations Research 5, 1957). Without a bound it is Erlang's C, with a bound of 0 his B. */

#ifndef MEC_SCALE_WAIT_H
#define MEC_SCALE_WAIT_H

#include <stdint.h>

struct scale_wait {
    double shed;       /* share of all that is turned away */
    double waits;      /* share of those let in that has to wait */
    double drain_us;   /* 1 / rate at which long waits become rarer; below 0: overload, long waits
                          are commoner than short ones; infinite: all are alike */
    double most_us;    /* the bound */
    double below_most; /* 1 - exp(-most / |drain|) */
};

/* A region of @workers, at least 1, which together serve @capacity requests a second, more than 0,
 * while @arrivals a second come. */
struct scale_wait scale_wait_of(double arrivals_per_s, double capacity_per_s, double workers,
                                double most_us);

/* The wait of one of those that have to, for @luck in [0, 1). */
double scale_wait_us(const struct scale_wait *wait, double luck);

/* The mean wait of all that are let in. */
double scale_wait_mean_us(const struct scale_wait *wait);

#endif
