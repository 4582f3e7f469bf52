/* All requests of a deployment, each kind of them once. */

#include "sim/model/traffic_internal.h"

struct walk {
    const struct traffic *traffic;
    const struct traffic_state *state;
    struct traffic_view view; /* from the place at which it is */
    double part;              /* of the operation in the mix */
    traffic_visit *visit;
    void *context;
};

static void decide(struct walk *walk, const struct traffic_question *question, double users)
{
    struct traffic_outcome outcome;

    if (users <= 0)
        return;
    traffic_view_decide(&walk->view, question, &outcome);
    walk->visit(walk->context, question, walk->part * users, users, &outcome);
}

/* Names are spread over the directories evenly, by a hash. */
static void directories(const struct deployment *deployment, double ret_shares[])
{
    for (size_t region = 0; region < deployment->region_count; region++)
        ret_shares[region] = 1 / (double)deployment->region_count;
}

static void walk_others(struct walk *walk, struct traffic_question *question, double users,
                        const double *shares)
{
    if (!traffic_operation(question->operation)->has_other) {
        decide(walk, question, users);
        return;
    }
    for (uint32_t other = 0; other < walk->traffic->region_count; other++) {
        question->other = other;
        decide(walk, question, users * shares[other]);
    }
    question->other = 0;
}

static void walk_homes(struct walk *walk, enum traffic_operation operation, uint32_t geo,
                       const double *shares)
{
    const struct deployment *deployment = walk->traffic->deployment;
    double users = deployment->geos[geo].users / deployment->users;
    struct traffic_question question = {.operation = operation, .geo = geo};

    traffic_view_init(&walk->view, walk->traffic, walk->state, geo);
    if (operation == TRAFFIC_SIGN_UP) { /* there is no home yet */
        walk_others(walk, &question, users, shares);
        return;
    }
    for (question.home = 0; question.home < walk->traffic->region_count; question.home++)
        walk_others(walk, &question, users * deployment->geos[geo].home_share[question.home],
                    shares);
}

void traffic_walk(const struct traffic *traffic, const struct traffic_state *state,
                  const double mix[TRAFFIC_OPERATION_COUNT], traffic_visit *visit, void *context)
{
    double shares[TOPOLOGY_REGIONS_MAX];
    struct walk walk;

    walk.traffic = traffic;
    walk.state = state;
    walk.visit = visit;
    walk.context = context;
    for (unsigned each = 0; each < TRAFFIC_OPERATION_COUNT; each++) {
        walk.part = mix[each];

        if (each == TRAFFIC_SIGN_UP)
            directories(traffic->deployment, shares);
        else
            /* Who shares with whom does not depend on places. */
            deployment_homes(traffic->deployment, shares);
        for (uint32_t geo = 0; geo < traffic->deployment->geo_count; geo++)
            walk_homes(&walk, (enum traffic_operation)each, geo, shares);
    }
}
