/* latency: where a request's time goes: chains of stages, drawn many times.
 *
 * A stage is a piece of work, or some crossings of emulated links, or parallel branches of which
 * the slowest counts. Links are those of common/link, with their jitter and losses; work has a
 * log-normal spread around its median, or none. The same seed gives the same numbers, and a stage's
 * luck is its own: what is asked of one stage ("half as long") changes nothing about the others. */

#ifndef MEC_LATENCY_H
#define MEC_LATENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/link.h"
#include "sim/model/model.h"

#define LATENCY_STAGES_MAX 64 /* of one scenario, those of branches included */
#define LATENCY_NAME_SIZE  48

struct latency_chain;

struct latency_stage {
    char name[LATENCY_NAME_SIZE];
    double happens;     /* share of requests that have this stage */
    uint32_t times;     /* one after the other */
    double work_us;     /* median */
    double other_us;    /* likewise, of the share @other of the times: a miss instead of a hit */
    double other;       /* 0 to 1 */
    uint32_t crossings; /* of @out and then @back, round and round; 1: one way */
    struct link_profile out, back;
    uint32_t out_bytes, back_bytes;
    struct latency_chain *branches; /* in parallel; NULL: none */
    size_t branch_count;
    size_t number; /* within the scenario, in the order of the file */
};

struct latency_chain {
    struct latency_stage *stages;
    size_t count;
};

struct latency_scenario {
    char name[LATENCY_NAME_SIZE];
    char *about;  /* one line; "" */
    char *client; /* where its clients are */
    uint32_t region, far;
    struct latency_chain chain;
    size_t stage_count;  /* all, by their numbers */
    double objective_us; /* 0: none */
    double objective_percentile;
};

void latency_scenario_free(struct latency_scenario *scenario); /* its content */

struct latency_options {
    size_t samples;
    uint64_t seed;
    double spread; /* sigma of the logarithm of work; 0: none */
    size_t scaled; /* number of a stage whose time is multiplied; SIZE_MAX: none */
    double factor; /* by which */
};

/* Draw @options->samples requests. @ret_total_us gets each one's time, sorted. @ret_stage_us, of
 * @scenario->stage_count numbers, may be NULL: the mean of what each stage adds, where of parallel
 * branches only the slowest adds anything; so they sum to the mean. */
void latency_draw(const struct latency_scenario *scenario, const struct latency_options *options,
                  double *ret_total_us, double *ret_stage_us);

/* The smallest of @sorted that @percentile percent are not above (nearest rank). */
double latency_percentile(const double *sorted, size_t count, double percentile);

extern const struct model latency_model;

#endif
