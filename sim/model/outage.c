#include "sim/model/outage.h"

#include <math.h>

double outage_mean_us(const struct outage *outage)
{
    return outage->median_us * exp(outage->sigma * outage->sigma / 2);
}

/* Of the standard normal distribution. */
static double below(double z)
{
    return erfc(-z / sqrt(2)) / 2;
}

/* The mean of what is shorter than @limit_us, and of @limit_us for what is longer. The first term
 * is the partial expectation of a log-normal variable, the second one the rest's share. */
static double mean_up_to(const struct outage *outage, double limit_us)
{
    double sigma = outage->sigma;
    double z;

    if (limit_us <= 0 || outage->median_us <= 0)
        return 0;
    if (isinf(limit_us))
        return outage_mean_us(outage);
    if (sigma <= 0)
        return fmin(outage->median_us, limit_us);
    z = log(limit_us / outage->median_us) / sigma;
    return outage_mean_us(outage) * below(z - sigma) + limit_us * below(-z);
}

double outage_mean_between_us(const struct outage *outage, double from_us, double to_us)
{
    return mean_up_to(outage, to_us) - mean_up_to(outage, from_us);
}
