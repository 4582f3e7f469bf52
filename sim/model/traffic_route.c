/* The router's part: routerd/deciding.c and asking.c, in a world that stands still. */

#include "common/problem.h"
#include "sim/model/traffic_internal.h"

/* One request on its way through the router. */
struct routing {
    struct traffic_view *view;
    const struct traffic_question *question;
    struct traffic_end *end;
    struct policy_question policy;
};

/* An account's home is the nearest region that can take it. */
static uint32_t new_home(const struct routing *routing)
{
    struct policy_question anywhere = routing->policy;

    anywhere.class = ROUTE_LOCAL;
    return policy_decide(&anywhere).region;
}

static void begin(struct routing *routing)
{
    const struct traffic *traffic = routing->view->traffic;
    enum traffic_operation operation = routing->question->operation;

    routing->policy = (struct policy_question){
        .class = traffic->routes[operation]->class,
        .consistency = MEC__CONSISTENCY__SESSION,
        .home = routing->question->home,
        .forced = POLICY_NONE,
        .queued_at = POLICY_NONE,
        .enqueuing_at = POLICY_NONE,
        .queue_writes = traffic->rules.queue_writes,
        .regions = traffic_view_known(routing->view, operation),
        .region_count = traffic->region_count,
    };
    /* A log-in names no shard: any region finds the home by the name and passes it on. */
    if (operation == TRAFFIC_LOG_IN) {
        routing->policy.class = ROUTE_LOCAL;
        routing->policy.home = POLICY_NONE;
    }
    if (operation == TRAFFIC_SIGN_UP)
        routing->policy.home = new_home(routing);
}

static bool may_write(const struct policy_question *policy)
{
    return policy->class == ROUTE_WRITE || policy->class == ROUTE_SENSITIVE;
}

static void refuse(struct routing *routing, int problem, const char *why)
{
    bool behind = routing->policy.consistency == MEC__CONSISTENCY__STRONG;

    routing->end->problem = behind ? (int)PROBLEM_BEHIND : problem;
    routing->end->why = why;
}

/* Others may be asked. */
static bool decline(struct routing *routing, uint32_t region)
{
    routing->policy.tried |= 1u << region;
    routing->end->region = POLICY_NONE;
    return false;
}

/* Returns true when the request has come to its end. */
static bool ask(struct routing *routing, const struct policy_decision *decision)
{
    struct traffic_end *end = routing->end;
    const struct deployment *deployment = routing->view->traffic->deployment;
    struct traffic_call call = {routing->view, routing->question, decision->region};

    end->tries++;
    end->asked |= 1u << decision->region;
    end->region = decision->region;
    end->why = decision->why;
    end->way_us += deployment->geos[routing->question->geo].round_trip_us[decision->region];
    if ((routing->view->state->overloaded >> decision->region & 1u) != 0)
        return decline(routing, decision->region);
    if (decision->mode == MEC__CALL_MODE__ENQUEUE) {
        end->queued = true;
        return true;
    }
    switch (traffic_serve(&call, end)) {
    case TRAFFIC_SERVED:
        end->served = true;
        return true;
    case TRAFFIC_REFUSED:
        return true;
    case TRAFFIC_BEHIND:
        routing->policy.consistency = MEC__CONSISTENCY__STRONG;
        break;
    case TRAFFIC_DECLINED:
        break;
    }
    return decline(routing, decision->region);
}

void traffic_route(struct traffic_view *view, const struct traffic_question *question,
                   struct traffic_end *ret_end)
{
    struct routing routing = {.view = view, .question = question, .end = ret_end};

    *ret_end = (struct traffic_end){.region = POLICY_NONE, .problem = PROBLEM_NONE};
    begin(&routing);
    for (;;) {
        struct policy_decision decision = policy_decide(&routing.policy);

        if (decision.verdict == POLICY_REFUSE) {
            refuse(&routing, decision.problem, decision.why);
            return;
        }
        if (!may_write(&routing.policy) && ret_end->tries >= POLICY_READ_TRIES_MAX) {
            refuse(&routing, PROBLEM_NO_REGION, "several regions were asked in vain");
            return;
        }
        if (ask(&routing, &decision))
            return;
    }
}
