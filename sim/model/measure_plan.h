/* measure_plan: what is broken in a running world, and what it is asked then, so that what the
 * model says of failures can be held against it.
 *
 * A plan has each question of the traffic model once, in the order of asking. A question is a
 * request by a user of its own for each place and home: of one user, a write that waits in a queue
 * keeps newer ones behind it, so they would not be judged by themselves. */

#ifndef MEC_MEASURE_PLAN_H
#define MEC_MEASURE_PLAN_H

#include "sim/model/traffic.h"

/* In the order of asking: what depends on how long ago something broke goes first. What is read
 * again needs the writes behind it, and whatever hashes a password is asked for by few at a time:
 * a region's processors would be all that is measured. */
enum measure_phase {
    MEASURE_READS,
    MEASURE_WRITES,
    MEASURE_REREADS,
    MEASURE_HASHES,
    MEASURE_PHASE_COUNT
};

enum measure_phase measure_phase(enum traffic_operation operation);

struct measure_question {
    struct traffic_question question;
    double weight; /* share of all requests */
};

/* A user who asks: at home in `home`, at the place `geo`. */
struct measure_asker {
    uint32_t geo;
    uint32_t home;
};

#define MEASURE_ASKERS_MAX 128

struct measure_plan {
    struct measure_question *questions; /* by phase */
    size_t count;
    struct measure_asker *askers; /* each (geo, home) that a question is asked from */
    size_t asker_count;
};

/* Of everything in @mix that has any weight in @traffic's deployment. The caller owns the result.
 * Errors: -EINVAL, more than MEASURE_ASKERS_MAX askers; *@ret_error is a new string. */
int measure_plan_create(const struct traffic *traffic, const double mix[TRAFFIC_OPERATION_COUNT],
                        struct measure_plan **ret_plan, char **ret_error);
void measure_plan_free(struct measure_plan *plan);

/* The number of who asks @question; a sign-up is asked by nobody yet: SIZE_MAX. */
size_t measure_plan_asker(const struct measure_plan *plan, const struct traffic_question *question);

/* ---- failures ---- */

#define MEASURE_FAILURE_NAME_SIZE (GEO_NAME_SIZE + PARTS_NAME_SIZE)

struct measure_failure {
    char name[MEASURE_FAILURE_NAME_SIZE]; /* "us-east", "us-east/vault" */
    uint32_t region;
    bool whole; /* the region is killed; else `service` of it is down */
    enum parts_service service;
};

/* Each region, then each service of each: a new list of *@ret_count. @wanted picks some of them by
 * name ("us-east,eu-west/vault"); "": all.
 * Errors: -EINVAL, with a new *@ret_error: there is none of that name. */
int measure_plan_failures(const struct deployment *deployment, const char *wanted,
                          struct measure_failure **ret_failures, size_t *ret_count,
                          char **ret_error);

/* ---- when it is asked ---- */

#define MEASURE_ROUNDS_MAX 2

/* How long after @failure the world is asked about everything, at the earliest; 0: as soon as it
 * has been noticed. A region that is killed is asked about before and after the others stop to
 * trust what they know of revocations, as far as anybody would wait for that. Returns how many
 * times. */
size_t measure_plan_rounds(const struct measure_failure *failure, const struct traffic_rules *rules,
                           uint64_t ret_since_us[MEASURE_ROUNDS_MAX]);

/* Long enough for a write to have come to all copies that hear of it. */
uint64_t measure_plan_arrival_us(const struct deployment *deployment);

/* Does the model say the same of @failure for all of the time between? Else the answers of a round
 * would be of two kinds of time. */
bool measure_plan_is_even(const struct traffic_rules *rules, uint64_t from_us, uint64_t until_us);

/* What the model is told of it, @since_us after it happened. */
struct traffic_state measure_plan_state(const struct measure_failure *failure, uint64_t since_us);

#endif
