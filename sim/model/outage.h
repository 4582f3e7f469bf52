/* outage: how long failures last: a log-normal distribution, in closed form. */

#ifndef MEC_OUTAGE_H
#define MEC_OUTAGE_H

struct outage {
    double median_us;
    double sigma; /* of the logarithm; 0: all are equally long */
};

double outage_mean_us(const struct outage *outage);

/* How much of an outage lies between @from_us and @to_us after its beginning, on average; @to_us
 * may be infinite. */
double outage_mean_between_us(const struct outage *outage, double from_us, double to_us);

#endif
