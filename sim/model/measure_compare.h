/* measure_compare: shares out of what a running world has answered while something was broken, held
 * against those that the blast-radius model says. */

#ifndef MEC_MEASURE_COMPARE_H
#define MEC_MEASURE_COMPARE_H

#include "sim/model/measure_answer.h"
#include "sim/model/measure_plan.h"

#define MEASURE_SHARE_BAR 0.03 /* shares may differ by so much */

/* The answer to a question of a plan, and what it took when all was well. */
struct measure_observed {
    struct measure_answer answer;
    uint64_t usual_us;
};

/* The tables of a result that comparisons go to. */
struct measure_compare {
    struct result *result;
    struct result_table *rounds;
    struct result_table *shares;
    struct result_table *odd;
    size_t compared;
    size_t missed; /* rounds with a share out of the bar */
    size_t answers;
    size_t agreed;
};

struct measure_compare measure_compare_begin(struct result *result);

/* Hold one round against what @traffic says of @failure, @since_us after it happened: @observed has
 * an answer for each question of @plan, which was made of @mix. */
void measure_compare_round(struct measure_compare *compare, const struct traffic *traffic,
                           const double mix[TRAFFIC_OPERATION_COUNT],
                           const struct measure_plan *plan, const struct measure_failure *failure,
                           uint64_t since_us, const struct measure_observed *observed);

/* Say what came of all rounds; fails the result when a share was out of the bar. */
void measure_compare_end(struct measure_compare *compare);

#endif
