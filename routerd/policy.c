#include "routerd/policy.h"

#include <assert.h>

#include "common/plant.h"
#include "common/problem.h"
#include "common/reach.h"

static struct policy_decision ask(uint32_t region, Mec__CallMode mode, const char *why)
{
    return (struct policy_decision){
        .verdict = POLICY_ASK,
        .region = region,
        .mode = mode,
        .problem = PROBLEM_NONE,
        .why = why,
    };
}

static struct policy_decision refuse(enum problem_id problem, const char *why)
{
    return (struct policy_decision){
        .verdict = POLICY_REFUSE,
        .region = POLICY_NONE,
        .problem = (int)problem,
        .why = why,
    };
}

static bool was_tried(const struct policy_question *question, uint32_t region)
{
    return (question->tried >> region & 1u) != 0;
}

static bool is_usable(const struct policy_question *question, uint32_t region)
{
    if (region == POLICY_NONE || was_tried(question, region))
        return false;
    const struct policy_region *known = &question->regions[region];
    return known->healthy && known->service_up;
}

static bool takes_writes(const struct policy_question *question, uint32_t region)
{
    return is_usable(question, region) && question->regions[region].writable;
}

/* The region is well, and only a service keeps it from doing this. */
static bool lacks_service(const struct policy_question *question, uint32_t region)
{
    return region != POLICY_NONE && question->regions[region].healthy &&
           (!question->regions[region].service_up || (question->unserved >> region & 1u) != 0);
}

static struct policy_decision refuse_service(const char *why)
{
    reach(SERVICE_REFUSED);
    return refuse(PROBLEM_SERVICE_UNAVAILABLE, why);
}

/* The nearest region that @fits, the first of equals; POLICY_NONE without one. */
static uint32_t nearest(const struct policy_question *question, uint32_t except,
                        bool (*fits)(const struct policy_question *question, uint32_t region))
{
    uint32_t best = POLICY_NONE;
    for (uint32_t region = 0; region < question->region_count; region++) {
        if (question->regions[region].healthy && !question->regions[region].service_up)
            reach(SERVICE_DOWN_THERE);
        if (region == except || !fits(question, region))
            continue;
        if (best == POLICY_NONE ||
            question->regions[region].round_trip_us < question->regions[best].round_trip_us)
            best = region;
    }
    return best;
}

static struct policy_decision decide_anywhere(const struct policy_question *question)
{
    uint32_t region = nearest(question, POLICY_NONE, is_usable);
    if (region != POLICY_NONE)
        return ask(region, MEC__CALL_MODE__SERVE, "nearest healthy region");
    for (region = 0; region < question->region_count; region++) {
        if (lacks_service(question, region))
            return refuse_service("its service is away in the regions that are reachable");
    }
    reach(NO_REGION);
    return refuse(PROBLEM_NO_REGION, "no region that could serve this is reachable");
}

static struct policy_decision decide_read(const struct policy_question *question)
{
    if (question->consistency != MEC__CONSISTENCY__STRONG)
        return decide_anywhere(question);
    if (!is_usable(question, question->home)) {
        if (PLANTED(STRONG_AWAY))
            return decide_anywhere(question);
        if (lacks_service(question, question->home))
            return refuse_service("a strong read needs the home, whose service is away");
        reach(STRONG_REFUSED);
        return refuse(PROBLEM_HOME_UNAVAILABLE, "a strong read needs the home, which is away");
    }
    return ask(question->home, MEC__CALL_MODE__SERVE, "home: strong read");
}

static struct policy_decision decide_behind_queue(const struct policy_question *question)
{
    if (takes_writes(question, question->queued_at)) {
        reach(WRITE_BEHIND_QUEUE);
        return ask(question->queued_at, MEC__CALL_MODE__ENQUEUE,
                   "behind the user's earlier queued writes");
    }
    reach(QUEUE_OUT_OF_REACH);
    if (question->maybe_written)
        return refuse(PROBLEM_FATE_UNKNOWN, "a try has an unknown fate, and the queue is away");
    return refuse(PROBLEM_QUEUE_UNREACHABLE, "the user's earlier queued writes are out of reach");
}

static struct policy_decision refuse_apart(const struct policy_question *question)
{
    reach(QUEUED_APART);
    if (question->maybe_written)
        return refuse(PROBLEM_FATE_UNKNOWN,
                      "a try has an unknown fate, and two queues hold others");
    return refuse(PROBLEM_QUEUE_UNREACHABLE, "the user's earlier writes wait in two queues");
}

/* Where another one of the user is heading, so that they do not wait apart; else the nearest. */
static uint32_t choose_queue(const struct policy_question *question)
{
    if (question->enqueuing_at != question->home &&
        takes_writes(question, question->enqueuing_at)) {
        reach(QUEUE_OF_ANOTHER_TRY);
        return question->enqueuing_at;
    }
    return nearest(question, question->home, takes_writes);
}

/* What to tell of a write that can neither go home nor wait. */
static struct policy_decision refuse_write(const struct policy_question *question)
{
    bool service = lacks_service(question, question->home);
    if (!question->queue_writes) {
        reach(READ_ONLY);
        return refuse(PROBLEM_READ_ONLY,
                      service ? "home's service away, and this world is read-only without it"
                              : "home away, and this world is read-only without it");
    }
    if (service)
        return refuse_service("home's service away, and no region can queue the write");
    reach(NO_QUEUE);
    return refuse(PROBLEM_NO_REGION, "home away, and no region can queue the write");
}

static struct policy_decision decide_home_away(const struct policy_question *question)
{
    uint32_t region = question->queue_writes ? choose_queue(question) : POLICY_NONE;
    if (region != POLICY_NONE && lacks_service(question, question->home)) {
        reach(QUEUED_FOR_SERVICE);
        return ask(region, MEC__CALL_MODE__ENQUEUE, "home's service away: queued");
    }
    if (region != POLICY_NONE)
        return ask(region, MEC__CALL_MODE__ENQUEUE, "home away: queued");
    if (question->maybe_written) {
        reach(WRITE_FATE_UNKNOWN);
        return refuse(PROBLEM_FATE_UNKNOWN, "a try at the home has an unknown fate");
    }
    return refuse_write(question);
}

/* A home that is moving is none for a moment; what it was asked before may have happened. */
static struct policy_decision refuse_homeless(const struct policy_question *question)
{
    if (question->maybe_written)
        return refuse(PROBLEM_FATE_UNKNOWN, "a try has an unknown fate, and the home is moving");
    return refuse(PROBLEM_HOME_UNAVAILABLE, "the home is not known");
}

static struct policy_decision decide_write(const struct policy_question *question)
{
    /* Order first: while earlier writes of the user wait in a queue, a newer one goes behind them
     * even when the home is back. */
    if (question->queued_apart)
        return refuse_apart(question);
    if (question->queued_at != POLICY_NONE)
        return decide_behind_queue(question);
    if (question->home == POLICY_NONE)
        return refuse_homeless(question);
    if (takes_writes(question, question->home))
        return ask(question->home, MEC__CALL_MODE__SERVE, "home: write");
    return decide_home_away(question);
}

static struct policy_decision decide_sensitive(const struct policy_question *question)
{
    if (is_usable(question, question->home))
        return ask(question->home, MEC__CALL_MODE__SERVE, "home: never queued nor stale");
    if (question->maybe_written) {
        reach(SENSITIVE_FATE_UNKNOWN);
        return refuse(PROBLEM_FATE_UNKNOWN, "a try at the home has an unknown fate");
    }
    if (lacks_service(question, question->home))
        return refuse_service("only the home may do this, and its service is away");
    reach(SENSITIVE_REFUSED);
    return refuse(PROBLEM_HOME_UNAVAILABLE, "only the home may do this, and it is away");
}

/* A receipt's home is the region that accepted the write. */
static struct policy_decision decide_receipt(const struct policy_question *question)
{
    if (is_usable(question, question->home))
        return ask(question->home, MEC__CALL_MODE__SERVE, "the region that gave the receipt");
    if (lacks_service(question, question->home))
        return refuse_service("the region that gave the receipt has its service away");
    reach(RECEIPT_OUT_OF_REACH);
    return refuse(PROBLEM_NO_REGION, "the region that gave the receipt is away");
}

/* Nobody else may do anything for a user whose data may not lie at their home. */
static bool is_homed_outside(const struct policy_question *question)
{
    return question->class != ROUTE_LOCAL && question->class != ROUTE_RECEIPT &&
           question->home != POLICY_NONE && question->regions[question->home].outside;
}

static struct policy_decision refuse_homed_outside(const struct policy_question *question)
{
    if (question->maybe_written)
        return refuse(PROBLEM_FATE_UNKNOWN, "a try has an unknown fate, and the home has moved");
    reach(HOME_OUTSIDE);
    return refuse(PROBLEM_RESIDENCY, "the data of the service may not lie at the user's home");
}

static bool only_home_may(const struct policy_question *question)
{
    switch (question->class) {
    case ROUTE_READ:
        return question->consistency == MEC__CONSISTENCY__STRONG;
    case ROUTE_WRITE:
    case ROUTE_SENSITIVE:
    case ROUTE_RECEIPT:
        return true;
    case ROUTE_LOCAL:
        return false;
    }
    assert(false && "a route class");
    return true;
}

/* Forcing is for teaching and tests: the region asked for or an error, never a detour. */
static struct policy_decision decide_forced(const struct policy_question *question)
{
    if (question->maybe_written)
        return refuse(PROBLEM_FATE_UNKNOWN, "a try at the forced region has an unknown fate");
    if (only_home_may(question) && question->forced != question->home)
        return refuse(PROBLEM_FORCED_REGION, "the forced region is not the one that may do this");
    if (question->class == ROUTE_WRITE &&
        (question->queued_at != POLICY_NONE || question->queued_apart))
        return refuse(PROBLEM_FORCED_REGION, "earlier writes of the user wait in a queue");
    if (!is_usable(question, question->forced)) {
        reach(FORCED_AWAY);
        return refuse(PROBLEM_FORCED_REGION, lacks_service(question, question->forced)
                                                 ? "the service of the forced region is away"
                                                 : "the forced region is away");
    }
    return ask(question->forced, MEC__CALL_MODE__SERVE, "forced by the request");
}

/* A write that goes home now could overtake one that waits. */
static struct policy_decision refuse_too_early(const struct policy_question *question)
{
    reach(WRITE_TOO_EARLY);
    if (question->maybe_written)
        return refuse(PROBLEM_FATE_UNKNOWN, "a try has an unknown fate, and so have the queues");
    return refuse(PROBLEM_QUEUE_UNREACHABLE,
                  "the router has just started and does not know yet whose writes wait");
}

struct policy_decision policy_decide(const struct policy_question *question)
{
    assert(question->region_count <= POLICY_REGIONS_MAX);
    if (is_homed_outside(question))
        return refuse_homed_outside(question);
    if (question->class == ROUTE_WRITE && question->queues_unknown)
        return refuse_too_early(question);
    if (question->forced != POLICY_NONE)
        return decide_forced(question);
    switch (question->class) {
    case ROUTE_READ:
        return decide_read(question);
    case ROUTE_WRITE:
        return decide_write(question);
    case ROUTE_SENSITIVE:
        return decide_sensitive(question);
    case ROUTE_RECEIPT:
        return decide_receipt(question);
    case ROUTE_LOCAL:
        return decide_anywhere(question);
    }
    assert(false && "a route class");
    return refuse(PROBLEM_INTERNAL, "no such class");
}
