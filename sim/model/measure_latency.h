/* measure_latency: how the four ways that a read usually goes are measured on a running world, and
 * how that stands against the latency model.
 *
 * A way is measured by sending the same read again and again. That it was really that way the world
 * itself must say: by who has answered, and by what its regions have counted. */

#ifndef MEC_MEASURE_LATENCY_H
#define MEC_MEASURE_LATENCY_H

#include "sim/model/latency.h"
#include "sim/model/measure_answer.h"
#include "sim/model/measure_world.h"

/* The model's built-in scenarios. */
enum measure_latency_way {
    MEASURE_LATENCY_HIT,
    MEASURE_LATENCY_MISS,
    MEASURE_LATENCY_FAR,
    MEASURE_LATENCY_EDGE,
    MEASURE_LATENCY_COUNT
};

struct measure_latency_row {
    const char *name;       /* of the scenario */
    bool user_is_far;       /* the user's home is the far region */
    bool strong;            /* what is read must be the newest */
    bool regional_disabled; /* caches of the region near the client */
    bool edge_disabled;
};

const struct measure_latency_row *measure_latency_row(enum measure_latency_way way);

/* What is measured for a scenario, and what the model says. */
struct measure_latency_item {
    enum measure_latency_way way;
    const char *client;      /* where it is asked; of the scenario or of the deployment */
    uint32_t region, far;    /* near the client; the user's home where that is far */
    uint32_t home, answerer; /* of the user; who must answer */
    double modelled_us;      /* p50 */
};

struct measure_latency_plan {
    struct deployment *deployment;
    struct latency_scenario *scenarios;
    size_t scenario_count;
    struct measure_latency_item items[MEASURE_LATENCY_COUNT];
    size_t count;
    size_t samples;
};

/* Of the scenarios that @params has; those of other names than the built-in ones are not measured.
 * The caller releases *@ret_plan with measure_latency_plan_free().
 * Errors: -EINVAL, with a new *@ret_error: a parameter makes no sense, or there is nothing to
 * measure. */
int measure_latency_plan(const struct params *params, struct measure_latency_plan *ret_plan,
                         char **ret_error);
void measure_latency_plan_free(struct measure_latency_plan *plan); /* its content */

/* Was this one of the answers that are wanted? Else *@ret_why is a new string. */
bool measure_latency_is_wanted(const struct measure_latency_plan *plan,
                               const struct measure_latency_item *item,
                               const struct measure_answer *answer, char **ret_why);

/* Have the stages of the scenario been gone through, by what the answering region counted before
 * and after @samples requests? Else *@ret_why is a new string. */
bool measure_latency_was_real(const struct measure_latency_item *item,
                              const struct measure_counters *before,
                              const struct measure_counters *after, size_t samples, char **ret_why);

/* Within 5 % or 1 ms. */
bool measure_latency_is_within(double modelled_us, double measured_us);

/* What was measured of each item; sorted. */
struct measure_latency_samples {
    double *us;
    size_t count;
};

/* Puts the table "against" into @result, and fails it when a median is out of the bar. */
void measure_latency_compare(const struct measure_latency_plan *plan,
                             const struct measure_latency_samples *samples, struct result *result);

#endif
